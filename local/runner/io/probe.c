/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - asks a container by HTTP, TCP or a command how it is, again and again
 */
#include "local/runner/io/probe.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>

#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"
#include "local/runner/core/pod_probe.h"
#include "local/runner/io/podman.h"
#include "local/runner/io/timer.h"

struct prober {
	struct prober_opts opts;
	struct pod_probe probe;
	char address[64];
	struct event *timer;    /* next run */
	struct event *deadline; /* of the run under way */
	struct evhttp_connection *http;
	struct bufferevent *tcp;
	struct podman_call *call;
	struct event *answered; /* the next turn of the loop after an HTTP answer */
	bool http_ok;
	char exec_id[80];
	bool running;
};

/* Ends what is under way; its callbacks do not run any more. */
static void run_clear(struct prober *p)
{
	struct evhttp_connection *http = TAKE_PTR(p->http);
	struct bufferevent *tcp = TAKE_PTR(p->tcp);
	struct podman_call *call = TAKE_PTR(p->call);

	p->running = false;
	(void)evtimer_del(p->deadline);
	if (http != NULL)
		evhttp_connection_free(http);
	if (tcp != NULL)
		bufferevent_free(tcp);
	podman_cancel(call);
}

/* One answer. The prober may be freed in here. */
static void run_end(struct prober *p, bool ok)
{
	enum pod_probe_verdict verdict;

	run_clear(p);
	timer_after(p->timer, p->probe.period_ms);
	verdict = pod_probe_feed(&p->probe, ok);
	if (verdict != POD_PROBE_SAME)
		p->opts.on_verdict(p->opts.arg, p->opts.kind, verdict == POD_PROBE_SUCCEEDED);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	run_end(arg, false);
}

/* libevent frees the request after this; the connection must not be freed from inside it, so the
 * answer is handed to the next turn of the loop. */
static void on_http_answer(struct evhttp_request *req, void *arg)
{
	struct prober *p = arg;
	int code = req ? evhttp_request_get_response_code(req) : 0;

	if (p->http == NULL)
		return; /* being cleared */
	p->http_ok = code >= 200 && code < 400;
	event_active(p->answered, 0, 0);
}

static void on_answered(evutil_socket_t fd, short what, void *arg)
{
	struct prober *p = arg;

	if (p->running)
		run_end(p, p->http_ok);
}

static bool run_http(struct prober *p)
{
	struct evhttp_request *req = evhttp_request_new(on_http_answer, p);
	struct evkeyvalq *out = req ? evhttp_request_get_output_headers(req) : NULL;
	bool host = false;
	char host_text[80];
	json_t *header;
	size_t i;

	p->http = evhttp_connection_base_new(p->opts.base, NULL, p->address, p->probe.port);
	if (p->http == NULL || req == NULL) {
		if (req != NULL)
			evhttp_request_free(req);
		return false;
	}
	json_array_foreach(p->probe.headers, i, header) {
		const char *name = json_str_at(header, "", "name", NULL);

		host = host || strcasecmp(name, "Host") == 0;
		(void)evhttp_add_header(out, name, json_str_at(header, "", "value", NULL));
	}
	(void)snprintf(host_text, sizeof host_text, "%s:%u", p->address, p->probe.port);
	if (!host)
		(void)evhttp_add_header(out, "Host", host_text);
	(void)evhttp_add_header(out, "Connection", "close");
	(void)evhttp_add_header(out, "User-Agent", "kube-probe/sc-local");
	/* the connection owns the request, also when this fails */
	return evhttp_make_request(p->http, req, EVHTTP_REQ_GET, p->probe.path) == 0;
}

static void on_tcp_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	run_end(arg, (what & BEV_EVENT_CONNECTED) != 0);
}

static bool run_tcp(struct prober *p)
{
	struct sockaddr_storage to;
	int len = sizeof to;
	char text[80];

	(void)snprintf(text, sizeof text, "%s:%u", p->address, p->probe.port);
	if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&to, &len) < 0)
		return false;
	p->tcp = bufferevent_socket_new(p->opts.base, -1,
	                                BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (p->tcp == NULL)
		return false;
	bufferevent_setcb(p->tcp, NULL, NULL, on_tcp_event, p);
	return bufferevent_socket_connect(p->tcp, (struct sockaddr *)&to, len) == 0;
}

/* ---- exec: make, run attached until it ends, ask for its code ---- */

static void exec_step(struct prober *p, const char *method, const char *path, const json_t *body,
                      podman_done_fn done)
{
	const struct podman_request req = {
	        .method = method, .path = path, .json = body, .done = done, .arg = p};

	p->call = podman_start(p->opts.podman, &req, NULL);
	if (p->call == NULL)
		run_end(p, false);
}

static void on_exec_code(void *arg, const struct podman_result *res)
{
	struct prober *p = arg;

	p->call = NULL;
	run_end(p, res->message == NULL && json_int_at(res->json, -1, "ExitCode", NULL) == 0);
}

static void on_exec_ended(void *arg, const struct podman_result *res)
{
	struct prober *p = arg;
	char path[160];

	p->call = NULL;
	if (res->message != NULL) {
		run_end(p, false);
		return;
	}
	(void)snprintf(path, sizeof path, "/exec/%s/json", p->exec_id);
	exec_step(p, "GET", path, NULL, on_exec_code);
}

static void on_exec_made(void *arg, const struct podman_result *res)
{
	struct prober *p = arg;
	json_t *body;
	char path[160];

	p->call = NULL;
	if (res->message != NULL) {
		run_end(p, false);
		return;
	}
	(void)snprintf(p->exec_id, sizeof p->exec_id, "%s", json_str_at(res->json, "", "Id", NULL));
	(void)snprintf(path, sizeof path, "/exec/%s/start", p->exec_id);
	body = json_pack("{s:b}", "Detach", 0);
	exec_step(p, "POST", path, body, on_exec_ended);
	json_decref(body);
}

static void run_exec(struct prober *p)
{
	json_t *body = json_pack("{s:O, s:b, s:b}", "Cmd", json_ref(p->probe.command),
	                         "AttachStdout", 1, "AttachStderr", 1);
	char path[160];

	(void)snprintf(path, sizeof path, "/containers/%s/exec", p->opts.id);
	exec_step(p, "POST", path, body, on_exec_made);
	json_decref(body);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct prober *p = arg;
	bool begun = true;

	if (p->running)
		return;
	p->running = true;
	timer_after(p->deadline, p->probe.timeout_ms);
	switch (p->probe.how) {
	case POD_PROBE_HTTP:
		begun = run_http(p);
		break;
	case POD_PROBE_TCP:
		begun = run_tcp(p);
		break;
	case POD_PROBE_EXEC:
		run_exec(p);
		return;
	case POD_PROBE_NONE:
		begun = false;
		break;
	}
	if (!begun && p->running)
		run_end(p, false);
}

int prober_new(const struct prober_opts *opts, struct prober **ret_prober, struct err *err)
{
	static const char *const fields[PROBE_KINDS_COUNT] = {"startupProbe", "readinessProbe",
	                                                      "livenessProbe"};
	const json_t *spec = json_object_get(opts->container, fields[opts->kind]);
	CLEANUP(prober_free_var) struct prober *p = NULL;

	if (spec == NULL) {
		*ret_prober = NULL;
		return 0;
	}
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_set(err, ERR_NOMEM, 0, "probe");
	p->opts = *opts;
	if (pod_probe_parse(opts->container, spec, &p->probe, err) < 0)
		return err_wrap(err, "%s", fields[opts->kind]);
	(void)snprintf(p->address, sizeof p->address, "%s",
	               p->probe.host ? p->probe.host : opts->address);
	p->timer = evtimer_new(opts->base, on_timer, p);
	p->deadline = evtimer_new(opts->base, on_deadline, p);
	p->answered = event_new(opts->base, -1, 0, on_answered, p);
	if (p->timer == NULL || p->deadline == NULL || p->answered == NULL)
		return err_set(err, ERR_NOMEM, 0, "probe");
	timer_after(p->timer, p->probe.initial_delay_ms);
	*ret_prober = TAKE_PTR(p);
	return 0;
}

void prober_free(struct prober *p)
{
	if (p == NULL)
		return;
	if (p->deadline != NULL)
		run_clear(p);
	if (p->timer != NULL)
		event_free(p->timer);
	if (p->deadline != NULL)
		event_free(p->deadline);
	if (p->answered != NULL)
		event_free(p->answered);
	free(p);
}
