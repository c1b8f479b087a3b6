/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_frame - cuts a stream of bytes into lines
 */
#include "lib/kube/client/watch_frame.h"

#include <string.h>

/* One large event must not keep its memory for ever. */
enum { WATCH_FRAME_KEEP_BYTES = 64 * 1024 };

void watch_frame_init(struct watch_frame *f, size_t bytes_max,
                      int (*on_line)(void *arg, const char *line, size_t bytes), void *arg)
{
	*f = (struct watch_frame){.bytes_max = bytes_max, .on_line = on_line, .arg = arg};
}

void watch_frame_done(struct watch_frame *f)
{
	buf_done(&f->line);
	*f = (struct watch_frame){0};
}

static int watch_frame_put(struct watch_frame *f, const char *data, size_t bytes, struct err *err)
{
	if (bytes > f->bytes_max - f->line.bytes)
		return err_set(err, ERR_INVALID, 0, "watch event of more than %zu bytes",
		               f->bytes_max);
	if (buf_put(&f->line, data, bytes) < 0)
		return err_set(err, ERR_NOMEM, 0, "watch event");
	return 0;
}

int watch_frame_feed(struct watch_frame *f, const char *data, size_t bytes, struct err *err)
{
	while (bytes > 0) {
		const char *end = memchr(data, '\n', bytes);
		size_t part = end != NULL ? (size_t)(end - data) : bytes;
		const char *line = data;
		size_t line_bytes = part;
		int r = 0;

		if (end == NULL || f->line.bytes > 0 || part > f->bytes_max) {
			if (watch_frame_put(f, data, part, err) < 0)
				return -1;
			line = f->line.data;
			line_bytes = f->line.bytes;
		}
		if (end == NULL)
			return 0;
		if (line_bytes > 0)
			r = f->on_line(f->arg, line, line_bytes);
		if (r != 0)
			return r;
		buf_clear(&f->line, WATCH_FRAME_KEEP_BYTES);
		data += part + 1;
		bytes -= part + 1;
	}
	return 0;
}
