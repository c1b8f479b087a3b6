/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discovery - the documents by which clients learn which resource types the API serves
 */
#include "local/api/core/discovery.h"

#include <stdio.h>
#include <string.h>

json_t *discovery_api_versions(void)
{
	return json_pack("{s:s, s:[s], s:[]}", "kind", "APIVersions", "versions", "v1",
	                 "serverAddressByClientCIDRs");
}

static json_t *group_of(const struct kube_type *type)
{
	json_t *version = json_pack("{s:o, s:s}", "groupVersion",
	                            json_sprintf("%s/%s", type->group, type->version), "version",
	                            type->version);

	return json_pack("{s:s, s:[O], s:o}", "name", type->group, "versions", version,
	                 "preferredVersion", version);
}

/* Is this row the first of its group? Each group has one version. */
static bool is_first(const struct api_types *types, size_t row)
{
	for (size_t i = 0; i < row; i++) {
		if (strcmp(types->list[i].kube.group, types->list[row].kube.group) == 0)
			return false;
	}
	return true;
}

json_t *discovery_groups(const struct api_types *types)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < types->count; i++) {
		if (*types->list[i].kube.group && is_first(types, i))
			(void)json_array_append_new(groups, group_of(&types->list[i].kube));
	}
	return json_pack("{s:s, s:s, s:o}", "kind", "APIGroupList", "apiVersion", "v1", "groups",
	                 groups);
}

json_t *discovery_group(const struct api_types *types, const char *group)
{
	for (size_t i = 0; i < types->count; i++) {
		json_t *found;

		if (*group == 0 || strcmp(types->list[i].kube.group, group) != 0)
			continue;
		found = group_of(&types->list[i].kube);
		(void)json_object_set_new(found, "kind", json_string("APIGroup"));
		(void)json_object_set_new(found, "apiVersion", json_string("v1"));
		return found;
	}
	return NULL;
}

static json_t *resource_of(const struct api_type *type, const char *subresource)
{
	json_t *words, *resource = json_pack("{s:o, s:s, s:b, s:s}", "name",
	                                     json_sprintf("%s%s%s", type->kube.plural,
	                                                  *subresource ? "/" : "", subresource),
	                                     "singularName", *subresource ? "" : type->singular,
	                                     "namespaced", !type->kube.cluster_scoped, "kind",
	                                     type->kube.kind);

	if (*subresource) {
		(void)json_object_set_new(resource, "verbs",
		                          strcmp(subresource, "log") == 0
		                                  ? json_pack("[s]", "get")
		                                  : json_pack("[sss]", "get", "patch", "update"));
		return resource;
	}
	(void)json_object_set_new(resource, "verbs",
	                          type->read_only ? json_pack("[sss]", "get", "list", "watch")
	                                          : json_pack("[ssssssss]", "create", "delete",
	                                                      "deletecollection", "get", "list",
	                                                      "patch", "update", "watch"));
	words = json_array();
	for (size_t i = 0; type->short_names[i]; i++)
		(void)json_array_append_new(words, json_string(type->short_names[i]));
	(void)json_object_set_new(resource, "shortNames", words);
	if (type->categories[0])
		(void)json_object_set_new(resource, "categories",
		                          json_pack("[s]", type->categories[0]));
	return resource;
}

json_t *discovery_resources(const struct api_types *types, const char *group, const char *version)
{
	json_t *list = json_array();

	for (size_t i = 0; i < types->count; i++) {
		const struct api_type *type = &types->list[i];

		if (strcmp(type->kube.group, group) != 0 ||
		    strcmp(type->kube.version, version) != 0)
			continue;
		(void)json_array_append_new(list, resource_of(type, ""));
		if (type->has_status)
			(void)json_array_append_new(list, resource_of(type, "status"));
		if (strcmp(type->kube.plural, "pods") == 0)
			(void)json_array_append_new(list, resource_of(type, "log"));
	}
	if (json_array_size(list) == 0) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:o, s:o}", "kind", "APIResourceList", "apiVersion", "v1",
	                 "groupVersion", json_sprintf("%s%s%s", group, *group ? "/" : "", version),
	                 "resources", list);
}
