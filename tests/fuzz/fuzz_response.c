/* SPDX-License-Identifier: Apache-2.0 */
/* A container's answer: the container is as hostile as a client. */
#include "activator/core/forward.h"
#include "activator/io/message.h"
#include "tests/fuzz/fuzz.h"

static char forwarded[2 * HEAD_BYTES_MAX];

static void forward(const struct head *h)
{
	for (enum forward_framing framing = FORWARD_NO_BODY; framing <= FORWARD_UNTIL_CLOSE;
	     framing++) {
		struct forward_text t = {.at = forwarded, .capacity = sizeof forwarded};
		const struct forward_response how = {.framing = framing, .close = framing & 1};

		forward_response(&t, h, &how);
		FUZZ_CHECK(t.overflow ||
		           (t.bytes > 4 && memcmp(t.at + t.bytes - 4, "\r\n\r\n", 4) == 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct head_buf *b = head_buf_take();
	struct out out = {0};
	struct message m;
	size_t n = bytes;
	size_t used;

	FUZZ_CHECK(b != NULL);
	message_init(&m, HTTP_RESPONSE);
	m.skip_body = bytes & 1;
	for (size_t room; b->bytes < n && (room = head_buf_room(b)) > 0;) {
		size_t piece = n - b->bytes < room ? n - b->bytes : room;

		memcpy(b->data + b->bytes, data + b->bytes, piece);
		b->bytes += (uint32_t)piece;
	}
	if (b->bytes > 0 && message_head(&m, b) == MESSAGE_HEAD) {
		if (head_check_lines(&b->head))
			forward(&b->head);
		m.body_out = &out;
		m.chunk_out = bytes & 2;
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
