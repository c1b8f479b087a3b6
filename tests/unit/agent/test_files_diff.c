/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/files_diff.h"
#include "lib/base/cleanup.h"

struct list {
	const struct files_entry *entries; /* ended by a NULL path */
};

static bool next(void *arg, struct files_entry *ret_entry)
{
	struct list *l = arg;

	if (l->entries->path == NULL)
		return false;
	*ret_entry = *l->entries++;
	return true;
}

static struct files_diff compare(const struct files_entry *listed, const struct files_entry *there)
{
	struct list l = {listed};
	struct files_diff d;

	files_diff_begin(&d, next, &l);
	for (; there->path != NULL; there++)
		files_diff_see(&d, there);
	files_diff_end(&d);
	return d;
}

static void test_files_diff_of_the_same_is_nothing(void **state)
{
	static const struct files_entry list[] = {{".", 1}, {"a", 2}, {"a/b", 3}, {"a.", 4}, {0}};
	struct files_diff d = compare(list, list);

	(void)state;
	assert_int_equal(d.same, 4);
	assert_int_equal(d.differences, 0);
	assert_string_equal(d.text, "");
}

static void test_files_diff_tells_what_is_gone_new_and_changed(void **state)
{
	static const struct files_entry list[] = {{"a", 1}, {"a/b", 2}, {"c", 3}, {"z", 4}, {0}};
	static const struct files_entry there[] = {{"a", 1}, {"a/a", 5}, {"c", 6}, {"d", 7}, {0}};
	struct files_diff d = compare(list, there);

	(void)state;
	assert_int_equal(d.same, 1);
	assert_int_equal(d.differences, 5);
	assert_string_equal(d.text, "added a/a\nremoved a/b\nchanged c\nadded d\nremoved z\n");
}

static void test_files_diff_order_is_that_of_a_walk(void **state)
{
	static const char *const sorted[] = {"a",     "a/b", "a/b/c", "a/b.",
	                                     "a\x01", "a-",  "a.b",   "b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
		for (size_t k = 0; k < ARRAY_LEN(sorted); k++) {
			int is = files_path_compare(sorted[i], sorted[k]);

			assert_int_equal((is > 0) - (is < 0), (i > k) - (i < k));
		}
	}
}

/* Names are the container's: they cannot say more than their line, and there can be many. */
static void test_files_diff_text_is_bounded_and_of_whole_lines(void **state)
{
	enum { MANY = 100 };
	struct files_entry there[MANY + 1] = {{"a\nadded b\x1b[2J", 1}};
	static const struct files_entry none[] = {{0}};
	char names[MANY][400];
	struct files_diff d;

	(void)state;
	for (int i = 1; i < MANY; i++) {
		(void)snprintf(names[i], sizeof names[i], "n%03d%0*d", i, i % 2 ? 300 : 1, 0);
		there[i] = (struct files_entry){names[i], 1};
	}
	there[MANY].path = NULL;
	d = compare(none, there);
	assert_int_equal(d.differences, MANY);
	assert_non_null(strstr(d.text, "added a?added b?[2J\n"));
	assert_int_equal(d.text[strlen(d.text) - 1], '\n');
	assert_true(strlen(d.text) < sizeof d.text);
	assert_non_null(strstr(d.text, "…\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_files_diff_of_the_same_is_nothing),
	        cmocka_unit_test(test_files_diff_tells_what_is_gone_new_and_changed),
	        cmocka_unit_test(test_files_diff_order_is_that_of_a_walk),
	        cmocka_unit_test(test_files_diff_text_is_bounded_and_of_whole_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
