/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/text/skim.h"

static const struct skim_member c_kept[] = {{"c", SKIM_KEEP}, {NULL}};
static const struct skim_member c_dropped[] = {{"c", SKIM_DROP}, {NULL}};
static const struct skim only_c = {SKIM_DROP, c_kept}, all_but_c = {SKIM_KEEP, c_dropped};
static const struct skim_member only_members[] = {
        {"a", SKIM_KEEP}, {"b", SKIM_INSIDE, &only_c}, {NULL}};
static const struct skim_member but_members[] = {
        {"a", SKIM_DROP}, {"b", SKIM_INSIDE, &all_but_c}, {NULL}};
static const struct skim only = {SKIM_DROP, only_members}, all_but = {SKIM_KEEP, but_members};

static const struct {
	const struct skim *of;
	const char *text, *kept; /* NULL: it is refused */
} cases[] = {
        {&only, "{}", "{}"},
        {&only, " { \"x\" : 1 , \"a\" : [ 1, 2 ] , \"b\" : 3 } ", "{\"a\":[ 1, 2 ],\"b\":3}"},
        {&only, "{\"b\":{\"c\":\"}\\\"\",\"d\":{\"c\":1}}}", "{\"b\":{\"c\":\"}\\\"\"}}"},
        {&only, "{\"b\":[{\"c\":1,\"d\":2},null,{},[{\"d\":3}]],\"ab\":4}",
         "{\"b\":[{\"c\":1},null,{},[{\"d\":3}]]}"},
        {&all_but, "{\"a\":{\"b\":[\"{\"]},\"x\":-1.5e3,\"b\":{\"c\":1,\"d\":true}}",
         "{\"x\":-1.5e3,\"b\":{\"d\":true}}"},
        {&SKIM_COMMON,
         "{\"metadata\":{\"managedFields\":[{}],\"name\":\"n\",\"annotations\":{"
         "\"kubectl.kubernetes.io/last-applied-configuration\":\"{}\",\"k\":\"v\"}},"
         "\"spec\":{\"managedFields\":[1]}}",
         "{\"metadata\":{\"name\":\"n\",\"annotations\":{\"k\":\"v\"}},"
         "\"spec\":{\"managedFields\":[1]}}"},
        {&only, "", NULL},
        {&only, "[]", NULL},
        {&only, "{", NULL},
        {&only, "{\"a\"", NULL},
        {&only, "{\"a\":", NULL},
        {&only, "{\"a\":1", NULL},
        {&only, "{\"a\":1,}", NULL},
        {&only, "{\"x\":[1}", NULL},
        {&only, "{\"x\":\"\\", NULL},
        {&only, "{\"b\":[{]}", NULL},
        {&only, "{} {}", NULL},
};

static void test_skim_keeps_what_is_named(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t bytes = strlen(cases[i].text);
		/* of that size to the byte, for the sanitizer */
		char *text = malloc(bytes + 1), *kept = malloc(bytes + 1);
		size_t kept_bytes;

		memcpy(text, cases[i].text, bytes);
		text = realloc(text, bytes > 0 ? bytes : 1);
		kept = realloc(kept, bytes > 0 ? bytes : 1);
		kept_bytes = skim_object(cases[i].of, text, bytes, kept);
		assert_int_equal(kept_bytes, cases[i].kept != NULL ? strlen(cases[i].kept) : 0);
		if (cases[i].kept != NULL)
			assert_memory_equal(kept, cases[i].kept, kept_bytes);
		free(text);
		free(kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_skim_keeps_what_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
