/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flags - the flags of all verbs, as one table
 *
 * Two flags may have the same letter: they are of different verbs.
 */
#include <string.h>

#include "cli/core/args.h"
#include "cli/core/verbs.h"

#define AT(member) offsetof(struct args, member)
#define OF(verb) FLAG_OF(VERB_##verb)
#define POD_VERBS (OF(EXEC) | OF(LOGS) | OF(CP))

/* clang-format off */
static const struct flag flags[] = {
	{ OF(LIST), "output", 'o', FLAG_STR, AT(output), "FORMAT", NULL, "json|yaml|wide|name",
	  "json, yaml, wide (more columns) or name" },
	{ OF(LIST), "selector", 'l', FLAG_STR, AT(selector), "LABELS", NULL, NULL,
	  "only those with these labels: KEY=VALUE,…" },
	{ OF(LIST) | OF(EVENTS), "watch", 'w', FLAG_BOOL, AT(watch), NULL, NULL, NULL,
	  "go on, with a line for each change" },

	{ OF(CREATE), "image", 0, FLAG_STR, AT(image), "IMAGE", NULL, NULL,
	  "the container's image; needed" },
	{ OF(CREATE), "running", 0, FLAG_BOOL, AT(running), NULL, "true", NULL,
	  "start it at once" },
	{ OF(CREATE), "env", 'e', FLAG_LIST, AT(env), "NAME=VALUE", NULL, NULL,
	  "an environment variable; may be given again" },
	{ OF(CREATE), "port", 'p', FLAG_LIST, AT(ports), "PORT[:NAME]", NULL, NULL,
	  "a port of the container; may be given again" },
	{ OF(CREATE), "workdir", 'w', FLAG_STR, AT(workdir), "DIR", NULL, NULL,
	  "the process' working directory" },
	{ OF(CREATE), "idle-timeout", 0, FLAG_STR, AT(idle_timeout), "DURATION", NULL, NULL,
	  "stop it when nobody used it for so long; 0s: never" },
	{ OF(CREATE), "dry-run", 0, FLAG_STR, AT(dry_run), "client", NULL, "none|client",
	  "client: only print what would be created" },
	{ OF(CREATE), "output", 'o', FLAG_STR, AT(output), "FORMAT", NULL, "json|yaml|name",
	  "print the object: json, yaml or name" },

	{ OF(STATUS), "output", 'o', FLAG_STR, AT(output), "FORMAT", NULL, "json|yaml",
	  "print the object: json or yaml" },
	{ OF(VERSION), "output", 'o', FLAG_STR, AT(output), "FORMAT", NULL, "json|yaml",
	  "json or yaml" },

	{ OF(START), "wait", 'w', FLAG_BOOL, AT(wait), NULL, NULL, NULL,
	  "wait until it is ready" },
	{ OF(STOP), "wait", 'w', FLAG_BOOL, AT(wait), NULL, NULL, NULL,
	  "wait until it is stopped" },
	{ OF(DELETE), "wait", 'w', FLAG_BOOL, AT(wait), NULL, "true", NULL,
	  "wait until it is gone" },
	{ OF(START), "timeout", 0, FLAG_DURATION, AT(timeout_ms), "DURATION", "2m", NULL,
	  "how long --wait waits" },
	{ OF(STOP), "timeout", 0, FLAG_DURATION, AT(timeout_ms), "DURATION", "30s", NULL,
	  "how long --wait waits" },
	{ OF(DELETE), "timeout", 0, FLAG_DURATION, AT(timeout_ms), "DURATION", "0s", NULL,
	  "how long --wait waits; 0s: without end" },
	{ OF(VERIFY), "timeout", 0, FLAG_DURATION, AT(timeout_ms), "DURATION", "2m", NULL,
	  "how long to wait for the answer; 0s: without end" },
	{ OF(WAIT), "timeout", 0, FLAG_DURATION, AT(timeout_ms), "DURATION", "30s", NULL,
	  "how long; 0s: without end" },
	{ OF(WAIT), "for", 0, FLAG_STR, AT(goal), "WHAT", "Ready", NULL,
	  "what to wait for" },

	{ OF(EXEC), "stdin", 'i', FLAG_BOOL, AT(use_stdin), NULL, NULL, NULL,
	  "pass standard input to the command" },
	{ OF(EXEC), "tty", 't', FLAG_BOOL, AT(tty), NULL, NULL, NULL,
	  "give the command a terminal" },
	{ POD_VERBS, "container", 'c', FLAG_STR, AT(container), "NAME", NULL, NULL,
	  "another container of the Pod than the main one" },
	{ OF(EXEC) | OF(CP), "start", 0, FLAG_BOOL, AT(start), NULL, NULL, NULL,
	  "wake it first when it sleeps" },
	{ OF(EXEC) | OF(CP), "timeout", 0, FLAG_DURATION, AT(timeout_ms), "DURATION", "2m", NULL,
	  "how long --start waits" },
	{ OF(LOGS), "follow", 'f', FLAG_BOOL, AT(follow), NULL, NULL, NULL,
	  "go on with what comes" },
	{ OF(LOGS), "previous", 'p', FLAG_BOOL, AT(previous), NULL, NULL, NULL,
	  "of the process before, when the container was restarted in its Pod" },
	{ OF(LOGS), "tail", 0, FLAG_STR, AT(tail), "LINES", NULL, NULL,
	  "only the last lines" },
	{ OF(LOGS), "timestamps", 0, FLAG_BOOL, AT(timestamps), NULL, NULL, NULL,
	  "with the time of each line" },

	{ OF(RESET), "yes", 'y', FLAG_BOOL, AT(yes), NULL, NULL, NULL,
	  "do not ask" },
	{ OF(DELETE), "force", 0, FLAG_BOOL, AT(force), NULL, NULL, NULL,
	  "end the process at once, without its grace period" },
	{ OF(DELETE), "abandon-rootfs", 0, FLAG_BOOL, AT(abandon), NULL, NULL, NULL,
	  "give up the files on a node that is gone" },

	{ FLAG_EVERYWHERE, "namespace", 'n', FLAG_STR, AT(ns), "NAMESPACE", NULL, NULL,
	  "the namespace; else the context's" },
	{ FLAG_EVERYWHERE, "all-namespaces", 'A', FLAG_BOOL, AT(all_namespaces), NULL, NULL, NULL,
	  "all namespaces; for list" },
	{ FLAG_EVERYWHERE, "kubeconfig", 0, FLAG_STR, AT(kubeconfig), "FILE", NULL, NULL,
	  "the kubeconfig; else KUBECONFIG, the Pod's service account, or ~/.kube/config" },
	{ FLAG_EVERYWHERE, "context", 0, FLAG_STR, AT(context), "NAME", NULL, NULL,
	  "the kubeconfig's context; else its current one" },
	{ FLAG_EVERYWHERE, "request-timeout", 0, FLAG_DURATION, AT(request_timeout_ms), "DURATION",
	  NULL, NULL, "how long one call may take (30s at most)" },
	{ FLAG_EVERYWHERE, "v", 'v', FLAG_U64, AT(verbosity), "LEVEL", NULL, NULL,
	  "1 and more: say on standard error what is called" },
	{ FLAG_EVERYWHERE, "help", 'h', FLAG_BOOL, AT(help), NULL, NULL, NULL,
	  "tell what there is" },
};
/* clang-format on */

static const size_t flags_count = sizeof flags / sizeof flags[0];

const struct flag *flag_next(enum verb verb, const struct flag *before)
{
	const struct flag *f = before != NULL ? before + 1 : flags;

	for (; f < flags + flags_count; f++) {
		if (f->verbs & FLAG_OF(verb))
			return f;
	}
	return NULL;
}

const struct flag *flag_find(enum verb verb, const char *name, size_t name_bytes)
{
	const struct flag *f = NULL;

	while ((f = flag_next(verb, f)) != NULL) {
		if (strlen(f->name) == name_bytes && memcmp(f->name, name, name_bytes) == 0)
			return f;
	}
	return NULL;
}

const struct flag *flag_find_letter(enum verb verb, char letter)
{
	const struct flag *f = NULL;

	while ((f = flag_next(verb, f)) != NULL) {
		if (f->letter == letter)
			return f;
	}
	return NULL;
}
