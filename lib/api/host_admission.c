/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_admission - keeps who asks for which host, and judges anew what a change touches
 */
#include "lib/api/host_asks.h"

#include <search.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/api/host_domains.h"
#include "lib/api/resource.h"
#include "lib/base/cleanup.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"

/* --- the order --- */

static int host_compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	while (a_bytes > 0 && b_bytes > 0) {
		int diff = (unsigned char)a[--a_bytes] - (unsigned char)b[--b_bytes];

		if (diff != 0)
			return diff;
	}
	return (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int ask_compare(const void *a, const void *b)
{
	const struct ask *x = *(struct ask *const *)a, *y = *(struct ask *const *)b;

	return host_compare(x->host, x->bytes, y->host, y->bytes);
}

/* Where the first is that does not come before @host. */
size_t hosts_lower_bound(const struct hosts *h, const char *host)
{
	size_t low = 0, high = h->count, bytes = strlen(host);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct ask *at = h->sorted[middle];

		if (host_compare(at->host, at->bytes, host, bytes) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void hosts_sort(struct hosts *h)
{
	if (h->is_sorted)
		return;
	if (h->count > 0)
		qsort(h->sorted, h->count, sizeof(struct ask *), ask_compare);
	h->is_sorted = true;
}

static int insert(struct hosts *h, struct ask *ask)
{
	size_t at;

	if (h->count == h->capacity) {
		size_t capacity = h->capacity == 0 ? 64 : 2 * h->capacity;
		struct ask **more = reallocarray(h->sorted, capacity, sizeof(struct ask *));

		if (more == NULL)
			return -1;
		h->sorted = more;
		h->capacity = capacity;
	}
	at = h->is_sorted ? hosts_lower_bound(h, ask->host) : h->count;
	memmove(h->sorted + at + 1, h->sorted + at, (h->count - at) * sizeof(struct ask *));
	h->sorted[at] = ask;
	h->count++;
	return 0;
}

static void take_out(struct hosts *h, struct ask *ask)
{
	size_t at = h->is_sorted ? hosts_lower_bound(h, ask->host) : 0;

	while (h->sorted[at] != ask)
		at++;
	h->count--;
	memmove(h->sorted + at, h->sorted + at + 1, (h->count - at) * sizeof(struct ask *));
}

bool hosts_is_older(const struct asker *a, const struct asker *b)
{
	if (a->created_ms != b->created_ms)
		return a->created_ms < b->created_ms;
	return strcmp(a->uid, b->uid) < 0;
}

struct ask *hosts_others_ask(const struct hosts *h, const struct ask *mine)
{
	struct ask *best = NULL;

	for (size_t i = hosts_lower_bound(h, mine->host); i < h->count; i++) {
		struct ask *other = h->sorted[i];

		if (strcmp(other->host, mine->host) != 0)
			break;
		if (other != mine &&
		    (best == NULL || other->state > best->state ||
		     (other->state == best->state && hosts_is_older(other->asker, best->asker))))
			best = other;
	}
	return best;
}

/* --- askers --- */

/* The tree's keys are the askers' uid members. */
static int uid_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct asker *asker_of(char *uid)
{
	return (struct asker *)(void *)(uid - offsetof(struct asker, uid));
}

struct asker *hosts_asker(const struct hosts *h, const char *uid)
{
	char *const *found = tfind(uid, &h->askers, uid_compare);

	return found != NULL ? asker_of(*found) : NULL;
}

void hosts_set_refused(struct hosts *h, struct asker *a, bool is_refused)
{
	if (a->is_refused == is_refused)
		return;
	a->is_refused = is_refused;
	if (is_refused)
		LIST_INSERT_HEAD(&h->refused, a, refused);
	else
		LIST_REMOVE(a, refused);
}

static void ask_drop(struct hosts *h, struct asker *a, size_t i)
{
	take_out(h, a->asks[i]);
	free(a->asks[i]);
	a->asks[i] = a->asks[--a->asks_count];
	h->has_freed = true;
}

static void asker_free(struct hosts *h, struct asker *a)
{
	while (a->asks_count > 0)
		ask_drop(h, a, a->asks_count - 1);
	hosts_set_refused(h, a, false);
	(void)tdelete(a->uid, &h->askers, uid_compare);
	json_decref(a->spec_hosts);
	json_decref(a->status_hosts);
	free(a->ns);
	free(a->name);
	free(a);
}

static struct asker *asker_new(struct hosts *h, const json_t *container)
{
	const char *uid = kube_uid(container);
	struct asker *a = calloc(1, sizeof *a + strlen(uid) + 1);

	if (a == NULL)
		return NULL;
	memcpy(a->uid, uid, strlen(uid) + 1);
	a->ns = strdup(kube_namespace(container));
	a->name = strdup(kube_name(container));
	a->is_old = resource_hosts_unjudged(container);
	(void)num_parse_rfc3339(json_str_at(container, "", "metadata", "creationTimestamp", NULL),
	                        &a->created_ms, NULL);
	if (a->ns == NULL || a->name == NULL || tsearch(a->uid, &h->askers, uid_compare) == NULL) {
		free(a->ns);
		free(a->name);
		free(a);
		return NULL;
	}
	return a;
}

/* --- what a container says --- */

bool hosts_list_has(const json_t *hosts, const char *host)
{
	char name[RESOURCE_HOST_BYTES];
	const json_t *one;
	size_t i;

	json_array_foreach(hosts, i, one) {
		if (json_is_string(one) && resource_host(json_string_value(one), name) &&
		    strcmp(name, host) == 0)
			return true;
	}
	return false;
}

struct ask *hosts_ask_of(const struct asker *a, const char *host)
{
	for (size_t i = 0; i < a->asks_count; i++)
		if (strcmp(a->asks[i]->host, host) == 0)
			return a->asks[i];
	return NULL;
}

/*
 * The status says that it has it. Another that has it by its own status keeps it, but when all are
 * read for the first time: then the judgement finds out which of the two it is.
 */
static void remember(struct hosts *h, struct ask *mine)
{
	struct ask *other = h->is_sorted ? hosts_others_ask(h, mine) : NULL;

	if (mine->state == ASK_KEPT || (other != NULL && other->state == ASK_KEPT))
		return;
	mine->state = ASK_KEPT;
	if (other != NULL && other->state == ASK_GRANTED) {
		other->state = ASK_ASKED; /* by another process of ours that was the leader */
		hosts_set_refused(h, other->asker, true);
		h->has_freed = true;
	}
}

static int add_ask(struct hosts *h, struct asker *a, const char *host)
{
	size_t bytes = strlen(host);
	struct ask *ask = calloc(1, sizeof *ask + bytes + 1);

	if (ask == NULL)
		return -1;
	ask->asker = a;
	ask->bytes = bytes;
	memcpy(ask->host, host, bytes + 1);
	if (insert(h, ask) < 0) {
		free(ask);
		return -1;
	}
	a->asks[a->asks_count++] = ask;
	return 0;
}

static int read_hosts(struct hosts *h, struct asker *a)
{
	const json_t *one;
	size_t i;

	for (size_t k = a->asks_count; k > 0; k--)
		if (!hosts_list_has(a->spec_hosts, a->asks[k - 1]->host))
			ask_drop(h, a, k - 1);
	json_array_foreach(a->spec_hosts, i, one) {
		char host[RESOURCE_HOST_BYTES];

		if (!json_is_string(one) || !resource_host(json_string_value(one), host))
			continue;
		if (hosts_ask_of(a, host) == NULL &&
		    (a->asks_count == RESOURCE_HOSTS_MAX || add_ask(h, a, host) < 0))
			return -1;
		if (hosts_list_has(a->status_hosts, host))
			remember(h, hosts_ask_of(a, host));
	}
	return 0;
}

int hosts_text_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int note_namespace(struct hosts *h, const char *ns)
{
	char *copy;

	if (tfind(ns, &h->namespaces, hosts_text_compare) != NULL)
		return 0;
	copy = strdup(ns);
	if (copy != NULL && tsearch(copy, &h->namespaces, hosts_text_compare) != NULL)
		return 0;
	free(copy);
	return -1;
}

int hosts_set(struct hosts *h, const json_t *container, struct err *err)
{
	json_t *spec = json_at(container, "spec", "activation", "hosts", NULL);
	json_t *status = json_at(container, "status", "activation", "hosts", NULL);
	struct asker *a = hosts_asker(h, kube_uid(container));

	if (note_namespace(h, kube_namespace(container)) < 0)
		return err_set(err, ERR_NOMEM, 0, "hosts");
	if (json_array_size(spec) == 0) {
		if (a != NULL)
			asker_free(h, a);
		return 0;
	}
	if (a == NULL && (a = asker_new(h, container)) == NULL)
		return err_set(err, ERR_NOMEM, 0, "hosts");
	if (a->spec_hosts != NULL && json_equal(a->spec_hosts, spec) &&
	    json_equal(a->status_hosts, status))
		return 0;
	json_decref(a->spec_hosts);
	json_decref(a->status_hosts);
	a->spec_hosts = json_incref(spec);
	a->status_hosts = json_incref(status);
	if (read_hosts(h, a) < 0)
		return err_set(err, ERR_NOMEM, 0, "hosts");
	return 0;
}

void hosts_remove(struct hosts *h, const char *uid)
{
	struct asker *a = hosts_asker(h, uid);

	if (a != NULL)
		asker_free(h, a);
}

/* --- what Namespaces say --- */

/* The tree's keys are the grants' ns members. */
static struct hosts_grant *grant_of(char *ns)
{
	return (struct hosts_grant *)(void *)(ns - offsetof(struct hosts_grant, ns));
}

static struct hosts_grant *find_grant(const struct hosts *h, const char *ns)
{
	char *const *found = tfind(ns, &h->grants, hosts_text_compare);

	return found != NULL ? grant_of(*found) : NULL;
}

const char *hosts_granted(const struct hosts *h, const char *ns)
{
	const struct hosts_grant *g = find_grant(h, ns);

	return g != NULL ? g->domains : NULL;
}

static void grant_free(struct hosts *h, struct hosts_grant *g)
{
	(void)tdelete(g->ns, &h->grants, hosts_text_compare);
	free(g->domains);
	free(g);
}

static int grant_new(struct hosts *h, const char *ns, const char *domains)
{
	size_t bytes = strlen(ns) + 1;
	struct hosts_grant *g = calloc(1, sizeof *g + bytes);

	if (g == NULL)
		return -1;
	memcpy(g->ns, ns, bytes);
	g->domains = strdup(domains);
	if (g->domains != NULL && tsearch(g->ns, &h->grants, hosts_text_compare) != NULL)
		return 0;
	free(g->domains);
	free(g);
	return -1;
}

int hosts_grant(struct hosts *h, const char *ns, const char *domains, struct err *err)
{
	struct hosts_grant *g = find_grant(h, ns);

	if (domains == NULL)
		domains = "";
	if (strcmp(g != NULL ? g->domains : "", domains) == 0)
		return 0;
	if (g != NULL)
		grant_free(h, g);
	if (strlen(domains) > HOSTS_GRANT_BYTES_MAX)
		return err_set(err, ERR_INVALID, 0, "longer than %d bytes", HOSTS_GRANT_BYTES_MAX);
	if (*domains != '\0' && grant_new(h, ns, domains) < 0)
		return err_set(err, ERR_NOMEM, 0, "hosts");
	return 1;
}

/* --- life --- */

struct hosts *hosts_new(const struct hosts_opts *opts, struct err *err)
{
	struct hosts *h;

	for (const char *const *one = opts->allowed; one != NULL && *one != NULL; one++) {
		const char *equals = strchr(*one, '=');

		if (equals == NULL || equals == *one) {
			(void)err_set(
			        err, ERR_INVALID, 0,
			        "\"%s\": want DOMAIN=NAMESPACE, \"*\" for any, DOMAIN= for none",
			        *one);
			return NULL;
		}
	}
	h = calloc(1, sizeof *h);
	if (h != NULL) {
		h->allowed = opts->allowed;
		h->domains = host_domains_new(opts->domains, opts->cluster_domain);
	}
	if (h != NULL && h->domains != NULL)
		return h;
	free(h);
	(void)err_set(err, ERR_NOMEM, 0, "hosts");
	return NULL;
}

void hosts_free(struct hosts *h)
{
	if (h == NULL)
		return;
	/* a node of the tree starts with a pointer to what was put there */
	while (h->askers != NULL)
		asker_free(h, asker_of(*(char **)h->askers));
	while (h->grants != NULL)
		grant_free(h, grant_of(*(char **)h->grants));
	tdestroy(h->namespaces, free);
	host_domains_free(h->domains);
	free(h->sorted);
	free(h);
}
