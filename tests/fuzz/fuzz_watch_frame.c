/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte says how the stream is cut: lines must not depend on it. */
#include "lib/kube/client/watch_frame.h"
#include "tests/fuzz/fuzz.h"

enum { LINE_BYTES_MAX = 64 };

struct seen {
	size_t lines;
	uint64_t sum;
};

static int on_line(void *arg, const char *line, size_t bytes)
{
	struct seen *s = arg;

	FUZZ_CHECK(bytes > 0 && bytes <= LINE_BYTES_MAX && memchr(line, '\n', bytes) == NULL);
	s->lines++;
	for (size_t i = 0; i < bytes; i++)
		s->sum = s->sum * 31 + (uint8_t)line[i];
	return 0;
}

static int feed(const uint8_t *data, size_t bytes, size_t piece, struct seen *s)
{
	struct watch_frame f;
	struct err err;
	int result = 0;

	watch_frame_init(&f, LINE_BYTES_MAX, on_line, s);
	for (size_t at = 0; at < bytes && result == 0; at += piece) {
		size_t n = bytes - at < piece ? bytes - at : piece;

		result = watch_frame_feed(&f, (const char *)data + at, n, &err);
	}
	watch_frame_done(&f);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct seen whole = {0};
	struct seen cut = {0};

	if (bytes < 2)
		return 0;
	FUZZ_CHECK(feed(data + 1, bytes - 1, bytes, &whole) ==
	           feed(data + 1, bytes - 1, (data[0] & 63u) + 1, &cut));
	FUZZ_CHECK(whole.lines == cut.lines && whole.sum == cut.sum);
	return 0;
}
