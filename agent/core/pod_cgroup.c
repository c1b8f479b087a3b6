/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_cgroup - names of cgroups compared with the UIDs of Pods and the ids of containers
 */
#include "agent/core/pod_cgroup.h"

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

bool pod_cgroup_is_container(const char *name, const char *container_id)
{
	static const char scope[] = ".scope";
	size_t tail = sizeof scope - 1;
	size_t len = strlen(name);
	size_t id_len = strlen(container_id);

	if (len > tail && memcmp(name + len - tail, scope, tail) == 0)
		len -= tail;
	if (id_len == 0 || len < id_len || memcmp(name + len - id_len, container_id, id_len) != 0)
		return false;
	return len == id_len || strchr("-:", name[len - id_len - 1]) != NULL;
}

const char *pod_cgroup_id(const char *container_id)
{
	const char *scheme_end = strstr(container_id, "://");

	return scheme_end != NULL ? scheme_end + 3 : container_id;
}

bool pod_cgroup_has_container(const char *text, const char *container_id)
{
	char name[POD_CGROUP_NAME_BYTES];

	while (*text != '\0') {
		size_t len = strcspn(text, "/\n");

		if (len < sizeof name) {
			memcpy(name, text, len);
			name[len] = '\0';
			if (pod_cgroup_is_container(name, pod_cgroup_id(container_id)))
				return true;
		}
		text += len;
		if (*text != '\0')
			text++;
	}
	return false;
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
