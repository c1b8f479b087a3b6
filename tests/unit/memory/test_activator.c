/* SPDX-License-Identifier: Apache-2.0 */
/* The activator's readers; its core allocates nothing. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "activator/http/h1_write.h"
#include "activator/http/message.h"
#include "activator/net/account.h"
#include "activator/net/source.h"
#include "tests/unit/memory/short_memory.h"

static const char head_text[] = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                                "Trailer: b\r\n\r\n";
static const char body_text[] = "5\r\nhello\r\n0\r\nb: c\r\n\r\n";

static void put_chunk(void *arg, const char *at, size_t bytes)
{
	h1_write_chunk(arg, at, bytes);
}

static enum outcome read_body(struct message *m)
{
	struct out out = {0};
	enum outcome outcome = OUTCOME_TOLD;
	size_t used = 0;
	size_t trailers_bytes;
	const char *trailers;

	m->on_body = put_chunk;
	m->arg = &out;
	if (message_body(m, body_text, sizeof body_text - 1, &used) == MESSAGE_DONE) {
		trailers = message_trailers(m, &trailers_bytes);
		h1_write_last_chunk(&out, trailers, trailers_bytes);
		if (!out.failed)
			outcome = out_bytes(&out) == sizeof body_text - 1 &&
			                          memcmp(out.data, body_text,
			                                 sizeof body_text - 1) == 0
			                  ? OUTCOME_WHOLE
			                  : OUTCOME_WRONG;
	}
	out_done(&out);
	return outcome;
}

static enum outcome read_message(void)
{
	struct head_buf *b = head_buf_take();
	enum outcome outcome = OUTCOME_TOLD;
	struct message m;

	message_init(&m, HTTP_REQUEST);
	if (b) {
		memcpy(b->data, head_text, sizeof head_text - 1);
		b->bytes = sizeof head_text - 1;
		if (message_head(&m, b) == MESSAGE_HEAD)
			outcome = read_body(&m);
		else
			outcome = OUTCOME_WRONG;
	}
	message_done(&m);
	head_buf_give(b);
	head_buf_pool_drop();
	return account_bytes(ACCOUNT_BUFFERS) == 0 ? outcome : OUTCOME_WRONG;
}

/* A head that grows: when it cannot, what was read is still there. */
static enum outcome grow_head(void)
{
	struct head_buf *b = head_buf_take();
	enum outcome outcome = b ? OUTCOME_WHOLE : OUTCOME_TOLD;
	size_t bytes = 0;

	while (b && bytes < HEAD_BYTES_MAX) {
		size_t room = head_buf_room(b);

		if (room == 0)
			outcome = OUTCOME_TOLD;
		if (room == 0 || (bytes > 0 && b->data[bytes - 1] != 'a'))
			break;
		memset(b->data + bytes, 'a', room);
		b->bytes = (uint32_t)(bytes += room);
	}
	head_buf_give(b);
	head_buf_pool_drop();
	return account_bytes(ACCOUNT_BUFFERS) == 0 ? outcome : OUTCOME_WRONG;
}

static enum outcome grow_out(void)
{
	static char piece[3000];
	struct out out = {0};
	enum outcome outcome;

	for (unsigned i = 0; i < 10; i++)
		out_put(&out, piece, sizeof piece);
	out.at = out.end / 3 * 2;
	out_shrink(&out);
	outcome = out.failed ? OUTCOME_TOLD : OUTCOME_WHOLE;
	if (!out.failed && out_bytes(&out) != 10000)
		outcome = OUTCOME_WRONG;
	out_done(&out);
	return account_bytes(ACCOUNT_BUFFERS) == 0 ? outcome : OUTCOME_WRONG;
}

static enum outcome count_sources(void)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	struct source *taken[8];
	void *sources = NULL;
	enum outcome outcome = OUTCOME_WHOLE;
	unsigned count = 0;

	for (; count < 8; count++) {
		((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(0x7f000001 + count / 2);
		if (!source_take(&sources, &address, 2, &taken[count])) {
			outcome = OUTCOME_TOLD;
			break;
		}
	}
	while (count > 0)
		source_give(&sources, taken[--count]);
	return sources == NULL ? outcome : OUTCOME_WRONG;
}

static void test_message_short_of_memory(void **state)
{
	short_memory_try("a request", read_message);
	short_memory_try("a long head", grow_head);
}

static void test_out_short_of_memory(void **state)
{
	short_memory_try("bytes that wait", grow_out);
}

static void test_source_short_of_memory(void **state)
{
	short_memory_try("clients' addresses", count_sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_message_short_of_memory),
	        cmocka_unit_test(test_out_short_of_memory),
	        cmocka_unit_test(test_source_short_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
