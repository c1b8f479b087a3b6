/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/client/client.h"

#include <string.h>

#include "lib/kube/client/client_internal.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/object.h"
#include "lib/kube/client/path.h"
#include "lib/kube/client/status.h"

struct kube_call *kube_call_new(struct kube_client *c, kube_done_fn done, void *arg)
{
	struct kube_call *call = calloc(1, sizeof *call);

	if (call == NULL)
		return NULL;
	call->client = c;
	call->done = done;
	call->arg = arg;
	TAILQ_INSERT_TAIL(&c->calls, call, link);
	return call;
}

void kube_call_destroy(struct kube_call *call)
{
	kube_pages_free(call->pages);
	free(call);
}

void kube_call_free(struct kube_call *call)
{
	TAILQ_REMOVE(&call->client->calls, call, link);
	kube_call_destroy(call);
}

void kube_call_end(struct kube_call *call, struct kube_result *res)
{
	kube_done_fn done = call->done;
	void *arg = call->arg;

	/* @done may free the client */
	kube_call_free(call);
	if (done != NULL)
		done(arg, res);
}

static void on_http_done(void *arg, const struct http_response *http)
{
	struct kube_call *call = arg;
	struct kube_result res = {.http_status = http->status,
	                          .retry_after_ms = http->retry_after_ms};
	struct err why = {0};
	json_error_t where = {0};
	json_t *body = NULL;
	int r = 0;

	call->http = NULL;
	if (http->err == NULL && call->pages != NULL && http->status >= 200 && http->status <= 299)
		body = kube_pages_envelope(call->pages);
	else if (http->err == NULL)
		body = json_loadb(http->body, http->body_bytes, 0, &where);
	if (http->err != NULL) {
		res.err = http->err;
	} else if (http->status < 200 || http->status > 299) {
		kube_status_err(http->status, body, &res.retry_after_ms, &why);
		res.err = &why;
	} else if (body == NULL) {
		(void)err_set(&why, ERR_UNAVAILABLE, 0, "answer is not JSON: %s", where.text);
		res.err = &why;
	}
	res.body = res.err == NULL ? body : NULL;
	if (call->pages != NULL) {
		r = kube_pages_take(call, &res, &why);
		if (r < 0) {
			res.body = NULL;
			res.err = &why;
		}
	}
	/* a list's body is what the pages hold; it must outlive the call */
	if (r != 1) {
		json_t *result = json_incref(res.body);

		kube_call_end(call, &res);
		json_decref(result);
	}
	json_decref(body);
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
	        .on_data = call->pages != NULL ? kube_pages_read : NULL,
	        .on_done = on_http_done,
	        .arg = call,
	};

	return http_call_start(call->client->http, &req, &call->http, NULL);
}

static struct kube_call *kube_send(struct kube_client *c, const char *method,
                                   const struct kube_ref *ref, const char *type,
                                   const json_t *object, struct kube_call *call)
{
	CLEANUP(free_var) char *path = kube_path(ref, NULL);
	CLEANUP(free_var) char *body = NULL;

	if (call == NULL)
		return NULL;
	call->is_guarded = strcmp(method, "GET") != 0 && ref->type != &KUBE_LEASES;
	if (object != NULL)
		body = json_dumps(object, JSON_COMPACT);
	if (path == NULL || (object != NULL && body == NULL) ||
	    kube_call_send(call, method, path, type, body) < 0) {
		kube_call_free(call);
		return NULL;
	}
	return call;
}

static struct kube_ref kube_collection(const struct kube_ref *ref)
{
	return (struct kube_ref){.type = ref->type, .ns = ref->ns};
}

struct kube_call *kube_get(struct kube_client *c, const struct kube_ref *ref, kube_done_fn done,
                           void *arg)
{
	return kube_send(c, "GET", ref, NULL, NULL, kube_call_new(c, done, arg));
}

struct kube_call *kube_get_path(struct kube_client *c, const char *path, kube_done_fn done,
                                void *arg)
{
	struct kube_call *call = kube_call_new(c, done, arg);

	if (call != NULL && kube_call_send(call, "GET", path, NULL, NULL) < 0) {
		kube_call_free(call);
		return NULL;
	}
	return call;
}

struct kube_call *kube_create(struct kube_client *c, const struct kube_ref *ref,
                              const json_t *object, kube_done_fn done, void *arg)
{
	struct kube_ref all = kube_collection(ref);

	/* a subresource ("binding", "eviction") is created below its object */
	return kube_send(c, "POST", ref->subresource != NULL ? ref : &all, "application/json",
	                 object, kube_call_new(c, done, arg));
}

struct kube_call *kube_replace(struct kube_client *c, const struct kube_ref *ref,
                               const json_t *object, kube_done_fn done, void *arg)
{
	return kube_send(c, "PUT", ref, "application/json", object, kube_call_new(c, done, arg));
}

struct kube_call *kube_patch(struct kube_client *c, const struct kube_ref *ref, enum kube_patch how,
                             const json_t *patch, kube_done_fn done, void *arg)
{
	return kube_send(c, "PATCH", ref,
	                 how == KUBE_PATCH_MERGE ? "application/merge-patch+json"
	                                         : "application/json-patch+json",
	                 patch, kube_call_new(c, done, arg));
}

static json_t *kube_delete_options(const struct kube_delete_opts *opts)
{
	json_t *o = json_pack("{s:s, s:s, s:s}", "kind", "DeleteOptions", "apiVersion", "v1",
	                      "propagationPolicy", "Background");

	if (o == NULL || opts == NULL)
		return o;
	if (opts->uid != NULL || opts->resource_version != NULL)
		(void)json_object_set_new(o, "preconditions",
		                          json_pack("{s:s*, s:s*}", "uid", opts->uid,
		                                    "resourceVersion", opts->resource_version));
	if (opts->grace_period_s >= 0)
		(void)json_object_set_new(o, "gracePeriodSeconds",
		                          json_integer(opts->grace_period_s));
	return o;
}

struct kube_call *kube_delete(struct kube_client *c, const struct kube_ref *ref,
                              const struct kube_delete_opts *opts, kube_done_fn done, void *arg)
{
	json_t *options = kube_delete_options(opts);
	struct kube_call *call = NULL;

	if (options != NULL)
		call = kube_send(c, "DELETE", ref, "application/json", options,
		                 kube_call_new(c, done, arg));
	json_decref(options);
	return call;
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

int kube_client_new(struct event_base *base, const struct kubeconfig *conf, const char *user_agent,
                    struct kube_client **ret_client, struct err *err)
{
	struct http_client_opts opts = *kubeconfig_http_opts(conf);
	struct kube_client *c = calloc(1, sizeof *c);

	if (c == NULL)
		return err_set(err, ERR_NOMEM, 0, "kube client");
	opts.user_agent = user_agent;
	TAILQ_INIT(&c->calls);
	TAILQ_INIT(&c->watches);
	if (http_client_new(base, &opts, &c->http, err) < 0) {
		free(c);
		return -1;
	}
	*ret_client = c;
	return 0;
}

void kube_client_guard(struct kube_client *client, bool (*may_write)(void *arg), void *arg)
{
	client->may_write = may_write;
	client->may_write_arg = arg;
}

void kube_client_free(struct kube_client *c)
{
	struct kube_call *call;
	struct kube_watch *w;

	if (c == NULL)
		return;
	while ((call = TAILQ_FIRST(&c->calls)) != NULL)
		kube_cancel(call);
	while ((w = TAILQ_FIRST(&c->watches)) != NULL)
		kube_watch_stop(w);
	http_client_free(c->http);
	free(c);
}
