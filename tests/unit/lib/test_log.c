/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "lib/base/log.h"

#define FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {0}})

static const char *format_line(enum log_format format, const struct log_field *fields)
{
	static char buf[1024];
	const struct log_record line = {1234, "sc-test", LOG_INFO, "wake.released", fields};
	size_t len = log_line_format(buf, sizeof buf - 1, format, &line);

	buf[len] = '\0';
	return buf;
}

static void test_log_logfmt_line(void **state)
{
	assert_string_equal(
	        format_line(LOG_FORMAT_LOGFMT,
	                    FIELDS(log_str("target", "cart"), log_u64("held_count", 3),
	                           log_i64("delta", -4), log_bool("kept", 1),
	                           log_str("none", NULL))),
	        "ts_ms=1234 level=info program=sc-test event=wake.released target=\"cart\" "
	        "held_count=3 delta=-4 kept=true none=\"\"\n");
}

static void test_log_json_line(void **state)
{
	assert_string_equal(format_line(LOG_FORMAT_JSON,
	                                FIELDS(log_str("target", "cart"), log_bool("kept", 0))),
	                    "{\"ts_ms\":1234,\"level\":\"info\",\"program\":\"sc-test\","
	                    "\"event\":\"wake.released\",\"target\":\"cart\",\"kept\":false}\n");
}

static void test_log_value_cannot_forge_a_line(void **state)
{
	const char *evil = "a\"b\\c\nd\re\tf\x01g\x7fh";

	assert_string_equal(format_line(LOG_FORMAT_LOGFMT, FIELDS(log_str("v", evil))),
	                    "ts_ms=1234 level=info program=sc-test event=wake.released "
	                    "v=\"a\\\"b\\\\c\\nd\\u000de\\u0009f\\u0001g\\u007fh\"\n");
}

static void test_log_json_of_any_text_reads_back(void **state)
{
	const char *evil = "\"quoted\" \\ \n\r\t\x01 grün";
	json_t *line =
	        json_loads(format_line(LOG_FORMAT_JSON, FIELDS(log_str("v", evil))), 0, NULL);

	assert_non_null(line);
	assert_string_equal(json_string_value(json_object_get(line, "v")), evil);
	json_decref(line);
}

static void test_log_json_of_bytes_that_are_not_utf8_is_still_json(void **state)
{
	json_t *line = json_loads(
	        format_line(LOG_FORMAT_JSON, FIELDS(log_str("v", "a\xff\xc3(\xe2\x82z"))), 0, NULL);

	assert_non_null(line);
	json_decref(line);
}

static void test_log_long_line_is_cut_and_ends(void **state)
{
	char buf[160];
	char big[500];
	size_t len;

	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	len = log_line_format(
	        buf, sizeof buf, LOG_FORMAT_LOGFMT,
	        &(struct log_record){1, "p", LOG_ERROR, "e", FIELDS(log_str("v", big))});
	assert_true(len <= sizeof buf);
	assert_int_equal(buf[len - 1], '\n');
	assert_null(memchr(buf, '\n', len - 1));
}

static void test_log_long_json_line_is_still_json(void **state)
{
	char buf[200];
	char big[500];
	size_t len;
	json_t *line;

	memset(big, '"', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	len = log_line_format(
	        buf, sizeof buf, LOG_FORMAT_JSON,
	        &(struct log_record){1, "p", LOG_ERROR, "e",
	                             FIELDS(log_str("v", big), log_str("w", "after"))});
	line = json_loadb(buf, len, 0, NULL);
	assert_non_null(line);
	assert_string_equal(json_string_value(json_object_get(line, "event")), "e");
	json_decref(line);
}

/* The runtime that reads our log hangs: nothing of ours does, and what was lost is told. */
static void test_log_that_nobody_reads_does_not_wait(void **state)
{
	char text[1 << 17];
	int fds[2];
	int old = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	log_setup("sc-test", LOG_INFO, LOG_FORMAT_LOGFMT);
	log_set_nonblocking();
	(void)alarm(20); /* where it waits, it waits for ever */
	for (unsigned i = 0; i < 10000; i++)
		log_event(LOG_INFO, "spoken", log_u64("i", i));
	assert_in_range(log_dropped_count(), 1, 9999);
	n = read(fds[0], text, sizeof text - 1);
	assert_true(n > 0);
	assert_int_equal(text[n - 1], '\n');
	log_event(LOG_INFO, "heard", log_u64("i", 1));
	n = read(fds[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_true(dup2(old, STDERR_FILENO) >= 0);
	assert_non_null(strstr(text, "event=log.dropped lines_count="));
	assert_non_null(strstr(text, "event=heard"));
	(void)alarm(0);
	(void)close(old);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_log_levels(void **state)
{
	enum log_level level = LOG_ERROR;

	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_DEBUG);
	assert_int_equal(log_level_parse("warn", &level), 0);
	assert_int_equal(level, LOG_WARN);
	assert_int_equal(log_level_parse("WARN", &level), -1);
	assert_int_equal(log_level_parse("", &level), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_log_logfmt_line),
	        cmocka_unit_test(test_log_json_line),
	        cmocka_unit_test(test_log_value_cannot_forge_a_line),
	        cmocka_unit_test(test_log_json_of_any_text_reads_back),
	        cmocka_unit_test(test_log_json_of_bytes_that_are_not_utf8_is_still_json),
	        cmocka_unit_test(test_log_long_line_is_cut_and_ends),
	        cmocka_unit_test(test_log_long_json_line_is_still_json),
	        cmocka_unit_test(test_log_that_nobody_reads_does_not_wait),
	        cmocka_unit_test(test_log_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
