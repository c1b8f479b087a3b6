/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image - status.image of an instance, made of an image's configuration
 */
#include "agent/core/image.h"

#include <stdio.h>
#include <string.h>

#include "lib/api/instance.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"

static json_t *image_strings(const json_t *config, const char *key)
{
	json_t *out = json_array();
	const json_t *list = json_object_get(config, key);
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		if (json_is_string(one))
			(void)json_array_append(out, one);
	}
	return out;
}

/* "8080/tcp" or "8080"; what is not TCP can't be activated. */
static json_t *image_ports(const json_t *config)
{
	json_t *out = json_array();
	json_t *ports = json_object_get(config, "ExposedPorts");
	const char *key;
	json_t *value;

	json_object_foreach(ports, key, value) {
		char digits[8];
		size_t len = strcspn(key, "/");
		uint64_t port;

		if (len >= sizeof digits || (key[len] != '\0' && strcmp(key + len, "/tcp") != 0))
			continue;
		memcpy(digits, key, len);
		digits[len] = '\0';
		if (num_parse_u64(digits, 1, UINT16_MAX, &port, NULL) == 0)
			(void)json_array_append_new(out, json_integer((json_int_t)port));
	}
	return out;
}

json_t *image_status(const json_t *config, const json_t *run_as)
{
	const char *dir = json_string_value(json_object_get(config, "WorkingDir"));
	const char *stop_signal = json_string_value(json_object_get(config, "StopSignal"));

	return json_pack("{s:o, s:o, s:o, s:s, s:i, s:i, s:[], s:o, s:s*, s:O*}", "entrypoint",
	                 image_strings(config, "Entrypoint"), "command",
	                 image_strings(config, "Cmd"), "env", image_strings(config, "Env"),
	                 "workingDir", dir != NULL && *dir != '\0' ? dir : "/", "uid", 0, "gid", 0,
	                 "groups", "exposedPorts", image_ports(config), "stopSignal",
	                 stop_signal != NULL && *stop_signal != '\0' ? stop_signal : NULL,
	                 "runAsUser", run_as);
}

const char *image_user(const json_t *config, const json_t *run_as, char buf[IMAGE_USER_BYTES])
{
	const char *user = json_string_value(json_object_get(config, "User"));

	if (run_as != NULL)
		(void)snprintf(buf, IMAGE_USER_BYTES, "%" JSON_INTEGER_FORMAT,
		               json_integer_value(run_as));
	else
		(void)snprintf(buf, IMAGE_USER_BYTES, "%s", user != NULL ? user : "");
	return buf;
}

bool image_status_is_whole(const json_t *status, const json_t *run_as)
{
	return instance_image_is_of(status, run_as) &&
	       json_is_string(json_object_get(status, "home"));
}

void image_status_user(json_t *status, const struct passwd_user *user)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < user->groups_count; i++)
		(void)json_array_append_new(groups, json_integer(user->groups[i]));
	(void)json_object_set_new(status, "uid", json_integer(user->uid));
	(void)json_object_set_new(status, "gid", json_integer(user->gid));
	(void)json_object_set_new(status, "groups", groups);
	(void)json_object_set_new(status, "home", json_text(user->home));
}
