/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as the activator reads and forwards it. What goes on is read again, and must mean the
 * same: that is what keeps two readers of one stream from disagreeing about where a request ends.
 */
#include "activator/core/forward.h"
#include "activator/core/upgrade.h"
#include "activator/http/message.h"
#include "tests/fuzz/fuzz.h"

enum { ADDED_FIELDS_MAX = 8 };

static char forwarded[2 * HEAD_BYTES_MAX];

/* All of the input at once, or in pieces of @piece bytes. */
static enum message_step read_head(struct message *m, struct head_buf *b, const uint8_t *data,
                                   size_t bytes, size_t piece, size_t *ret_used)
{
	enum message_step step = MESSAGE_MORE;
	size_t at = 0;

	while (step == MESSAGE_MORE && at < bytes) {
		size_t room = head_buf_room(b);
		size_t n = bytes - at < piece ? bytes - at : piece;

		if (room == 0)
			break;
		if (n > room)
			n = room;
		memcpy(b->data + b->bytes, data + at, n);
		b->bytes += (uint32_t)n;
		at += n;
		step = message_head(m, b);
	}
	*ret_used = at - (b->bytes - b->parsed);
	return step;
}

static void check_same(const struct head *a, const struct request_facts *fa, size_t text_bytes)
{
	struct head_buf *b = head_buf_take();
	struct request_facts fb = {0};
	struct message m;
	size_t used;

	FUZZ_CHECK(b != NULL);
	message_init(&m, HTTP_REQUEST);
	FUZZ_CHECK(read_head(&m, b, (const uint8_t *)forwarded, text_bytes, text_bytes, &used) ==
	           MESSAGE_HEAD);
	FUZZ_CHECK(used == text_bytes);
	FUZZ_CHECK(head_check_request(&b->head, &fb) == END_NONE);
	FUZZ_CHECK(strcmp(a->method, b->head.method) == 0);
	FUZZ_CHECK(b->head.count[FIELD_TWIN] == 0 && fa->wants_upgrade == fb.wants_upgrade);
	FUZZ_CHECK(b->head.count[FIELD_X_REQUEST_ID] == 1);
	FUZZ_CHECK(fa->has_body == fb.has_body && a->length == b->head.length &&
	           a->chunked == b->head.chunked);
	FUZZ_CHECK(fa->host_bytes == fb.host_bytes &&
	           memcmp(fa->host, fb.host, fa->host_bytes) == 0);
	FUZZ_CHECK(fa->path_bytes == fb.path_bytes &&
	           memcmp(fa->path, fb.path, fa->path_bytes) == 0);
	message_done(&m);
	head_buf_give(b);
}

static void read_body(struct message *m, struct head_buf *b, const uint8_t *data, size_t bytes)
{
	size_t used = 0;
	enum message_step step = MESSAGE_MORE;

	if (b->parsed < b->bytes) {
		step = message_body(m, b->data + b->parsed, b->bytes - b->parsed, &used);
		FUZZ_CHECK(step == MESSAGE_BAD || used <= b->bytes - b->parsed);
	}
	for (size_t at = 0; step == MESSAGE_MORE && at < bytes; at += used) {
		used = 0;
		step = message_body(m, (const char *)data + at, bytes - at, &used);
		FUZZ_CHECK(step != MESSAGE_MORE || used == bytes - at);
	}
	FUZZ_CHECK(step != MESSAGE_HEAD);
}

static void run(const uint8_t *data, size_t bytes, size_t piece)
{
	const struct forward_origin origin = {.address = "192.0.2.1",
	                                      .trusted = piece != 7,
	                                      .request_id = "id",
	                                      .upgrades = "websocket"};
	struct forward_text t = {.at = forwarded, .capacity = sizeof forwarded};
	struct head_buf *b = head_buf_take();
	struct request_facts f;
	struct message m;
	size_t used = 0;

	FUZZ_CHECK(b != NULL);
	message_init(&m, HTTP_REQUEST);
	if (read_head(&m, b, data, bytes, piece, &used) == MESSAGE_HEAD &&
	    head_check_request(&b->head, &f) == END_NONE) {
		size_t taken = used + (b->bytes - b->parsed);

		f.wants_upgrade = f.wants_upgrade &&
		                  upgrade_next(&b->head, origin.upgrades, &(struct head_list){0});
		forward_request(&t, &b->head, &f, &origin);
		/* Some fields are added: near the limit we could not read our own. */
		if (!t.overflow && b->head.fields_count + ADDED_FIELDS_MAX <= HEAD_FIELDS_MAX &&
		    t.bytes <= HEAD_BYTES_MAX)
			check_same(&b->head, &f, t.bytes);
		if (f.has_body)
			read_body(&m, b, data + taken, bytes - taken);
	}
	message_done(&m);
	head_buf_give(b);
	head_buf_pool_drop();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	run(data, bytes, bytes ? bytes : 1);
	run(data, bytes, 7);
	return 0;
}
