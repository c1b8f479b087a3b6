/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print - writes lines, tables and objects to standard output
 */
#include "cli/io/print.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/core/lines.h"
#include "lib/text/yaml_dump.h"

int print_flush(struct err *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return err_set(err, ERR_SYS, errno, "standard output");
}

int print_lines(json_t *lines, struct err *err)
{
	json_t *line;
	size_t i;

	json_array_foreach(lines, i, line) {
		CLEANUP(free_var) char *text = strdup(json_string_value(line));

		if (text == NULL)
			continue;
		line_clean(text);
		(void)puts(text);
	}
	json_decref(lines);
	return print_flush(err);
}

int print_text(struct err *err, const char *fmt, ...)
{
	CLEANUP(free_var) char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0) {
		text = NULL;
		return err_set(err, ERR_NOMEM, 0, "text");
	}
	line_clean(text);
	(void)puts(text);
	return print_flush(err);
}

int print_object(const json_t *object, const char *format, struct err *err)
{
	CLEANUP(free_var) char *text = NULL;

	if (strcmp(format, "yaml") == 0) {
		if (yaml_dump_text(object, &text, err) < 0)
			return -1;
		(void)fputs(text, stdout);
		return print_flush(err);
	}
	text = json_dumps(object, JSON_INDENT(4) | JSON_SORT_KEYS);
	if (text == NULL)
		return err_set(err, ERR_NOMEM, 0, "JSON");
	(void)puts(text);
	return print_flush(err);
}

int print_rows(struct rows_widths *widths, json_t *rows, struct err *err)
{
	json_t *lines = json_array(), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		rows_widen(widths, row);
	}
	json_array_foreach(rows, i, row) {
		rows_line(widths, row, lines);
	}
	json_decref(rows);
	return print_lines(lines, err);
}
