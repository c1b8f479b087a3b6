/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/api/host_claims.h"

#include <ctype.h>
#include <search.h>
#include <string.h>
#include <strings.h>

#include "lib/api/resource.h"
#include "lib/base/cleanup.h"
#include "lib/kube/object.h"

enum { HOST_BYTES = 256, HOST_BUCKETS = 1024 };

/* One resource's claim on one host; the best of a host comes first in its chain. */
struct host_claim {
	struct host_claim *chain; /* of its hash bucket */
	struct host_claim *next;  /* of its owner */
	struct host_owner *owner;
	bool own_name; /* NAME.NAMESPACE…: nobody else gets it */
	char host[];   /* lower case; "*.suffix" for a wildcard */
};

struct host_owner {
	const char *uid; /* behind the struct */
	struct host_claim *claims;
	char created[32]; /* creationTimestamp: its text sorts as its time does */
};

struct host_claims {
	char **domains; /* what may follow NAME.NAMESPACE, NULL-terminated */
	void *owners;   /* tsearch(3), by UID */
	struct host_claim *buckets[HOST_BUCKETS];
};

DEFINE_CLEANUP(struct host_claims *, host_claims_free);

static size_t host_bucket(const char *host)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (; *host != '\0'; host++)
		hash = (hash ^ (unsigned char)*host) * 16777619U;
	return hash % HOST_BUCKETS;
}

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

struct host_claims *host_claims_new(const char *const *domains, const char *cluster_domain)
{
	CLEANUP(host_claims_free_var) struct host_claims *c = calloc(1, sizeof *c);
	bool is_default = cluster_domain == NULL || *cluster_domain == '\0';
	size_t count = 0;

	while (domains != NULL && domains[count] != NULL)
		count++;
	if (c == NULL || (c->domains = calloc(count + 4, sizeof *c->domains)) == NULL)
		return NULL;
	c->domains[0] = host_suffix("", "");
	c->domains[1] = host_suffix("svc", "");
	c->domains[2] = host_suffix("svc.", is_default ? "cluster.local" : cluster_domain);
	for (size_t i = 0; i < count; i++)
		c->domains[3 + i] = host_suffix("", domains[i]);
	for (size_t i = 0; i < count + 3; i++)
		if (c->domains[i] == NULL)
			return NULL;
	return TAKE_PTR(c);
}

static void host_claim_unlink(struct host_claims *c, struct host_claim *claim)
{
	struct host_claim **at = &c->buckets[host_bucket(claim->host)];

	while (*at != claim)
		at = &(*at)->chain;
	*at = claim->chain;
}

static int host_owner_compare(const void *a, const void *b)
{
	return strcmp(((const struct host_owner *)a)->uid, ((const struct host_owner *)b)->uid);
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
	(void)tdelete(o, &c->owners, host_owner_compare);
	free(o);
}

void host_claims_free(struct host_claims *c)
{
	if (c == NULL)
		return;
	/* a node of the tree starts with a pointer to what was put there */
	while (c->owners != NULL)
		host_owner_free(c, *(struct host_owner **)c->owners);
	for (char **d = c->domains; d != NULL && *d != NULL; d++)
		free(*d);
	free(c->domains);
	free(c);
}

/* Own names first, then the older object, then the smaller UID. */
static bool host_claim_is_before(const struct host_claim *a, const struct host_claim *b)
{
	int order;

	if (a->own_name != b->own_name)
		return a->own_name;
	order = strcmp(a->owner->created, b->owner->created);
	return order != 0 ? order < 0 : strcmp(a->owner->uid, b->owner->uid) < 0;
}

static int host_claim_add(struct host_claims *c, struct host_owner *o, const char *host,
                          bool own_name, struct err *err)
{
	struct host_claim *claim = calloc(1, sizeof *claim + strlen(host) + 1);
	struct host_claim **at = &c->buckets[host_bucket(host)];

	if (claim == NULL)
		return err_set(err, ERR_NOMEM, 0, "host claim");
	memcpy(claim->host, host, strlen(host) + 1);
	claim->owner = o;
	claim->own_name = own_name;
	while (*at != NULL && host_claim_is_before(*at, claim))
		at = &(*at)->chain;
	claim->chain = *at;
	*at = claim;
	claim->next = o->claims;
	o->claims = claim;
	return 0;
}

/* The names of a Service called @name in the resource's namespace. */
static int host_claim_names(struct host_claims *c, struct host_owner *o, const struct resource *r,
                            const char *name, struct err *err)
{
	bool own_name = strcmp(name, r->name) == 0;
	char host[HOST_BYTES];

	for (char **s = c->domains; *s != NULL; s++) {
		(void)snprintf(host, sizeof host, "%s.%s%s%s", name, r->ns, **s != '\0' ? "." : "",
		               *s);
		if (host_claim_add(c, o, host, own_name, err) < 0)
			return -1;
	}
	return 0;
}

void host_claims_remove(struct host_claims *c, const char *uid)
{
	const struct host_owner key = {.uid = uid};
	struct host_owner *const *found = tfind(&key, &c->owners, host_owner_compare);

	if (found != NULL)
		host_owner_free(c, *found);
}

int host_claims_set(struct host_claims *c, const struct resource *r, struct err *err)
{
	struct host_owner *o = calloc(1, sizeof *o + strlen(r->uid) + 1);

	host_claims_remove(c, r->uid);
	if (o == NULL)
		return err_set(err, ERR_NOMEM, 0, "host claims");
	o->uid = memcpy(o + 1, r->uid, strlen(r->uid) + 1);
	(void)snprintf(o->created, sizeof o->created, "%s",
	               json_str_at(r->object, "", "metadata", "creationTimestamp", NULL));
	if (tsearch(o, &c->owners, host_owner_compare) == NULL) {
		free(o);
		return err_set(err, ERR_NOMEM, 0, "host claims");
	}
	if (host_claim_names(c, o, r, r->name, err) < 0)
		goto out;
	if (strcmp(r->activation.service_name, r->name) != 0 &&
	    host_claim_names(c, o, r, r->activation.service_name, err) < 0)
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

static const struct host_claim *host_claims_best(const struct host_claims *c, const char *host)
{
	const struct host_claim *claim = c->buckets[host_bucket(host)];

	while (claim != NULL && strcmp(claim->host, host) != 0)
		claim = claim->chain;
	return claim;
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
