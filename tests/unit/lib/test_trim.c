/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/program/trim.h"

/* Written by the dynamic linker, read-only afterwards: must outlive a trim. */
static json_t *(*const relocated)(void) = json_object;

static unsigned long resident_file_pages(void)
{
	unsigned long size, resident, shared = 0;
	CLEANUP(fclose_var) FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu %lu", &size, &resident, &shared), 3);
	return shared;
}

static void test_trim_drops_program_pages_and_nothing_else(void **state)
{
	json_t *before = relocated(), *after;
	unsigned long pages = resident_file_pages();

	assert_int_equal(json_object_set_new(before, "key", json_string("kept")), 0);
	trim_now();
	assert_true(resident_file_pages() < pages);
	after = relocated();
	assert_non_null(after);
	assert_string_equal(json_string_value(json_object_get(before, "key")), "kept");
	json_decref(before);
	json_decref(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_trim_drops_program_pages_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
