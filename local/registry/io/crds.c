/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crds - loads the CustomResourceDefinitions of a folder of YAML files
 */
#include "local/registry/io/crds.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/kube/client/object.h"
#include "lib/text/yaml.h"
#include "local/registry/core/status.h"
#include "local/registry/io/registry_internal.h"

/* It is kept as an object that can be read. */
static int crd_add(struct registry *r, const json_t *crd, struct err *err)
{
	const struct api_type *type = api_types_find(&r->types, "apiextensions.k8s.io", NULL,
	                                             "customresourcedefinitions");
	struct registry_request req = {.type = type, .ns = "", .name = kube_name(crd)};
	struct registry_answer ans;
	json_t *object = json_deep_copy(crd), *had;
	int result;

	registry_answer_init(&ans);
	if (registry_load(r, &req, req.name, &ans) == 0) {
		had = json_incref(ans.body);
		/* The file is the truth; an unchanged one is not written again. */
		(void)json_object_set(object, "metadata", json_object_get(had, "metadata"));
		result = json_equal(had, object)
		                 ? 0
		                 : registry_commit(r,
		                                   &(struct registry_write){type, STORE_MODIFIED,
		                                                            had, object},
		                                   &ans);
		json_decref(had);
	} else {
		result = registry_do_create(r, &req, object, &ans);
	}
	if (result < 0)
		status_to_err(ans.body, err);
	registry_answer_done(&ans);
	json_decref(object);
	return result < 0 ? -1 : api_types_add_crd(&r->types, crd, err);
}

static int load_file(struct registry *r, const char *path, struct err *err)
{
	json_t *docs, *doc;
	int result = 0;
	size_t i;

	if (yaml_load_file(path, &docs, err) < 0)
		return -1;
	json_array_foreach(docs, i, doc) {
		if (json_is_null(doc) || result < 0)
			continue;
		if (strcmp(json_str_at(doc, "", "kind", NULL), "CustomResourceDefinition") == 0 &&
		    crd_add(r, doc, err) < 0)
			result = err_wrap(err, "%s", path);
	}
	json_decref(docs);
	return result;
}

int crds_load(struct registry *r, const char *dir, struct err *err)
{
	char pattern[PATH_MAX];
	glob_t found;
	int result = 0;

	(void)snprintf(pattern, sizeof pattern, "%s/*.yaml", dir);
	if (glob(pattern, 0, NULL, &found) != 0)
		return err_set(err, ERR_NOT_FOUND, 0, "no CRD files in %s", dir);
	for (size_t i = 0; i < found.gl_pathc && result == 0; i++)
		result = load_file(r, found.gl_pathv[i], err);
	globfree(&found);
	return result;
}
