/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's answer: the container is as hostile as a client. What goes on to the client is
 * read again, and must mean the same.
 */
#include "activator/core/forward.h"
#include "activator/http/h1_write.h"
#include "activator/http/message.h"
#include "tests/fuzz/fuzz.h"

enum { ADDED_FIELDS_MAX = 4 };

static char forwarded[2 * HEAD_BYTES_MAX];

static void fill(struct head_buf *b, const uint8_t *data, size_t bytes)
{
	for (size_t room; b->bytes < bytes && (room = head_buf_room(b)) > 0;) {
		size_t piece = bytes - b->bytes < room ? bytes - b->bytes : room;

		memcpy(b->data + b->bytes, data + b->bytes, piece);
		b->bytes += (uint32_t)piece;
	}
}

static void check_same(const struct head *a, const struct forward_response *how, size_t text_bytes)
{
	struct head_buf *b = head_buf_take();
	const struct head *h;
	struct message m;

	FUZZ_CHECK(b != NULL);
	h = &b->head;
	message_init(&m, HTTP_RESPONSE);
	fill(b, (const uint8_t *)forwarded, text_bytes);
	FUZZ_CHECK(message_head(&m, b) == MESSAGE_HEAD && b->parsed == text_bytes);
	FUZZ_CHECK(head_check_response(h));
	FUZZ_CHECK(h->status == a->status && h->minor == 1);
	FUZZ_CHECK(h->phrase.bytes == a->phrase.bytes &&
	           memcmp(head_at(h, h->phrase), head_at(a, a->phrase), a->phrase.bytes) == 0);
	FUZZ_CHECK(h->chunked == (how->framing == FORWARD_CHUNKED));
	FUZZ_CHECK(how->framing != FORWARD_LENGTH || (h->has_length && h->length == a->length));
	FUZZ_CHECK(how->framing != FORWARD_UNTIL_CLOSE || (!h->has_length && !h->has_coding));
	FUZZ_CHECK(head_keeps_alive(h) == !(how->close && h->status >= 200));
	message_done(&m);
	head_buf_give(b);
}

/* In each framing that an answer with such fields may go on in. */
static void forward(const struct head *h)
{
	for (enum forward_framing framing = FORWARD_NO_BODY; framing <= FORWARD_UNTIL_CLOSE;
	     framing++) {
		struct forward_text t = {.at = forwarded, .capacity = sizeof forwarded};
		const struct forward_response how = {.framing = framing, .close = framing & 1};

		forward_response(&t, h, &how);
		if (!t.overflow && h->fields_count + ADDED_FIELDS_MAX <= HEAD_FIELDS_MAX &&
		    t.bytes <= HEAD_BYTES_MAX)
			check_same(h, &how, t.bytes);
	}
}

static void put_chunk(void *arg, const char *at, size_t bytes)
{
	h1_write_chunk(arg, at, bytes);
}

static void put_plain(void *arg, const char *at, size_t bytes)
{
	out_put(arg, at, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct head_buf *b = head_buf_take();
	struct out out = {0};
	struct message m;
	size_t used;

	FUZZ_CHECK(b != NULL);
	message_init(&m, HTTP_RESPONSE);
	m.skip_body = bytes & 1;
	fill(b, data, bytes);
	if (b->bytes > 0 && message_head(&m, b) == MESSAGE_HEAD) {
		if (head_check_response(&b->head))
			forward(&b->head);
		m.on_body = bytes & 2 ? put_chunk : put_plain;
		m.arg = &out;
		if (message_body(&m, b->data + b->parsed, b->bytes - b->parsed, &used) ==
		    MESSAGE_MORE)
			(void)message_eof(&m);
	}
	message_done(&m);
	out_done(&out);
	head_buf_give(b);
	head_buf_pool_drop();
	return 0;
}
