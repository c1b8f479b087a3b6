/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site - a node of the cluster, for the rate of wakes on it
 */
#include "activator/queue/site.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "activator/queue/queue.h"

static int site_compare(const void *a, const void *b)
{
	const struct site *x = a;
	const struct site *y = b;
	int order = strcmp(x->node, y->node);

	return order != 0 ? order : strcmp(x->ns, y->ns);
}

static struct site *site_new(struct queue *q, const char *node, const char *ns)
{
	struct site *site = calloc(1, sizeof *site);

	if (site == NULL)
		return NULL;
	site->node = strdup(node);
	site->ns = strdup(ns);
	if (site->node && site->ns && *ns != '\0')
		site->whole = site_join(q, node, "");
	if (site->node && site->ns && (site->whole || *ns == '\0') &&
	    tsearch(site, &q->sites, site_compare))
		return site;
	site_leave(q, site->whole);
	free(site->node);
	free(site->ns);
	free(site);
	return NULL;
}

struct site *site_join(struct queue *q, const char *node, const char *ns)
{
	const struct site key = {.node = (char *)node, .ns = (char *)ns};
	struct site *const *found = tfind(&key, &q->sites, site_compare);
	struct site *site = found ? *found : site_new(q, node, ns);

	if (site)
		site->users_count++;
	return site;
}

void site_leave(struct queue *q, struct site *site)
{
	if (site == NULL || --site->users_count > 0)
		return;
	(void)tdelete(site, &q->sites, site_compare);
	site_leave(q, site->whole);
	free(site->node);
	free(site->ns);
	free(site);
}
