/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/pause.h"

/* Tries, one after another as soon as each pause is over. */
static void expect_pauses(struct pause *p, const struct pause_limit *limit, uint64_t *now_ms,
                          const char *want)
{
	char got[128] = "";

	for (const char *c = want; *c != '\0'; c++) {
		if (*c != ' ')
			continue;
		(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%llu ",
		               (unsigned long long)pause_next(p, limit, *now_ms));
		*now_ms += p->ms;
	}
	assert_string_equal(got, want);
}

static void test_pause_doubles_up_to_its_limit(void **state)
{
	static const struct pause_limit limit = {20, 1000, 0};
	struct pause p = {0};
	uint64_t now_ms = 5;

	(void)state;
	expect_pauses(&p, &limit, &now_ms, "20 40 80 160 320 640 1000 1000 ");
	pause_over(&p);
	expect_pauses(&p, &limit, &now_ms, "20 40 ");
}

static void test_pause_is_forgotten_after_a_quiet_while_and_not_before(void **state)
{
	static const struct pause_limit limit = {100, 30000, 60000};
	struct pause p = {0};
	uint64_t now_ms = 5;

	(void)state;
	expect_pauses(&p, &limit, &now_ms, "100 200 400 ");
	now_ms += 59999;
	expect_pauses(&p, &limit, &now_ms, "800 ");
	now_ms += 60000;
	expect_pauses(&p, &limit, &now_ms, "100 200 ");
}

static void test_pause_helps_where_something_was_short(void **state)
{
	static const int passing[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN, EINTR};
	static const int lasting[] = {0, ENOENT, EACCES, ECONNREFUSED, ENOSPC, EINVAL};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
		(void)err_set(&err, ERR_SYS, passing[i], "open");
		assert_true(pause_helps(&err));
		(void)err_set(&err, ERR_SYS, lasting[i], "open");
		assert_false(pause_helps(&err));
	}
	(void)err_set(&err, ERR_NOMEM, 0, "events");
	assert_true(pause_helps(&err));
	(void)err_set(&err, ERR_DENIED, 0, "not in the Pod's cgroup");
	assert_false(pause_helps(&err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pause_doubles_up_to_its_limit),
	        cmocka_unit_test(test_pause_helps_where_something_was_short),
	        cmocka_unit_test(test_pause_is_forgotten_after_a_quiet_while_and_not_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
