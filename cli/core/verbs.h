/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs - tables of what the plugin can do, and of what each verb takes
 *
 * --help, the completion and docs/cli.md are made of them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What an operand or a flag's value is: how it is completed. */
enum operand_kind { OPERAND_NONE, OPERAND_NAME, OPERAND_FILE, OPERAND_NEW, OPERAND_WORD };

enum verb {
	VERB_NONE, /* not said: only a help text can come of it */
	VERB_LIST,
	VERB_CREATE,
	VERB_STATUS,
	VERB_WHY,
	VERB_START,
	VERB_STOP,
	VERB_EXEC,
	VERB_LOGS,
	VERB_CP,
	VERB_URL,
	VERB_WAIT,
	VERB_EVENTS,
	VERB_VERIFY,
	VERB_RESET,
	VERB_DELETE,
	VERB_COMPLETION,
	VERB_VERSION,
	VERBS_COUNT
};

enum { VERB_OPERANDS_ANY = 256 };

struct verb_info {
	const char *name;
	const char *aliases; /* "ls get", or NULL */
	const char *operands;
	size_t operands_min;
	size_t operands_max;
	enum operand_kind operand_kind;
	const char *words; /* of OPERAND_WORD: "bash|zsh|fish" */
	const char *synopsis;
	const char *more; /* further lines, or NULL */
	const char *examples;
};

/** verb_info() - @verb: not VERB_NONE */
const struct verb_info *verb_info(enum verb verb);
/** verb_find() - by name or alias. Return: VERB_NONE for another word */
enum verb verb_find(const char *word);
/** verb_nearest() - the verb that a misspelt word may mean. Return: NULL when none is near */
const char *verb_nearest(const char *word);

enum flag_kind { FLAG_BOOL, FLAG_STR, FLAG_LIST, FLAG_DURATION, FLAG_U64 };

struct flag {
	uint32_t verbs; /* a bit for each verb; FLAG_EVERYWHERE */
	const char *name;
	char letter; /* 0: none */
	enum flag_kind kind;
	size_t at; /* offset in struct args */
	const char *value_name;
	const char *default_text; /* NULL: false, 0, not given */
	const char *values;       /* "json|yaml", or NULL: any */
	const char *help;
};

#define FLAG_OF(verb) (1U << (verb))
#define FLAG_EVERYWHERE 0xffffffffU

/** flag_next() - the flags of a verb one by one: @before NULL for the first. Return: NULL at end */
const struct flag *flag_next(enum verb verb, const struct flag *before);
/** flag_find() - by name (not ended by NUL) or letter. Return: NULL: the verb has none of it */
const struct flag *flag_find(enum verb verb, const char *name, size_t name_bytes);
const struct flag *flag_find_letter(enum verb verb, char letter);

/** word_is_in() - is @word one of "a|b|c"? */
int word_is_in(const char *words, const char *word);
/** word_distance() - edits that make @b of @a, at most @max + 1 is told */
unsigned word_distance(const char *a, const char *b, unsigned max);
