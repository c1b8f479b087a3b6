/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern - reads the RE2 syntax of Go and writes that of PCRE2
 */
#include "local/registry/core/pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct copy {
	const char *at; /* what comes next */
	char *out;
	size_t used;
	bool in_class;
	bool repeated; /* what was copied last is a repetition */
};

static int put(struct copy *c, const char *piece, size_t bytes, struct err *err)
{
	if (c->used + bytes >= PATTERN_BYTES_MAX)
		return err_set(err, ERR_INVALID, 0, "pattern of more than %d bytes",
		               PATTERN_BYTES_MAX - 1);
	memcpy(c->out + c->used, piece, bytes);
	c->used += bytes;
	c->out[c->used] = '\0';
	return 0;
}

static int put_text(struct copy *c, const char *piece, size_t taken, struct err *err)
{
	c->at += taken;
	return put(c, piece, strlen(piece), err);
}

/* As it stands. */
static int put_next(struct copy *c, size_t bytes, struct err *err)
{
	const char *piece = c->at;

	c->at += bytes;
	return put(c, piece, bytes, err);
}

static int refuse(const struct copy *c, const char *what, size_t bytes, struct err *err)
{
	return err_set(err, ERR_INVALID, 0, "error parsing regexp: %s: `%.*s`", what, (int)bytes,
	               c->at);
}

/* \Q...\E: all of it is meant literally. */
static int quoted(struct copy *c, struct err *err)
{
	const char *end = strstr(c->at, "\\E");

	return put_next(c, end ? (size_t)(end - c->at) + 2 : strlen(c->at), err);
}

/* RE2's white space has no vertical tab, PCRE2's \v is a class: both are spelled out. */
static int escape(struct copy *c, struct err *err)
{
	static const char anywhere[] = "dDwWpPafnrtx";
	static const char outside[] = "AbBz";
	char letter = c->at[1];

	if (letter == '\0')
		return refuse(c, "trailing backslash at end of expression", 1, err);
	if (letter == 's')
		return put_text(c, c->in_class ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]", 2, err);
	if (letter == 'S' && !c->in_class)
		return put_text(c, "[^\\t\\n\\f\\r ]", 2, err);
	if (letter == 'v')
		return put_text(c, "\\x0b", 2, err);
	if (letter == 'Q' && !c->in_class)
		return quoted(c, err);
	if (strchr(anywhere, letter) || letter == 'S' ||
	    (!c->in_class && strchr(outside, letter)) ||
	    ((unsigned char)letter < 0x80 && !isalnum((unsigned char)letter)))
		return put_next(c, 2, err);
	if (letter == '0' || (letter > '0' && letter < '8' && c->at[2] >= '0' && c->at[2] < '8'))
		return put_next(c, 2, err);
	return refuse(c, "invalid escape sequence", 2, err);
}

/* "(?" FLAGS ")" or ":": of them only those that mean the same. Return: bytes, or 0 */
static size_t flags_length(const char *at)
{
	size_t bytes = 2 + strspn(at + 2, "imsU"), unset;

	if (at[bytes] == '-') {
		unset = strspn(at + bytes + 1, "imsU");
		if (unset == 0)
			return 0;
		bytes += 1 + unset;
	}
	return at[bytes] == ':' || at[bytes] == ')' ? bytes + 1 : 0;
}

static int group(struct copy *c, struct err *err)
{
	size_t flags;

	if (c->at[1] == '*')
		return refuse(c, "missing argument to repetition operator", 2, err);
	if (c->at[1] != '?')
		return put_next(c, 1, err);
	if (strncmp(c->at, "(?P<", 4) == 0 && c->at[4] != '=' && c->at[4] != '!')
		return put_next(c, 4, err);
	if (strncmp(c->at, "(?<", 3) == 0 && c->at[3] != '=' && c->at[3] != '!')
		return put_next(c, 3, err);
	flags = flags_length(c->at);
	if (flags == 0)
		return refuse(c, "invalid or unsupported Perl syntax", 3, err);
	return put_next(c, flags, err);
}

/* "{2}", "{2,}" or "{2,5}"; else a brace is itself. Return: bytes, or 0 */
static size_t repeat_length(const char *at, unsigned long *ret_most)
{
	size_t low = strspn(at + 1, "0123456789"), bytes = 1 + low, high;

	if (low == 0 || low > 8)
		return 0;
	*ret_most = strtoul(at + 1, NULL, 10);
	if (at[bytes] == ',') {
		high = strspn(at + bytes + 1, "0123456789");
		if (high > 8)
			return 0;
		if (high > 0)
			*ret_most = strtoul(at + bytes + 1, NULL, 10);
		bytes += 1 + high;
	}
	return at[bytes] == '}' ? bytes + 1 : 0;
}

/* Return: 1 when there is none here */
static int repetition(struct copy *c, struct err *err)
{
	unsigned long most = 0;
	size_t bytes = strchr("*+?", *c->at) ? 1 : 0;

	if (*c->at == '{')
		bytes = repeat_length(c->at, &most);
	if (bytes == 0)
		return 1;
	if (c->repeated) /* in PCRE2 "a++" is another thing */
		return refuse(c, "invalid nested repetition operator", bytes, err);
	if (most > PATTERN_REPEAT_MAX)
		return refuse(c, "invalid repeat count", bytes, err);
	if (c->at[bytes] == '?')
		bytes++;
	c->repeated = true;
	return put_next(c, bytes, err);
}

static int class_begin(struct copy *c, struct err *err)
{
	size_t bytes = c->at[1] == '^' ? 2 : 1;

	c->in_class = true;
	if (c->at[bytes] == ']') /* the first one is itself */
		bytes++;
	return put_next(c, bytes, err);
}

static int class_next(struct copy *c, struct err *err)
{
	const char *end = strncmp(c->at, "[:", 2) == 0 ? strstr(c->at, ":]") : NULL;

	if (*c->at == '\\')
		return escape(c, err);
	if (end != NULL)
		return put_next(c, (size_t)(end - c->at) + 2, err);
	if (*c->at == '[') /* "[." and "[=" mean more in PCRE2 */
		return put_text(c, "\\[", 1, err);
	c->in_class = *c->at != ']';
	return put_next(c, 1, err);
}

static int next(struct copy *c, struct err *err)
{
	int r;

	if (c->in_class)
		return class_next(c, err);
	r = repetition(c, err);
	if (r <= 0)
		return r;
	c->repeated = false;
	if (*c->at == '\\')
		return escape(c, err);
	if (*c->at == '(')
		return group(c, err);
	if (*c->at == '[')
		return class_begin(c, err);
	return put_next(c, 1, err);
}

int pattern_of_re2(const char *re2, char out[PATTERN_BYTES_MAX], struct err *err)
{
	struct copy c = {.at = re2, .out = out};

	out[0] = '\0';
	while (*c.at != '\0') {
		if (next(&c, err) < 0)
			return -1;
	}
	return 0;
}
