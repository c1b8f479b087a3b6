/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines - a text that is built line by line, as a JSON list of strings
 */
#include "cli/core/lines.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/kube/client/object.h"

void lines_add(json_t *lines, const char *fmt, ...)
{
	CLEANUP(free_var) char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0)
		text = NULL;
	else
		(void)json_array_append_new(lines, json_text(text));
}

void line_clean(char *text)
{
	unsigned char *c = (unsigned char *)text;

	for (; *c != '\0'; c++) {
		if (*c < 0x20 || *c == 0x7f) {
			*c = '?';
		} else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
			/* U+0080 to U+009F: controls too, in two bytes */
			c[0] = '?';
			c[1] = '?';
		}
	}
}
