/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clk.h"

enum { LOG_LINE_BYTES_MAX = 4096 };

static struct {
	const char *program;
	enum log_level least;
	enum log_format format;
} log_conf = { "", LOG_INFO, LOG_FORMAT_LOGFMT };

static const char *const log_level_names[] = { "debug", "info", "warn", "error" };

struct log_out {
	char *buf;
	size_t size;
	size_t len;
};

static void log_put(struct log_out *o, const char *text, size_t len)
{
	size_t room = o->size - o->len;

	if (len > room)
		len = room;
	memcpy(o->buf + o->len, text, len);
	o->len += len;
}

static void log_puts(struct log_out *o, const char *text)
{
	log_put(o, text, strlen(text));
}

/* JSON string escapes (RFC 8259 section 7) serve both formats. */
static void log_put_quoted(struct log_out *o, const char *text)
{
	char esc[8];

	log_puts(o, "\"");
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\') {
			esc[0] = '\\';
			esc[1] = (char)*c;
			log_put(o, esc, 2);
		} else if (*c == '\n') {
			log_puts(o, "\\n");
		} else if (*c < 0x20 || *c == 0x7f) {
			(void)snprintf(esc, sizeof esc, "\\u%04x", *c);
			log_puts(o, esc);
		} else {
			log_put(o, (const char *)c, 1);
		}
	}
	log_puts(o, "\"");
}

static void log_put_value(struct log_out *o, const struct log_field *f)
{
	char num[32];

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

static void log_put_key(struct log_out *o, enum log_format format, const char *key, bool first)
{
	if (format == LOG_FORMAT_JSON) {
		log_puts(o, first ? "{" : ",");
		log_put_quoted(o, key);
		log_puts(o, ":");
	} else {
		log_puts(o, first ? "" : " ");
		log_puts(o, key);
		log_puts(o, "=");
	}
}

size_t log_line_format(char *buf, size_t size, enum log_format format, uint64_t wall_ms,
                       const char *program, enum log_level level, const char *event,
                       const struct log_field *fields)
{
	bool json = format == LOG_FORMAT_JSON;
	/* the end of the line always fits: "}\n" */
	struct log_out o = { buf, size - 2, 0 };
	const struct log_field head[] = { log_str("level", log_level_names[level]),
		                          log_str("program", program), log_str("event", event) };

	log_put_key(&o, format, "ts_ms", true);
	log_put_value(&o, &log_u64("", wall_ms));
	for (size_t i = 0; i < ARRAY_LEN(head); i++) {
		log_put_key(&o, format, head[i].name, false);
		if (json)
			log_put_value(&o, &head[i]);
		else
			log_puts(&o, head[i].value.str);
	}
	for (; fields->kind != LOG_KIND_END; fields++) {
		log_put_key(&o, format, fields->name, false);
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

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	char line[LOG_LINE_BYTES_MAX];
	size_t len;

	if (level < log_conf.least)
		return;
	len = log_line_format(line, sizeof line, log_conf.format, clk_wall_ms(), log_conf.program,
	                      level, event, fields);
	/* a log that cannot be written has nobody to be told to */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
