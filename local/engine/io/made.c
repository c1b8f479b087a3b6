/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made - notes in the state folder what the engine made on the machine, and reads it again
 */
#include "local/engine/io/made.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "local/engine/io/pki.h"

DEFINE_CLEANUP(json_t *, json_decref);

static void made_path(const struct engine *e, char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/made.json", e->state_dir);
}

int made_note(const struct engine *e, bool is_up, struct err *err)
{
	char path[PATH_MAX];
	CLEANUP(json_decref_var)
	json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:b,s:b}", "runDir", e->run_dir, "bridge",
	                         e->bridge, "subnet", e->subnet, "cgroupRoot", e->cgroup_root,
	                         "masquerade", e->masquerade, "up", is_up);
	char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
	int r = text != NULL ? 0 : err_set(err, ERR_NOMEM, 0, "made.json");

	made_path(e, path);
	if (r == 0)
		r = pki_write_file(path, text, 0600, err);
	free(text);
	return r;
}

static int text_read(const json_t *json, const char *key, char *buf, size_t size)
{
	const char *text = json_string_value(json_object_get(json, key));

	if (text == NULL || strlen(text) >= size)
		return -1;
	(void)snprintf(buf, size, "%s", text);
	return 0;
}

int made_recall(struct engine *e, struct made *made, struct err *err)
{
	char path[PATH_MAX];
	json_error_t where;
	CLEANUP(json_decref_var) json_t *json = NULL;

	made_path(e, path);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 1;
	json = json_load_file(path, 0, &where);
	if (json == NULL)
		return err_set(err, ERR_PARSE, 0, "%s: %s", path, where.text);
	if (text_read(json, "runDir", made->run_dir, sizeof made->run_dir) < 0 ||
	    text_read(json, "bridge", made->bridge, sizeof made->bridge) < 0 ||
	    text_read(json, "subnet", made->subnet, sizeof made->subnet) < 0 ||
	    text_read(json, "cgroupRoot", made->cgroup_root, sizeof made->cgroup_root) < 0)
		return err_set(err, ERR_PARSE, 0, "%s: a member is missing or too long", path);
	e->run_dir = made->run_dir;
	e->bridge = made->bridge;
	e->subnet = made->subnet;
	e->cgroup_root = made->cgroup_root;
	made->is_up = json_is_true(json_object_get(json, "up"));
	e->masquerade = json_is_true(json_object_get(json, "masquerade"));
	return 0;
}
