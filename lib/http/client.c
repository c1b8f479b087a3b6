/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - runs requests on the event loop: curl's sockets and timers, our timeouts
 */
#include "lib/http/client.h"

#include <assert.h>
#include <string.h>

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "lib/base/clk.h"
#include "lib/http/client_easy.h"

enum { HTTP_CONNECTIONS_MAX = 16 };

struct http_socket {
	TAILQ_ENTRY(http_socket) link;
	struct event event;
};

struct http_client {
	struct event_base *base;
	CURLM *multi;
	struct event timer;
	struct http_remote *remote;
	long connections_max;
	long streams_count;              /* calls with on_data: they do not count as connections */
	bool in_curl;                    /* curl is on the stack: handles must stay as they are */
	unsigned depth;                  /* callbacks of ours on the stack */
	bool freed;                      /* by the user, in one of them */
	TAILQ_HEAD(, http_call) calls;   /* known to curl */
	TAILQ_HEAD(, http_call) waiting; /* started while curl was on the stack */
	TAILQ_HEAD(, http_socket) sockets;
};

static void http_limits_set(struct http_client *c)
{
	long most = c->connections_max + c->streams_count;

	(void)curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
	/* connections in use count here too: with fewer, each call would make one and close it */
	(void)curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, most);
}

/* Takes the call out of everything; it may be freed then. */
static void http_call_detach(struct http_call *call)
{
	struct http_client *c = call->client;

	(void)event_del(&call->deadline);
	(void)event_del(&call->idle);
	if (call->is_waiting)
		TAILQ_REMOVE(&c->waiting, call, link);
	else
		TAILQ_REMOVE(&c->calls, call, link);
	if (!call->is_waiting)
		(void)curl_multi_remove_handle(c->multi, call->easy);
	if (call->on_data != NULL) {
		c->streams_count--;
		http_limits_set(c);
	}
}

/* Not while curl is on the stack. */
static void http_call_finish(struct http_call *call, const struct err *why)
{
	struct http_response res = {.body = ""};
	long status = 0;

	http_call_detach(call);
	if (why == NULL) {
		(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		res.status = (int)status;
		res.retry_after_ms = http_easy_retry_after_ms(call);
		if (call->body.data != NULL) {
			res.body = call->body.data;
			res.body_bytes = call->body.bytes;
		}
	}
	res.err = why;
	if (!call->is_cancelled && call->on_done != NULL)
		call->on_done(call->arg, &res);
	http_call_destroy(call);
}

static void http_client_destroy(struct http_client *c)
{
	struct http_call *call;
	struct http_socket *s;

	while ((call = TAILQ_FIRST(&c->waiting)) != NULL ||
	       (call = TAILQ_FIRST(&c->calls)) != NULL) {
		http_call_detach(call);
		http_call_destroy(call);
	}
	(void)curl_multi_cleanup(c->multi);
	while ((s = TAILQ_FIRST(&c->sockets)) != NULL) {
		TAILQ_REMOVE(&c->sockets, s, link);
		(void)event_del(&s->event);
		free(s);
	}
	(void)event_del(&c->timer);
	http_remote_free(c->remote);
	free(c);
}

static void http_call_add(struct http_call *call)
{
	struct http_client *c = call->client;
	struct err why;

	TAILQ_INSERT_TAIL(&c->calls, call, link);
	http_limits_set(c);
	if (curl_multi_add_handle(c->multi, call->easy) == CURLM_OK)
		return;
	(void)err_set(&why, ERR_NOMEM, 0, "%s", call->what);
	http_call_finish(call, &why);
}

/* What could not be done while curl was on the stack */
static void http_client_catch_up(struct http_client *c)
{
	struct http_call *call;
	struct http_call *next;
	CURLMsg *msg;
	int left;

	while (!c->freed && (msg = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct err why;
		int r;

		if (curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call) != CURLE_OK)
			continue;
		r = http_easy_result(call, msg->data.result, &why);
		http_call_finish(call, r < 0 ? &why : NULL);
	}
	for (call = TAILQ_FIRST(&c->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, link);
		if (call->is_cancelled) {
			http_call_detach(call);
			http_call_destroy(call);
		}
	}
	while (!c->freed && (call = TAILQ_FIRST(&c->waiting)) != NULL) {
		TAILQ_REMOVE(&c->waiting, call, link);
		call->is_waiting = false;
		http_call_add(call);
	}
}

static void http_client_enter(struct http_client *c)
{
	c->depth++;
}

static void http_client_leave(struct http_client *c)
{
	if (--c->depth == 0 && c->freed)
		http_client_destroy(c);
}

static void http_client_turn(struct http_client *c, curl_socket_t fd, int what)
{
	int running;

	http_client_enter(c);
	c->in_curl = true;
	(void)curl_multi_socket_action(c->multi, fd, what, &running);
	c->in_curl = false;
	http_client_catch_up(c);
	http_client_leave(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	http_client_turn(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	http_client_turn(arg, fd,
	                 (what & EV_READ ? CURL_CSELECT_IN : 0) |
	                         (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_client *c = arg;
	struct timeval tv = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	if (timeout_ms < 0)
		(void)event_del(&c->timer);
	else
		(void)event_add(&c->timer, &tv);
	return 0;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http_client *c = arg;
	struct http_socket *s = socket_arg;
	short events = EV_PERSIST;

	if (s != NULL)
		(void)event_del(&s->event);
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			TAILQ_REMOVE(&c->sockets, s, link);
		free(s);
		return 0;
	}
	if (s == NULL) {
		s = calloc(1, sizeof *s);
		if (s == NULL)
			return -1;
		TAILQ_INSERT_TAIL(&c->sockets, s, link);
		(void)curl_multi_assign(c->multi, fd, s);
	}
	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	(void)event_assign(&s->event, c->base, fd, events, on_socket, c);
	return event_add(&s->event, NULL);
}

static void http_call_time_out(struct http_call *call, const char *what)
{
	struct http_client *c = call->client;
	struct err why;

	(void)err_set(&why, ERR_TIMEOUT, 0, "%s: %s", call->what, what);
	http_client_enter(c);
	http_call_finish(call, &why);
	http_client_leave(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	http_call_time_out(arg, "no answer in time");
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	http_call_time_out(arg, "nothing heard for too long");
}

int http_client_new(struct event_base *base, const struct http_client_opts *opts,
                    struct http_client **ret_client, struct err *err)
{
	static bool curl_is_ready;
	struct http_client *c;

	if (!curl_is_ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_SYS, 0, "libcurl does not start");
	curl_is_ready = true;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_set(err, ERR_NOMEM, 0, "http client");
	c->base = base;
	c->connections_max = opts->connections_max ? opts->connections_max : HTTP_CONNECTIONS_MAX;
	TAILQ_INIT(&c->calls);
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->sockets);
	(void)evtimer_assign(&c->timer, base, on_timer, c);
	if (http_remote_new(opts, &c->remote, err) < 0) {
		free(c);
		return -1;
	}
	c->multi = curl_multi_init();
	if (c->multi == NULL) {
		http_remote_free(c->remote);
		free(c);
		return err_set(err, ERR_NOMEM, 0, "http client");
	}
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	http_limits_set(c);
	*ret_client = c;
	return 0;
}

void http_client_free(struct http_client *c)
{
	struct http_call *call;

	if (c == NULL || c->freed)
		return;
	c->freed = true;
	TAILQ_FOREACH(call, &c->calls, link)
		call->is_cancelled = true;
	if (c->depth == 0)
		http_client_destroy(c);
}

static void http_timer_arm(struct event *timer, uint64_t ms)
{
	struct timeval tv = clk_timeval(ms);

	if (ms > 0)
		(void)event_add(timer, &tv);
}

static void on_heard(struct http_call *call)
{
	http_timer_arm(&call->idle, call->idle_timeout_ms);
}

int http_call_start(struct http_client *c, const struct http_request *req,
                    struct http_call **ret_call, struct err *err)
{
	struct http_call *call;

	assert(!c->freed);
	if (http_call_new(c->remote, req, &call, err) < 0)
		return -1;
	call->client = c;
	call->on_heard = on_heard;
	(void)evtimer_assign(&call->deadline, c->base, on_deadline, call);
	(void)evtimer_assign(&call->idle, c->base, on_idle, call);
	if (c->in_curl) {
		call->is_waiting = true;
		TAILQ_INSERT_TAIL(&c->waiting, call, link);
	} else if (curl_multi_add_handle(c->multi, call->easy) == CURLM_OK) {
		TAILQ_INSERT_TAIL(&c->calls, call, link);
	} else {
		http_call_destroy(call);
		return err_set(err, ERR_NOMEM, 0, "http call");
	}
	if (call->on_data != NULL) {
		c->streams_count++;
		http_limits_set(c);
	}
	http_timer_arm(&call->deadline, req->timeout_ms);
	on_heard(call);
	if (ret_call != NULL)
		*ret_call = call;
	return 0;
}

void http_call_cancel(struct http_call *call)
{
	if (call == NULL || call->is_cancelled)
		return;
	call->is_cancelled = true;
	if (call->client->in_curl && !call->is_waiting)
		return;
	http_call_detach(call);
	http_call_destroy(call);
}
