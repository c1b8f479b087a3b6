/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_claims - the table of host names that routes a request to its container
 */
#include "lib/api/host_claims.h"

#include <ctype.h>
#include <search.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "lib/api/host_domains.h"
#include "lib/api/resource.h"
#include "lib/base/cleanup.h"
#include "lib/base/hash.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"

enum { HOST_BYTES = 256, HOST_BUCKETS_FIRST = 64 };

/* The better claim first. */
enum host_kind {
	HOST_OWN,      /* its own NAME.NAMESPACE, with any suffix; nobody else gets it */
	HOST_SERVICE,  /* its Service's, likewise */
	HOST_ADMITTED, /* in activation.hosts: that very text */
	HOST_UNJUDGED, /* the same, by a controller that admitted none yet */
};

/*
 * One resource's claim on one host; the best of a host comes first in its chain. Of all the names
 * of a Service there is one claim, NAME.NAMESPACE: the suffixes are taken off the host that is
 * looked for.
 */
struct host_claim {
	struct host_claim *chain; /* of its hash bucket */
	struct host_claim *next;  /* of its owner */
	struct host_owner *owner;
	enum host_kind kind;
	char host[]; /* lower case; "*.suffix" for a wildcard */
};

struct host_owner {
	struct host_claim *claims;
	uint64_t created_ms; /* creationTimestamp */
	char uid[];
};

struct host_claims {
	struct host_domains *domains; /* what may follow NAME.NAMESPACE */
	void *owners;                 /* tsearch(3), by UID */
	struct host_claim **buckets;
	size_t buckets_count; /* a power of two */
	size_t count;
};

DEFINE_CLEANUP(struct host_claims *, host_claims_free);

static struct host_claim **host_bucket(const struct host_claims *c, const char *host)
{
	return &c->buckets[hash_secret(host) & (c->buckets_count - 1)];
}

struct host_claims *host_claims_new(const char *const *domains, const char *cluster_domain)
{
	CLEANUP(host_claims_free_var) struct host_claims *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->domains = host_domains_new(domains, cluster_domain);
	c->buckets_count = HOST_BUCKETS_FIRST;
	c->buckets = calloc(c->buckets_count, sizeof(struct host_claim *));
	if (c->domains == NULL || c->buckets == NULL)
		return NULL;
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
	host_domains_free(c->domains);
	free(c->buckets);
	free(c);
}

/* The better kind, then the older object, then the smaller UID. */
static bool host_claim_is_before(const struct host_claim *a, const struct host_claim *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind;
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
                          enum host_kind kind, struct err *err)
{
	struct host_claim *claim = calloc(1, sizeof *claim + strlen(host) + 1);

	if (claim == NULL)
		return err_set(err, ERR_NOMEM, 0, "host claim");
	memcpy(claim->host, host, strlen(host) + 1);
	claim->owner = o;
	claim->kind = kind;
	host_claims_grow(c);
	host_claim_link(c, claim);
	claim->next = o->claims;
	o->claims = claim;
	return 0;
}

/* The names of a Service called @name in the resource's namespace. */
static int host_claim_names(struct host_claims *c, struct host_owner *o, const struct resource *r,
                            const char *name, struct err *err)
{
	enum host_kind kind = strcmp(name, r->name) == 0 ? HOST_OWN : HOST_SERVICE;
	char host[HOST_BYTES];

	(void)snprintf(host, sizeof host, "%s.%s", name, r->ns);
	return host_claim_add(c, o, host, kind, err);
}

/* Of what is listed, what the controller admitted; and never a name that is another namespace's. */
static int host_claim_listed(struct host_claims *c, struct host_owner *o, const struct resource *r,
                             struct err *err)
{
	const struct resource_activation *a = &r->activation;
	enum host_kind kind = a->hosts_judged ? HOST_ADMITTED : HOST_UNJUDGED;

	for (size_t i = 0; a->hosts[i] != NULL; i++) {
		if ((a->hosts_admitted >> i & 1) == 0 ||
		    host_domains_refusal(c->domains, r->ns, a->hosts[i]) != NULL)
			continue;
		if (host_claim_add(c, o, a->hosts[i], kind, err) < 0)
			return -1;
	}
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

	host_claims_remove(c, r->uid);
	if (o == NULL)
		return err_set(err, ERR_NOMEM, 0, "host claims");
	memcpy(o->uid, r->uid, strlen(r->uid) + 1);
	(void)num_parse_rfc3339(created, &o->created_ms, NULL);
	if (tsearch(o->uid, &c->owners, host_owner_compare) == NULL) {
		free(o);
		return err_set(err, ERR_NOMEM, 0, "host claims");
	}
	if (host_claim_names(c, o, r, r->name, err) < 0)
		goto out;
	if (strcmp(r->activation.service_name, r->name) != 0 &&
	    host_claim_names(c, o, r, r->activation.service_name, err) < 0)
		goto out;
	if (host_claim_listed(c, o, r, err) < 0)
		goto out;
	return 0;
out:
	host_claims_remove(c, r->uid);
	return -1;
}

enum host_match { MATCH_ANY, MATCH_NAMES /* that stand with any suffix */, MATCH_LISTED };

/* The best claim on that very text. */
static const struct host_claim *host_claims_exact(const struct host_claims *c, const char *host,
                                                  enum host_match match)
{
	const struct host_claim *claim = *host_bucket(c, host);

	while (claim != NULL && ((match == MATCH_NAMES && claim->kind >= HOST_ADMITTED) ||
	                         (match == MATCH_LISTED && claim->kind < HOST_ADMITTED) ||
	                         strcmp(claim->host, host) != 0))
		claim = claim->chain;
	return claim;
}

/* NAME.NAMESPACE that @host is with @suffix behind it. */
static const struct host_claim *host_claims_suffixed(const struct host_claims *c, const char *host,
                                                     const char *suffix)
{
	size_t host_bytes = strlen(host), suffix_bytes = strlen(suffix);
	char name[HOST_BYTES];

	if (host_bytes < suffix_bytes + 2 || host_bytes >= sizeof name ||
	    host[host_bytes - suffix_bytes - 1] != '.' ||
	    strcmp(host + host_bytes - suffix_bytes, suffix) != 0)
		return NULL;
	memcpy(name, host, host_bytes - suffix_bytes - 1);
	name[host_bytes - suffix_bytes - 1] = '\0';
	return host_claims_exact(c, name, MATCH_NAMES);
}

static const struct host_claim *host_claims_best(const struct host_claims *c, const char *host,
                                                 bool is_public)
{
	const struct host_claim *best =
	        host_claims_exact(c, host, is_public ? MATCH_LISTED : MATCH_ANY);

	for (char *const *s = host_domains_list(c->domains, is_public); *s != NULL; s++) {
		const struct host_claim *claim = host_claims_suffixed(c, host, *s);

		if (claim != NULL && (best == NULL || host_claim_is_before(claim, best)))
			best = claim;
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

const char *host_claims_find(const struct host_claims *c, const char *host, bool is_public)
{
	char name[HOST_BYTES];
	char wildcard[HOST_BYTES + 1];
	const struct host_claim *claim;
	const char *end;

	/* "*" is a claim's letter, not a host's */
	if (!host_normalise(host, name) || name[0] == '*' ||
	    (is_public && host_domains_is_inner(c->domains, name)))
		return NULL;
	claim = host_claims_best(c, name, is_public);
	/* a wildcard from above a domain of ours does not reach into it: names there have owners */
	end = host_domains_of(c->domains, name);
	for (const char *dot = strchr(name, '.');
	     claim == NULL && dot != NULL && (end == NULL || dot + 1 < end);
	     dot = strchr(dot + 1, '.')) {
		(void)snprintf(wildcard, sizeof wildcard, "*%s", dot);
		claim = host_claims_best(c, wildcard, is_public);
	}
	return claim != NULL ? claim->owner->uid : NULL;
}
