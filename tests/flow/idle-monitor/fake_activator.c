/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/flow/idle-monitor/fake_activator.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netinet/in.h>

enum { FAKE_LONG_MS = 3600000, FAKE_POLL_MS = 10, FAKE_START_TRIES = 500 };

struct server {
	struct fake_activator *shared;
	struct event_base *base;
	struct evhttp_request *held;
	struct event *timer;
};

static void reply(struct evhttp_request *req, int status, const char *body)
{
	struct evbuffer *buf = evbuffer_new();

	(void)evbuffer_add(buf, body, strlen(body));
	evhttp_send_reply(req, status, "", buf);
	evbuffer_free(buf);
}

static void count_bearer(struct fake_activator *f, struct evhttp_request *req)
{
	const char *said =
	        evhttp_find_header(evhttp_request_get_input_headers(req), "Authorization");

	if (said != NULL && strncasecmp(said, "Bearer", 6) == 0)
		atomic_fetch_add(&f->bearers, 1);
}

static void on_activity(struct evhttp_request *req, void *arg)
{
	struct fake_activator *f = ((struct server *)arg)->shared;
	char age[32] = "null";
	char body[512];

	count_bearer(f, req);
	atomic_fetch_add(&f->activities, 1);
	if (atomic_load(&f->silent)) {
		reply(req, 500, "");
		return;
	}
	if (atomic_load(&f->age_ms) >= 0)
		(void)snprintf(age, sizeof age, "%f", atomic_load(&f->age_ms) / 1000.0);
	(void)snprintf(body, sizeof body,
	               "{\"instance\":\"fake\",\"uptimeSeconds\":%f,\"targets\":["
	               "{\"namespace\":\"default\",\"name\":\"hello\",\"uid\":\"%s\","
	               "\"requestsInFlight\":%d,\"requestsHeld\":0,\"secondsSinceLastRequest\":%s,"
	               "\"openUpgraded\":0,\"secondsSinceLastByte\":null,"
	               "\"lastClient\":\"10.9.8.7\"}]}",
	               atomic_load(&f->uptime_ms) / 1000.0, f->uid, atomic_load(&f->in_flight),
	               age);
	reply(req, 200, body);
}

static void on_quiesce(struct evhttp_request *req, void *arg)
{
	struct server *s = arg;

	count_bearer(s->shared, req);
	atomic_fetch_add(&s->shared->quiesces, 1);
	if (atomic_load(&s->shared->busy))
		reply(req, 409, "{\"quiesced\":false,\"requestsInFlight\":1}");
	else if (atomic_load(&s->shared->holds_quiesce) && s->held == NULL)
		s->held = req;
	else
		reply(req, 200, "{\"quiesced\":true}");
}

static void on_resume(struct evhttp_request *req, void *arg)
{
	struct server *s = arg;

	atomic_fetch_add(&s->shared->resumes, 1);
	reply(req, 200, "{}");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	if (s->held != NULL && !atomic_load(&s->shared->holds_quiesce)) {
		reply(s->held, 200, "{\"quiesced\":true}");
		s->held = NULL;
	}
}

static int port_of(struct evhttp_bound_socket *bound)
{
	struct sockaddr_in addr = {0};
	socklen_t len = sizeof addr;

	if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&addr, &len) < 0)
		return -1;
	return ntohs(addr.sin_port);
}

static void serve(struct fake_activator *f)
{
	const struct timeval tick = {0, FAKE_POLL_MS * 1000};
	struct server s = {.shared = f, .base = event_base_new()};
	struct evhttp *http = evhttp_new(s.base);
	struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);

	if (bound == NULL)
		_exit(1);
	(void)evhttp_set_cb(http, "/v1/activity", on_activity, &s);
	(void)evhttp_set_cb(http, "/v1/quiesce", on_quiesce, &s);
	(void)evhttp_set_cb(http, "/v1/resume", on_resume, &s);
	s.timer = event_new(s.base, -1, EV_PERSIST, on_timer, &s);
	(void)event_add(s.timer, &tick);
	atomic_store(&f->port, port_of(bound));
	(void)event_base_dispatch(s.base);
	_exit(0);
}

struct fake_activator *fake_activator_up(void)
{
	struct fake_activator *f =
	        mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (f == MAP_FAILED)
		return NULL;
	atomic_store(&f->age_ms, FAKE_LONG_MS);
	atomic_store(&f->uptime_ms, FAKE_LONG_MS);
	f->pid = fork();
	if (f->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(f);
	}
	for (int i = 0; atomic_load(&f->port) == 0 && i < FAKE_START_TRIES; i++)
		(void)poll(NULL, 0, FAKE_POLL_MS);
	if (atomic_load(&f->port) <= 0) {
		fake_activator_down(f);
		return NULL;
	}
	return f;
}

void fake_activator_down(struct fake_activator *f)
{
	if (f == NULL)
		return;
	if (f->pid > 0) {
		(void)kill(f->pid, SIGKILL);
		(void)waitpid(f->pid, NULL, 0);
	}
	(void)munmap(f, sizeof *f);
}
