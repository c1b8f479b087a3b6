/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - formats a line as logfmt or JSON and writes it to stderr
 */
#include "lib/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/clk.h"

/* a line is at most PIPE_BUF, so that a pipe takes it whole or not at all */
enum { LOG_LINE_BYTES_MAX = 4096, LOG_NUMBER_BYTES = 24 };

static struct {
	const char *program;
	enum log_level least;
	enum log_format format;
	bool never_waits;
	bool is_stream; /* a pipe or a socket */
	uint64_t dropped_count;
	uint64_t told_count; /* of these */
} log_conf = {.program = "", .least = LOG_INFO, .format = LOG_FORMAT_LOGFMT};

static const char *const log_level_names[] = {"debug", "info", "warn", "error"};

struct log_out {
	char *buf;
	size_t size;
	size_t len;
};

static size_t log_room(const struct log_out *o)
{
	return o->size - o->len;
}

/* All of it or nothing, so that no escape is cut in two. */
static void log_put(struct log_out *o, const char *text, size_t len)
{
	if (len > log_room(o))
		return;
	memcpy(o->buf + o->len, text, len);
	o->len += len;
}

static void log_puts(struct log_out *o, const char *text)
{
	log_put(o, text, strlen(text));
}

/* Bytes of the well-formed UTF-8 sequence at @c (RFC 3629 section 4), 0 when it is none. */
static size_t log_utf8_len(const unsigned char *c)
{
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	size_t len;

	if (*c < 0x80)
		return 1;
	if (*c < 0xc2 || *c > 0xf4)
		return 0;
	len = *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : 4;
	if (*c == 0xe0)
		low = 0xa0;
	else if (*c == 0xed)
		high = 0x9f;
	else if (*c == 0xf0)
		low = 0x90;
	else if (*c == 0xf4)
		high = 0x8f;
	if (c[1] < low || c[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (c[i] < 0x80 || c[i] > 0xbf)
			return 0;
	}
	return len;
}

/* One character, escaped, into @esc. Return: how many bytes of @c it stands for. */
static size_t log_escape(const unsigned char *c, char esc[8])
{
	size_t len = log_utf8_len(c);

	if (len == 0) {
		(void)snprintf(esc, 8, "\xef\xbf\xbd"); /* U+FFFD, the replacement character */
		return 1;
	}
	if (*c == '"' || *c == '\\')
		(void)snprintf(esc, 8, "\\%c", *c);
	else if (*c == '\n')
		(void)snprintf(esc, 8, "\\n");
	else if (*c < 0x20 || *c == 0x7f)
		(void)snprintf(esc, 8, "\\u%04x", *c);
	else
		(void)snprintf(esc, 8, "%.*s", (int)len, (const char *)c);
	return len;
}

/* JSON string escapes (RFC 8259 section 7) serve both formats. A long text is cut, yet closed. */
static void log_put_quoted(struct log_out *o, const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	char esc[8];

	log_puts(o, "\"");
	while (*c != '\0') {
		c += log_escape(c, esc);
		if (strlen(esc) + 1 > log_room(o))
			break;
		log_puts(o, esc);
	}
	log_puts(o, "\"");
}

static void log_put_value(struct log_out *o, const struct log_field *f)
{
	char num[LOG_NUMBER_BYTES];

	switch (f->kind) {
	case LOG_KIND_STR:
		log_put_quoted(o, f->value.str ? f->value.str : "");
		return;
	case LOG_KIND_U64:
		(void)snprintf(num, sizeof num, "%llu", (unsigned long long)f->value.u64);
		break;
	case LOG_KIND_I64:
		(void)snprintf(num, sizeof num, "%lld", (long long)f->value.i64);
		break;
	case LOG_KIND_BOOL:
		(void)snprintf(num, sizeof num, "%s", f->value.u64 ? "true" : "false");
		break;
	case LOG_KIND_END:
		return;
	}
	log_puts(o, num);
}

static void log_put_key(struct log_out *o, enum log_format format, const char *key)
{
	if (format == LOG_FORMAT_JSON) {
		log_puts(o, o->len == 0 ? "{\"" : ",\"");
		log_puts(o, key);
		log_puts(o, "\":");
	} else {
		log_puts(o, o->len == 0 ? "" : " ");
		log_puts(o, key);
		log_puts(o, "=");
	}
}

/* A field whose key does not fit is left out with all that follow. */
static bool log_field_fits(const struct log_out *o, const struct log_field *f)
{
	return strlen(f->name) + sizeof "\"\":," + LOG_NUMBER_BYTES <= log_room(o);
}

size_t log_line_format(char *buf, size_t size, enum log_format format,
                       const struct log_record *line)
{
	bool json = format == LOG_FORMAT_JSON;
	/* the end of the line always fits: "}\n" */
	struct log_out o = {buf, size - 2, 0};
	const struct log_field head[] = {log_str("level", log_level_names[line->level]),
	                                 log_str("program", line->program),
	                                 log_str("event", line->event)};
	const struct log_field *fields = line->fields;

	log_put_key(&o, format, "ts_ms");
	log_put_value(&o, &log_u64("", line->wall_ms));
	for (size_t i = 0; i < ARRAY_LEN(head); i++) {
		log_put_key(&o, format, head[i].name);
		if (json)
			log_put_value(&o, &head[i]);
		else
			log_puts(&o, head[i].value.str);
	}
	for (; fields->kind != LOG_KIND_END && log_field_fits(&o, fields); fields++) {
		log_put_key(&o, format, fields->name);
		log_put_value(&o, fields);
	}
	o.size = size;
	log_puts(&o, json ? "}\n" : "\n");
	return o.len;
}

void log_setup(const char *program, enum log_level least, enum log_format format)
{
	log_conf.program = program;
	log_conf.least = least;
	log_conf.format = format;
}

int log_level_parse(const char *text, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_LEN(log_level_names); i++) {
		if (strcmp(text, log_level_names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

void log_set_nonblocking(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	log_conf.never_waits = true;
	log_conf.is_stream = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
}

uint64_t log_dropped_count(void)
{
	return log_conf.dropped_count;
}

/*
 * O_NONBLOCK is no way: it belongs to the open file description, which other processes share, and
 * would surprise them. RWF_NOWAIT is of this one write (sockets, and pipes since Linux 6.5); where
 * the kernel does not take it poll(2) tells whether a whole page of the pipe is free, which is room
 * for a line. Files and terminals are written as ever: for them RWF_NOWAIT refuses what only needs
 * a new page.
 */
static bool log_put_out(const char *line, size_t len)
{
	struct iovec iov = {(void *)(uintptr_t)line, len};
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (!log_conf.never_waits)
		return write(STDERR_FILENO, line, len) >= 0;
	if (log_conf.is_stream) {
		if (pwritev2(STDERR_FILENO, &iov, 1, -1, RWF_NOWAIT) >= 0)
			return true;
		if (errno != EOPNOTSUPP && errno != ENOSYS)
			return false;
	}
	return poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0 &&
	       write(STDERR_FILENO, line, len) >= 0;
}

static bool log_put_line(enum log_level level, const char *event, const struct log_field *fields)
{
	const struct log_record line = {clk_wall_ms(), log_conf.program, level, event, fields};
	char text[LOG_LINE_BYTES_MAX];

	return log_put_out(text, log_line_format(text, sizeof text, log_conf.format, &line));
}

/* How many lines were lost is written before the next one. */
static bool log_tell_dropped(void)
{

	if (log_conf.dropped_count == log_conf.told_count)
		return true;
	if (!log_put_line(
	            LOG_WARN, "log.dropped",
	            (const struct log_field[]){
	                    log_u64("lines_count", log_conf.dropped_count - log_conf.told_count),
	                    {0}}))
		return false;
	log_conf.told_count = log_conf.dropped_count;
	return true;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	if (level < log_conf.least)
		return;
	if (!log_tell_dropped() || !log_put_line(level, event, fields))
		log_conf.dropped_count++;
}
