/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - one line an event, to stderr, in one write(2)
 *
 * logfmt by default, JSON with --log-format=json. The event name is stable and greppable
 * ("wake.released"); values are typed, quoted and escaped, so a header value cannot forge a line.
 * Libraries return errors; programs log them, once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

enum log_kind { LOG_KIND_END, LOG_KIND_STR, LOG_KIND_U64, LOG_KIND_I64, LOG_KIND_BOOL };

struct log_field {
	const char *name;
	enum log_kind kind;
	union {
		const char *str; /* NULL prints as "" */
		uint64_t u64;
		int64_t i64;
	} value;
};

#define log_str(n, v) ((struct log_field){(n), LOG_KIND_STR, {.str = (v)}})
#define log_u64(n, v) ((struct log_field){(n), LOG_KIND_U64, {.u64 = (uint64_t)(v)}})
#define log_i64(n, v) ((struct log_field){(n), LOG_KIND_I64, {.i64 = (int64_t)(v)}})
#define log_bool(n, v) ((struct log_field){(n), LOG_KIND_BOOL, {.u64 = (v) ? 1 : 0}})
#define log_err(e) log_str("error", (e)->text)

/* An event without a field says nothing about anything: at least one is required. */
#define log_event(level, name, ...)                                                                \
	log_write((level), (name), (const struct log_field[]){__VA_ARGS__, {0}})

/** log_setup() - what to print and how; call once at start. @program is printed in each line. */
void log_setup(const char *program, enum log_level least, enum log_format format);

/** log_level_parse() - "debug" | "info" | "warn" | "error". Return: 0, or -1 for another word. */
int log_level_parse(const char *text, enum log_level *ret_level);

/**
 * log_set_nonblocking() - from now on a line that nobody takes at once is dropped
 * A full pipe (the runtime's log on a disk that hangs) must not stop an event loop. How many lines
 * were lost is in the log before the next line that is written, and in log_dropped_count().
 */
void log_set_nonblocking(void);

/** log_dropped_count() - lines that were lost since the start */
uint64_t log_dropped_count(void);

void log_write(enum log_level level, const char *event, const struct log_field *fields);

struct log_record {
	uint64_t wall_ms;
	const char *program;
	enum log_level level;
	const char *event;
	const struct log_field *fields; /* ended by one of LOG_KIND_END */
};

/**
 * log_line_format() - the pure part: one line with its newline
 * @size: at least 160; a line that does not fit loses the rest of a text and the fields after it,
 *        and is well-formed all the same
 *
 * Return: bytes written, the newline included.
 */
size_t log_line_format(char *buf, size_t size, enum log_format format,
                       const struct log_record *line);
