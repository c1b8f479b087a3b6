/* SPDX-License-Identifier: Apache-2.0 */
#include "wrapper/node/core/pod_cgroup.h"

#include <stddef.h>
#include <string.h>

static bool pod_cgroup_is_uid(const char *text, const char *uid, char dash)
{
	for (; *uid != '\0'; uid++, text++) {
		if (*text != (*uid == '-' ? dash : *uid))
			return false;
	}
	return true;
}

static bool pod_cgroup_matches(const char *name, size_t len, const char *uid)
{
	static const char slice[] = ".slice";
	size_t uid_len = strlen(uid);
	size_t tail = sizeof slice - 1;
	const char *at;

	if (uid_len == 0 || len < 3 + uid_len)
		return false;
	if (len == 3 + uid_len)
		return memcmp(name, "pod", 3) == 0 && pod_cgroup_is_uid(name + 3, uid, '-');
	if (len < 3 + uid_len + tail || memcmp(name + len - tail, slice, tail) != 0)
		return false;
	at = name + len - tail - uid_len - 3;
	return (at == name || at[-1] == '-') && memcmp(at, "pod", 3) == 0 &&
	       pod_cgroup_is_uid(at + 3, uid, '_');
}

bool pod_cgroup_is_folder(const char *name, const char *pod_uid)
{
	return pod_cgroup_matches(name, strlen(name), pod_uid);
}

bool pod_cgroup_has(const char *text, const char *pod_uid)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "/\n");

		if (pod_cgroup_matches(text, len, pod_uid))
			return true;
		text += len;
		if (*text != '\0')
			text++;
	}
	return false;
}

bool pod_cgroup_has_container(const char *text, const char *container_id)
{
	const char *scheme_end = strstr(container_id, "://");
	const char *id = scheme_end != NULL ? scheme_end + 3 : container_id;
	size_t len = strlen(id);

	if (len == 0)
		return false;
	for (const char *at = strstr(text, id); at != NULL; at = strstr(at + 1, id)) {
		if (at > text && strchr("/-:", at[-1]) != NULL && strchr("/.\n", at[len]) != NULL)
			return true;
	}
	return false;
}
