/* SPDX-License-Identifier: Apache-2.0 */
/*
 * defaults - idle timeouts of containers whose manifest has none, for all or by namespace
 */
#include "idle-monitor/core/defaults.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/num.h"

enum { DEFAULTS_TEXT_BYTES = 256 };

static const struct defaults_namespace *find(const struct defaults *d, const char *ns)
{
	for (size_t i = 0; i < d->namespaces_count; i++)
		if (strcmp(d->namespaces[i].ns, ns) == 0)
			return &d->namespaces[i];
	return NULL;
}

static int parse_word(struct defaults_namespace *to, const char *word, uint64_t max_ms,
                      struct err *err)
{
	static const char timeout[] = "timeout=";
	static const char grace[] = "startupGrace=";

	if (strncmp(word, timeout, strlen(timeout)) == 0 && !to->timeout_set) {
		to->timeout_set = true;
		return num_parse_duration_ms(word + strlen(timeout), max_ms, &to->timeout_ms, err);
	}
	if (strncmp(word, grace, strlen(grace)) == 0 && !to->startup_grace_set) {
		to->startup_grace_set = true;
		return num_parse_duration_ms(word + strlen(grace), max_ms, &to->startup_grace_ms,
		                             err);
	}
	return err_set(err, ERR_PARSE, 0, "\"%s\": want timeout=DURATION or startupGrace=DURATION",
	               word);
}

static int parse_one(struct defaults_namespace *to, char *text, uint64_t max_ms, struct err *err)
{
	char *rest = text;
	char *word = strsep(&rest, " ");
	int len = snprintf(to->ns, sizeof to->ns, "%s", word);

	if (len <= 0 || (size_t)len >= sizeof to->ns || strchr(word, '=') != NULL)
		return err_set(err, ERR_PARSE, 0, "\"%s\": want a namespace first", word);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0' && parse_word(to, word, max_ms, err) < 0)
			return -1;
	if (!to->timeout_set && !to->startup_grace_set)
		return err_set(err, ERR_PARSE, 0, "want timeout=DURATION or startupGrace=DURATION");
	return 0;
}

int defaults_parse(struct defaults *d, const char *const *list, uint64_t max_ms, struct err *err)
{
	char text[DEFAULTS_TEXT_BYTES];

	for (; *list != NULL; list++) {
		struct defaults_namespace one = {0};

		if (d->namespaces_count == DEFAULTS_NAMESPACES_MAX)
			return err_set(err, ERR_INVALID, 0, "idle.namespaces: more than %d",
			               DEFAULTS_NAMESPACES_MAX);
		if ((size_t)snprintf(text, sizeof text, "%s", *list) >= sizeof text)
			return err_set(err, ERR_PARSE, 0, "idle.namespaces: \"%s\" is too long",
			               *list);
		if (parse_one(&one, text, max_ms, err) < 0)
			return err_wrap(err, "idle.namespaces \"%s\"", *list);
		if (find(d, one.ns) != NULL)
			return err_set(err, ERR_INVALID, 0, "idle.namespaces: %s is there twice",
			               one.ns);
		d->namespaces[d->namespaces_count++] = one;
	}
	return 0;
}

uint64_t defaults_timeout_ms(const struct defaults *d, const char *ns)
{
	const struct defaults_namespace *own = find(d, ns);

	return own != NULL && own->timeout_set ? own->timeout_ms : d->timeout_ms;
}

uint64_t defaults_startup_grace_ms(const struct defaults *d, const char *ns)
{
	const struct defaults_namespace *own = find(d, ns);

	return own != NULL && own->startup_grace_set ? own->startup_grace_ms : d->startup_grace_ms;
}
