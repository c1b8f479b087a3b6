/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help - what --help prints, made of the tables
 */
#include "cli/core/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/core/lines.h"

enum { HELP_FLAG_BYTES = 80 };

/* "-n, --namespace NAMESPACE" */
static void flag_left(const struct flag *f, char buf[HELP_FLAG_BYTES])
{
	char letter[8] = "    ";

	if (strlen(f->name) == 1) {
		(void)snprintf(buf, HELP_FLAG_BYTES, "-%s %s", f->name, f->value_name);
		return;
	}
	if (f->letter != 0)
		(void)snprintf(letter, sizeof letter, "-%c, ", f->letter);
	(void)snprintf(buf, HELP_FLAG_BYTES, "%s--%s%s%s", letter, f->name,
	               f->value_name != NULL ? " " : "",
	               f->value_name != NULL ? f->value_name : "");
}

static void add_flags(json_t *lines, enum verb verb, int everywhere)
{
	const struct flag *f = NULL;
	char left[HELP_FLAG_BYTES];

	while ((f = flag_next(verb, f)) != NULL) {
		if ((f->verbs == FLAG_EVERYWHERE) != (everywhere != 0))
			continue;
		flag_left(f, left);
		lines_add(lines, "  %-30s %s%s%s%s", left, f->help,
		          f->default_text != NULL ? " (default " : "",
		          f->default_text != NULL ? f->default_text : "",
		          f->default_text != NULL ? ")" : "");
	}
}

/* Lines of a text, indented. */
static void add_text(json_t *lines, const char *indent, const char *text)
{
	while (text != NULL && *text != '\0') {
		int bytes = (int)strcspn(text, "\n");

		lines_add(lines, "%s%.*s", indent, bytes, text);
		text += bytes;
		text += *text == '\n';
	}
}

static void verb_left(const struct verb_info *v, char buf[HELP_FLAG_BYTES])
{
	size_t used = (size_t)snprintf(buf, HELP_FLAG_BYTES, "%s", v->name);
	const char *c = v->aliases;

	while (c != NULL && *c != '\0') {
		int bytes = (int)strcspn(c, " ");

		used += (size_t)snprintf(buf + used, HELP_FLAG_BYTES - used, ", %.*s", bytes, c);
		c += bytes;
		c += *c == ' ';
	}
}

static void add_verbs(json_t *lines)
{
	char left[HELP_FLAG_BYTES];

	for (int v = VERB_NONE + 1; v < VERBS_COUNT; v++) {
		verb_left(verb_info((enum verb)v), left);
		lines_add(lines, "  %-20s %s", left, verb_info((enum verb)v)->synopsis);
	}
}

static json_t *help_all(void)
{
	json_t *lines = json_array();

	lines_add(lines, "Usage: kubectl sc VERB [OPERAND…] [FLAG…]");
	lines_add(lines, "%s", "");
	lines_add(lines, "StoppableContainers: they sleep when nobody uses them and wake on the "
	                 "first byte.");
	lines_add(lines, "%s", "");
	lines_add(lines, "Verbs:");
	add_verbs(lines);
	lines_add(lines, "%s", "");
	lines_add(lines, "Flags of all verbs:");
	add_flags(lines, VERB_NONE, 1);
	lines_add(lines, "%s", "");
	lines_add(lines, "Exit codes: 0 done; 1 failed; 2 the command line is wrong; 3 there is no "
	                 "such object;");
	lines_add(lines, "4 timed out; 130 interrupted. exec passes on the command's own.");
	lines_add(lines, "\"kubectl sc VERB --help\" tells the flags and examples of one.");
	return lines;
}

json_t *help_lines(enum verb verb)
{
	const struct verb_info *v;
	json_t *lines;
	char left[HELP_FLAG_BYTES];

	if (verb == VERB_NONE)
		return help_all();
	v = verb_info(verb);
	lines = json_array();
	verb_left(v, left);
	lines_add(lines, "Usage: kubectl sc %s%s%s [FLAG…]", v->name,
	          *v->operands != '\0' ? " " : "", v->operands);
	lines_add(lines, "%s", "");
	lines_add(lines, "%c%s.", v->synopsis[0] & ~0x20, v->synopsis + 1);
	add_text(lines, "", v->more);
	if (v->aliases != NULL)
		lines_add(lines, "Names: %s.", left);
	lines_add(lines, "%s", "");
	lines_add(lines, "Examples:");
	add_text(lines, "  ", v->examples);
	lines_add(lines, "%s", "");
	lines_add(lines, "Flags:");
	add_flags(lines, verb, 0);
	lines_add(lines, "%s", "");
	lines_add(lines, "Flags of all verbs:");
	add_flags(lines, verb, 1);
	return lines;
}
