/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call - sends the request of a call, reads its one answer, and ends it
 */
#include "lib/kube/client/call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kube/client/status.h"

void kube_call_destroy(struct kube_call *call)
{
	if (call->state_free != NULL)
		call->state_free(call->state);
	free(call);
}

void kube_call_free(struct kube_call *call)
{
	TAILQ_REMOVE(&call->client->calls, call, link);
	kube_call_destroy(call);
}

void kube_call_end(struct kube_call *call, const struct kube_result *res)
{
	kube_done_fn done = call->done;
	void *arg = call->arg;

	assert(!call->is_cancelled);
	/* @done may free the client */
	kube_call_free(call);
	if (done != NULL)
		done(arg, res);
}

static bool is_success(const struct http_response *http)
{
	return http->status >= 200 && http->status <= 299;
}

void kube_call_result(const struct http_response *http, json_t *body, const char *why_not,
                      struct err *why, struct kube_result *ret)
{
	*ret = (struct kube_result){.http_status = http->status,
	                            .retry_after_ms = http->retry_after_ms};
	if (http->err != NULL) {
		ret->err = http->err;
	} else if (!is_success(http)) {
		kube_status_err(http->status, body, &ret->retry_after_ms, why);
		ret->err = why;
	} else if (body == NULL) {
		(void)err_set(why, ERR_UNAVAILABLE, 0, "answer is not JSON: %s", why_not);
		ret->err = why;
	} else {
		ret->body = body;
	}
}

/* The answer to a call that is one request. */
static void on_answer(void *arg, const struct http_response *http)
{
	struct kube_call *call = arg;
	struct kube_result res;
	struct err why = {0};
	json_error_t where = {0};
	json_t *body = NULL;

	call->http = NULL;
	if (http->err == NULL)
		body = json_loadb(http->body, http->body_bytes, 0, &where);
	kube_call_result(http, body, where.text, &why, &res);
	kube_call_end(call, &res);
	json_decref(body);
}

struct kube_call *kube_call_new(struct kube_client *c, kube_done_fn done, void *arg)
{
	struct kube_call *call = calloc(1, sizeof *call);

	if (call == NULL)
		return NULL;
	call->client = c;
	call->done = done;
	call->arg = arg;
	call->on_answer = on_answer;
	TAILQ_INSERT_TAIL(&c->calls, call, link);
	return call;
}

static bool may_send(void *arg)
{
	const struct kube_client *c = ((struct kube_call *)arg)->client;

	return c->may_write == NULL || c->may_write(c->may_write_arg);
}

int kube_call_send(struct kube_call *call, const char *method, const char *path, const char *type,
                   const char *body)
{
	struct http_request req = {
	        .method = method,
	        .path = path,
	        .body = body,
	        .body_bytes = body != NULL ? strlen(body) : 0,
	        .content_type = type,
	        .accept = "application/json",
	        .timeout_ms = KUBE_CALL_TIMEOUT_MS,
	        .may_send = call->is_guarded ? may_send : NULL,
	        .on_data = call->on_data,
	        .on_done = call->on_answer,
	        .arg = call,
	};

	assert(call->http == NULL);
	return http_call_start(call->client->http, &req, &call->http, NULL);
}

void kube_cancel(struct kube_call *call)
{
	if (call == NULL || call->is_cancelled)
		return;
	http_call_cancel(call->http);
	TAILQ_REMOVE(&call->client->calls, call, link);
	call->is_cancelled = true;
	if (!call->is_reading)
		kube_call_destroy(call);
}
