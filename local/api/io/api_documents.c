/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_documents - answers all that is no resource: health, version, discovery, OpenAPI
 *
 * OpenAPI documents are made when they are asked for, from the CRDs in the store: they are large,
 * and kubectl keeps what it has seen by the hash in the index.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/kube/client/object.h"
#include "local/api/core/discovery.h"
#include "local/api/io/api_internal.h"
#include "local/registry/core/status.h"

static bool path_is(const struct request *req, const char *first, const char *second,
                    unsigned parts)
{
	return req->part_count == parts && strcmp(req->parts[0], first) == 0 &&
	       (second == NULL || strcmp(req->parts[1], second) == 0);
}

bool api_is_open(const struct request *req)
{
	return path_is(req, "healthz", NULL, 1) || path_is(req, "readyz", NULL, 1) ||
	       path_is(req, "livez", NULL, 1) || path_is(req, "version", NULL, 1);
}

static void send_or_404(struct api_call *call, json_t *document)
{
	if (document)
		api_send_new(call, 200, document);
	else
		api_send_status(call, status_new(404, "NotFound", NULL, NULL,
		                                 "the server could not find the requested "
		                                 "resource"));
}

static void send_version(struct api_call *call)
{
	api_send_new(call, 200,
	             json_pack("{s:s, s:s, s:s, s:s}", "major", "1", "minor", "32", "gitVersion",
	                       "v1.32.0+sc-local-" SC_VERSION, "platform", "linux"));
}

/* The CRD of a custom type as it was loaded, with its descriptions. */
static json_t *schema_of(void *arg, const struct api_type *type)
{
	const struct api *api = arg;
	char resource[API_NAME_BYTES];
	struct store_key key = {"customresourcedefinitions.apiextensions.k8s.io", "",
	                        api_type_resource(type, resource, sizeof resource)};
	json_t *crd = NULL, *schema = NULL, *version;
	size_t i;

	if (!type->custom)
		return type->schema ? json_deep_copy(type->schema) : NULL;
	if (store_get(registry_store(api->registry), &key, &crd, NULL) != 0)
		return NULL;
	json_array_foreach(json_at(crd, "spec", "versions", NULL), i, version) {
		if (json_is_true(json_object_get(version, "storage")))
			schema = json_incref(json_at(version, "schema", "openAPIV3Schema", NULL));
	}
	json_decref(crd);
	return schema;
}

static void openapi_index_add(json_t *paths, const struct api_type *type, uint64_t hash)
{
	char version[API_NAME_BYTES];
	const char *root = *type->kube.group ? "apis" : "api";
	json_t *path, *url;

	api_type_version(type, version, sizeof version);
	path = json_sprintf("%s/%s", root, version);
	url = json_sprintf("/openapi/v3/%s/%s?hash=%llX", root, version, (unsigned long long)hash);
	(void)json_object_set_new(paths, json_string_value(path),
	                          json_pack("{s:o}", "serverRelativeURL", url));
	json_decref(path);
}

/* What documents are made of changes with the CRDs' resourceVersions and with the program. */
static uint64_t documents_hash(struct api *api)
{
	const struct api_types *types = registry_types(api->registry);
	uint64_t hash = hash_bytes(HASH_BEGIN, SC_VERSION, sizeof SC_VERSION);

	for (size_t i = 0; i < types->count; i++) {
		char resource[API_NAME_BYTES];
		struct store_key key = {
		        "customresourcedefinitions.apiextensions.k8s.io", "",
		        api_type_resource(&types->list[i], resource, sizeof resource)};
		const char *version;
		json_t *crd = NULL;

		if (!types->list[i].custom ||
		    store_get(registry_store(api->registry), &key, &crd, NULL) != 0)
			continue;
		version = kube_resource_version(crd);
		hash = hash_bytes(hash, version, strlen(version));
		json_decref(crd);
	}
	return hash;
}

static void send_openapi_v3(struct api_call *call)
{
	const struct api_types *types = registry_types(call->api->registry);
	const struct request *req = &call->req;
	bool core = req->part_count == 4 && strcmp(req->parts[2], "api") == 0;
	bool group = req->part_count == 5 && strcmp(req->parts[2], "apis") == 0;

	if (req->part_count == 2) {
		json_t *paths = json_object();

		for (size_t i = 0; i < types->count; i++)
			openapi_index_add(paths, &types->list[i], call->api->documents_hash);
		api_send_new(call, 200, json_pack("{s:o}", "paths", paths));
	} else if (core || group) {
		http_header(call->x, "Cache-Control", "public");
		send_or_404(call, openapi_v3(types, core ? "" : req->parts[3],
		                             req->parts[core ? 3 : 4], schema_of, call->api));
	} else {
		send_or_404(call, NULL);
	}
}

/*
 * Old kubectl want OpenAPI v2, as protobuf (gnostic's Document). An empty one says that there is
 * nothing to check on the client's side: swagger = 1, info = 2 {title = 1, version = 2}, paths = 8.
 */
static void send_openapi_v2(struct api_call *call)
{
	static const char protobuf[] = "\x0a\x03"
	                               "2.0"
	                               "\x12\x19"
	                               "\x0a\x12"
	                               "StoppableContainer"
	                               "\x12\x03"
	                               "0.1"
	                               "\x42\x00";

	if (strstr(call->message->accept, "protobuf"))
		http_reply(call->x, 200,
		           "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", protobuf,
		           sizeof protobuf - 1);
	else
		api_send_new(call, 200,
		             json_pack("{s:s, s:{s:s, s:s}, s:{}, s:{}}", "swagger", "2.0", "info",
		                       "title", "StoppableContainer", "version", SC_VERSION,
		                       "paths", "definitions"));
}

static void send_health(struct api_call *call)
{
	const struct api_opts *opts = &call->api->opts;
	const char *why = NULL;

	if (opts->why_not_ready != NULL && path_is(&call->req, "readyz", NULL, 1))
		why = opts->why_not_ready(opts->ready_arg);
	if (why == NULL)
		why = "ok";
	http_reply(call->x, strcmp(why, "ok") == 0 ? 200 : 503, "text/plain", why, strlen(why));
}

bool api_document(struct api_call *call)
{
	const struct api_types *types = registry_types(call->api->registry);
	const struct request *req = &call->req;

	if (req->part_count == 0)
		api_send_new(call, 200,
		             json_pack("{s:[ssss]}", "paths", "/api", "/apis", "/openapi/v3",
		                       "/version"));
	else if (path_is(req, "version", NULL, 1))
		send_version(call);
	else if (api_is_open(req))
		send_health(call);
	else if (path_is(req, "api", NULL, 1))
		api_send_new(call, 200, discovery_api_versions());
	else if (path_is(req, "apis", NULL, 1))
		api_send_new(call, 200, discovery_groups(types));
	else if (path_is(req, "api", NULL, 2))
		send_or_404(call, discovery_resources(types, "", req->parts[1]));
	else if (path_is(req, "apis", NULL, 2))
		send_or_404(call, discovery_group(types, req->parts[1]));
	else if (path_is(req, "apis", NULL, 3))
		send_or_404(call, discovery_resources(types, req->parts[1], req->parts[2]));
	else if (path_is(req, "openapi", "v2", 2))
		send_openapi_v2(call);
	else if (req->part_count >= 2 && strcmp(req->parts[0], "openapi") == 0 &&
	         strcmp(req->parts[1], "v3") == 0)
		send_openapi_v3(call);
	else
		return false;
	return true;
}

void api_documents_init(struct api *api)
{
	api->documents_hash = documents_hash(api);
}
