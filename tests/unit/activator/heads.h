/* SPDX-License-Identifier: Apache-2.0 */
/* heads - a struct head of a plain text, split the naive way; tests of core/ need no parser */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "activator/core/head.h"

static inline struct head_slice slice(const char *text, const char *from, const char *to)
{
	return (struct head_slice){(uint32_t)(from - text), (uint32_t)(to - from)};
}

static inline void head_of(struct head *h, const char *method, const char *text)
{
	const char *line = strstr(text, "\r\n") + 2;
	const char *space = strchr(text, ' ');

	memset(h, 0, sizeof *h);
	h->text = text;
	h->text_bytes = (uint32_t)strlen(text);
	h->method = method;
	h->major = 1;
	h->minor = (unsigned)(line[-3] - '0');
	h->target = slice(text, space + 1, strchr(space + 1, ' '));
	h->status = method ? 0 : (unsigned)strtoul(space + 1, NULL, 10);
	if (!method)
		h->phrase = slice(text, space + 5, line - 2);
	while (strncmp(line, "\r\n", 2) != 0) {
		const char *colon = strchr(line, ':');
		const char *end = strstr(line, "\r\n");
		struct head_field *f = &h->fields[h->fields_count++];

		f->name = slice(text, line, colon);
		f->value = slice(text, colon + 2, end);
		f->id = field_id(line, f->name.bytes);
		if (f->id == FIELD_CONTENT_LENGTH) {
			h->has_length = true;
			h->length = strtoull(colon + 2, NULL, 10);
		}
		if (f->id == FIELD_TRANSFER_ENCODING)
			h->has_coding = h->chunked = true;
		line = end + 2;
	}
	head_index(h);
}
