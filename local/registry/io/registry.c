/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry - opens and closes the registry: built-in types, namespaces, CRDs, database
 */
#include "local/registry.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "local/registry/core/status.h"
#include "local/registry/io/crds.h"
#include "local/registry/io/registry_internal.h"

/* What every cluster has from its first moment. */
static int make_namespaces(struct registry *r, struct err *err)
{
	static const char *const names[] = {"default", "kube-system", "kube-public"};
	const struct api_type *type = api_types_find(&r->types, "", "v1", "namespaces");
	struct registry_request req = {.type = type, .ns = ""};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct registry_answer ans;
		json_t *object = json_pack("{s:{s:s}}", "metadata", "name", names[i]);
		int code;

		registry_answer_init(&ans);
		code = registry_do_create(r, &req, object, &ans) < 0 ? status_http_code(ans.body)
		                                                     : 0;
		if (code != 0 && code != 409)
			status_to_err(ans.body, err);
		registry_answer_done(&ans);
		json_decref(object);
		if (code != 0 && code != 409)
			return -1;
	}
	return 0;
}

int registry_open(struct event_base *base, const struct registry_opts *opts,
                  struct registry **ret_registry, struct err *err)
{
	struct registry *r = calloc(1, sizeof *r);

	if (r == NULL)
		return err_set(err, ERR_NOMEM, 0, "registry");
	r->base = base;
	if (opts->node_name)
		r->node_name = strdup(opts->node_name);
	if (registry_core_init(r) < 0 || registry_gc_init(r) < 0 ||
	    api_types_init(&r->types, err) < 0 ||
	    store_open(opts->database_file, opts->change_log_max, &r->store, err) < 0 ||
	    make_namespaces(r, err) < 0 ||
	    (opts->crds_dir && crds_load(r, opts->crds_dir, err) < 0)) {
		registry_close(r);
		return -1;
	}
	api_types_seal(&r->types);
	registry_gc_look_at_all(r);
	(void)malloc_trim(0); /* reading the CRDs took many times what is kept of them */
	*ret_registry = r;
	return 0;
}

void registry_close(struct registry *r)
{
	if (r == NULL)
		return;
	registry_gc_done(r);
	registry_core_done(r);
	store_close(r->store);
	api_types_done(&r->types);
	free(r->node_name);
	free(r);
}
