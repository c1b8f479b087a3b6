/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "wrapper/proto.h"

static void test_proto_every_text_reads_as_it_was_written(void **state)
{
	static const struct {
		struct proto_message m;
		const char *text;
	} cases[] = {
	        {{PROTO_HELLO_WAITING, 0, ""}, "hello 1 waiting"},
	        {{PROTO_HELLO_RUNNING, 7, ""}, "hello 1 running 7"},
	        {{PROTO_GO, 0, ""}, "go"},
	        {{PROTO_REFUSE, 0, "disk is full"}, "refuse disk is full"},
	        {{PROTO_BECOMES, 0, ""}, "becomes"},
	        {{PROTO_STARTED, 12, ""}, "started 12"},
	        {{PROTO_FAILED, 2, "/bin/a b"}, "failed 2 /bin/a b"},
	        {{PROTO_EXITED, 0, ""}, "exited 0"},
	        {{PROTO_SIGNALED, 15, ""}, "signaled 15"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char buf[PROTO_TEXT_BYTES_MAX];
		size_t bytes = proto_format(buf, &cases[i].m);
		struct proto_message m = proto_parse(cases[i].text);

		assert_string_equal(buf, cases[i].text);
		assert_int_equal(bytes, strlen(cases[i].text));
		assert_int_equal(m.kind, cases[i].m.kind);
		assert_int_equal(m.number, cases[i].m.number);
		assert_string_equal(m.text, cases[i].m.text);
	}
}

static void test_proto_odd_texts_are_unknown(void **state)
{
	static const char *const texts[] = {"",
	                                    "GO",
	                                    "go ",
	                                    "gone",
	                                    "refuse",
	                                    "started",
	                                    "started ",
	                                    "started x",
	                                    "started 1 2",
	                                    "exited -1",
	                                    "failed 2",
	                                    "failed /x",
	                                    "hello 2 waiting",
	                                    "started 99999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(proto_parse(texts[i]).kind, PROTO_UNKNOWN);
}

static void test_proto_a_long_text_is_cut(void **state)
{
	char long_text[2 * PROTO_TEXT_BYTES_MAX];
	char buf[PROTO_TEXT_BYTES_MAX];
	const struct proto_message m = {PROTO_REFUSE, 0, long_text};

	(void)state;
	memset(long_text, 'x', sizeof long_text);
	long_text[sizeof long_text - 1] = '\0';
	assert_int_equal(proto_format(buf, &m), PROTO_TEXT_BYTES_MAX - 1);
	assert_int_equal(strlen(buf), PROTO_TEXT_BYTES_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_proto_every_text_reads_as_it_was_written),
	        cmocka_unit_test(test_proto_odd_texts_are_unknown),
	        cmocka_unit_test(test_proto_a_long_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
