/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "activator/http/message.h"

enum { ROOM_BYTES = 64 * 1024 };

struct fixture {
	struct message message;
	char data[ROOM_BYTES];
	size_t bytes;
};

static int fixture_new(void **state)
{
	static struct fixture f;

	f = (struct fixture){.bytes = 0};
	message_init(&f.message, HTTP_REQUEST);
	*state = &f;
	return 0;
}

static int fixture_free(void **state)
{
	struct fixture *f = *state;

	message_done(&f->message);
	head_buf_pool_drop();
	return 0;
}

static void begin(struct fixture *f, const char *head)
{
	struct head_buf *b = head_buf_take();

	assert_non_null(b);
	memcpy(b->data, head, strlen(head));
	b->bytes = (uint32_t)strlen(head);
	assert_int_equal(message_head(&f->message, b), MESSAGE_HEAD);
	head_buf_give(b);
}

static void begin_chunked(struct fixture *f)
{
	begin(f, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void feed(struct fixture *f, const char *piece, unsigned times)
{
	size_t used = 0;

	for (f->bytes = 0; times > 0; times--) {
		memcpy(f->data + f->bytes, piece, strlen(piece));
		f->bytes += strlen(piece);
	}
	assert_int_equal(message_body(&f->message, f->data, f->bytes, &used), MESSAGE_MORE);
	assert_int_equal(used, f->bytes);
}

static void test_message_in_crumbs_is_read_in_small_pieces_and_costs_more(void **state)
{
	struct fixture *f = *state;

	begin_chunked(f);
	assert_int_equal(message_piece(&f->message, ROOM_BYTES), 16 * 1024);
	feed(f, "1\r\na\r\n", 1000);
	assert_int_equal(message_piece(&f->message, ROOM_BYTES), 4 * 1024);
	assert_int_equal(message_piece(&f->message, 1024), 1024);
	assert_true(message_cost(&f->message, f->bytes) >= 1000 * 64);
	assert_int_equal(message_cost(&f->message, 0), 0);
}

static void test_message_in_large_chunks_is_read_as_it_comes(void **state)
{
	struct fixture *f = *state;

	begin_chunked(f);
	feed(f, "10\r\nabcdefghabcdefgh\r\n", 100);
	assert_int_equal(message_piece(&f->message, ROOM_BYTES), 4 * 1024);
	feed(f, "1000\r\n", 1);
	feed(f, "abcdefghabcdefgh", 0x100);
	assert_int_equal(message_piece(&f->message, ROOM_BYTES), ROOM_BYTES);
	assert_in_range(message_cost(&f->message, f->bytes), 4 * f->bytes, 5 * f->bytes);
}

static void test_message_of_a_known_length_costs_what_it_has(void **state)
{
	struct fixture *f = *state;

	begin(f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n");
	assert_int_equal(message_piece(&f->message, ROOM_BYTES), ROOM_BYTES);
	feed(f, "a", 10);
	assert_int_equal(message_piece(&f->message, ROOM_BYTES), ROOM_BYTES);
	assert_int_equal(message_cost(&f->message, f->bytes), 10);
}

static void test_message_with_trailers_without_end_costs_each_of_them(void **state)
{
	struct fixture *f = *state;

	begin_chunked(f);
	feed(f, "0\r\nCookie: x\r\n", 1);
	feed(f, "Cookie: x\r\n", 100);
	assert_int_equal(message_piece(&f->message, ROOM_BYTES), 4 * 1024);
	assert_true(message_cost(&f->message, f->bytes) >= 100 * 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_message_in_crumbs_is_read_in_small_pieces_and_costs_more, fixture_new,
	                fixture_free),
	        cmocka_unit_test_setup_teardown(test_message_in_large_chunks_is_read_as_it_comes,
	                                        fixture_new, fixture_free),
	        cmocka_unit_test_setup_teardown(test_message_of_a_known_length_costs_what_it_has,
	                                        fixture_new, fixture_free),
	        cmocka_unit_test_setup_teardown(
	                test_message_with_trailers_without_end_costs_each_of_them, fixture_new,
	                fixture_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
