/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - calls to the API server, one after the other, each waited for
 */
#include "cli/io/session.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "lib/base/clk.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/object.h"

enum { FOLLOW_RETRY_MS = 1000 };

struct session {
	const struct args *args;
	struct event_base *base;
	struct event *signals[2];
	struct kubeconfig *conf;
	struct kube_client *client;
	int interrupted; /* the signal's number */
};

DEFINE_CLEANUP(struct session *, session_free);
DEFINE_CLEANUP(json_t *, json_decref);

/* One call, and what came of it. */
struct answer {
	struct session *s;
	const char *what; /* for -v */
	struct kube_call *call;
	bool done;
	bool late;
	json_t *body;
	int http_status;
	struct err err;
};

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct session *s = arg;

	s->interrupted = (int)sig;
	(void)event_base_loopbreak(s->base);
}

int session_new(const struct args *args, struct session **ret_session, struct err *err)
{
	static const int numbers[] = {SIGINT, SIGTERM};
	CLEANUP(session_free_var) struct session *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "session");
	s->args = args;
	if (kubeconfig_load(args->kubeconfig, args->context, &s->conf, err) < 0)
		return -1;
	s->base = event_base_new();
	if (s->base == NULL)
		return err_set(err, ERR_NOMEM, 0, "event loop");
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		s->signals[i] = evsignal_new(s->base, numbers[i], on_signal, s);
		if (s->signals[i] == NULL || evsignal_add(s->signals[i], NULL) < 0)
			return err_set(err, ERR_NOMEM, 0, "signals");
	}
	if (kube_client_new(s->base, s->conf, "kubectl-sc/" SC_VERSION, &s->client, err) < 0)
		return -1;
	*ret_session = TAKE_PTR(s);
	return 0;
}

void session_free(struct session *s)
{
	if (s == NULL)
		return;
	kube_client_free(s->client);
	for (size_t i = 0; i < ARRAY_LEN(s->signals); i++) {
		if (s->signals[i] != NULL)
			event_free(s->signals[i]);
	}
	if (s->base != NULL)
		event_base_free(s->base);
	kubeconfig_free(s->conf);
	free(s);
}

const struct args *session_args(const struct session *s)
{
	return s->args;
}

const char *session_namespace(const struct session *s)
{
	return s->args->ns != NULL ? s->args->ns : kubeconfig_namespace(s->conf);
}

int session_interrupted(const struct session *s)
{
	return s->interrupted;
}

static void on_answer(void *arg, const struct kube_result *res)
{
	struct answer *a = arg;

	assert(!a->done); /* one answer a call */
	a->done = true;
	a->call = NULL;
	a->http_status = res->http_status;
	a->body = json_incref(res->body);
	if (res->err != NULL)
		a->err = *res->err;
	(void)event_base_loopbreak(a->s->base);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct answer *a = arg;

	a->late = true;
	(void)event_base_loopbreak(a->s->base);
}

static void say_call(const struct answer *a, uint64_t since_ms)
{
	if (a->s->args->verbosity > 0)
		fprintf(stderr, "kubectl-sc: %s: %d, %llu ms\n", a->what, a->http_status,
		        (unsigned long long)(clk_now_ms() - since_ms));
}

/* Turn the loop until the call that was put into @a is answered. */
static int answer_wait(struct answer *a, json_t **ret, struct err *err)
{
	uint64_t limit_ms = a->s->args->request_timeout_ms;
	struct timeval limit = clk_timeval(limit_ms);
	struct event *timer = NULL;
	uint64_t since_ms = clk_now_ms();

	if (a->call == NULL)
		return err_set(err, ERR_NOMEM, 0, "%s: no memory, or no token file", a->what);
	if (limit_ms > 0 && (timer = evtimer_new(a->s->base, on_late, a)) != NULL)
		(void)evtimer_add(timer, &limit);
	while (!a->done && !a->late && a->s->interrupted == 0) {
		if (event_base_loop(a->s->base, EVLOOP_ONCE) != 0)
			break;
	}
	if (timer != NULL)
		event_free(timer);
	kube_cancel(a->call);
	say_call(a, since_ms);
	if (a->done && a->err.code == ERR_NONE) {
		if (ret != NULL)
			*ret = a->body;
		else
			json_decref(a->body);
		return 0;
	}
	if (a->done)
		return err_set(err, a->err.code, 0, "%s", a->err.text);
	return err_set(err, ERR_TIMEOUT, 0, "%s: %s", a->what,
	               a->late ? "no answer within --request-timeout" : "interrupted");
}

struct kube_ref session_ref(const struct session *s, const struct kube_type *type, const char *name)
{
	return (struct kube_ref){.type = type, .ns = session_namespace(s), .name = name};
}

int session_get(struct session *s, const struct kube_type *type, const char *name, json_t **ret,
                struct err *err)
{
	struct answer a = {.s = s, .what = "get"};
	struct kube_ref ref = session_ref(s, type, name);

	a.call = kube_get(s->client, &ref, on_answer, &a);
	return answer_wait(&a, ret, err);
}

int session_get_path(struct session *s, const char *path, json_t **ret, struct err *err)
{
	struct answer a = {.s = s, .what = path};

	a.call = kube_get_path(s->client, path, on_answer, &a);
	return answer_wait(&a, ret, err);
}

int session_list(struct session *s, const struct kube_ref *ref, const struct kube_list_opts *opts,
                 json_t **ret, struct err *err)
{
	struct answer a = {.s = s, .what = "list"};

	a.call = kube_list(s->client, ref, opts, on_answer, &a);
	return answer_wait(&a, ret, err);
}

int session_create(struct session *s, const struct kube_type *type, const json_t *object,
                   json_t **ret, struct err *err)
{
	struct answer a = {.s = s, .what = "create"};
	struct kube_ref ref = session_ref(s, type, NULL);

	a.call = kube_create(s->client, &ref, object, on_answer, &a);
	return answer_wait(&a, ret, err);
}

int session_patch(struct session *s, const struct kube_ref *ref, const json_t *patch, json_t **ret,
                  struct err *err)
{
	struct answer a = {.s = s, .what = "patch"};

	a.call = kube_patch_merge(s->client, ref, patch, on_answer, &a);
	return answer_wait(&a, ret, err);
}

int session_delete(struct session *s, const struct kube_type *type, const char *name,
                   const struct kube_delete_opts *opts, struct err *err)
{
	struct answer a = {.s = s, .what = "delete"};
	struct kube_ref ref = session_ref(s, type, name);

	a.call = kube_delete(s->client, &ref, opts, on_answer, &a);
	return answer_wait(&a, NULL, err);
}

int session_pause(struct session *s, uint64_t ms, struct err *err)
{
	const struct timeval pause = clk_timeval(ms);

	(void)event_base_loopexit(s->base, &pause);
	(void)event_base_loop(s->base, 0);
	return s->interrupted == 0 ? 0 : err_set(err, ERR_TIMEOUT, 0, "interrupted");
}

/* A following under way. */
struct watching {
	struct session *s;
	const struct session_follow *f;
	struct kube_watch *watch;
	char version[64]; /* resourceVersion where the watch goes on */
	bool ended;
	bool late;
	bool stale;         /* 410: list again */
	struct err end_err; /* code ERR_NONE: it ended without an error */
	int result;         /* of the callback that ended it: not 0 */
	struct err *err;
};

static void watching_remember(struct watching *w, const char *version)
{
	if (*version != '\0')
		(void)snprintf(w->version, sizeof w->version, "%s", version);
}

static void on_watch_event(void *arg, enum kube_watch_event event, json_t *object)
{
	struct watching *w = arg;

	watching_remember(w, kube_resource_version(object));
	if (event == KUBE_WATCH_BOOKMARK || w->result != 0)
		return;
	w->result = w->f->on_event(w->f->arg, event, object, w->err);
	if (w->result != 0)
		(void)event_base_loopbreak(w->s->base);
}

static void on_watch_end(void *arg, const struct err *err)
{
	struct watching *w = arg;

	w->watch = NULL;
	w->ended = true;
	w->end_err = (struct err){0};
	if (err != NULL)
		w->end_err = *err;
	(void)event_base_loopbreak(w->s->base);
}

static void on_follow_late(evutil_socket_t fd, short what, void *arg)
{
	struct watching *w = arg;

	w->late = true;
	(void)event_base_loopbreak(w->s->base);
}

static bool watching_goes_on(const struct watching *w)
{
	return w->result == 0 && !w->late && w->s->interrupted == 0;
}

/* Turn the loop, for @pause_ms at most (0: until something comes). */
static void watching_turn(struct watching *w, uint64_t pause_ms)
{
	struct timeval pause = clk_timeval(pause_ms);

	if (pause_ms > 0)
		(void)event_base_loopexit(w->s->base, &pause);
	(void)event_base_loop(w->s->base, pause_ms > 0 ? 0 : EVLOOP_ONCE);
}

static int watching_list(struct watching *w)
{
	const struct session_follow *f = w->f;
	const struct kube_list_opts opts = {f->label_selector, f->field_selector, 0};
	const struct kube_ref ref = {.type = f->type, .ns = f->ns};
	CLEANUP(json_decref_var) json_t *list = NULL;

	if (session_list(w->s, &ref, &opts, &list, w->err) < 0)
		return -1;
	w->stale = false;
	watching_remember(w, kube_resource_version(list));
	w->result = f->on_list(f->arg, json_object_get(list, "items"), w->err);
	return 0;
}

/* One watch from its start to its end. */
static int watching_watch(struct watching *w)
{
	const struct kube_ref ref = {.type = w->f->type, .ns = w->f->ns};
	const struct kube_watch_opts opts = {
	        .label_selector = w->f->label_selector,
	        .field_selector = w->f->field_selector,
	        .resource_version = w->version,
	        .on_event = on_watch_event,
	        .on_end = on_watch_end,
	        .arg = w,
	};

	w->ended = false;
	w->watch = kube_watch_start(w->s->client, &ref, &opts);
	if (w->watch == NULL)
		return err_set(w->err, ERR_NOMEM, 0, "watch");
	while (!w->ended && watching_goes_on(w))
		watching_turn(w, 0);
	kube_watch_stop(w->watch);
	w->watch = NULL;
	if (!w->ended || !watching_goes_on(w))
		return 0;
	if (w->end_err.code == ERR_DENIED || w->end_err.code == ERR_NOT_FOUND)
		return err_set(w->err, w->end_err.code, 0, "%s", w->end_err.text);
	w->stale = w->end_err.code == ERR_GONE;
	if (w->end_err.code != ERR_NONE && !w->stale) {
		if (w->s->args->verbosity > 0)
			fprintf(stderr, "kubectl-sc: watch: %s; again\n", w->end_err.text);
		watching_turn(w, FOLLOW_RETRY_MS);
	}
	return 0;
}

/* The first list must succeed. A server that is away later is waited for. */
static int watching_run(struct watching *w)
{
	bool first = true;

	w->stale = true;
	while (watching_goes_on(w)) {
		int r = w->stale ? watching_list(w) : watching_watch(w);

		if (r < 0 && (first || w->err->code != ERR_UNAVAILABLE))
			return -1;
		if (r < 0)
			watching_turn(w, FOLLOW_RETRY_MS);
		first = false;
	}
	if (w->result != 0)
		return w->result > 0 ? 0 : -1;
	return err_set(w->err, ERR_TIMEOUT, 0, "%s", w->late ? "timed out" : "interrupted");
}

int session_follow(struct session *s, const struct session_follow *follow, struct err *err)
{
	struct watching w = {.s = s, .f = follow, .err = err};
	uint64_t now_ms = clk_now_ms();
	struct event *timer = NULL;
	struct timeval left;
	int r;

	if (follow->deadline_ms > 0) {
		left = clk_timeval(follow->deadline_ms > now_ms ? follow->deadline_ms - now_ms : 0);
		timer = evtimer_new(s->base, on_follow_late, &w);
		if (timer == NULL || evtimer_add(timer, &left) < 0) {
			if (timer != NULL)
				event_free(timer);
			return err_set(err, ERR_NOMEM, 0, "timer");
		}
	}
	r = watching_run(&w);
	if (timer != NULL)
		event_free(timer);
	return r;
}
