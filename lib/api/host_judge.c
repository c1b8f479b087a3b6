/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_judge - decides for one container which of its hosts it gets, and why not the others
 */
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/api/host_asks.h"
#include "lib/api/names.h"
#include "lib/base/cleanup.h"

/* Somebody of another namespace has it. */
static bool is_foreign(const struct ask *mine, const struct ask *other)
{
	return other->state != ASK_ASKED && strcmp(other->asker->ns, mine->asker->ns) != 0;
}

/* A wildcard of another namespace that would answer for @mine, were it not there. */
static struct ask *foreign_above(const struct hosts *h, const struct ask *mine)
{
	char wildcard[RESOURCE_HOST_BYTES + 1];
	const char *dot =
	        strchr(strncmp(mine->host, "*.", 2) == 0 ? mine->host + 2 : mine->host, '.');

	for (; dot != NULL; dot = strchr(dot + 1, '.')) {
		(void)snprintf(wildcard, sizeof wildcard, "*%s", dot);
		for (size_t i = hosts_lower_bound(h, wildcard); i < h->count; i++) {
			if (strcmp(h->sorted[i]->host, wildcard) != 0)
				break;
			if (is_foreign(mine, h->sorted[i]))
				return h->sorted[i];
		}
	}
	return NULL;
}

/* What another namespace has below the wildcard that @mine is. */
static struct ask *foreign_below(const struct hosts *h, const struct ask *mine)
{
	const char *suffix = mine->host + 1; /* with its dot */
	size_t bytes = strlen(suffix);

	if (mine->host[0] != '*')
		return NULL;
	for (size_t i = hosts_lower_bound(h, suffix); i < h->count; i++) {
		struct ask *at = h->sorted[i];

		if (at->bytes < bytes || strcmp(at->host + at->bytes - bytes, suffix) != 0)
			break;
		if (is_foreign(mine, at))
			return at;
	}
	return NULL;
}

/* @domain, or below it; "*" is any. Return: how long the match is; 0: none */
static size_t match(const char *host, const char *domain, size_t bytes)
{
	size_t host_bytes;

	if (bytes == 1 && *domain == '*')
		return 1;
	if (strncmp(host, "*.", 2) == 0)
		host += 2;
	host_bytes = strlen(host);
	if (bytes == 0 || host_bytes < bytes ||
	    strncasecmp(host + host_bytes - bytes, domain, bytes) != 0)
		return 0;
	return host_bytes == bytes || host[host_bytes - bytes - 1] == '.' ? 1 + bytes : 0;
}

/* Return: as match(), of the longest of the domains that its Namespace names */
static size_t match_granted(const struct hosts *h, const struct ask *ask)
{
	static const char separators[] = ", \t\r\n";
	const char *at = hosts_granted(h, ask->asker->ns);
	size_t longest = 0;

	while (at != NULL && *(at += strspn(at, separators)) != '\0') {
		size_t bytes = strcspn(at, separators);
		size_t length = match(ask->host, at, bytes);

		if (length > longest)
			longest = length;
		at += bytes;
	}
	return longest;
}

static bool is_allowed(const struct hosts *h, const struct ask *ask)
{
	size_t granted = match_granted(h, ask);
	size_t longest = 0;
	bool allowed = false;

	for (const char *const *one = h->allowed; one != NULL && *one != NULL; one++) {
		const char *equals = strchr(*one, '=');
		size_t length = match(ask->host, *one, (size_t)(equals - *one));
		bool is_ours =
		        strcmp(equals + 1, "*") == 0 || strcmp(equals + 1, ask->asker->ns) == 0;

		if (length > longest)
			allowed = false;
		if (length > 0 && length >= longest) {
			longest = length;
			allowed = allowed || is_ours;
		}
	}
	return allowed || (granted > 0 && granted >= longest);
}

static bool may_ask(const struct hosts *h, const struct ask *ask)
{
	return host_domains_refusal(h->domains, ask->asker->ns, ask->host) == NULL &&
	       is_allowed(h, ask);
}

/* Who has it, or takes something from it, or is the first in the row for it. NULL: it is free */
static struct ask *in_the_way(const struct hosts *h, const struct ask *mine)
{
	struct ask *other = hosts_others_ask(h, mine);

	if (other != NULL && other->state > mine->state)
		return other;
	if (other != NULL && other->state == mine->state && mine->state == ASK_KEPT)
		return hosts_is_older(other->asker, mine->asker) ? other : NULL;
	if (mine->state != ASK_ASKED)
		return NULL;
	if (!mine->asker->is_old) { /* those were served side by side, and go on so */
		struct ask *overlap = foreign_above(h, mine);

		if (overlap == NULL)
			overlap = foreign_below(h, mine);
		if (overlap != NULL)
			return overlap;
	}
	for (size_t i = hosts_lower_bound(h, mine->host); i < h->count; i++) {
		other = h->sorted[i];
		if (strcmp(other->host, mine->host) != 0)
			break;
		if (other != mine && hosts_is_older(other->asker, mine->asker) &&
		    may_ask(h, other) && foreign_above(h, other) == NULL &&
		    foreign_below(h, other) == NULL)
			return other;
	}
	return NULL;
}

static void say(struct hosts_verdict *v, const char *reason, const char *fmt, ...)
        PRINTF_LIKE(3, 4);

static void say(struct hosts_verdict *v, const char *reason, const char *fmt, ...)
{
	va_list args;

	if (v->reason != NULL)
		return;
	v->reason = reason;
	va_start(args, fmt);
	(void)vsnprintf(v->text, sizeof v->text, fmt, args);
	va_end(args);
}

/* NAME.NAMESPACE of another namespace, where no such NAME may be now. */
static bool is_name_elsewhere(const struct hosts *h, const struct ask *ask)
{
	const char *dot = strchr(ask->host, '.');

	return ask->state == ASK_ASKED && !ask->asker->is_old && dot != NULL &&
	       strchr(dot + 1, '.') == NULL && strcmp(dot + 1, ask->asker->ns) != 0 &&
	       tfind(dot + 1, &h->namespaces, hosts_text_compare) != NULL;
}

/* Return: whether it is admitted */
static bool judge(struct hosts *h, struct ask *ask, struct hosts_verdict *v)
{
	const struct asker *a = ask->asker;
	const char *refusal = host_domains_refusal(h->domains, a->ns, ask->host);
	const struct ask *other;

	if (refusal != NULL) {
		say(v, "HostNotAllowed", "host %s %s", ask->host, refusal);
		return false;
	}
	if (!is_allowed(h, ask)) {
		say(v, "HostNotAllowed",
		    "host %s: this installation does not allow it to namespace %s; its operator "
		    "does so with hosts.allowed, or with the Namespace's "
		    "annotation " SC_ANNOTATION_ALLOWED_HOSTS,
		    ask->host, a->ns);
		return false;
	}
	if (is_name_elsewhere(h, ask)) {
		say(v, "HostNotAllowed",
		    "host %s is the name of a Service of namespace %s: such a name belongs to its "
		    "namespace",
		    ask->host, strchr(ask->host, '.') + 1);
		return false;
	}
	other = in_the_way(h, ask);
	if (other == NULL)
		return true;
	if (strcmp(other->host, ask->host) == 0)
		say(v, "HostConflict", "host %s belongs to %s/%s: take it out of one of the two",
		    ask->host, other->asker->ns, other->asker->name);
	else
		say(v, "HostConflict",
		    "host %s overlaps with %s, which belongs to %s/%s in another namespace: take "
		    "it out of one of the two",
		    ask->host, other->host, other->asker->ns, other->asker->name);
	return false;
}

void hosts_judge(struct hosts *h, const char *uid, struct hosts_verdict *ret_verdict)
{
	struct asker *a = hosts_asker(h, uid);
	const json_t *one;
	size_t i;

	*ret_verdict = (struct hosts_verdict){0};
	if (a == NULL)
		return;
	hosts_sort(h);
	ret_verdict->admitted = json_array();
	json_array_foreach(a->spec_hosts, i, one) { /* in the manifest's order */
		char host[RESOURCE_HOST_BYTES];
		struct ask *ask =
		        resource_host(json_string_value(one), host) ? hosts_ask_of(a, host) : NULL;
		if (ask == NULL || hosts_list_has(ret_verdict->admitted, host))
			continue;
		if (judge(h, ask, ret_verdict)) {
			if (ask->state == ASK_ASKED)
				ask->state = ASK_GRANTED;
			(void)json_array_append_new(ret_verdict->admitted, json_string(host));
		} else if (ask->state != ASK_ASKED) {
			ask->state = ASK_ASKED;
			h->has_freed = true;
		}
	}
	a->is_old = false;
	hosts_set_refused(h, a, ret_verdict->reason != NULL);
}

void hosts_each_refused(struct hosts *h, void (*visit)(void *arg, const char *ns, const char *name),
                        void *arg)
{
	struct asker *a;

	if (!h->has_freed)
		return;
	h->has_freed = false;
	LIST_FOREACH(a, &h->refused, refused)
		visit(arg, a->ns, a->name);
}
