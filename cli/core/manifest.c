/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest - the StoppableContainer that "create" makes of its flags
 */
#include "cli/core/manifest.h"

#include <stdio.h>
#include <string.h>

#include "lib/api/names.h"
#include "lib/base/num.h"

static int add_env(const struct args *args, json_t *container, struct err *err)
{
	json_t *list;

	if (args->env.count == 0)
		return 0;
	list = json_array();
	(void)json_object_set_new(container, "env", list);
	for (size_t i = 0; i < args->env.count; i++) {
		const char *text = args->env.items[i];
		const char *sign = strchr(text, '=');
		json_t *name;

		if (sign == NULL || sign == text)
			return err_set(err, ERR_INVALID, 0, "--env \"%.80s\": want NAME=VALUE",
			               text);
		name = json_stringn(text, (size_t)(sign - text));
		if (name == NULL || json_array_append_new(list, json_pack("{so ss}", "name", name,
		                                                          "value", sign + 1)) < 0)
			return err_set(err, ERR_INVALID, 0, "--env \"%.80s\": want UTF-8", text);
	}
	return 0;
}

static int add_ports(const struct args *args, json_t *container, struct err *err)
{
	json_t *list;

	if (args->ports.count == 0)
		return 0;
	list = json_array();
	(void)json_object_set_new(container, "ports", list);
	for (size_t i = 0; i < args->ports.count; i++) {
		const char *text = args->ports.items[i];
		const char *name = strchr(text, ':');
		char digits[8];
		uint64_t port;
		json_t *o;

		(void)snprintf(digits, sizeof digits, "%.*s", (int)strcspn(text, ":"), text);
		if (num_parse_u64(digits, 1, UINT16_MAX, &port, NULL) < 0 ||
		    (name != NULL && name[1] == '\0'))
			return err_set(err, ERR_INVALID, 0,
			               "--port \"%.80s\": want PORT or PORT:NAME, such as "
			               "8080:http",
			               text);
		o = json_pack("{sI}", "containerPort", (json_int_t)port);
		if (name != NULL)
			(void)json_object_set_new(o, "name", json_string(name + 1));
		(void)json_array_append_new(list, o);
	}
	return 0;
}

static void add_command(const struct args *args, json_t *container)
{
	json_t *list;

	if (args->command == NULL || *args->command == NULL)
		return;
	list = json_array();
	(void)json_object_set_new(container, "command", list);
	for (char **c = args->command; *c != NULL; c++)
		(void)json_array_append_new(list, json_string(*c));
}

int manifest_of(const struct args *args, const char *ns, json_t **ret_object, struct err *err)
{
	json_t *object, *container;
	uint64_t ms;

	if (args->image == NULL || *args->image == '\0')
		return err_set(err, ERR_INVALID, 0, "create: --image=IMAGE is needed");
	if (args->idle_timeout != NULL &&
	    num_parse_duration_ms(args->idle_timeout, UINT64_MAX / 2, &ms, err) < 0)
		return err_wrap(err, "--idle-timeout");
	object = json_pack("{ss ss s{ss ss} s{sb s{s{ss}}}}", "apiVersion", SC_API_VERSION, "kind",
	                   "StoppableContainer", "metadata", "name", args->operands[0], "namespace",
	                   ns, "spec", "running", args->running, "template", "container", "image",
	                   args->image);
	if (object == NULL)
		return err_set(err, ERR_INVALID, 0, "create: name and image: want UTF-8");
	container = json_object_get(json_object_get(json_object_get(object, "spec"), "template"),
	                            "container");
	add_command(args, container);
	if (args->workdir != NULL)
		(void)json_object_set_new(container, "workingDir", json_string(args->workdir));
	if (args->idle_timeout != NULL)
		(void)json_object_set_new(json_object_get(object, "spec"), "idle",
		                          json_pack("{ss}", "timeout", args->idle_timeout));
	if (add_env(args, container, err) < 0 || add_ports(args, container, err) < 0) {
		json_decref(object);
		return -1;
	}
	*ret_object = object;
	return 0;
}
