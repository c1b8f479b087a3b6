/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api - which handler answers a request: by who asks, path, type and method
 */
#include "local/api/io/api.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "local/api/io/api_internal.h"
#include "local/registry/core/status.h"

/* RFC 9111 has no Warning any more; Kubernetes clients print it (299 - "text"). */
static void send_warnings(struct api_call *call, const json_t *warnings)
{
	json_t *text, *header;
	size_t i;

	json_array_foreach(warnings, i, text) {
		char quoted[512];
		size_t n = json_dumpb(text, quoted, sizeof quoted - 1, JSON_ENCODE_ANY);

		if (n >= sizeof quoted)
			continue;
		quoted[n] = 0;
		header = json_sprintf("299 - %s", quoted);
		http_header(call->x, "Warning", json_string_value(header));
		json_decref(header);
	}
}

/* The registry's answer, as an object or, for kubectl, as a table of one row. */
static void send_answer(struct api_call *call, int http_code, struct registry_answer *ans,
                        int result)
{
	if (result < 0) {
		send_warnings(call, ans->warnings);
		api_send(call, status_http_code(ans->body), ans->body);
	} else {
		send_warnings(call, ans->warnings);
		if (call->table.wanted && call->req.subresource == NULL)
			api_send_new(call, http_code, table_of_object(&call->table, ans->body));
		else
			api_send(call, http_code, ans->body);
	}
	registry_answer_done(ans);
}

static struct registry_request registry_request_of(struct api_call *call)
{
	const char *check = request_query(&call->req, "fieldValidation");
	struct registry_request req = {
	        .type = call->type,
	        .ns = call->req.ns ? call->req.ns : "",
	        .name = call->req.name,
	        .subresource = call->req.subresource,
	        .dry_run = request_query(&call->req, "dryRun") != NULL,
	};

	if (check && strcmp(check, "Strict") == 0)
		req.unknown = RULES_UNKNOWN_STRICT;
	else if (check && strcmp(check, "Ignore") == 0)
		req.unknown = RULES_UNKNOWN_IGNORE;
	return req;
}

static void do_create(struct api_call *call)
{
	struct registry_request req = registry_request_of(call);
	struct registry_answer ans;
	json_t *body = api_body_parse(call);

	if (body == NULL)
		return;
	registry_answer_init(&ans);
	send_answer(call, 201, &ans, registry_do_create(call->api->registry, &req, body, &ans));
	json_decref(body);
}

static void do_replace(struct api_call *call)
{
	struct registry_request req = registry_request_of(call);
	struct registry_answer ans;
	json_t *body = api_body_parse(call);

	if (body == NULL)
		return;
	registry_answer_init(&ans);
	send_answer(call, 200, &ans, registry_do_replace(call->api->registry, &req, body, &ans));
	json_decref(body);
}

static void do_patch(struct api_call *call)
{
	static const struct {
		const char *media;
		enum registry_patch how;
	} kinds[] = {
	        {"application/merge-patch+json", REGISTRY_PATCH_MERGE},
	        {"application/json-patch+json", REGISTRY_PATCH_JSON},
	        {"application/strategic-merge-patch+json", REGISTRY_PATCH_STRATEGIC},
	};
	struct registry_request req = registry_request_of(call);
	struct registry_answer ans;
	json_t *body;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!api_media_is(call->message->content_type, kinds[i].media))
			continue;
		body = api_body_parse(call);
		if (body == NULL)
			return;
		registry_answer_init(&ans);
		send_answer(call, 200, &ans,
		            registry_do_patch(call->api->registry, &req, kinds[i].how, body, &ans));
		json_decref(body);
		return;
	}
	api_send_status(call,
	                status_new(415, "UnsupportedMediaType", NULL, NULL,
	                           "the body of the request was in an unknown format - accepted "
	                           "media types include: application/json-patch+json, "
	                           "application/merge-patch+json, "
	                           "application/strategic-merge-patch+json"));
}

/* DeleteOptions come in the body or, some of them, in the query. */
static void delete_opts_of(struct api_call *call, const json_t *body,
                           struct registry_delete_opts *opts)
{
	const char *grace = request_query(&call->req, "gracePeriodSeconds");
	const char *how = request_query(&call->req, "propagationPolicy");
	uint64_t seconds;

	*opts = (struct registry_delete_opts){.grace_period_s = -1};
	if (grace && num_parse_u64(grace, 0, INT32_MAX, &seconds, NULL) == 0)
		opts->grace_period_s = (int64_t)seconds;
	opts->grace_period_s = json_int_at(body, opts->grace_period_s, "gracePeriodSeconds", NULL);
	opts->uid = json_string_value(json_at(body, "preconditions", "uid", NULL));
	opts->resource_version =
	        json_string_value(json_at(body, "preconditions", "resourceVersion", NULL));
	how = json_str_at(body, how ? how : "", "propagationPolicy", NULL);
	if (strcmp(how, "Foreground") == 0)
		opts->propagation = REGISTRY_FOREGROUND;
	else if (strcmp(how, "Orphan") == 0)
		opts->propagation = REGISTRY_ORPHAN;
}

static void delete_one(struct api_call *call, const struct registry_delete_opts *opts)
{
	struct registry_request req = registry_request_of(call);
	struct registry_answer ans;
	int result;

	registry_answer_init(&ans);
	result = registry_do_delete(call->api->registry, &req, opts, &ans);
	/* kube answers with the object while it stays and with a Status once it is gone, but for
	 * Pods and namespaces, which always come back as they were. */
	if (result == 0 && !ans.accepted && strcmp(call->type->kube.plural, "pods") != 0) {
		json_t *status = status_deleted(call->type, req.name, kube_uid(ans.body));

		api_send_new(call, 200, status);
		registry_answer_done(&ans);
		return;
	}
	call->table.wanted = false;
	send_answer(call, 200, &ans, result);
}

struct delete_many {
	struct api_call *call;
	const struct registry_delete_opts *opts;
	struct api_selection selection;
};

static bool on_delete_each(void *arg, const json_t *object)
{
	struct delete_many *many = arg;
	struct registry_request req = registry_request_of(many->call);
	struct registry_delete_opts opts = *many->opts;
	struct registry_answer ans;

	if (!api_selection_matches(&many->selection, object))
		return true;
	req.ns = kube_namespace(object);
	req.name = kube_name(object);
	opts.uid = kube_uid(object);
	registry_answer_init(&ans);
	(void)registry_do_delete(many->call->api->registry, &req, &opts, &ans);
	registry_answer_done(&ans);
	return true;
}

static void delete_collection(struct api_call *call, const struct registry_delete_opts *opts)
{
	struct delete_many many = {.call = call, .opts = opts};
	char resource[API_NAME_BYTES];
	const struct store_range all = {
	        .type = api_type_resource(call->type, resource, sizeof resource),
	        .ns = call->req.ns,
	};
	struct err err = {0};

	if (api_selection_parse(call, &many.selection) < 0)
		return;
	if (store_list(registry_store(call->api->registry), &all, on_delete_each, &many, &err) < 0)
		api_send_status(call, status_new(500, "InternalError", NULL, NULL, "%s", err.text));
	else
		api_send_new(call, 200, status_deleted(call->type, "", ""));
	api_selection_done(&many.selection);
}

static void do_delete(struct api_call *call)
{
	struct registry_delete_opts opts;
	json_t *body = NULL;

	if (call->message->body_bytes > 0) {
		body = api_body_parse(call);
		if (body == NULL)
			return;
	}
	delete_opts_of(call, body, &opts);
	if (call->req.name)
		delete_one(call, &opts);
	else
		delete_collection(call, &opts);
	json_decref(body);
}

static void do_get(struct api_call *call)
{
	struct registry_request req = registry_request_of(call);
	struct registry_answer ans;

	if (request_flag(&call->req, "watch")) {
		api_watch(call);
	} else if (call->req.name == NULL) {
		api_list(call);
	} else if (call->req.subresource && strcmp(call->req.subresource, "log") == 0) {
		api_pod_log(call);
	} else {
		registry_answer_init(&ans);
		send_answer(call, 200, &ans, registry_do_get(call->api->registry, &req, &ans));
	}
}

/* Which methods a path has. */
static bool method_fits(const struct api_call *call)
{
	const char *method = call->message->method, *sub = call->req.subresource;
	bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (call->type->read_only || (sub && strcmp(sub, "log") == 0))
		return reads;
	if (call->req.name == NULL)
		return reads || strcmp(method, "POST") == 0 || strcmp(method, "DELETE") == 0;
	return reads || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0 ||
	       (sub == NULL && strcmp(method, "DELETE") == 0);
}

static bool subresource_exists(const struct api_call *call)
{
	const char *sub = call->req.subresource;

	return sub == NULL || (strcmp(sub, "status") == 0 && call->type->has_status) ||
	       (strcmp(sub, "log") == 0 && strcmp(call->type->kube.plural, "pods") == 0);
}

static void resource_call(struct api_call *call)
{
	static const struct {
		const char *method;
		void (*handle)(struct api_call *call);
	} handlers[] = {
	        {"GET", do_get},     {"HEAD", do_get},    {"POST", do_create},
	        {"PUT", do_replace}, {"PATCH", do_patch}, {"DELETE", do_delete},
	};
	const char *method = call->message->method;

	if (!method_fits(call)) {
		api_send_status(call, status_new(405, "MethodNotAllowed", call->type, NULL,
		                                 "the server does not allow this method on the "
		                                 "requested resource"));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
		if (strcmp(handlers[i].method, method) == 0)
			handlers[i].handle(call);
	}
}

/* In constant time; only its length can be learnt. */
static bool is_authorized(const struct api *api, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	const char *token = authorization + sizeof scheme - 1;

	return strncmp(authorization, scheme, sizeof scheme - 1) == 0 &&
	       strlen(token) == strlen(api->token) &&
	       CRYPTO_memcmp(token, api->token, strlen(token)) == 0;
}

static bool find_type(struct api_call *call)
{
	const struct request *req = &call->req;

	if (!req->is_resource)
		return false;
	call->type = api_types_find(registry_types(call->api->registry), req->group, req->version,
	                            req->plural);
	if (call->type == NULL)
		return false;
	/* Lists and watches of a namespaced type go over all namespaces without one. */
	return call->type->kube.cluster_scoped ? req->ns == NULL : req->ns || req->name == NULL;
}

static void on_request(void *arg, struct http_exchange *x, struct http_message *message)
{
	struct api_call call = {.api = arg, .x = x, .message = message};
	struct err err = {0};

	if (request_parse(message->target, &call.req, &err) < 0) {
		api_send_status(&call, status_bad_request("%s", err.text));
		return;
	}
	if (!api_is_open(&call.req) && !is_authorized(call.api, message->authorization)) {
		api_send_status(&call, status_new(401, "Unauthorized", NULL, NULL, "Unauthorized"));
		return;
	}
	if (api_document(&call) || api_review(&call))
		return;
	if (!find_type(&call) || !subresource_exists(&call)) {
		api_send_status(&call, status_new(404, "NotFound", NULL, NULL,
		                                  "the server could not find the requested "
		                                  "resource"));
		return;
	}
	table_opts_parse(&call.table, call.type, message->accept,
	                 request_query(&call.req, "includeObject"));
	call.table.now_wall_ms = clk_wall_ms();
	resource_call(&call);
}

int api_new(struct event_base *base, struct registry *r, const struct api_opts *opts,
            struct api **ret_api, struct err *err)
{
	struct api *api = calloc(1, sizeof *api);

	if (api == NULL)
		return err_set(err, ERR_NOMEM, 0, "API");
	api->base = base;
	api->registry = r;
	api->opts = *opts;
	api->opts.http.on_request = on_request;
	api->opts.http.arg = api;
	api->token = strdup(opts->token);
	if (api->token == NULL || http_server_new(base, &api->opts.http, &api->http, err) < 0) {
		api_free(api);
		return -1;
	}
	api_documents_init(api);
	*ret_api = api;
	return 0;
}

void api_free(struct api *api)
{
	if (api == NULL)
		return;
	http_server_free(api->http);
	free(api->token);
	free(api);
}

unsigned api_port(const struct api *api)
{
	return http_server_port(api->http);
}

void api_set_logs(struct api *api, const struct pod_log_source *logs)
{
	api->opts.logs = logs;
}

void api_set_ready(struct api *api, const char *(*why_not_ready)(void *arg), void *arg)
{
	api->opts.why_not_ready = why_not_ready;
	api->opts.ready_arg = arg;
}
