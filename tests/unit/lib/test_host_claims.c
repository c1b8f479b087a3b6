/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/resource.h"

struct fixture {
	struct host_claims *claims;
	struct resource *made[16];
	size_t made_count;
};

static int setup(void **state)
{
	static const char *const domains[] = {"localhost", NULL};
	struct fixture *f = calloc(1, sizeof *f);

	f->claims = host_claims_new(domains, NULL);
	*state = f;
	return f->claims != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	host_claims_free(f->claims);
	while (f->made_count > 0)
		resource_free(f->made[--f->made_count]);
	free(f);
	return 0;
}

/*
 * Created in that second, with that host (or NULL), and that in status.activation.hosts; NULL: as a
 * controller leaves it that knows no admission.
 */
static const struct resource *claim_in(struct fixture *f, const char *ns, const char *name,
                                       const char *uid, unsigned second, const char *host,
                                       const char *admitted)
{
	char created[64];
	json_t *object;
	json_t *hosts = admitted != NULL ? json_loads(admitted, 0, NULL) : NULL;
	struct resource *r = NULL;

	(void)snprintf(created, sizeof created, "2026-01-01T00:00:%02uZ", second);
	object = json_pack("{s{ss ss ss ss si} s{s{s{ss}} s{s[s*]}} s{si s{so*}}}", "metadata",
	                   "namespace", ns, "name", name, "uid", uid, "creationTimestamp", created,
	                   "generation", 3, "spec", "template", "container", "image", "i",
	                   "activation", "hosts", host, "status", "observedGeneration", 3,
	                   "activation", "hosts", hosts);
	assert_non_null(object);
	assert_int_equal(resource_parse(object, &r, NULL), 0);
	json_decref(object);
	f->made[f->made_count++] = r;
	assert_int_equal(host_claims_set(f->claims, r, NULL), 0);
	return r;
}

/* In namespace "ns", and admitted. */
static const struct resource *claim(struct fixture *f, const char *name, const char *uid,
                                    unsigned second, const char *host)
{
	char admitted[80] = "[]";

	if (host != NULL)
		(void)snprintf(admitted, sizeof admitted, "[\"%s\"]", host);
	return claim_in(f, "ns", name, uid, second, host, admitted);
}

static void assert_owner(struct fixture *f, const char *host, const char *uid)
{
	const char *got = host_claims_find(f->claims, host, false);

	assert_string_equal(got != NULL ? got : "nobody", uid);
}

static void test_host_claims_own_names(void **state)
{
	struct fixture *f = *state;

	claim(f, "shop", "u1", 1, NULL);
	assert_owner(f, "shop.ns", "u1");
	assert_owner(f, "shop.ns.svc", "u1");
	assert_owner(f, "shop.ns.svc.cluster.local", "u1");
	assert_owner(f, "shop.ns.localhost", "u1");
	assert_owner(f, "SHOP.ns.LocalHost.:8080", "u1");
	assert_owner(f, "shop", "nobody");
	assert_owner(f, "shop.other", "nobody");
	assert_owner(f, "", "nobody");
	assert_owner(f, ":80", "nobody");
	assert_owner(f, "[::1]:80", "nobody");
}

static void test_host_claims_names_of_the_cluster_domain(void **state)
{
	static const char *const domains[] = {"Apps.Example.", NULL};
	struct fixture *f = *state;

	host_claims_free(f->claims);
	f->claims = host_claims_new(domains, "Corp.internal.");
	assert_non_null(f->claims);
	claim(f, "shop", "u1", 1, NULL);
	assert_owner(f, "shop.ns", "u1");
	assert_owner(f, "shop.ns.svc", "u1");
	assert_owner(f, "shop.ns.svc.corp.internal.:80", "u1");
	assert_owner(f, "shop.ns.apps.example", "u1");
	assert_owner(f, "shop.ns.svc.cluster.local", "nobody");
	assert_owner(f, "shop.ns.localhost", "nobody");
}

static void test_host_claims_a_service_of_another_name(void **state)
{
	struct fixture *f = *state;
	json_t *object = json_pack("{s{ss ss ss ss} s{s{s{ss}} s{ss}}}", "metadata", "namespace",
	                           "ns", "name", "shop", "uid", "u1", "creationTimestamp",
	                           "2026-01-01T00:00:01Z", "spec", "template", "container", "image",
	                           "i", "activation", "serviceName", "front");
	struct resource *r = NULL;

	assert_int_equal(resource_parse(object, &r, NULL), 0);
	json_decref(object);
	f->made[f->made_count++] = r;
	assert_int_equal(host_claims_set(f->claims, r, NULL), 0);
	assert_owner(f, "front.ns", "u1");
	assert_owner(f, "front.ns.svc.cluster.local", "u1");
	assert_owner(f, "shop.ns", "u1");
	claim(f, "front", "u2", 2, NULL); /* younger, but it is its own name */
	assert_owner(f, "front.ns", "u2");
	assert_owner(f, "front.ns.svc.cluster.local", "u2");
	assert_owner(f, "front.ns.localhost", "u2");
	host_claims_remove(f->claims, "u2");
	assert_owner(f, "front.ns.localhost", "u1");
}

static void test_host_claims_only_names_of_services_have_suffixes(void **state)
{
	struct fixture *f = *state;

	claim(f, "a", "u1", 1, "b.ns");
	assert_owner(f, "b.ns", "u1");
	assert_owner(f, "b.ns.svc", "nobody");
	assert_owner(f, "b.ns.localhost", "nobody");
}

static void test_host_claims_exact_before_the_longest_suffix(void **state)
{
	struct fixture *f = *state;

	claim(f, "a", "u1", 1, "*.e.test");
	claim(f, "b", "u2", 2, "*.shop.e.test");
	claim(f, "c", "u3", 3, "x.shop.e.test");
	assert_owner(f, "y.e.test", "u1");
	assert_owner(f, "y.shop.e.test", "u2");
	assert_owner(f, "z.y.shop.e.test", "u2");
	assert_owner(f, "x.shop.e.test", "u3");
	assert_owner(f, "shop.e.test", "u1");
	assert_owner(f, "e.test", "nobody");
	assert_owner(f, "*.e.test", "nobody");
}

static void test_host_claims_only_what_was_admitted(void **state)
{
	struct fixture *f = *state;

	claim(f, "victim", "u9", 9, "h.test");
	claim_in(f, "other", "old", "u1", 1, "h.test", "[]");
	assert_owner(f, "h.test", "u9");
	host_claims_remove(f->claims, "u9");
	assert_owner(f, "h.test", "nobody");
	claim_in(f, "other", "old", "u1", 1, "h.test", "[\"h.test\"]");
	assert_owner(f, "h.test", "u1");
	claim_in(f, "other", "old", "u1", 1, "g.test", "[\"h.test\"]"); /* not wanted any more */
	assert_owner(f, "h.test", "nobody");
	assert_owner(f, "g.test", "nobody");
}

static void test_host_claims_of_before_admission_the_older_wins(void **state)
{
	struct fixture *f = *state;

	claim_in(f, "a", "late", "u1", 9, "h.test", NULL);
	claim_in(f, "b", "early", "u8", 1, "h.test", NULL);
	claim_in(f, "c", "twin", "u9", 1, "h.test", NULL);
	assert_owner(f, "h.test", "u8");
	host_claims_remove(f->claims, "u8");
	assert_owner(f, "h.test", "u9");
	claim(f, "admitted", "u7", 10, "h.test");
	assert_owner(f, "h.test", "u7");
}

static void test_host_claims_names_of_another_namespace_cannot_be_taken(void **state)
{
	static const char *const taken[] = {
	        "shop.ns.localhost",      "*.localhost",         "*.svc", "*.svc.cluster.local",
	        "*.ns.svc.cluster.local", "a.pod.cluster.local", "*.com", "localhost"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
		claim_in(f, "evil", "thief", "u1", 1, taken[i], NULL);
		assert_owner(f, "shop.ns.localhost", "nobody");
		assert_owner(f, "shop.ns.svc.cluster.local", "nobody");
		assert_owner(f, "shop.ns.svc", "nobody");
		assert_owner(f, "a.pod.cluster.local", "nobody");
		assert_owner(f, "shop.com", "nobody");
		assert_owner(f, "localhost", "nobody");
	}
	claim_in(f, "ns", "all", "u2", 1, "*.ns.localhost", NULL);
	assert_owner(f, "shop.ns.localhost", "u2");
	claim(f, "shop", "u3", 9, NULL);
	assert_owner(f, "shop.ns.localhost", "u3");
	assert_owner(f, "shop.other.localhost", "nobody");
}

static void test_host_claims_wildcard_from_above_ends_at_our_domain(void **state)
{
	static const char *const domains[] = {"apps.example.com", NULL};
	struct fixture *f = *state;

	host_claims_free(f->claims);
	f->claims = host_claims_new(domains, NULL);
	claim(f, "a", "u1", 1, "*.example.com");
	assert_owner(f, "shop.example.com", "u1");
	assert_owner(f, "apps.example.com", "nobody");
	assert_owner(f, "web.ns.apps.example.com", "nobody");
}

static void test_host_claims_strangers_find_no_name_of_the_cluster(void **state)
{
	static const char *const inner[] = {"shop.ns", "shop.ns.svc", "shop.ns.svc.cluster.local",
	                                    "front.ns.svc", "other.ns.svc"};
	static const char *const outer[] = {"shop.ns.localhost", "SHOP.example.com:443",
	                                    "x.w.example.com", "example.com"};
	struct fixture *f = *state;

	claim(f, "shop", "u1", 1, "shop.example.com");
	claim(f, "front", "u2", 1, "*.w.example.com");
	claim(f, "a", "u3", 1, "example.com");
	claim(f, "b", "u4", 1, "other.ns.svc");
	for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
		assert_non_null(host_claims_find(f->claims, inner[i], false));
		assert_null(host_claims_find(f->claims, inner[i], true));
	}
	for (size_t i = 0; i < sizeof outer / sizeof outer[0]; i++) {
		assert_non_null(host_claims_find(f->claims, outer[i], false));
		assert_non_null(host_claims_find(f->claims, outer[i], true));
	}
}

static void test_host_claims_set_replaces(void **state)
{
	struct fixture *f = *state;

	claim(f, "a", "u1", 1, "old.test");
	claim(f, "a", "u1", 1, "new.test");
	assert_owner(f, "old.test", "nobody");
	assert_owner(f, "new.test", "u1");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_host_claims_own_names),
	        TEST(test_host_claims_names_of_the_cluster_domain),
	        TEST(test_host_claims_a_service_of_another_name),
	        TEST(test_host_claims_only_names_of_services_have_suffixes),
	        TEST(test_host_claims_exact_before_the_longest_suffix),
	        TEST(test_host_claims_only_what_was_admitted),
	        TEST(test_host_claims_of_before_admission_the_older_wins),
	        TEST(test_host_claims_names_of_another_namespace_cannot_be_taken),
	        TEST(test_host_claims_wildcard_from_above_ends_at_our_domain),
	        TEST(test_host_claims_strangers_find_no_name_of_the_cluster),
	        TEST(test_host_claims_set_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
