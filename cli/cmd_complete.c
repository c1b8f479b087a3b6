/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion, __complete - for shells
 *
 * Whatever fails, a shell at its prompt is told nothing: no candidates, and no error.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/core/completion.h"
#include "cli/core/lines.h"
#include "cli/io/print.h"
#include "lib/api/kinds.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(struct session *, session_free);
DEFINE_CLEANUP(json_t *, json_decref);

enum { COMPLETE_TIMEOUT_MS = 3000 };

int cmd_completion(const struct args *args, struct err *err)
{
	(void)fputs(completion_script(args->operands[0]), stdout);
	return print_flush(err);
}

/* The value of a flag at words[i]: behind "=", behind the letter, or the next word. Else NULL. */
static const char *value_at(const struct flag *f, int count, char **words, int i)
{
	const char *word = words[i];
	size_t bytes = strlen(f->name);

	if (word[0] == '-' && word[1] == '-' && strncmp(word + 2, f->name, bytes) == 0) {
		if (word[2 + bytes] == '=')
			return word + 3 + bytes;
		return word[2 + bytes] == '\0' && i + 1 < count ? words[i + 1] : NULL;
	}
	if (f->letter == 0 || word[0] != '-' || word[1] != f->letter)
		return NULL;
	if (word[2] != '\0')
		return word + (word[2] == '=' ? 3 : 2);
	return i + 1 < count ? words[i + 1] : NULL;
}

/*
 * Only flags like --kubeconfig matter here, which name the server; the other words may be
 * unfinished.
 */
static void read_where(int count, char **words, struct args *args)
{
	static const char *const names[] = {"namespace", "kubeconfig", "context"};
	const char **const at[] = {&args->ns, &args->kubeconfig, &args->context};

	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		const struct flag *f = flag_find(VERB_NONE, names[n], strlen(names[n]));

		for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++) {
			const char *value = value_at(f, count, words, i);

			if (value != NULL)
				*at[n] = value;
		}
	}
}

/* What the server has. */
static void add_names(const struct completion *c, const struct args *args, json_t *lines)
{
	bool spaces = c->want == COMPLETION_NAMESPACES;
	struct kube_ref ref = {.type = &KUBE_NAMESPACES};
	CLEANUP(session_free_var) struct session *s = NULL;
	CLEANUP(json_decref_var) json_t *list = NULL;
	json_t *object;
	size_t i;

	if (session_new(args, &s, NULL) < 0)
		return;
	if (!spaces)
		ref = session_ref(s, &KUBE_STOPPABLECONTAINERS, NULL);
	if (session_list(s, &ref, NULL, &list, NULL) < 0)
		return;
	json_array_foreach(json_object_get(list, "items"), i, object) {
		const char *phase = json_str_at(object, "", "status", "phase", NULL);

		if (completion_fits(c, kube_name(object)))
			lines_add(lines, "%s%s\t%s", kube_name(object), c->suffix, phase);
	}
}

int cmd_complete(int argc, char **argv)
{
	struct args args = {.request_timeout_ms = COMPLETE_TIMEOUT_MS};
	struct completion c;
	json_t *lines = json_array(), *line;
	int directive;
	size_t i;

	if (argc < 1)
		return EXIT_USAGE;
	completion_find(argc, argv, &c, lines);
	read_where(argc - 1, argv, &args);
	if (c.want == COMPLETION_NAMES || c.want == COMPLETION_NAMESPACES)
		add_names(&c, &args, lines);
	json_array_foreach(lines, i, line) {
		(void)puts(json_string_value(line));
	}
	json_decref(lines);
	directive = c.want == COMPLETION_FILES ? 0 : COMPLETION_NO_FILES;
	if (c.suffix[0] != '\0')
		directive = COMPLETION_NO_SPACE; /* a file's name may stand there, too */
	printf(":%d\n", directive);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
