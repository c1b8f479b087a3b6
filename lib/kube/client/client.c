/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - the verbs of the API (get, create, patch, …), each one call
 */
#include "lib/kube/client/client.h"

#include <string.h>

#include "lib/kube/client/call.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/path.h"

/* @call: to be sent, or NULL without memory. Return: @call, or NULL when it was freed */
static struct kube_call *kube_send(struct kube_call *call, const char *method,
                                   const struct kube_ref *ref, const char *type,
                                   const json_t *object)
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
	return kube_send(kube_call_new(c, done, arg), "GET", ref, NULL, NULL);
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
	return kube_send(kube_call_new(c, done, arg), "POST", ref->subresource != NULL ? ref : &all,
	                 "application/json", object);
}

struct kube_call *kube_replace(struct kube_client *c, const struct kube_ref *ref,
                               const json_t *object, kube_done_fn done, void *arg)
{
	return kube_send(kube_call_new(c, done, arg), "PUT", ref, "application/json", object);
}

struct kube_call *kube_patch_merge(struct kube_client *c, const struct kube_ref *ref,
                                   const json_t *patch, kube_done_fn done, void *arg)
{
	return kube_send(kube_call_new(c, done, arg), "PATCH", ref, "application/merge-patch+json",
	                 patch);
}

struct kube_call *kube_patch_json(struct kube_client *c, const struct kube_ref *ref,
                                  const json_t *patch, kube_done_fn done, void *arg)
{
	return kube_send(kube_call_new(c, done, arg), "PATCH", ref, "application/json-patch+json",
	                 patch);
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
		call = kube_send(kube_call_new(c, done, arg), "DELETE", ref, "application/json",
		                 options);
	json_decref(options);
	return call;
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
