/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/api/host_claims.h"

#include <ctype.h>
#include <search.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "lib/api/resource.h"
#include "lib/base/cleanup.h"
#include "lib/base/num.h"
#include "lib/kube/object.h"

enum { HOST_BYTES = 256, HOST_BUCKETS_FIRST = 64 };

/*
 * One resource's claim on one host; the best of a host comes first in its chain. Of its own names
 * there is one claim, NAME.NAMESPACE: the suffixes are taken off the host that is looked for.
 */
struct host_claim {
	struct host_claim *chain; /* of its hash bucket */
	struct host_claim *next;  /* of its owner */
	struct host_owner *owner;
	bool own_name; /* nobody else gets it, with any suffix */
	char host[];   /* lower case; "*.suffix" for a wildcard */
};

struct host_owner {
	struct host_claim *claims;
	uint64_t created_ms; /* creationTimestamp */
	char uid[];
};

struct host_claims {
	char **domains;
	void *owners; /* tsearch(3), by UID */
	struct host_claim **buckets;
	size_t buckets_count; /* a power of two */
	size_t count;
};

DEFINE_CLEANUP(struct host_claims *, host_claims_free);

static struct host_claim **host_bucket(const struct host_claims *c, const char *host)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (; *host != '\0'; host++)
		hash = (hash ^ (unsigned char)*host) * 16777619U;
	return &c->buckets[hash & (c->buckets_count - 1)];
}

struct host_claims *host_claims_new(const char *const *domains)
{
	CLEANUP(host_claims_free_var) struct host_claims *c = calloc(1, sizeof *c);
	size_t count = 0;

	while (domains != NULL && domains[count] != NULL)
		count++;
	if (c == NULL || (c->domains = calloc(count + 1, sizeof *c->domains)) == NULL)
		return NULL;
	c->buckets_count = HOST_BUCKETS_FIRST;
	c->buckets = calloc(c->buckets_count, sizeof(struct host_claim *));
	if (c->buckets == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		c->domains[i] = strdup(domains[i]);
		if (c->domains[i] == NULL)
			return NULL;
		for (char *p = c->domains[i]; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
	}
	return TAKE_PTR(c);
}

static void host_claim_unlink(struct host_claims *c, struct host_claim *claim)
{
	struct host_claim **at = host_bucket(c, claim->host);

	while (*at != claim)
		at = &(*at)->chain;
	*at = claim->chain;
	c->count--;
}

/* The tree's keys are the owners' uid members. */
static int host_owner_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct host_owner *host_owner_of(char *uid)
{
	return (struct host_owner *)(void *)(uid - offsetof(struct host_owner, uid));
}

/* Takes it out of the tree too. */
static void host_owner_free(struct host_claims *c, struct host_owner *o)
{
	while (o->claims != NULL) {
		struct host_claim *claim = o->claims;

		o->claims = claim->next;
		host_claim_unlink(c, claim);
		free(claim);
	}
	(void)tdelete(o->uid, &c->owners, host_owner_compare);
	free(o);
}

void host_claims_free(struct host_claims *c)
{
	if (c == NULL)
		return;
	/* a node of the tree starts with a pointer to what was put there */
	while (c->owners != NULL)
		host_owner_free(c, host_owner_of(*(char **)c->owners));
	for (char **d = c->domains; d != NULL && *d != NULL; d++)
		free(*d);
	free(c->domains);
	free(c->buckets);
	free(c);
}

/* Own names first, then the older object, then the smaller UID. */
static bool host_claim_is_before(const struct host_claim *a, const struct host_claim *b)
{
	if (a->own_name != b->own_name)
		return a->own_name;
	if (a->owner->created_ms != b->owner->created_ms)
		return a->owner->created_ms < b->owner->created_ms;
	return strcmp(a->owner->uid, b->owner->uid) < 0;
}

/* In its place in the chain of its bucket. */
static void host_claim_link(struct host_claims *c, struct host_claim *claim)
{
	struct host_claim **at = host_bucket(c, claim->host);

	while (*at != NULL && host_claim_is_before(*at, claim))
		at = &(*at)->chain;
	claim->chain = *at;
	*at = claim;
	c->count++;
}

/* Without memory it stays as it is: slower, no more. */
static void host_claims_grow(struct host_claims *c)
{
	struct host_claim **old = c->buckets;
	size_t old_count = c->buckets_count;
	struct host_claim **more;

	if (c->count < old_count)
		return;
	more = calloc(2 * old_count, sizeof(struct host_claim *));
	if (more == NULL)
		return;
	c->buckets = more;
	c->buckets_count = 2 * old_count;
	c->count = 0;
	for (size_t i = 0; i < old_count; i++) {
		while (old[i] != NULL) {
			struct host_claim *claim = old[i];

			old[i] = claim->chain;
			host_claim_link(c, claim);
		}
	}
	free(old);
}

static int host_claim_add(struct host_claims *c, struct host_owner *o, const char *host,
                          bool own_name, struct err *err)
{
	struct host_claim *claim = calloc(1, sizeof *claim + strlen(host) + 1);

	if (claim == NULL)
		return err_set(err, ERR_NOMEM, 0, "host claim");
	memcpy(claim->host, host, strlen(host) + 1);
	claim->owner = o;
	claim->own_name = own_name;
	host_claims_grow(c);
	host_claim_link(c, claim);
	claim->next = o->claims;
	o->claims = claim;
	return 0;
}

void host_claims_remove(struct host_claims *c, const char *uid)
{
	char *const *found = tfind(uid, &c->owners, host_owner_compare);

	if (found != NULL)
		host_owner_free(c, host_owner_of(*found));
}

int host_claims_set(struct host_claims *c, const struct resource *r, struct err *err)
{
	struct host_owner *o = calloc(1, sizeof *o + strlen(r->uid) + 1);
	const char *created = json_str_at(r->object, "", "metadata", "creationTimestamp", NULL);
	char own_name[HOST_BYTES];

	host_claims_remove(c, r->uid);
	if (o == NULL)
		return err_set(err, ERR_NOMEM, 0, "host claims");
	memcpy(o->uid, r->uid, strlen(r->uid) + 1);
	(void)num_parse_rfc3339(created, &o->created_ms, NULL);
	(void)snprintf(own_name, sizeof own_name, "%s.%s", r->name, r->ns);
	if (tsearch(o->uid, &c->owners, host_owner_compare) == NULL) {
		free(o);
		return err_set(err, ERR_NOMEM, 0, "host claims");
	}
	if (host_claim_add(c, o, own_name, true, err) < 0)
		goto out;
	for (const char **h = r->activation.hosts; *h != NULL; h++) {
		if (host_claim_add(c, o, *h, false, err) < 0)
			goto out;
	}
	return 0;
out:
	host_claims_remove(c, r->uid);
	return -1;
}

/* The best claim on that very text. @own: only of a resource on its own name */
static const struct host_claim *host_claims_exact(const struct host_claims *c, const char *host,
                                                  bool own)
{
	const struct host_claim *claim = *host_bucket(c, host);

	while (claim != NULL && ((own && !claim->own_name) || strcmp(claim->host, host) != 0))
		claim = claim->chain;
	return claim;
}

/* NAME.NAMESPACE that @host is with @suffix behind it. */
static const struct host_claim *host_claims_suffixed(const struct host_claims *c, const char *host,
                                                     const char *suffix)
{
	size_t host_bytes = strlen(host), suffix_bytes = strlen(suffix);
	char own_name[HOST_BYTES];

	if (host_bytes < suffix_bytes + 2 || host_bytes >= sizeof own_name ||
	    host[host_bytes - suffix_bytes - 1] != '.' ||
	    strcmp(host + host_bytes - suffix_bytes, suffix) != 0)
		return NULL;
	memcpy(own_name, host, host_bytes - suffix_bytes - 1);
	own_name[host_bytes - suffix_bytes - 1] = '\0';
	return host_claims_exact(c, own_name, true);
}

static const struct host_claim *host_claims_best(const struct host_claims *c, const char *host)
{
	static const char *const suffixes[] = {"svc", "svc.cluster.local", NULL};
	const char *const *const lists[] = {suffixes, (const char *const *)c->domains};
	const struct host_claim *best = host_claims_exact(c, host, false);

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		for (const char *const *s = lists[i]; *s != NULL; s++) {
			const struct host_claim *claim = host_claims_suffixed(c, host, *s);

			if (claim != NULL && (best == NULL || host_claim_is_before(claim, best)))
				best = claim;
		}
	}
	return best;
}

/*
 * The Field's value without port and without the root's dot, lower case (RFC 9110 section 7.2).
 * Return: false when it is too long to be a host.
 */
static bool host_normalise(const char *field, char host[HOST_BYTES])
{
	const char *end = *field == '[' ? strchr(field, ']') : NULL;
	size_t len = end != NULL ? (size_t)(end - field) + 1 : strcspn(field, ":");

	if (len > 0 && field[len - 1] == '.')
		len--;
	if (len == 0 || len >= HOST_BYTES)
		return false;
	for (size_t i = 0; i < len; i++)
		host[i] = (char)tolower((unsigned char)field[i]);
	host[len] = '\0';
	return true;
}

const char *host_claims_find(const struct host_claims *c, const char *host)
{
	char name[HOST_BYTES];
	char wildcard[HOST_BYTES + 1];
	const struct host_claim *claim;

	/* "*" is a claim's letter, not a host's */
	if (!host_normalise(host, name) || name[0] == '*')
		return NULL;
	claim = host_claims_best(c, name);
	for (const char *dot = strchr(name, '.'); claim == NULL && dot != NULL;
	     dot = strchr(dot + 1, '.')) {
		(void)snprintf(wildcard, sizeof wildcard, "*%s", dot);
		claim = host_claims_best(c, wildcard);
	}
	return claim != NULL ? claim->owner->uid : NULL;
}

const char *host_claims_conflict(const struct host_claims *c, const struct resource *r,
                                 const char **ret_owner_uid)
{
	for (const char **h = r->activation.hosts; *h != NULL; h++) {
		const struct host_claim *claim = host_claims_best(c, *h);

		if (claim != NULL && strcmp(claim->owner->uid, r->uid) != 0) {
			*ret_owner_uid = claim->owner->uid;
			return *h;
		}
	}
	return NULL;
}
