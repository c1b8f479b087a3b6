/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skim - copies the members that a table names, and passes over the others unparsed
 */
#include "lib/text/skim.h"

#include <assert.h>
#include <string.h>

#include "lib/text/json_quote.h"

SKIM_ALL_BUT(annotations, {"kubectl.kubernetes.io/last-applied-configuration", SKIM_DROP});
SKIM_ALL_BUT(metadata, {"managedFields", SKIM_DROP}, {"annotations", SKIM_INSIDE, &annotations});
static const struct skim_member common_members[] = {{"metadata", SKIM_INSIDE, &metadata}, {NULL}};
const struct skim SKIM_COMMON = {SKIM_KEEP, common_members};

struct skimming {
	const char *at, *end;
	char *to;
};

static bool skim_value(struct skimming *s, const struct skim *of);

static void skim_space(struct skimming *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

/* Each of these returns false where the text ends too soon, or is something else. */
static bool skim_is(struct skimming *s, char c)
{
	skim_space(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

/* @at: the quote that begins it. Return: behind the one that ends it; NULL: there is none */
static const char *string_end(const char *at, const char *end)
{
	const char *quote = at;

	do {
		quote = memchr(quote + 1, '"', (size_t)(end - quote - 1));
	} while (quote != NULL && json_quote_is_escaped(at + 1, quote));
	return quote != NULL ? quote + 1 : NULL;
}

static bool pass_string(struct skimming *s)
{
	const char *end = string_end(s->at, s->end);

	if (end != NULL)
		s->at = end;
	return end != NULL;
}

/* A number, true, false or null. */
static bool pass_word(struct skimming *s)
{
	const char *from = s->at;

	while (s->at < s->end && strchr(",:]} \n\r\t\"[{", *s->at) == NULL)
		s->at++;
	return s->at > from;
}

static bool pass_nest(struct skimming *s)
{
	size_t depth = 0;
	const char *at = s->at;

	do {
		char c = *at;

		if (c == '"') {
			at = string_end(at, s->end);
			if (at == NULL)
				return false;
			continue;
		}
		at++;
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
	} while (depth > 0 && at < s->end);
	s->at = at;
	return depth == 0;
}

static bool pass_value(struct skimming *s)
{
	skim_space(s);
	if (s->at == s->end)
		return false;
	if (*s->at == '{' || *s->at == '[')
		return pass_nest(s);
	return *s->at == '"' ? pass_string(s) : pass_word(s);
}

static void keep(struct skimming *s, const char *from)
{
	memcpy(s->to, from, (size_t)(s->at - from));
	s->to += s->at - from;
}

static bool keep_value(struct skimming *s)
{
	const char *from;

	skim_space(s);
	from = s->at;
	if (!pass_value(s))
		return false;
	keep(s, from);
	return true;
}

/* @key: with its quotes */
static const struct skim_member *find_member(const struct skim *of, const char *key, size_t bytes)
{
	for (const struct skim_member *m = of->members; m->key != NULL; m++)
		if (strlen(m->key) == bytes - 2 && memcmp(m->key, key + 1, bytes - 2) == 0)
			return m;
	return NULL;
}

/* @has_one: a member before this one was kept */
static bool skim_member(struct skimming *s, const struct skim *of, bool *has_one)
{
	const char *key;
	const struct skim_member *m;
	enum skim_how how;

	skim_space(s);
	key = s->at;
	if (s->at == s->end || *s->at != '"' || !pass_string(s))
		return false;
	m = find_member(of, key, (size_t)(s->at - key));
	how = m != NULL ? m->how : of->others;
	assert(how != SKIM_UNSET);
	if (how != SKIM_DROP) {
		if (*has_one)
			*s->to++ = ',';
		*has_one = true;
		keep(s, key);
	}
	if (!skim_is(s, ':'))
		return false;
	if (how == SKIM_DROP)
		return pass_value(s);
	*s->to++ = ':';
	return how == SKIM_INSIDE ? skim_value(s, m->in) : keep_value(s);
}

static bool skim_members(struct skimming *s, const struct skim *of)
{
	bool has_one = false;

	*s->to++ = '{';
	if (!skim_is(s, '}')) {
		do {
			if (!skim_member(s, of, &has_one))
				return false;
		} while (skim_is(s, ','));
		if (!skim_is(s, '}'))
			return false;
	}
	*s->to++ = '}';
	return true;
}

/* Lists of lists are kept whole, so that nothing goes deeper than the tables do. */
static bool skim_element(struct skimming *s, const struct skim *of)
{
	skim_space(s);
	if (s->at == s->end || *s->at != '{')
		return keep_value(s);
	s->at++;
	return skim_members(s, of);
}

static bool skim_elements(struct skimming *s, const struct skim *of)
{
	*s->to++ = '[';
	if (!skim_is(s, ']')) {
		if (!skim_element(s, of))
			return false;
		while (skim_is(s, ',')) {
			*s->to++ = ',';
			if (!skim_element(s, of))
				return false;
		}
		if (!skim_is(s, ']'))
			return false;
	}
	*s->to++ = ']';
	return true;
}

static bool skim_value(struct skimming *s, const struct skim *of)
{
	if (skim_is(s, '{'))
		return skim_members(s, of);
	return skim_is(s, '[') ? skim_elements(s, of) : keep_value(s);
}

size_t skim_object(const struct skim *of, const char *text, size_t bytes, char *ret_text)
{
	struct skimming s = {.at = text, .end = text + bytes, .to = ret_text};

	if (!skim_is(&s, '{') || !skim_members(&s, of))
		return 0;
	skim_space(&s);
	return s.at == s.end ? (size_t)(s.to - ret_text) : 0;
}
