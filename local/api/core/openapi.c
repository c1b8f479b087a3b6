/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openapi - the OpenAPI v3 document of one group and version, as kubectl reads it
 *
 * `kubectl explain` finds the path of a resource, its group, version and kind, and the schema that
 * carries the same; `kubectl apply` looks for the fieldValidation parameter of PATCH.
 */
#include <stdio.h>
#include <string.h>

#include "local/api/core/discovery.h"

enum { NAME_BYTES = 512 };

/* "top.xtlsoft.stoppablecontainer.v1alpha1.Kind": the group's labels the other way round. */
static void schema_name(const struct api_type *type, char buf[NAME_BYTES])
{
	const char *group = *type->kube.group ? type->kube.group : "core.api.k8s.io";
	const char *end = group + strlen(group), *label;
	size_t used = 0;

	buf[0] = 0;
	while (end > group && used < NAME_BYTES) {
		label = end;
		while (label > group && label[-1] != '.')
			label--;
		used += (size_t)snprintf(buf + used, NAME_BYTES - used, "%.*s.", (int)(end - label),
		                         label);
		end = label > group ? label - 1 : group;
	}
	if (used < NAME_BYTES)
		(void)snprintf(buf + used, NAME_BYTES - used, "%s.%s", type->kube.version,
		               type->kube.kind);
}

static json_t *gvk(const struct api_type *type)
{
	return json_pack("{s:s, s:s, s:s}", "group", type->kube.group, "version",
	                 type->kube.version, "kind", type->kube.kind);
}

static json_t *operation(const struct api_type *type, const char *action, bool writes)
{
	char name[NAME_BYTES];
	json_t *op;

	schema_name(type, name);
	op = json_pack("{s:s, s:O?, s:{s:{s:s, s:{s:{s:{s:o}}}}}}", "x-kubernetes-action", action,
	               "x-kubernetes-group-version-kind", NULL, "responses", "200", "description",
	               "OK", "content", "application/json", "schema", "$ref",
	               json_sprintf("#/components/schemas/%s", name));
	(void)json_object_set_new(op, "x-kubernetes-group-version-kind", gvk(type));
	if (writes)
		(void)json_object_set_new(op, "parameters",
		                          json_pack("[{s:s, s:s, s:{s:s}}, {s:s, s:s, s:{s:s}}]",
		                                    "name", "fieldValidation", "in", "query",
		                                    "schema", "type", "string", "name", "dryRun",
		                                    "in", "query", "schema", "type", "string"));
	return op;
}

static void add_paths(json_t *paths, const struct api_type *type)
{
	char version[API_NAME_BYTES];
	bool core = *type->kube.group == 0;
	json_t *collection, *one;

	api_type_version(type, version, sizeof version);
	collection = json_sprintf("/%s/%s%s/%s", core ? "api" : "apis", version,
	                          type->kube.cluster_scoped ? "" : "/namespaces/{namespace}",
	                          type->kube.plural);
	one = json_sprintf("%s/{name}", json_string_value(collection));
	(void)json_object_set_new(paths, json_string_value(collection),
	                          json_pack("{s:o, s:o}", "get", operation(type, "list", false),
	                                    "post", operation(type, "post", true)));
	(void)json_object_set_new(
	        paths, json_string_value(one),
	        json_pack("{s:o, s:o, s:o, s:o}", "get", operation(type, "get", false), "put",
	                  operation(type, "put", true), "patch", operation(type, "patch", true),
	                  "delete", operation(type, "delete", false)));
	json_decref(collection);
	json_decref(one);
}

static json_t *standard_property(const char *type, const char *description)
{
	return json_pack("{s:s, s:s}", "type", type, "description", description);
}

static void add_schema(json_t *schemas, const struct api_type *type, json_t *schema)
{
	char name[NAME_BYTES];
	json_t *properties;

	if (schema == NULL)
		schema = json_pack("{s:s}", "type", "object");
	properties = json_object_get(schema, "properties");
	if (properties == NULL) {
		properties = json_object();
		(void)json_object_set_new(schema, "properties", properties);
	}
	(void)json_object_set_new(properties, "apiVersion",
	                          standard_property("string", "Version of the API."));
	(void)json_object_set_new(properties, "kind",
	                          standard_property("string", "Kind of the object."));
	(void)json_object_set_new(properties, "metadata",
	                          standard_property("object", "Standard object metadata."));
	(void)json_object_set_new(schema, "x-kubernetes-group-version-kind",
	                          json_pack("[o]", gvk(type)));
	schema_name(type, name);
	(void)json_object_set_new(schemas, name, schema);
}

json_t *openapi_v3(const struct api_types *types, const char *group, const char *version,
                   json_t *(*schema_of)(void *arg, const struct api_type *type), void *arg)
{
	json_t *paths = json_object(), *schemas = json_object();

	for (size_t i = 0; i < types->count; i++) {
		const struct api_type *type = &types->list[i];

		if (strcmp(type->kube.group, group) != 0 ||
		    strcmp(type->kube.version, version) != 0)
			continue;
		add_paths(paths, type);
		add_schema(schemas, type, schema_of(arg, type));
	}
	return json_pack("{s:s, s:{s:s, s:s}, s:o, s:{s:o}}", "openapi", "3.0.0", "info", "title",
	                 "StoppableContainer", "version", SC_VERSION, "paths", paths, "components",
	                 "schemas", schemas);
}
