/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_domains - makes the suffixes of our domains, and tells whose a name below them is
 */
#include "lib/api/host_domains.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

enum { HOST_DOMAINS_INNER = 2 }; /* "svc" and that of the cluster come first */

struct host_domains {
	char *cluster;
	char **list; /* NULL-terminated */
};

DEFINE_CLEANUP(struct host_domains *, host_domains_free);

/* Lower case, without a final dot. Return: to be freed, NULL out of memory */
static char *host_suffix(const char *before, const char *domain)
{
	char *text;
	size_t len;

	if (asprintf(&text, "%s%s", before, domain) < 0)
		return NULL;
	len = strlen(text);
	if (len > 0 && text[len - 1] == '.')
		text[len - 1] = '\0';
	for (char *p = text; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return text;
}

struct host_domains *host_domains_new(const char *const *domains, const char *cluster_domain)
{
	CLEANUP(host_domains_free_var) struct host_domains *d = calloc(1, sizeof *d);
	bool is_default = cluster_domain == NULL || *cluster_domain == '\0';
	size_t count = 0;

	while (domains != NULL && domains[count] != NULL)
		count++;
	if (d == NULL ||
	    (d->list = calloc(HOST_DOMAINS_INNER + count + 1, sizeof *d->list)) == NULL)
		return NULL;
	d->cluster = host_suffix("", is_default ? "cluster.local" : cluster_domain);
	if (d->cluster == NULL)
		return NULL;
	d->list[0] = host_suffix("", "svc");
	d->list[1] = host_suffix("svc.", d->cluster);
	for (size_t i = 0; i < count; i++)
		d->list[HOST_DOMAINS_INNER + i] = host_suffix("", domains[i]);
	for (size_t i = 0; i < HOST_DOMAINS_INNER + count; i++)
		if (d->list[i] == NULL)
			return NULL;
	return TAKE_PTR(d);
}

void host_domains_free(struct host_domains *d)
{
	if (d == NULL)
		return;
	for (char **one = d->list; one != NULL && *one != NULL; one++)
		free(*one);
	free(d->list);
	free(d->cluster);
	free(d);
}

char *const *host_domains_list(const struct host_domains *d, bool is_public)
{
	return is_public ? d->list + HOST_DOMAINS_INNER : d->list;
}

/* Return: where @domain begins in @host, which is it or ends with it; else NULL */
static const char *suffix_in(const char *host, const char *domain)
{
	size_t host_bytes = strlen(host), bytes = strlen(domain);
	const char *at = host + host_bytes - bytes;

	if (bytes == 0 || host_bytes < bytes || strcmp(at, domain) != 0)
		return NULL;
	return at == host || at[-1] == '.' ? at : NULL;
}

bool host_domains_is_inner(const struct host_domains *d, const char *host)
{
	return suffix_in(host, d->list[0]) != NULL || suffix_in(host, d->list[1]) != NULL;
}

const char *host_domains_of(const struct host_domains *d, const char *host)
{
	const char *longest = NULL;

	for (char **one = d->list; *one != NULL; one++) {
		const char *at = suffix_in(host, *one);

		if (at != NULL && (longest == NULL || at < longest))
			longest = at;
	}
	return longest;
}

/* The label before @at in @host is @ns. */
static bool is_label_before(const char *host, const char *at, const char *ns)
{
	size_t bytes = strlen(ns);

	return (size_t)(at - host) > bytes && strncmp(at - 1 - bytes, ns, bytes) == 0 &&
	       (at - 1 - bytes == host || at[-2 - (ptrdiff_t)bytes] == '.');
}

const char *host_domains_refusal(const struct host_domains *d, const char *ns, const char *host)
{
	bool is_wildcard = strncmp(host, "*.", 2) == 0;
	const char *name = is_wildcard ? host + 2 : host;
	const char *domain = host_domains_of(d, name);

	if (is_wildcard && strchr(name, '.') == NULL)
		return "is a whole top-level domain: name the domain below it";
	if (domain == NULL)
		return suffix_in(name, d->cluster) == NULL
		               ? NULL
		               : "is below the cluster's own domain: only names of Services are "
		                 "there";
	if (!is_label_before(name, domain, ns))
		return "is below a domain of this installation and names no Service of this "
		       "namespace: such a name belongs to its namespace";
	return NULL;
}
