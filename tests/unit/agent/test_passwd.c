/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/passwd.h"

static void test_passwd_users_by_name_and_number(void **state)
{
	static const char passwd[] = "root:x:0:0::/root:/bin/sh\napp:x:1000:50:App:/home:/bin/sh\n"
	                             "broken\nodd:x:y:1\nlast:x:7:8";
	static const char group[] = "root:x:0:\nweb:x:33:app\n";
	static const struct {
		const char *user;
		uint32_t uid, gid;
	} cases[] = {
	        {"", 0, 0},           {"0", 0, 0},
	        {"app", 1000, 50},    {"1000", 1000, 50},
	        {"1234", 1234, 0},    {"app:web", 1000, 33},
	        {"app:99", 1000, 99}, {"1234:web", 1234, 33},
	        {"last", 7, 8},       {":web", 0, 33},
	};
	struct passwd_user u;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(passwd_resolve(cases[i].user, passwd, group, &u, &err), 0);
		assert_int_equal(u.uid, cases[i].uid);
		assert_int_equal(u.gid, cases[i].gid);
	}
	assert_int_equal(passwd_resolve("nobody", passwd, group, &u, &err), -1);
	assert_non_null(strstr(err.text, "\"nobody\""));
	assert_int_equal(passwd_resolve("nobody:web", passwd, group, &u, &err), -1);
	assert_non_null(strstr(err.text, "\"nobody\""));
	assert_int_equal(passwd_resolve("app:none", passwd, group, &u, &err), -1);
	assert_int_equal(passwd_resolve("odd", passwd, group, &u, &err), -1);
	assert_int_equal(passwd_resolve("app", "", "", &u, &err), -1);
}

static void test_passwd_home_is_that_of_the_user(void **state)
{
	static const char passwd[] =
	        "root:x:0:0::/root:/bin/sh\napp:x:1000:50:App:/srv/app:/bin/sh\n"
	        "short:x:7:8\nnone:x:8:8:::/bin/sh\ntoor:x:0:0::/toor\n";
	static const struct {
		const char *user, *home;
	} cases[] = {
	        {"", "/root"},        {"0", "/root"},      {"root", "/root"},
	        {"1000", "/srv/app"}, {"app", "/srv/app"}, {"app:web", "/srv/app"},
	        {"1234", "/"},        {"short", "/"},      {"none", "/"},
	        {"toor", "/toor"},
	};
	char longest[PASSWD_HOME_BYTES + 32] = "app:x:1:1::/";
	struct passwd_user u;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(passwd_resolve(cases[i].user, passwd, "web:x:33:\n", &u, &err), 0);
		assert_string_equal(u.home, cases[i].home);
	}
	memset(longest + strlen(longest), 'a', PASSWD_HOME_BYTES);
	assert_int_equal(passwd_resolve("app", longest, "", &u, &err), 0);
	assert_string_equal(u.home, "/");
}

static void expect_groups(const char *user, const char *group, const char *want)
{
	static const char passwd[] = "root:x:0:0::/root:/bin/sh\napp:x:1000:50:App:/home:/bin/sh\n";
	struct passwd_user u;
	char got[1024] = "";
	struct err err;

	assert_int_equal(passwd_resolve(user, passwd, group, &u, &err), 0);
	for (size_t i = 0; i < u.groups_count; i++)
		(void)snprintf(got + strlen(got), sizeof got - strlen(got), "[%u]", u.groups[i]);
	assert_string_equal(got, want);
}

static void test_passwd_groups_are_those_that_name_the_user(void **state)
{
	static const char group[] = "root:x:0:root\nbin:x:1:root,daemon\nweb:x:33:www,app\n"
	                            "app:x:50:app\nhuge:x:2147483648:app\nodd:x:y:app\n"
	                            "none:x:9\napple:x:10:apple,ap\nvideo:x:27:app,root";
	char many[4096] = "";
	struct passwd_user u;

	(void)state;
	expect_groups("", group, "[1][27]");
	expect_groups("app", group, "[33][27]");
	expect_groups("1000:99", group, "[33][27]");
	expect_groups("1234", group, "");
	expect_groups("app", "", "");
	for (unsigned i = 0; i < 2 * PASSWD_GROUPS_MAX; i++)
		(void)snprintf(many + strlen(many), sizeof many - strlen(many), "g%u:x:%u:app\n", i,
		               i);
	assert_int_equal(passwd_resolve("app", "app:x:1:1", many, &u, NULL), 0);
	assert_int_equal(u.groups_count, PASSWD_GROUPS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_passwd_users_by_name_and_number),
	        cmocka_unit_test(test_passwd_home_is_that_of_the_user),
	        cmocka_unit_test(test_passwd_groups_are_those_that_name_the_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
