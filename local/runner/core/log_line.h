/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line - lines of a container's log file (k8s-file, the CRI's format)
 *
 *     2026-01-02T03:04:05.123456789+00:00 stdout F the text
 *
 * "F" ends a line, "P" is a part of one that was too long.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_line {
	const char *time; /* borrowed, not terminated */
	size_t time_bytes;
	const char *text;
	size_t text_bytes;
	bool partial;
};

/** log_line_parse() - @bytes without the newline. Return: false: not of this format */
bool log_line_parse(const char *line, size_t bytes, struct log_line *ret_line);

/** log_line_tail() - where the last @lines lines of @data begin */
size_t log_line_tail(const char *data, size_t bytes, int64_t lines);
