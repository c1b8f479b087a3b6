/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stopper - carries out the stop of one container
 */
#include "idle-monitor/io/stopper.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "lib/api/kinds.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"

enum { STOPPER_RESUME_TIMEOUT_MS = 2000, STOPPER_ANSWER_BYTES_MAX = 4096 };

/* A question to one activator; its answer may come when the attempt is long over. */
struct quiesce_call {
	LIST_ENTRY(quiesce_call) link;
	struct stopper *stopper;
	struct http_call *call;
	struct http_client *client; /* of the activator */
	uint32_t attempt;
	struct sealed sealed;
};

static void stopper_act(struct stopper *s, unsigned actions, enum stop_event why);

/* Return: to be freed, NULL out of memory */
static char *stopper_body(const struct stopper *s)
{
	json_t *body = json_pack("{s:s,s:s,s:s,s:f}", "namespace", kube_namespace(s->object),
	                         "name", kube_name(s->object), "uid", kube_uid(s->object),
	                         "leaseSeconds", (double)s->env->limits.lease_ms / 1000);
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	return text;
}

static void on_resumed(void *arg, const struct http_response *res)
{
	/* the lease ends by itself soon */
	if (res->status != 200)
		log_event(LOG_DEBUG, "resume.failed", log_i64("status", res->status),
		          log_str("error", res->err != NULL ? res->err->text : ""));
}

/* POST to @req's path, which names the container. */
static int stopper_post(struct stopper *s, struct http_client *client, struct http_request *req,
                        struct sealed *sealed, struct http_call **ret_call)
{
	CLEANUP(free_var) char *body = stopper_body(s);

	if (body == NULL)
		return -1;
	req->method = "POST";
	req->body = body;
	req->body_bytes = strlen(body);
	req->content_type = "application/json";
	req->response_bytes_max = STOPPER_ANSWER_BYTES_MAX;
	if (scrape_seal(s->env->scrape, client, req, sealed, NULL) < 0)
		return -1;
	return http_call_start(client, req, ret_call, NULL);
}

static void stopper_resume(struct stopper *s, struct http_client *client)
{
	struct http_request req = {
	        .path = "/v1/resume",
	        .timeout_ms = STOPPER_RESUME_TIMEOUT_MS,
	        .on_done = on_resumed,
	};
	struct sealed sealed;

	(void)stopper_post(s, client, &req, &sealed, NULL);
}

static void stopper_answer(struct stopper *s, uint32_t attempt, enum stop_event ev)
{
	unsigned actions = stop_answer(&s->stop, attempt, ev, clk_now_ms());

	/* a yes that ends the attempt came after the deadline */
	if (ev == STOP_EV_QUIESCED)
		ev = STOP_EV_DEADLINE;
	stopper_act(s, actions, ev);
}

static void on_quiesce_header(void *arg, const char *line, size_t bytes)
{
	struct quiesce_call *q = arg;

	sealed_header(&q->sealed, line, bytes);
}

static void on_quiesced(void *arg, const struct http_response *res)
{
	struct quiesce_call *q = arg;
	struct stopper *s = q->stopper;
	uint32_t attempt = q->attempt;
	struct http_client *client = q->client;
	/* only a yes has to be sealed: a forged one would stop a container that is in use */
	bool yes = res->status == 200 && scrape_is_sealed(s->env->scrape, &q->sealed, res);

	LIST_REMOVE(q, link);
	free(q);
	if (yes && (attempt != s->stop.attempt || !stop_is_under_way(&s->stop)))
		stopper_resume(s, client);
	else if (yes)
		stopper_answer(s, attempt, STOP_EV_QUIESCED);
	else
		stopper_answer(s, attempt, res->status == 409 ? STOP_EV_BUSY : STOP_EV_FAILED);
}

static int stopper_ask(struct stopper *s, size_t i)
{
	struct quiesce_call *q = calloc(1, sizeof *q);
	struct http_request req = {
	        .path = "/v1/quiesce",
	        .timeout_ms = s->env->limits.lease_ms, /* a late yes is resumed */
	        .on_header = on_quiesce_header,
	        .on_done = on_quiesced,
	        .arg = q,
	};

	if (q == NULL)
		return -1;
	q->stopper = s;
	q->client = scrape_client(s->env->scrape, i);
	q->attempt = s->stop.attempt;
	if (stopper_post(s, q->client, &req, &q->sealed, &q->call) < 0) {
		free(q);
		return -1;
	}
	LIST_INSERT_HEAD(&s->calls, q, link);
	return 0;
}

static void stopper_quiesce(struct stopper *s)
{
	for (size_t i = 0; i < scrape_count(s->env->scrape); i++) {
		if (stopper_ask(s, i) < 0) {
			stopper_answer(s, s->stop.attempt, STOP_EV_FAILED);
			return;
		}
	}
}

static enum stop_event stopper_patch_event(const struct kube_result *res)
{
	if (res->err == NULL)
		return STOP_EV_PATCHED;
	/* a "test" that fails is answered 422 by one API server, 409 by another */
	if (res->err->code == ERR_CONFLICT || res->err->code == ERR_INVALID)
		return STOP_EV_CONFLICT;
	return STOP_EV_FAILED;
}

static void on_patched(void *arg, const struct kube_result *res)
{
	struct stopper *s = arg;

	s->patch_call = NULL;
	stopper_answer(s, s->stop.attempt, stopper_patch_event(res));
	if (res->err == NULL)
		informer_learn(s->env->containers, res->body);
}

static void stopper_patch(struct stopper *s)
{
	const struct kube_ref ref = {.type = &KUBE_STOPPABLECONTAINERS,
	                             .ns = kube_namespace(s->object),
	                             .name = kube_name(s->object)};
	const char *version = kube_resource_version(s->object);
	json_t *patch = json_pack("[{s:s,s:s,s:s},{s:s,s:s,s:b},{s:s,s:s,s:b}]", "op", "test",
	                          "path", "/metadata/resourceVersion", "value", version, "op",
	                          "test", "path", "/spec/running", "value", 1, "op", "replace",
	                          "path", "/spec/running", "value", 0);

	assert(s->patch_call == NULL);

	if (patch != NULL && s->env->may_act(s->env->arg))
		s->patch_call = kube_patch_json(s->env->client, &ref, patch, on_patched, s);
	json_decref(patch);
	if (s->patch_call == NULL)
		stopper_answer(s, s->stop.attempt, STOP_EV_FAILED);
}

static void stopper_report(struct stopper *s, enum stop_event why)
{
	const struct stopper_outcome outcome = {s->object, s->text, why};

	assert(s->stop.state == (why == STOP_EV_PATCHED ? STOP_STOPPED : STOP_ABORTED));
	s->on_outcome(s->arg, &outcome);
}

static void stopper_act(struct stopper *s, unsigned actions, enum stop_event why)
{
	if (actions & STOP_DO_REPORT)
		stopper_report(s, why);
	if (actions & STOP_DO_RESUME) {
		/* its answer belongs to an attempt that is over */
		kube_cancel(s->patch_call);
		s->patch_call = NULL;
		for (size_t i = 0; i < scrape_count(s->env->scrape); i++)
			stopper_resume(s, scrape_client(s->env->scrape, i));
	}
	if (actions & STOP_DO_QUIESCE)
		stopper_quiesce(s);
	if (actions & STOP_DO_PATCH)
		stopper_patch(s);
	if (actions & STOP_DO_RECORD)
		stopper_report(s, why);
	/* not at once: the caller may be in the middle of an evaluation */
	if (actions & (STOP_DO_ARM | STOP_DO_DECIDE | STOP_DO_RECORD))
		event_active(s->look, EV_TIMEOUT, 0);
}

void stopper_init(struct stopper *s, const struct stopper_env *env)
{
	*s = (struct stopper){.env = env};
	LIST_INIT(&s->calls);
	stop_init(&s->stop, &env->limits);
}

void stopper_start(struct stopper *s, const json_t *object, const char *text)
{
	uint64_t now_ms = clk_now_ms();
	unsigned actions;

	assert(s->look != NULL && s->on_outcome != NULL);
	if (stop_is_under_way(&s->stop))
		return;
	assert(s->object == NULL || strcmp(kube_uid(s->object), kube_uid(object)) == 0);
	json_decref((json_t *)s->object);
	s->object = json_incref((json_t *)object);
	(void)snprintf(s->text, sizeof s->text, "%s", text);
	actions = stop_start(&s->stop, (uint32_t)scrape_count(s->env->scrape), now_ms);
	stopper_act(s, actions, STOP_EV_START);
}

void stopper_step(struct stopper *s, enum stop_event ev)
{
	stopper_act(s, stop_step(&s->stop, ev, clk_now_ms()), ev);
}

static void quiesce_call_free(struct quiesce_call *q)
{
	LIST_REMOVE(q, link);
	http_call_cancel(q->call);
	free(q);
}

void stopper_forget(struct stopper *s, const struct http_client *client)
{
	struct quiesce_call *q = LIST_FIRST(&s->calls);

	assert(!stop_is_under_way(&s->stop));
	while (q != NULL) {
		struct quiesce_call *next = LIST_NEXT(q, link);

		if (q->client == client)
			quiesce_call_free(q);
		q = next;
	}
}

void stopper_done(struct stopper *s)
{
	struct quiesce_call *q;

	while ((q = LIST_FIRST(&s->calls)) != NULL)
		quiesce_call_free(q);
	kube_cancel(s->patch_call);
	json_decref((json_t *)s->object);
}

bool stopper_is_at_rest(const struct stopper *s)
{
	return !stop_is_under_way(&s->stop) && s->patch_call == NULL && LIST_EMPTY(&s->calls);
}
