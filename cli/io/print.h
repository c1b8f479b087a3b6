/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print - writes lines, tables and objects to standard output
 *
 * What people read is cleaned of control characters; what programs read (json, yaml) is escaped by
 * its format.
 */
#pragma once

#include <jansson.h>

#include "cli/core/rows.h"
#include "lib/base/err.h"

/** print_lines() - takes the reference. Return: 0; negative when it could not be written */
int print_lines(json_t *lines, struct err *err);
/** print_text() - one line */
int print_text(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/** print_object() - @format: "json" or "yaml" */
int print_object(const json_t *object, const char *format, struct err *err);
/** print_rows() - a row or more as a table; takes the reference to the list of rows */
int print_rows(struct rows_widths *widths, json_t *rows, struct err *err);
/** print_flush() - Return: negative when what was printed did not arrive */
int print_flush(struct err *err);
