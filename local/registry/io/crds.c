/* SPDX-License-Identifier: Apache-2.0 */
#include "local/registry/io/crds.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/kube/client/object.h"
#include "lib/text/yaml.h"
#include "local/registry/io/registry_api.h"

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
		    registry_add_crd(r, doc, err) < 0)
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
