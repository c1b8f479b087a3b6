/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_types - the table of resource types: the built-in ones and those of CRDs
 */
#include "local/registry/core/api_types.h"

#include <stdio.h>
#include <string.h>

#include "lib/kube/client/object.h"
#include "local/registry/core/builtin_schemas.h"

/* clang-format off */
static const struct api_type builtin_types[] = {
	{ .kube = { "", "v1", "namespaces", "Namespace", true }, .singular = "namespace",
	  .short_names = { "ns" }, .has_status = true },
	{ .kube = { "", "v1", "nodes", "Node", true }, .singular = "node",
	  .short_names = { "no" }, .has_status = true },
	{ .kube = { "", "v1", "pods", "Pod", false }, .singular = "pod",
	  .short_names = { "po" }, .categories = { "all" }, .has_status = true,
	  .schema_text = BUILTIN_SCHEMA_POD },
	{ .kube = { "", "v1", "services", "Service", false }, .singular = "service",
	  .short_names = { "svc" }, .categories = { "all" }, .has_status = true,
	  .schema_text = BUILTIN_SCHEMA_SERVICE },
	{ .kube = { "", "v1", "endpoints", "Endpoints", false }, .singular = "endpoints",
	  .short_names = { "ep" } },
	{ .kube = { "", "v1", "configmaps", "ConfigMap", false }, .singular = "configmap",
	  .short_names = { "cm" }, .schema_text = BUILTIN_SCHEMA_CONFIGMAP },
	{ .kube = { "", "v1", "secrets", "Secret", false }, .singular = "secret",
	  .schema_text = BUILTIN_SCHEMA_SECRET },
	{ .kube = { "", "v1", "serviceaccounts", "ServiceAccount", false },
	  .singular = "serviceaccount", .short_names = { "sa" } },
	{ .kube = { "", "v1", "events", "Event", false }, .singular = "event",
	  .short_names = { "ev" }, .schema_text = BUILTIN_SCHEMA_EVENT },
	{ .kube = { "coordination.k8s.io", "v1", "leases", "Lease", false }, .singular = "lease",
	  .schema_text = BUILTIN_SCHEMA_LEASE },
	{ .kube = { "discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", false },
	  .singular = "endpointslice", .has_generation = true,
	  .schema_text = BUILTIN_SCHEMA_ENDPOINTSLICE },
	{ .kube = { "apiextensions.k8s.io", "v1", "customresourcedefinitions",
	            "CustomResourceDefinition", true },
	  .singular = "customresourcedefinition", .short_names = { "crd", "crds" },
	  .has_generation = true, .read_only = true },
};
/* clang-format on */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int api_types_init(struct api_types *types, struct err *err)
{
	memset(types, 0, sizeof *types);
	types->pool = json_object();
	if (schema_patterns_init(&types->patterns, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(builtin_types); i++) {
		struct api_type *type = &types->list[types->count++];

		*type = builtin_types[i];
		type->patterns = &types->patterns;
		if (type->schema_text == NULL)
			continue;
		type->schema = json_loads(type->schema_text, 0, NULL);
		if (type->schema == NULL)
			return err_set(err, ERR_NOMEM, 0, "schema of %s", type->kube.plural);
		if (schema_patterns_add(&types->patterns, type->schema, err) < 0)
			return err_wrap(err, "schema of %s", type->kube.plural);
	}
	return 0;
}

void api_types_done(struct api_types *types)
{
	for (size_t i = 0; i < types->count; i++) {
		json_decref(types->list[i].schema);
		json_decref(types->list[i].columns);
		json_decref(types->list[i].names);
	}
	types->count = 0;
	schema_patterns_done(&types->patterns);
	api_types_seal(types);
}

void api_types_seal(struct api_types *types)
{
	json_decref(types->pool);
	types->pool = NULL;
}

enum { INTERN_KEY_BYTES = 16384 };

/*
 * The same part, once: a schema says {"type":"string"} thousands of times. Parts of @node are in
 * the pool already, so the addresses of its children tell it from others. Takes @node.
 */
static json_t *intern(json_t *pool, json_t *node)
{
	char text[INTERN_KEY_BYTES] = "[";
	size_t used = 1, i;
	const char *key;
	json_t *child, *present;

	if (json_is_object(node)) {
		text[0] = '{';
		json_object_foreach(node, key, child) {
			if (used < sizeof text)
				used += (size_t)snprintf(text + used, sizeof text - used, "%s:%p,",
				                         key, (void *)child);
		}
	} else if (json_is_array(node)) {
		json_array_foreach(node, i, child) {
			if (used < sizeof text)
				used += (size_t)snprintf(text + used, sizeof text - used, "%p,",
				                         (void *)child);
		}
	} else {
		used = json_dumpb(node, text, sizeof text - 1, JSON_ENCODE_ANY);
		text[used < sizeof text ? used : 0] = 0;
	}
	if (used >= sizeof text)
		return node;
	present = json_object_get(pool, text);
	if (present == NULL) {
		(void)json_object_set(pool, text, node);
		return node;
	}
	json_decref(node);
	return json_incref(present);
}

/* Keywords whose values are data, not schemas, and those that only a reader needs. */
static bool is_data(const char *key)
{
	return strcmp(key, "default") == 0 || strcmp(key, "enum") == 0;
}

static bool is_prose(const char *key)
{
	return strcmp(key, "description") == 0 || strcmp(key, "example") == 0 ||
	       strcmp(key, "x-kubernetes-validations") == 0;
}

/* A schema without prose, its equal parts shared. Below "properties" keys are names: @is_map. */
static json_t *schema_strip(json_t *pool, const json_t *schema, bool is_map)
{
	json_t *copy, *child;
	const char *key;
	size_t i;

	if (json_is_array(schema)) {
		copy = json_array();
		json_array_foreach(schema, i, child) {
			(void)json_array_append_new(copy, schema_strip(pool, child, false));
		}
		return intern(pool, copy);
	}
	if (!json_is_object(schema))
		return intern(pool, json_incref((json_t *)schema));
	copy = json_object();
	json_object_foreach((json_t *)schema, key, child) {
		bool names = !is_map && strcmp(key, "properties") == 0;

		if (!is_map && is_prose(key))
			continue;
		if (!is_map && is_data(key))
			(void)json_object_set(copy, key, child);
		else
			(void)json_object_set_new(copy, key, schema_strip(pool, child, names));
	}
	return intern(pool, copy);
}

static const json_t *storage_version(const json_t *spec)
{
	const json_t *versions = json_object_get(spec, "versions"), *version;
	size_t i;

	json_array_foreach(versions, i, version) {
		if (json_is_true(json_object_get(version, "storage")))
			return version;
	}
	return NULL;
}

static void type_set_names(struct api_type *type, const json_t *names)
{
	const json_t *list = json_object_get(names, "shortNames"), *word;
	size_t i;

	type->kube.plural = text_of(names, "plural");
	type->kube.kind = text_of(names, "kind");
	type->singular = text_of(names, "singular");
	json_array_foreach(list, i, word) {
		if (i < API_SHORT_NAMES_MAX)
			type->short_names[i] = json_string_value(word);
	}
	type->categories[0] =
	        json_string_value(json_array_get(json_object_get(names, "categories"), 0));
}

int api_types_add_crd(struct api_types *types, const json_t *crd, struct err *err)
{
	const json_t *spec = json_object_get(crd, "spec");
	const json_t *version = storage_version(spec);
	const json_t *schema =
	        json_object_get(json_object_get(version, "schema"), "openAPIV3Schema");
	struct api_type type = {
	        .custom = true, .has_generation = true, .patterns = &types->patterns};

	if (schema == NULL || *text_of(spec, "group") == 0)
		return err_set(err, ERR_PARSE, 0,
		               "not a CustomResourceDefinition of apiextensions.k8s.io/v1 with a "
		               "storage version and its schema");
	if (schema_patterns_add(&types->patterns, schema, err) < 0)
		return err_wrap(err, "%s", kube_name(crd));
	if (types->count == API_TYPES_MAX)
		return err_set(err, ERR_INVALID, 0, "more than %d resource types", API_TYPES_MAX);
	type.names = json_pack("{s:O, s:O, s:O}", "group", json_object_get(spec, "group"),
	                       "version", json_object_get(version, "name"), "names",
	                       json_object_get(spec, "names"));
	if (type.names == NULL)
		return err_set(err, ERR_PARSE, 0, "CustomResourceDefinition without names");
	type.kube.group = text_of(type.names, "group");
	type.kube.version = text_of(type.names, "version");
	type.kube.cluster_scoped = strcmp(text_of(spec, "scope"), "Cluster") == 0;
	type_set_names(&type, json_object_get(type.names, "names"));
	type.has_status =
	        json_object_get(json_object_get(version, "subresources"), "status") != NULL;
	type.schema = schema_strip(types->pool, schema, false);
	type.columns = json_incref(json_object_get(version, "additionalPrinterColumns"));
	types->list[types->count++] = type;
	return 0;
}

const struct api_type *api_types_find(const struct api_types *types, const char *group,
                                      const char *version, const char *plural)
{
	for (size_t i = 0; i < types->count; i++) {
		const struct kube_type *kube = &types->list[i].kube;

		if (strcmp(kube->plural, plural) == 0 && strcmp(kube->group, group) == 0 &&
		    (version == NULL || strcmp(kube->version, version) == 0))
			return &types->list[i];
	}
	return NULL;
}

const struct api_type *api_types_find_kind(const struct api_types *types, const char *api_version,
                                           const char *kind)
{
	const char *slash = strchr(api_version, '/');
	size_t group_bytes = slash ? (size_t)(slash - api_version) : 0;

	for (size_t i = 0; i < types->count; i++) {
		const struct kube_type *kube = &types->list[i].kube;

		if (strcmp(kube->kind, kind) == 0 && strlen(kube->group) == group_bytes &&
		    strncmp(kube->group, api_version, group_bytes) == 0)
			return &types->list[i];
	}
	return NULL;
}

const char *api_type_version(const struct api_type *type, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s%s%s", type->kube.group, *type->kube.group ? "/" : "",
	               type->kube.version);
	return buf;
}

const char *api_type_resource(const struct api_type *type, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s%s%s", type->kube.plural, *type->kube.group ? "." : "",
	               type->kube.group);
	return buf;
}
