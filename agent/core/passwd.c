/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwd - users and groups looked up in the texts of /etc/passwd and /etc/group
 */
#include "agent/core/passwd.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/num.h"

/* name:password:uid:gid:comment:home, and a group's four; the home is at its place or absent */
enum { PASSWD_FIELDS_MAX = 7, PASSWD_FIELD_HOME = 5 };

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

static bool passwd_is(struct passwd_field f, struct passwd_field want)
{
	return f.len == want.len && memcmp(f.text, want.text, f.len) == 0;
}

/* A line of either file; @gid is a user's. */
struct passwd_entry {
	struct passwd_field name;
	uint32_t id;
	uint32_t gid;
	struct passwd_field home;
};

/* The first line whose field @key is @want. */
static bool passwd_find(const char *text, size_t key, struct passwd_field want, bool is_user,
                        struct passwd_entry *ret_entry)
{
	struct passwd_field f[PASSWD_FIELDS_MAX];

	for (; *text != '\0'; text += *text == '\n') {
		size_t len = strcspn(text, "\n");
		size_t count = passwd_fields(text, len, f);

		text += len;
		if (count < 3 || !passwd_is(f[key], want) || !passwd_number(&f[2], &ret_entry->id))
			continue;
		ret_entry->name = f[0];
		ret_entry->home = count > PASSWD_FIELD_HOME ? f[PASSWD_FIELD_HOME]
		                                            : (struct passwd_field){"", 0};
		if (!is_user || (count >= 4 && passwd_number(&f[3], &ret_entry->gid)))
			return true;
	}
	return false;
}

/* Is @name one of "a,b,c"? */
static bool passwd_lists(struct passwd_field list, struct passwd_field name)
{
	while (list.len > 0) {
		const char *comma = memchr(list.text, ',', list.len);
		size_t len = comma != NULL ? (size_t)(comma - list.text) : list.len;

		if (passwd_is((struct passwd_field){list.text, len}, name))
			return true;
		if (comma == NULL)
			break;
		list.text = comma + 1;
		list.len -= len + 1;
	}
	return false;
}

static void passwd_add_groups(const char *group, struct passwd_field name, struct passwd_user *user)
{
	struct passwd_field f[PASSWD_FIELDS_MAX];
	uint32_t gid;

	for (; *group != '\0' && user->groups_count < PASSWD_GROUPS_MAX; group += *group == '\n') {
		size_t len = strcspn(group, "\n");
		size_t count = passwd_fields(group, len, f);

		group += len;
		/* a Pod can have no larger number */
		if (count >= 4 && passwd_lists(f[3], name) && !passwd_is(f[0], name) &&
		    passwd_number(&f[2], &gid) && gid <= INT32_MAX)
			user->groups[user->groups_count++] = gid;
	}
}

/* As runtimes do: "/" of a user who is not in the file, or has none there. */
static void passwd_set_home(struct passwd_user *user, struct passwd_field home)
{
	bool fits = home.len > 0 && home.len < sizeof user->home;

	(void)snprintf(user->home, sizeof user->home, "%.*s", fits ? (int)home.len : 1,
	               fits ? home.text : "/");
}

int passwd_resolve(const char *user, const char *passwd, const char *group,
                   struct passwd_user *ret_user, struct err *err)
{
	const char *colon = strchrnul(user, ':');
	struct passwd_field part = {user, (size_t)(colon - user)};
	struct passwd_field group_part = {colon + 1, *colon != '\0' ? strlen(colon + 1) : 0};
	struct passwd_user u = {0};
	struct passwd_entry found = {0};
	bool is_known;

	if (part.len == 0)
		part = (struct passwd_field){"0", 1};
	if (passwd_number(&part, &u.uid)) {
		is_known = passwd_find(passwd, 2, part, true, &found);
	} else {
		is_known = passwd_find(passwd, 0, part, true, &found);
		u.uid = found.id;
		if (!is_known)
			return err_set(err, ERR_INVALID, 0,
			               "user \"%.*s\" is not in the image's /etc/passwd",
			               (int)part.len, part.text);
	}
	passwd_set_home(&u, is_known ? found.home : (struct passwd_field){"", 0});
	if (is_known) {
		u.gid = found.gid;
		passwd_add_groups(group, found.name, &u);
	}
	if (group_part.len > 0 && !passwd_number(&group_part, &u.gid)) {
		if (!passwd_find(group, 0, group_part, false, &found))
			return err_set(err, ERR_INVALID, 0,
			               "group \"%s\" is not in the image's /etc/group",
			               group_part.text);
		u.gid = found.id;
	}
	*ret_user = u;
	return 0;
}
