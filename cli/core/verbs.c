/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs - tables of what the plugin can do, and of what each verb takes
 */
#include "cli/core/verbs.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { WORD_BYTES_MAX = 32, WORD_NEAR = 2 };

/* clang-format off */
static const struct verb_info verbs[VERBS_COUNT] = {
	[VERB_LIST] = {
		"list", "ls get", "[NAME…]", 0, VERB_OPERANDS_ANY, OPERAND_NAME, NULL,
		"list StoppableContainers",
		"IDLE-FOR is the time since the last activity that was seen.",
		"kubectl sc list\n"
		"kubectl sc list -A -o wide\n"
		"kubectl sc list -l team=shop -o name\n"
		"kubectl sc list --watch" },
	[VERB_CREATE] = {
		"create", NULL, "NAME [-- COMMAND [ARG…]]", 1, 1, OPERAND_NEW, NULL,
		"create a StoppableContainer",
		"Without a command the image's own is run. The first port is the one that requests go to.",
		"kubectl sc create hello --image=localhost/hello:1 -p 8080:http --idle-timeout 5m\n"
		"kubectl sc create job --image=debian:12 --running=false -e MODE=fast -w /srv -- ./run.sh\n"
		"kubectl sc create hello --image=localhost/hello:1 --dry-run=client -o yaml >hello.yaml" },
	[VERB_STATUS] = {
		"status", NULL, "NAME", 1, 1, OPERAND_NAME, NULL,
		"show one in detail", NULL,
		"kubectl sc status hello\n"
		"kubectl sc status hello -o yaml" },
	[VERB_WHY] = {
		"why", NULL, "NAME", 1, 1, OPERAND_NAME, NULL,
		"say why it is awake, asleep or failed, what comes next, and what to do", NULL,
		"kubectl sc why hello" },
	[VERB_START] = {
		"start", NULL, "NAME…", 1, VERB_OPERANDS_ANY, OPERAND_NAME, NULL,
		"start, as a request would", NULL,
		"kubectl sc start hello\n"
		"kubectl sc start hello shop --wait --timeout 1m" },
	[VERB_STOP] = {
		"stop", NULL, "NAME…", 1, VERB_OPERANDS_ANY, OPERAND_NAME, NULL,
		"stop; the files stay", NULL,
		"kubectl sc stop hello\n"
		"kubectl sc stop hello --wait" },
	[VERB_EXEC] = {
		"exec", NULL, "NAME -- COMMAND [ARG…]", 1, 1, OPERAND_NAME, NULL,
		"run a command in the container (kubectl exec)",
		"A container that sleeps is not woken unless --start says so. The exit code is the command's.",
		"kubectl sc exec hello -- ls -l /\n"
		"kubectl sc exec hello -it --start -- sh" },
	[VERB_LOGS] = {
		"logs", NULL, "NAME", 1, 1, OPERAND_NAME, NULL,
		"print what the process wrote (kubectl logs)",
		"A stopped container has no log: it went with its Pod.",
		"kubectl sc logs hello -f\n"
		"kubectl sc logs hello -p --tail 20 --timestamps" },
	[VERB_CP] = {
		"cp", NULL, "SRC DST", 2, 2, OPERAND_FILE, NULL,
		"copy files from or to the container (kubectl cp)",
		"One of the two is NAME:PATH. The image must have tar. A container that sleeps is not woken\n"
		"unless --start says so.",
		"kubectl sc cp hello:/www/note.txt ./note.txt\n"
		"kubectl sc cp ./site hello:/www --start" },
	[VERB_URL] = {
		"url", NULL, "NAME", 1, 1, OPERAND_NAME, NULL,
		"print the URL where a request wakes it", NULL,
		"kubectl sc url hello\n"
		"curl \"$(kubectl sc url hello)\"" },
	[VERB_WAIT] = {
		"wait", NULL, "NAME…", 1, VERB_OPERANDS_ANY, OPERAND_NAME, NULL,
		"wait until it is as wanted",
		"--for is a condition (Ready, ProviderReady, ConsumerReady, RootfsReady, Activatable, NodeReady,\n"
		"TemplateChanged), a phase (Pending, Running, Stopping, Stopped, Failed), Deleted,\n"
		"condition=TYPE[=STATUS] or phase=PHASE. One that failed ends the wait for Ready and Running.\n"
		"NodeReady is there only while it is False.",
		"kubectl sc wait hello --for=Ready --timeout 1m\n"
		"kubectl sc wait hello shop --for=Stopped\n"
		"kubectl sc wait hello --for=condition=Activatable=False" },
	[VERB_EVENTS] = {
		"events", NULL, "NAME", 1, 1, OPERAND_NAME, NULL,
		"show the Events about it, its instance and its Pods", NULL,
		"kubectl sc events hello\n"
		"kubectl sc events hello --watch" },
	[VERB_VERIFY] = {
		"verify", NULL, "NAME", 1, 1, OPERAND_NAME, NULL,
		"tell which kept files are not as the last stop left them",
		"Compares type, mode, owner, size, time and attributes of each file with a list that the node\n"
		"agent made while it slept; the bytes of files are not read. It must be stopped. The exit code is\n"
		"0 only when nothing differs.",
		"kubectl sc verify hello" },
	[VERB_RESET] = {
		"reset", NULL, "NAME", 1, 1, OPERAND_NAME, NULL,
		"drop the kept files after DigestChanged or RecordCorrupt",
		"The container begins anew with what its image holds; what it had written is gone for good.\n"
		"Asks first, unless --yes is given. The other way out is to go back to the old image.",
		"kubectl sc reset hello\n"
		"kubectl sc reset hello --yes" },
	[VERB_DELETE] = {
		"delete", "rm remove", "NAME…", 1, VERB_OPERANDS_ANY, OPERAND_NAME, NULL,
		"delete it with its files",
		"--force ends the process at once. --abandon-rootfs is for a node that does not come back:\n"
		"the object goes, and the files on that node are left behind.",
		"kubectl sc delete hello\n"
		"kubectl sc rm hello shop --wait=false\n"
		"kubectl sc delete hello --force" },
	[VERB_COMPLETION] = {
		"completion", NULL, "bash|zsh|fish", 1, 1, OPERAND_WORD, "bash|zsh|fish",
		"print a shell's completion script",
		"For \"kubectl sc\" itself kubectl asks kubectl_complete-sc, which is installed beside it.",
		"source <(kubectl-sc completion bash)\n"
		"kubectl-sc completion fish >~/.config/fish/completions/kubectl-sc.fish" },
	[VERB_VERSION] = {
		"version", NULL, "", 0, 0, OPERAND_NONE, NULL,
		"print the versions of the plugin and of the server's API", NULL,
		"kubectl sc version\n"
		"kubectl sc version -o json" },
};
/* clang-format on */

const struct verb_info *verb_info(enum verb verb)
{
	assert(verb > VERB_NONE && verb < VERBS_COUNT);
	return &verbs[verb];
}

/* Is @word in a list that is parted by @part? */
static bool list_has(const char *list, char part, const char *word)
{
	size_t bytes = strlen(word);

	while (list != NULL && bytes > 0) {
		const char *end = strchrnul(list, part);

		if ((size_t)(end - list) == bytes && memcmp(list, word, bytes) == 0)
			return true;
		list = *end != '\0' ? end + 1 : NULL;
	}
	return false;
}

int word_is_in(const char *words, const char *word)
{
	return list_has(words, '|', word);
}

enum verb verb_find(const char *word)
{
	for (int v = VERB_NONE + 1; v < VERBS_COUNT; v++) {
		if (strcmp(verbs[v].name, word) == 0 || list_has(verbs[v].aliases, ' ', word))
			return (enum verb)v;
	}
	return VERB_NONE;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned word_distance(const char *a, const char *b, unsigned max)
{
	unsigned row[WORD_BYTES_MAX + 1];
	size_t a_bytes = strlen(a), b_bytes = strlen(b);

	if (a_bytes > WORD_BYTES_MAX || b_bytes > WORD_BYTES_MAX)
		return max + 1;
	for (size_t j = 0; j <= b_bytes; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_bytes; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_bytes; j++) {
			unsigned above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
			corner = above;
		}
	}
	return row[b_bytes] <= max ? row[b_bytes] : max + 1;
}

const char *verb_nearest(const char *word)
{
	/* words that others use for the same */
	static const struct {
		const char *word;
		enum verb verb;
	} cousins[] = {
	        {"describe", VERB_STATUS}, {"show", VERB_STATUS}, {"log", VERB_LOGS},
	        {"run", VERB_CREATE},      {"wake", VERB_START},  {"sleep", VERB_STOP},
	        {"shell", VERB_EXEC},      {"open", VERB_URL},    {"explain", VERB_WHY},
	        {"check", VERB_VERIFY},    {"diff", VERB_VERIFY},
	};
	unsigned best = WORD_NEAR + 1;
	const char *found = NULL;

	for (size_t i = 0; i < sizeof cousins / sizeof cousins[0]; i++) {
		if (strcmp(cousins[i].word, word) == 0)
			return verbs[cousins[i].verb].name;
	}
	for (int v = VERB_NONE + 1; v < VERBS_COUNT; v++) {
		unsigned far = word_distance(word, verbs[v].name, WORD_NEAR);

		if (far < best && far < strlen(verbs[v].name)) {
			best = far;
			found = verbs[v].name;
		}
	}
	return found;
}
