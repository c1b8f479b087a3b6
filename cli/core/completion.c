/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion - what can come next on the command line, and the shells' scripts that ask
 */
#include "cli/core/completion.h"

#include <assert.h>
#include <string.h>

#include "cli/core/lines.h"

/* What the words before the cursor's say. */
struct before {
	enum verb verb;
	size_t operands_count;
	const struct flag *pending; /* the last word is this flag, and its value comes next */
	bool rest;                  /* behind "--" */
};

bool completion_fits(const struct completion *c, const char *candidate)
{
	return strncmp(candidate, c->prefix, strlen(c->prefix)) == 0;
}

static const struct flag *flag_of(enum verb verb, const char *word)
{
	if (word[0] != '-' || word[1] == '\0')
		return NULL;
	if (word[1] == '-')
		return strchr(word, '=') != NULL ? NULL
		                                 : flag_find(verb, word + 2, strlen(word + 2));
	/* "-it": the last letter is the one that a value may follow */
	return strchr(word, '=') != NULL ? NULL : flag_find_letter(verb, word[strlen(word) - 1]);
}

static struct before read_before(int count, char **words)
{
	struct before b = {0};

	for (int i = 0; i < count && !b.rest; i++) {
		const struct flag *f = flag_of(b.verb, words[i]);

		if (b.pending != NULL) {
			/* bash makes a word of its own of the "=" */
			if (strcmp(words[i], "=") != 0)
				b.pending = NULL;
		} else if (strcmp(words[i], "--") == 0) {
			b.rest = true;
		} else if (words[i][0] == '-') {
			b.pending = f != NULL && f->kind != FLAG_BOOL ? f : NULL;
		} else if (b.verb == VERB_NONE) {
			b.verb = verb_find(words[i]);
		} else {
			b.operands_count++;
		}
	}
	return b;
}

static void add_words(const struct completion *c, const char *before, const char *words,
                      json_t *lines)
{
	while (words != NULL && *words != '\0') {
		int bytes = (int)strcspn(words, "|");

		if (strncmp(words, c->prefix, strlen(c->prefix)) == 0)
			lines_add(lines, "%s%.*s", before, bytes, words);
		words += bytes;
		words += *words == '|';
	}
}

static void add_flags(const struct completion *c, json_t *lines)
{
	const struct flag *f = NULL;

	/* "-" alone is the beginning of all */
	while ((f = flag_next(c->verb, f)) != NULL) {
		const char *rest = c->prefix + strspn(c->prefix, "-");

		if (strlen(f->name) > 1 && strncmp(f->name, rest, strlen(rest)) == 0)
			lines_add(lines, "--%s\t%s", f->name, f->help);
	}
}

static void add_verbs(const struct completion *c, json_t *lines)
{
	for (int v = VERB_NONE + 1; v < VERBS_COUNT; v++) {
		const struct verb_info *info = verb_info((enum verb)v);

		if (completion_fits(c, info->name))
			lines_add(lines, "%s\t%s", info->name, info->synopsis);
	}
}

static void complete_value(struct completion *c, const struct flag *f, json_t *lines)
{
	if (f->values != NULL)
		add_words(c, "", f->values, lines);
	else if (strcmp(f->name, "namespace") == 0)
		c->want = COMPLETION_NAMESPACES;
	else if (strcmp(f->name, "kubeconfig") == 0)
		c->want = COMPLETION_FILES;
	else if (strcmp(f->name, "for") == 0)
		add_words(c, "", "Ready|Running|Stopped|Deleted|Activatable", lines);
}

static void complete_operand(struct completion *c, const struct before *b, json_t *lines)
{
	const struct verb_info *v = verb_info(c->verb);

	if (b->operands_count >= v->operands_max)
		return;
	if (v->operand_kind == OPERAND_WORD)
		add_words(c, "", v->words, lines);
	else if (v->operand_kind == OPERAND_NAME)
		c->want = COMPLETION_NAMES;
	else if (v->operand_kind == OPERAND_FILE && strpbrk(c->prefix, "/.:") != NULL)
		c->want = COMPLETION_FILES;
	else if (v->operand_kind == OPERAND_FILE) {
		c->want = COMPLETION_NAMES;
		c->suffix[0] = ':';
	}
}

void completion_find(int words_count, char **words, struct completion *ret_completion,
                     json_t *lines)
{
	struct completion c = {.want = COMPLETION_LISTED};
	struct before b;
	char *word;
	char *sign;

	assert(words_count >= 1);
	word = words[words_count - 1];
	sign = strchr(word, '=');
	b = read_before(words_count - 1, words);
	c.verb = b.verb;
	c.prefix = word;
	if (b.rest) {
		c.want = COMPLETION_FILES;
	} else if (b.pending != NULL) {
		complete_value(&c, b.pending, lines);
	} else if (word[0] == '-' && word[1] == '-' && sign != NULL) {
		const struct flag *f = flag_find(c.verb, word + 2, (size_t)(sign - word - 2));
		char before[64] = "";

		c.prefix = sign + 1;
		if (f != NULL && (size_t)(sign + 1 - word) < sizeof before) {
			memcpy(before, word, (size_t)(sign + 1 - word));
			add_words(&c, before, f->values, lines);
		}
	} else if (word[0] == '-') {
		add_flags(&c, lines);
	} else if (c.verb == VERB_NONE) {
		add_verbs(&c, lines);
	} else {
		complete_operand(&c, &b, lines);
	}
	*ret_completion = c;
}

/* clang-format off */
static const char bash_script[] =
	"# bash completion of kubectl-sc\n"
	"_kubectl_sc() {\n"
	"  local line out directive\n"
	"  COMPREPLY=()\n"
	"  out=$(\"${COMP_WORDS[0]}\" __complete \"${COMP_WORDS[@]:1:COMP_CWORD-1}\" \"$2\" 2>/dev/null) || return\n"
	"  directive=${out##*:}\n"
	"  while IFS= read -r line; do\n"
	"    COMPREPLY+=(\"${line%%$'\\t'*}\")\n"
	"  done < <(printf '%s\\n' \"$out\" | sed '$d')\n"
	"  if [ \"$directive\" = 0 ]; then\n"
	"    compopt -o filenames\n"
	"    while IFS= read -r line; do COMPREPLY+=(\"$line\"); done < <(compgen -f -- \"$2\")\n"
	"  fi\n"
	"  if [ \"$((directive & 2))\" != 0 ]; then compopt -o nospace; fi\n"
	"}\n"
	"complete -F _kubectl_sc kubectl-sc\n";

static const char zsh_script[] =
	"#compdef kubectl-sc\n"
	"_kubectl_sc() {\n"
	"  local out directive line\n"
	"  local -a found\n"
	"  out=$(\"${words[1]}\" __complete \"${(@)words[2,CURRENT-1]}\" \"${words[CURRENT]}\" 2>/dev/null) || return\n"
	"  directive=${out##*:}\n"
	"  for line in \"${(@f)out}\"; do\n"
	"    [[ $line == :* ]] && continue\n"
	"    line=${line//:/\\\\:}\n"
	"    found+=(\"${line/$'\\t'/:}\")\n"
	"  done\n"
	"  (( $#found )) && _describe candidates found\n"
	"  [[ $directive == 0 ]] && _files\n"
	"}\n"
	"compdef _kubectl_sc kubectl-sc\n";

static const char fish_script[] =
	"# fish completion of kubectl-sc\n"
	"function __kubectl_sc\n"
	"    set -l words (commandline -opc)\n"
	"    set -l out ($words[1] __complete $words[2..] (commandline -ct) 2>/dev/null)\n"
	"    if test \"$out[-1]\" = \":0\"\n"
	"        __fish_complete_path (commandline -ct)\n"
	"    end\n"
	"    string match -v -r '^:\\d+$' -- $out\n"
	"end\n"
	"complete -c kubectl-sc -f -a '(__kubectl_sc)'\n";
/* clang-format on */

const char *completion_script(const char *shell)
{
	if (strcmp(shell, "zsh") == 0)
		return zsh_script;
	return strcmp(shell, "fish") == 0 ? fish_script : bash_script;
}
