/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args - the command line of kubectl-sc, parsed into a struct
 */
#include "cli/core/args.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/num.h"

/* A day is more than anybody waits. */
static const uint64_t args_duration_max_ms = 24 * 60 * 60 * 1000;

struct parse {
	int argc;
	char **argv;
	int at; /* the next one */
	struct args *args;
	struct err *err;
};

static const char *verb_word(enum verb verb)
{
	return verb != VERB_NONE ? verb_info(verb)->name : "";
}

/* "kubectl sc list --help", for the end of an error */
static int usage(const struct parse *p, const char *what)
{
	const char *word = verb_word(p->args->verb);

	return err_set(p->err, ERR_INVALID, 0, "%s; \"kubectl sc %s%s--help\" tells what there is",
	               what, word, *word != '\0' ? " " : "");
}

static int bool_parse(const char *text, bool *ret_value)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return -1;
	*ret_value = yes;
	return 0;
}

static int list_add(struct args_list *list, const char *value)
{
	if (list->count >= ARGS_LIST_MAX)
		return -1;
	list->items[list->count++] = value;
	return 0;
}

static int flag_store(const struct flag *f, const char *value, struct args *args, struct err *err)
{
	void *at = (char *)args + f->at;

	if (f->values != NULL && !word_is_in(f->values, value))
		return err_set(err, ERR_INVALID, 0, "--%s \"%.80s\": want %s", f->name, value,
		               f->values);
	switch (f->kind) {
	case FLAG_BOOL:
		if (bool_parse(value, at) < 0)
			return err_set(err, ERR_INVALID, 0, "--%s=%.80s: want true or false",
			               f->name, value);
		return 0;
	case FLAG_STR:
		*(const char **)at = value;
		return 0;
	case FLAG_LIST:
		if (list_add(at, value) < 0)
			return err_set(err, ERR_INVALID, 0, "--%s: given more than %d times",
			               f->name, ARGS_LIST_MAX);
		return 0;
	case FLAG_DURATION:
		if (num_parse_duration_ms(value, args_duration_max_ms, at, err) < 0)
			return err_wrap(err, "--%s", f->name);
		return 0;
	case FLAG_U64:
		if (num_parse_u64(value, 0, 99, at, err) < 0)
			return err_wrap(err, "--%s", f->name);
		return 0;
	}
	return 0;
}

/* The flag's value: what is behind "=" or the letter, else the next argument. */
static int flag_take(struct parse *p, const struct flag *f, const char *value)
{
	char text[160];

	if (value == NULL && f->kind == FLAG_BOOL)
		value = "true";
	if (value == NULL && p->at < p->argc)
		value = p->argv[p->at++];
	if (value == NULL) {
		(void)snprintf(text, sizeof text, "--%s: want %s", f->name, f->value_name);
		return usage(p, text);
	}
	return flag_store(f, value, p->args, p->err);
}

static int unknown_flag(const struct parse *p, const char *arg)
{
	const char *word = verb_word(p->args->verb);
	char text[200];

	if (p->args->verb == VERB_NONE)
		(void)snprintf(text, sizeof text,
		               "unknown flag %.80s (flags of a verb go behind it)", arg);
	else
		(void)snprintf(text, sizeof text, "unknown flag %.80s of %s", arg, word);
	return usage(p, text);
}

static int parse_long(struct parse *p, const char *arg)
{
	const char *end = strchrnul(arg + 2, '=');
	const struct flag *f = flag_find(p->args->verb, arg + 2, (size_t)(end - arg - 2));

	if (f == NULL)
		return unknown_flag(p, arg);
	return flag_take(p, f, *end == '=' ? end + 1 : NULL);
}

static int parse_letters(struct parse *p, const char *arg)
{
	const char *c = arg + 1;

	while (*c != '\0') {
		const struct flag *f = flag_find_letter(p->args->verb, *c);

		if (f == NULL)
			return unknown_flag(p, arg);
		c++;
		if (*c == '=')
			return flag_take(p, f, c + 1);
		if (f->kind != FLAG_BOOL)
			return flag_take(p, f, *c != '\0' ? c : NULL);
		if (flag_take(p, f, NULL) < 0)
			return -1;
	}
	return 0;
}

static int set_verb(struct parse *p, const char *word)
{
	const struct flag *f = NULL;
	const char *near;
	char text[200];

	p->args->verb = verb_find(word);
	if (p->args->verb == VERB_NONE) {
		near = verb_nearest(word);
		(void)snprintf(text, sizeof text, "unknown verb \"%.80s\"%s%s%s", word,
		               near != NULL ? "; do you mean \"" : "", near != NULL ? near : "",
		               near != NULL ? "\"?" : "");
		return usage(p, text);
	}
	while ((f = flag_next(p->args->verb, f)) != NULL) {
		if (f->default_text != NULL && flag_store(f, f->default_text, p->args, p->err) < 0)
			return -1;
	}
	return 0;
}

static int parse_word(struct parse *p, const char *word)
{
	struct args *a = p->args;

	if (a->verb == VERB_NONE && strcmp(word, "help") == 0) {
		a->help = true;
		return 0;
	}
	if (a->verb == VERB_NONE)
		return set_verb(p, word);
	if (a->operands_count >= ARGS_OPERANDS_MAX)
		return usage(p, "too many operands");
	a->operands[a->operands_count++] = word;
	return 0;
}

static int check_operands(const struct parse *p)
{
	const struct args *a = p->args;
	const struct verb_info *v;
	char text[200];

	if (a->verb == VERB_NONE)
		return usage(p, "no verb");
	v = verb_info(a->verb);
	if (a->operands_count < v->operands_min || a->operands_count > v->operands_max) {
		(void)snprintf(text, sizeof text, "%s: want %s", v->name,
		               *v->operands != '\0' ? v->operands : "no operand");
		return usage(p, text);
	}
	if (a->command != NULL && a->verb != VERB_EXEC && a->verb != VERB_CREATE) {
		(void)snprintf(text, sizeof text, "%s takes no command behind \"--\"", v->name);
		return usage(p, text);
	}
	if (a->verb == VERB_EXEC && (a->command == NULL || *a->command == NULL))
		return usage(p, "exec: want a command behind \"--\"");
	if (v->words != NULL && !word_is_in(v->words, a->operands[0])) {
		(void)snprintf(text, sizeof text, "%s \"%.80s\": want %s", v->name, a->operands[0],
		               v->words);
		return usage(p, text);
	}
	if (a->all_namespaces && a->verb != VERB_LIST)
		return usage(p, "--all-namespaces is for list; here --namespace says which");
	return 0;
}

int args_parse(int argc, char **argv, struct args *ret_args, struct err *err)
{
	struct parse p = {argc, argv, 1, ret_args, err};

	*ret_args = (struct args){0};
	while (p.at < argc) {
		const char *arg = argv[p.at++];
		int r;

		if (strcmp(arg, "--") == 0) {
			ret_args->command = argv + p.at;
			break;
		}
		if (arg[0] == '-' && arg[1] == '-')
			r = parse_long(&p, arg);
		else if (arg[0] == '-' && arg[1] != '\0')
			r = parse_letters(&p, arg);
		else
			r = parse_word(&p, arg);
		if (r < 0)
			return -1;
	}
	return ret_args->help ? 0 : check_operands(&p);
}
