/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stopper - carries out the actions of a stop
 */
#include <event2/event.h>
#include <string.h>

#include "idle-monitor/io/target.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"

enum { STOPPER_RESUME_TIMEOUT_MS = 2000, STOPPER_ANSWER_BYTES_MAX = 4096 };

/* A question to one activator; its answer may come when the attempt is long over. */
struct quiesce_call {
	LIST_ENTRY(quiesce_call) link;
	struct target *target;
	struct http_call *call;
	struct http_client *client; /* of the activator */
	uint32_t attempt;
	struct sealed sealed;
};

static void stopper_act(struct target *t, unsigned actions, enum stop_event why);

/* Return: to be freed, NULL out of memory */
static char *stopper_body(const struct target *t)
{
	json_t *body = json_pack("{s:s,s:s,s:s,s:f}", "namespace", kube_namespace(t->object),
	                         "name", kube_name(t->object), "uid", kube_uid(t->object),
	                         "leaseSeconds", (double)t->env->limits.lease_ms / 1000);
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

static int stopper_post(struct target *t, struct http_client *client, const char *path,
                        struct http_request *req, struct sealed *sealed,
                        struct http_call **ret_call)
{
	CLEANUP(free_var) char *body = stopper_body(t);

	if (body == NULL)
		return -1;
	req->method = "POST";
	req->path = path;
	req->body = body;
	req->body_bytes = strlen(body);
	req->content_type = "application/json";
	req->response_bytes_max = STOPPER_ANSWER_BYTES_MAX;
	if (scrape_seal(t->env->scrape, client, req, sealed, NULL) < 0)
		return -1;
	return http_call_start(client, req, ret_call, NULL);
}

static void stopper_resume(struct target *t, struct http_client *client)
{
	struct http_request req = {.timeout_ms = STOPPER_RESUME_TIMEOUT_MS, .on_done = on_resumed};
	struct sealed sealed;

	(void)stopper_post(t, client, "/v1/resume", &req, &sealed, NULL);
}

static void stopper_answer(struct target *t, uint32_t attempt, enum stop_event ev)
{
	unsigned actions = stop_answer(&t->stop, attempt, ev, clk_now_ms());

	/* a yes that ends the attempt came too late */
	if (ev == STOP_EV_QUIESCED)
		ev = STOP_EV_DEADLINE;
	stopper_act(t, actions, ev);
}

static void on_quiesce_header(void *arg, const char *line, size_t bytes)
{
	struct quiesce_call *q = arg;

	sealed_header(&q->sealed, line, bytes);
}

static void on_quiesced(void *arg, const struct http_response *res)
{
	struct quiesce_call *q = arg;
	struct target *t = q->target;
	uint32_t attempt = q->attempt;
	struct http_client *client = q->client;
	/* only a yes is worth a forgery that stops what is in use */
	bool yes = res->status == 200 && scrape_is_sealed(t->env->scrape, &q->sealed, res);

	LIST_REMOVE(q, link);
	free(q);
	if (yes && (attempt != t->stop.attempt || !stop_is_under_way(&t->stop)))
		stopper_resume(t, client);
	else if (yes)
		stopper_answer(t, attempt, STOP_EV_QUIESCED);
	else
		stopper_answer(t, attempt, res->status == 409 ? STOP_EV_BUSY : STOP_EV_FAILED);
}

static int stopper_ask(struct target *t, size_t i)
{
	struct quiesce_call *q = calloc(1, sizeof *q);
	struct http_request req = {
	        .timeout_ms = t->env->limits.lease_ms, /* a late yes is resumed */
	        .on_header = on_quiesce_header,
	        .on_done = on_quiesced,
	        .arg = q,
	};

	if (q == NULL)
		return -1;
	q->target = t;
	q->client = scrape_client(t->env->scrape, i);
	q->attempt = t->stop.attempt;
	if (stopper_post(t, q->client, "/v1/quiesce", &req, &q->sealed, &q->call) < 0) {
		free(q);
		return -1;
	}
	LIST_INSERT_HEAD(&t->quiesce_calls, q, link);
	return 0;
}

static void stopper_quiesce(struct target *t)
{
	for (size_t i = 0; i < scrape_count(t->env->scrape); i++) {
		if (stopper_ask(t, i) < 0) {
			stopper_answer(t, t->stop.attempt, STOP_EV_FAILED);
			return;
		}
	}
}

static enum stop_event stopper_patch_event(const struct kube_result *res)
{
	if (res->err == NULL)
		return STOP_EV_PATCHED;
	/* a test that does not hold is 422 at one server, 409 at another */
	if (res->err->code == ERR_CONFLICT || res->err->code == ERR_INVALID)
		return STOP_EV_CONFLICT;
	return STOP_EV_FAILED;
}

static void on_patched(void *arg, const struct kube_result *res)
{
	struct target *t = arg;

	t->patch_call = NULL;
	stopper_answer(t, t->stop.attempt, stopper_patch_event(res));
	if (res->err == NULL)
		informer_learn(t->env->containers, res->body);
}

static void stopper_patch(struct target *t)
{
	const struct kube_ref ref = {.type = &KUBE_STOPPABLECONTAINERS,
	                             .ns = kube_namespace(t->object),
	                             .name = kube_name(t->object)};
	json_t *patch = json_pack("[{s:s,s:s,s:s},{s:s,s:s,s:b},{s:s,s:s,s:b}]", "op", "test",
	                          "path", "/metadata/resourceVersion", "value", t->stop_version,
	                          "op", "test", "path", "/spec/running", "value", 1, "op",
	                          "replace", "path", "/spec/running", "value", 0);

	if (patch != NULL && t->env->may_act(t->env->arg))
		t->patch_call =
		        kube_patch(t->env->client, &ref, KUBE_PATCH_JSON, patch, on_patched, t);
	json_decref(patch);
	if (t->patch_call == NULL)
		stopper_answer(t, t->stop.attempt, STOP_EV_FAILED);
}

static void stopper_act(struct target *t, unsigned actions, enum stop_event why)
{
	if (actions & STOP_DO_REPORT)
		report_aborted(t, why);
	if (actions & STOP_DO_RESUME) {
		/* its answer belongs to an attempt that is over */
		kube_cancel(t->patch_call);
		t->patch_call = NULL;
		for (size_t i = 0; i < scrape_count(t->env->scrape); i++)
			stopper_resume(t, scrape_client(t->env->scrape, i));
	}
	if (actions & STOP_DO_QUIESCE)
		stopper_quiesce(t);
	if (actions & STOP_DO_PATCH)
		stopper_patch(t);
	if (actions & STOP_DO_RECORD)
		report_stopped(t);
	/* not at once: the caller may be in the middle of an evaluation */
	if (actions & (STOP_DO_ARM | STOP_DO_DECIDE | STOP_DO_RECORD))
		event_active(t->timer, EV_TIMEOUT, 0);
}

void stopper_start(struct target *t)
{
	uint64_t now_ms = clk_now_ms();
	unsigned actions;

	if (stop_is_under_way(&t->stop))
		return;
	(void)snprintf(t->stop_version, sizeof t->stop_version, "%s",
	               kube_resource_version(t->object));
	report_stop_text(t, now_ms, t->stop_text);
	actions = stop_start(&t->stop, (uint32_t)scrape_count(t->env->scrape), now_ms);
	stopper_act(t, actions, STOP_EV_START);
}

void stopper_step(struct target *t, enum stop_event ev)
{
	stopper_act(t, stop_step(&t->stop, ev, clk_now_ms()), ev);
}

void stopper_forget(struct target *t, const struct http_client *client)
{
	struct quiesce_call *q = LIST_FIRST(&t->quiesce_calls);

	while (q != NULL) {
		struct quiesce_call *next = LIST_NEXT(q, link);

		if (q->client == client) {
			LIST_REMOVE(q, link);
			http_call_cancel(q->call);
			free(q);
		}
		q = next;
	}
}

void stopper_done(struct target *t)
{
	struct quiesce_call *q;

	while ((q = LIST_FIRST(&t->quiesce_calls)) != NULL) {
		LIST_REMOVE(q, link);
		http_call_cancel(q->call);
		free(q);
	}
	kube_cancel(t->patch_call);
}
