/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto - packets between process 1 and the node agent: parsed and written
 */
#include "wrapper/proto.h"

#include <limits.h>
#include <string.h>

enum proto_shape { PROTO_BARE, PROTO_NUMBER, PROTO_TEXT, PROTO_NUMBER_TEXT };

static const struct proto_word {
	enum proto_kind kind;
	enum proto_shape shape;
	const char *word;
} proto_words[] = {
        {PROTO_HELLO_WAITING, PROTO_BARE, "hello 1 waiting"},
        {PROTO_HELLO_RUNNING, PROTO_NUMBER, "hello 1 running"},
        {PROTO_GO, PROTO_BARE, "go"},
        {PROTO_REFUSE, PROTO_TEXT, "refuse"},
        {PROTO_BECOMES, PROTO_BARE, "becomes"},
        {PROTO_STARTED, PROTO_NUMBER, "started"},
        {PROTO_FAILED, PROTO_NUMBER_TEXT, "failed"},
        {PROTO_EXITED, PROTO_NUMBER, "exited"},
        {PROTO_SIGNALED, PROTO_NUMBER, "signaled"},
};

enum { PROTO_WORDS_COUNT = sizeof proto_words / sizeof proto_words[0] };

bool proto_number(const char **text, int *ret_number)
{
	const char *c = *text;
	int n = 0;

	for (; *c >= '0' && *c <= '9'; c++) {
		if (n > (INT_MAX - 9) / 10)
			return false;
		n = n * 10 + (*c - '0');
	}
	if (c == *text)
		return false;
	*text = c;
	*ret_number = n;
	return true;
}

static bool proto_rest(const struct proto_word *w, const char *rest, struct proto_message *m)
{
	bool number = w->shape == PROTO_NUMBER || w->shape == PROTO_NUMBER_TEXT;
	bool text = w->shape == PROTO_TEXT || w->shape == PROTO_NUMBER_TEXT;

	if (number && (*rest++ != ' ' || !proto_number(&rest, &m->number)))
		return false;
	if (text) {
		if (*rest++ != ' ')
			return false;
		m->text = rest;
		return true;
	}
	return *rest == '\0';
}

struct proto_message proto_parse(const char *packet)
{
	for (size_t i = 0; i < PROTO_WORDS_COUNT; i++) {
		const struct proto_word *w = &proto_words[i];
		struct proto_message m = {w->kind, 0, ""};
		size_t len = strlen(w->word);

		if (strncmp(packet, w->word, len) == 0 && proto_rest(w, packet + len, &m))
			return m;
	}
	return (struct proto_message){PROTO_UNKNOWN, 0, ""};
}

static size_t proto_put(char *buf, size_t at, const char *text)
{
	while (*text != '\0' && at < PROTO_TEXT_BYTES_MAX - 1)
		buf[at++] = *text++;
	buf[at] = '\0';
	return at;
}

static size_t proto_put_number(char *buf, size_t at, int number)
{
	char digits[12];
	size_t i = sizeof digits - 1;

	digits[i] = '\0';
	do {
		digits[--i] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return proto_put(buf, at, digits + i);
}

size_t proto_format(char buf[PROTO_TEXT_BYTES_MAX], const struct proto_message *m)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < PROTO_WORDS_COUNT; i++) {
		const struct proto_word *w = &proto_words[i];

		if (w->kind != m->kind)
			continue;
		at = proto_put(buf, at, w->word);
		if (w->shape == PROTO_NUMBER || w->shape == PROTO_NUMBER_TEXT) {
			at = proto_put(buf, at, " ");
			at = proto_put_number(buf, at, m->number);
		}
		if (w->shape == PROTO_TEXT || w->shape == PROTO_NUMBER_TEXT) {
			at = proto_put(buf, at, " ");
			at = proto_put(buf, at, m->text);
		}
	}
	return at;
}
