/* SPDX-License-Identifier: Apache-2.0 */
#include "wrapper/node/core/passwd.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/num.h"

enum { PASSWD_NAME_BYTES_MAX = 256, PASSWD_FIELDS_MAX = 4 };

struct passwd_field {
	const char *text;
	size_t len;
};

/* The first fields of a line "a:b:c:d…". Return: how many there are. */
static size_t passwd_fields(const char *line, size_t len, struct passwd_field *fields)
{
	size_t count = 0;

	while (count < PASSWD_FIELDS_MAX) {
		const char *end = memchr(line, ':', len);
		size_t field_len = end != NULL ? (size_t)(end - line) : len;

		fields[count++] = (struct passwd_field){line, field_len};
		if (end == NULL)
			break;
		line = end + 1;
		len -= field_len + 1;
	}
	return count;
}

static bool passwd_number(const struct passwd_field *f, uint32_t *ret_number)
{
	char text[16];
	uint64_t n;

	if (f->len >= sizeof text)
		return false;
	memcpy(text, f->text, f->len);
	text[f->len] = '\0';
	if (num_parse_u64(text, 0, UINT32_MAX - 1, &n, NULL) < 0)
		return false;
	*ret_number = (uint32_t)n;
	return true;
}

/*
 * The line whose field @key is @want; its field 2 (uid, or a group's gid) and field 3 (a user's
 * gid, when @ret_gid is wanted).
 */
static bool passwd_find(const char *text, size_t key, const char *want, uint32_t *ret_id,
                        uint32_t *ret_gid)
{
	struct passwd_field f[PASSWD_FIELDS_MAX];

	for (; *text != '\0'; text += *text == '\n') {
		size_t len = strcspn(text, "\n");
		size_t count = passwd_fields(text, len, f);

		text += len;
		if (count < 3 || f[key].len != strlen(want) ||
		    memcmp(f[key].text, want, f[key].len) != 0 || !passwd_number(&f[2], ret_id))
			continue;
		if (ret_gid == NULL || (count == 4 && passwd_number(&f[3], ret_gid)))
			return true;
	}
	return false;
}

int passwd_resolve(const char *user, const char *passwd, const char *group, uint32_t *ret_uid,
                   uint32_t *ret_gid, struct err *err)
{
	const char *colon = strchr(user, ':');
	struct passwd_field part = {user, colon != NULL ? (size_t)(colon - user) : strlen(user)};
	struct passwd_field group_part = {colon != NULL ? colon + 1 : "",
	                                  colon != NULL ? strlen(colon + 1) : 0};
	char name[PASSWD_NAME_BYTES_MAX];
	uint32_t uid = 0;
	uint32_t gid = 0;
	uint32_t found;

	if (part.len >= sizeof name)
		return err_set(err, ERR_INVALID, 0, "user \"%s\": too long", user);
	memcpy(name, part.text, part.len);
	name[part.len] = '\0';
	if (part.len > 0 && passwd_number(&part, &uid)) {
		if (!passwd_find(passwd, 2, name, &found, &gid))
			gid = 0;
	} else if (part.len > 0 && !passwd_find(passwd, 0, name, &uid, &gid)) {
		return err_set(err, ERR_INVALID, 0, "user \"%s\" is not in the image's /etc/passwd",
		               name);
	}
	if (group_part.len > 0 && !passwd_number(&group_part, &gid) &&
	    !passwd_find(group, 0, group_part.text, &gid, NULL))
		return err_set(err, ERR_INVALID, 0, "group \"%s\" is not in the image's /etc/group",
		               group_part.text);
	*ret_uid = uid;
	*ret_gid = gid;
	return 0;
}
