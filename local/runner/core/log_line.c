/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line - reads the lines of a container's log file (k8s-file, the format of the CRI)
 */
#include "local/runner/core/log_line.h"

#include <string.h>

bool log_line_parse(const char *line, size_t bytes, struct log_line *ret_line)
{
	const char *end = line + bytes;
	const char *stream = memchr(line, ' ', bytes);
	const char *tag = stream ? memchr(stream + 1, ' ', (size_t)(end - stream - 1)) : NULL;

	if (tag == NULL || end - tag < 2 || (tag[1] != 'F' && tag[1] != 'P'))
		return false;
	if (end - tag > 2 && tag[2] != ' ')
		return false;
	ret_line->time = line;
	ret_line->time_bytes = (size_t)(stream - line);
	ret_line->partial = tag[1] == 'P';
	ret_line->text = end - tag > 2 ? tag + 3 : end;
	ret_line->text_bytes = (size_t)(end - ret_line->text);
	return true;
}

/* A line here is a whole one: its parts count as one. */
static bool is_partial(const char *line, size_t bytes)
{
	struct log_line parsed;

	return log_line_parse(line, bytes, &parsed) && parsed.partial;
}

size_t log_line_tail(const char *data, size_t bytes, int64_t lines)
{
	size_t end = bytes, begin = bytes;

	if (lines < 0)
		return 0;
	while (end > 0) {
		size_t start = end - 1; /* of the newline, or the last byte */
		size_t length;

		while (start > 0 && data[start - 1] != '\n')
			start--;
		length = end - start - (data[end - 1] == '\n' ? 1 : 0);
		if (!is_partial(data + start, length) && lines-- == 0)
			return begin;
		begin = start;
		end = start;
	}
	return 0;
}
