/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/kube/client/watch_frame.h"

struct lines {
	char text[256];
	int stop_after;
};

static int on_line(void *arg, const char *line, size_t bytes)
{
	struct lines *l = arg;
	size_t len = strlen(l->text);

	(void)snprintf(l->text + len, sizeof l->text - len, "[%.*s]", (int)bytes, line);
	return l->stop_after > 0 && --l->stop_after == 0 ? 1 : 0;
}

static void test_watch_frame_joins_lines_over_any_piece_size(void **state)
{
	const char *stream = "{\"a\":1}\n\n{\"b\":22222}\n{\"c\":3}\n";
	struct err err = {0};

	for (size_t piece = 1; piece <= strlen(stream); piece++) {
		struct lines l = {0};
		struct watch_frame f;

		watch_frame_init(&f, 64, on_line, &l);
		for (size_t at = 0; at < strlen(stream); at += piece) {
			size_t left = strlen(stream) - at;
			size_t n = left < piece ? left : piece;

			assert_int_equal(watch_frame_feed(&f, stream + at, n, &err), 0);
		}
		watch_frame_done(&f);
		assert_string_equal(l.text, "[{\"a\":1}][{\"b\":22222}][{\"c\":3}]");
	}
}

static void test_watch_frame_refuses_a_line_over_the_limit(void **state)
{
	struct lines l = {0};
	struct watch_frame f;
	struct err err = {0};

	watch_frame_init(&f, 8, on_line, &l);
	assert_int_equal(watch_frame_feed(&f, "12345678\n", 9, &err), 0);
	assert_int_equal(watch_frame_feed(&f, "12345", 5, &err), 0);
	assert_int_equal(watch_frame_feed(&f, "6789", 4, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	watch_frame_done(&f);
	watch_frame_init(&f, 8, on_line, &l);
	assert_int_equal(watch_frame_feed(&f, "123456789\n", 10, &err), -1);
	watch_frame_done(&f);
	assert_string_equal(l.text, "[12345678]");
}

static void test_watch_frame_stops_when_told(void **state)
{
	struct lines l = {.stop_after = 1};
	struct watch_frame f;
	struct err err = {0};

	watch_frame_init(&f, 8, on_line, &l);
	assert_int_equal(watch_frame_feed(&f, "a\nb\n", 4, &err), 1);
	watch_frame_done(&f);
	assert_string_equal(l.text, "[a]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_watch_frame_joins_lines_over_any_piece_size),
	        cmocka_unit_test(test_watch_frame_refuses_a_line_over_the_limit),
	        cmocka_unit_test(test_watch_frame_stops_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
