/* SPDX-License-Identifier: Apache-2.0 */
/* Who is admitted for which host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/host_admission.h"

enum { ROUNDS = 3000, MANY = 10000 };

/* One container, as its object says. */
struct who {
	const char *ns, *name, *uid;
	unsigned second;           /* of its making */
	const char *spec, *status; /* lists, or NULL */
	bool is_seen;              /* by a controller, whatever its version: this very spec */
};

struct fixture {
	struct hosts *hosts;
	char told[200]; /* by hosts_each_refused() */
};

static struct hosts *hosts_of(const char *const *allowed)
{
	static const char *const domains[] = {"localhost", "apps.example.com", NULL};
	const struct hosts_opts opts = {domains, NULL, allowed};
	struct hosts *h = hosts_new(&opts, NULL);

	assert_non_null(h);
	return h;
}

static int setup(void **state)
{
	static const char *const any[] = {"*=*", NULL};
	struct fixture *f = calloc(1, sizeof *f);

	f->hosts = hosts_of(any);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hosts_free(f->hosts);
	free(f);
	return 0;
}

static json_t *list(const char *text)
{
	return text != NULL ? json_loads(text, 0, NULL) : NULL;
}

static void set(struct fixture *f, const struct who *w)
{
	char created[64];
	json_t *object;

	(void)snprintf(created, sizeof created, "2026-01-01T00:%02u:%02uZ", w->second / 60,
	               w->second % 60);
	object = json_pack("{s{ss ss ss ss si} s{s{so*}} s{si s{so*}}}", "metadata", "namespace",
	                   w->ns, "name", w->name, "uid", w->uid, "creationTimestamp", created,
	                   "generation", 2, "spec", "activation", "hosts", list(w->spec), "status",
	                   "observedGeneration", w->is_seen ? 2 : 1, "activation", "hosts",
	                   list(w->status));
	assert_non_null(object);
	assert_int_equal(hosts_set(f->hosts, object, NULL), 0);
	json_decref(object);
}

/* What it is admitted for, and why no more: "shop.test HostConflict". */
static void expect(struct fixture *f, const char *uid, const char *want, const char *text_part)
{
	struct hosts_verdict v;
	char got[300] = "";
	const json_t *one;
	size_t i;

	hosts_judge(f->hosts, uid, &v);
	json_array_foreach(v.admitted, i, one) {
		(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s ",
		               json_string_value(one));
	}
	(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s",
	               v.reason != NULL ? v.reason : "");
	assert_string_equal(got, want);
	if (strstr(v.text, text_part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text_part, v.text);
	json_decref(v.admitted);
}

static void on_told(void *arg, const char *ns, const char *name)
{
	struct fixture *f = arg;

	(void)snprintf(f->told + strlen(f->told), sizeof f->told - strlen(f->told), "%s/%s ", ns,
	               name);
}

static void expect_told(struct fixture *f, const char *want)
{
	f->told[0] = '\0';
	hosts_each_refused(f->hosts, on_told, f);
	assert_string_equal(f->told, want);
}

#define SHOP "[\"shop.test\"]"
static const struct who victim = {"b", "shop", "u-b", 50, SHOP, SHOP, false};
static const struct who older = {"a", "old", "u-a", 1, SHOP, NULL, false};

static void test_hosts_incumbent_keeps_it_from_an_older_one(void **state)
{
	struct fixture *f = *state;

	set(f, &(struct who){"b", "shop", "u-b", 50, SHOP, NULL, false});
	expect(f, "u-b", "shop.test ", "");
	set(f, &older);
	expect(f, "u-a", "HostConflict", "host shop.test belongs to b/shop");
	expect(f, "u-b", "shop.test ", "");
	set(f, &victim); /* its status has been written */
	expect(f, "u-a", "HostConflict", "b/shop");
	expect(f, "u-b", "shop.test ", "");
}

static void test_hosts_status_is_the_memory(void **state)
{
	struct fixture *f = *state;

	set(f, &older); /* in any order, after a restart */
	set(f, &victim);
	expect(f, "u-a", "HostConflict", "b/shop");
	expect(f, "u-b", "shop.test ", "");
}

static void test_hosts_are_freed_by_an_edit_and_by_the_end(void **state)
{
	struct fixture *f = *state;

	set(f, &victim);
	set(f, &older);
	expect(f, "u-b", "shop.test ", "");
	expect(f, "u-a", "HostConflict", "");
	expect_told(f, "");
	set(f, &(struct who){"b", "shop", "u-b", 50, "[\"other.test\"]", SHOP, false});
	expect_told(f, "a/old ");
	expect_told(f, "");
	expect(f, "u-a", "shop.test ", "");
	expect(f, "u-b", "other.test ", "");
	set(f, &(struct who){"b", "shop", "u-b", 50, SHOP, "[\"other.test\"]", false});
	expect(f, "u-b", "HostConflict", "a/old");
	hosts_remove(f->hosts, "u-a");
	expect_told(f, "b/shop ");
	expect(f, "u-b", "shop.test ", "");
}

static void test_hosts_a_forged_status_takes_nothing(void **state)
{
	struct fixture *f = *state;

	set(f, &victim);
	expect(f, "u-b", "shop.test ", "");
	set(f, &(struct who){"a", "old", "u-a", 1, SHOP, SHOP, false});
	expect(f, "u-a", "HostConflict", "b/shop");
	expect(f, "u-b", "shop.test ", "");
}

static void test_hosts_another_leaders_word_counts(void **state)
{
	struct fixture *f = *state;

	set(f, &(struct who){"a", "old", "u-a", 1, SHOP, NULL, false});
	expect(f, "u-a", "shop.test ", ""); /* granted, and then we were leader no more */
	set(f, &victim);                    /* what the next one wrote */
	expect_told(f, "a/old ");
	expect(f, "u-a", "HostConflict", "b/shop");
	expect(f, "u-b", "shop.test ", "");
}

static void test_hosts_seen_together_go_to_the_oldest(void **state)
{
	struct fixture *f = *state;

	set(f, &(struct who){"b", "shop", "u-b", 50, SHOP, NULL, true});
	set(f, &(struct who){"a", "old", "u-a", 1, SHOP, NULL, true});
	expect(f, "u-b", "HostConflict", "a/old");
	expect(f, "u-a", "shop.test ", "");
}

static void test_hosts_served_side_by_side_before_an_upgrade_go_on(void **state)
{
	struct fixture *f = *state;

	set(f, &(struct who){"a", "all", "u-a", 1, "[\"*.shop.test\"]", NULL, true});
	set(f, &(struct who){"b", "one", "u-b", 2, "[\"x.shop.test\"]", NULL, true});
	expect(f, "u-b", "x.shop.test ", "");
	expect(f, "u-a", "*.shop.test ", "");
	/* but nothing new comes between */
	set(f, &(struct who){"b", "two", "u-c", 3, "[\"y.shop.test\"]", NULL, false});
	expect(f, "u-c", "HostConflict", "overlaps with *.shop.test, which belongs to a/all");
	hosts_remove(f->hosts, "u-a");
	expect(f, "u-c", "y.shop.test ", "");
}

static void test_hosts_overlap_within_a_namespace_only(void **state)
{
	struct fixture *f = *state;

	set(f, &(struct who){"a", "one", "u-a", 1, "[\"x.y.shop.test\"]", NULL, false});
	expect(f, "u-a", "x.y.shop.test ", "");
	set(f, &(struct who){"b", "all", "u-b", 2, "[\"*.shop.test\",\"shop.test\"]", NULL, false});
	expect(f, "u-b", "shop.test HostConflict", "overlaps with x.y.shop.test");
	set(f, &(struct who){"a", "all", "u-c", 3, "[\"*.shop.test\",\"*.y.shop.test\"]", NULL,
	                     false});
	expect(f, "u-c", "*.shop.test *.y.shop.test ", "");
	set(f, &(struct who){"b", "sub", "u-d", 4, "[\"*.z.shop.test\"]", NULL, false});
	expect(f, "u-d", "HostConflict", "*.shop.test");
}

static void test_hosts_below_our_domains_belong_to_their_namespace(void **state)
{
	static const char *const refused[] = {"x.b.localhost",         "*.b.localhost",
	                                      "*.localhost",           "x.b.svc",
	                                      "x.b.svc.cluster.local", "*.svc.cluster.local",
	                                      "*.cluster.local",       "*.com",
	                                      "x.b.apps.example.com",  "*.apps.example.com",
	                                      "apps.example.com",      "x.bb.localhost.localhost",
	                                      "a-a.localhost",         "b.bb"};
	struct fixture *f = *state;
	char text[100];

	set(f, &(struct who){"bb", "any", "u-0", 1, NULL, NULL, false});
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		(void)snprintf(text, sizeof text, "[\"%s\"]", refused[i]);
		set(f, &(struct who){"a", "thief", "u-a", 1, text, text, false});
		if (strcmp(refused[i], "b.bb") == 0)
			set(f, &(struct who){"a", "thief", "u-x", 1, text, NULL, false});
		else
			expect(f, "u-a", "HostNotAllowed", refused[i]);
	}
	expect(f, "u-x", "HostNotAllowed", "Service of namespace bb");
	set(f, &(struct who){"a", "own", "u-c", 1,
	                     "[\"*.a.localhost\",\"x.y.a.svc\",\"a.apps.example.com\",\"b.a\","
	                     "\"*.example.com\"]",
	                     NULL, false});
	expect(f, "u-c", "*.a.localhost x.y.a.svc a.apps.example.com b.a *.example.com ", "");
}

static void test_hosts_operator_says_who_may_have_a_domain(void **state)
{
	static const char *const allowed[] = {"*=free",        "shop.test=a", "shop.test=b",
	                                      "x.shop.test=c", "none.test=",  NULL};
	struct fixture *f = *state;

	hosts_free(f->hosts);
	f->hosts = hosts_of(allowed);
	set(f, &(struct who){"a", "a", "u-a", 1, "[\"Shop.test\",\"1.x.shop.test\"]", NULL, false});
	expect(f, "u-a", "shop.test HostNotAllowed", "host 1.x.shop.test");
	set(f, &(struct who){"b", "b", "u-b", 1, "[\"b.shop.test\",\"other.test\"]", NULL, false});
	expect(f, "u-b", "b.shop.test HostNotAllowed", "hosts.allowed");
	set(f,
	    &(struct who){"c", "c", "u-c", 1, "[\"*.x.shop.test\",\"myshop.test\"]", NULL, false});
	expect(f, "u-c", "*.x.shop.test HostNotAllowed", "myshop.test");
	set(f, &(struct who){"free", "f", "u-f", 1, "[\"other.test\",\"shop.test\"]", NULL, false});
	expect(f, "u-f", "other.test HostNotAllowed", "shop.test");
	set(f, &(struct who){"free", "g", "u-g", 1, "[\"a.none.test\"]", NULL, false});
	expect(f, "u-g", "HostNotAllowed", "a.none.test");
	/* also of one that had it before the operator said so */
	set(f, &(struct who){"d", "d", "u-d", 1, "[\"2.shop.test\"]", "[\"2.shop.test\"]", false});
	expect(f, "u-d", "HostNotAllowed", "2.shop.test");
}

/* 1: new, 0: as it was. */
static int grant(struct fixture *f, const char *ns, const char *domains)
{
	return hosts_grant(f->hosts, ns, domains, NULL);
}

static void test_hosts_a_namespace_names_domains_that_it_may_have(void **state)
{
	static const char *const allowed[] = {"team.test=a", "x.team.test=c", NULL};
	static const struct who a = {"a", "a", "u-a", 1, "[\"1.team.test\"]", NULL, false};
	static const struct who b = {
	        "b", "b", "u-b", 2, "[\"2.team.test\",\"*.b.test\",\"bb.test\"]", NULL, false};
	struct fixture *f = *state;

	hosts_free(f->hosts);
	f->hosts = hosts_of(allowed);
	set(f, &a);
	set(f, &b);
	expect(f, "u-b", "HostNotAllowed", "host 2.team.test");
	expect(f, "u-b", "HostNotAllowed", "allowed-hosts");
	assert_int_equal(grant(f, "b", " Team.test,b.test\n"), 1);
	assert_int_equal(grant(f, "b", " Team.test,b.test\n"), 0);
	expect(f, "u-b", "2.team.test *.b.test HostNotAllowed", "host bb.test");
	/* nothing is taken from those that the operator's list names */
	expect(f, "u-a", "1.team.test ", "");
	/* what the list says of a longer domain goes before a shorter one of the Namespace */
	set(f, &(struct who){"b", "c", "u-c", 3, "[\"1.x.team.test\"]", NULL, false});
	expect(f, "u-c", "HostNotAllowed", "1.x.team.test");
	assert_int_equal(grant(f, "b", "1.x.team.test"), 1);
	expect(f, "u-c", "1.x.team.test ", "");
	/* what is not said any more is not theirs any more, and somebody else's who waits */
	set(f, &(struct who){"a", "d", "u-d", 4, "[\"2.team.test\"]", NULL, false});
	expect(f, "u-d", "HostConflict", "2.team.test belongs to b/b");
	expect(f, "u-b", "HostNotAllowed", "2.team.test");
	expect_told(f, "a/d b/b ");
	expect(f, "u-d", "2.team.test ", "");
	assert_int_equal(grant(f, "b", "*"), 1);
	expect(f, "u-b", "*.b.test bb.test HostNotAllowed", "2.team.test");
	assert_int_equal(grant(f, "b", NULL), 1);
	assert_int_equal(grant(f, "b", ""), 0);
	expect(f, "u-b", "HostNotAllowed", "2.team.test");
	/* of no other namespace, and never what belongs to one */
	assert_int_equal(grant(f, "bb", "*, localhost"), 1);
	expect(f, "u-b", "HostNotAllowed", "2.team.test");
	set(f, &(struct who){"bb", "e", "u-e", 5, "[\"x.a.localhost\",\"e.test\"]", NULL, false});
	expect(f, "u-e", "e.test HostNotAllowed", "x.a.localhost");
}

static void test_hosts_a_namespace_that_names_too_much_has_nothing(void **state)
{
	static const char *const none[] = {"*=", NULL};
	struct fixture *f = *state;
	char text[HOSTS_GRANT_BYTES_MAX + 2] = "a.test";
	struct err err;

	hosts_free(f->hosts);
	f->hosts = hosts_of(none);
	set(f, &(struct who){"a", "a", "u-a", 1, "[\"a.test\"]", NULL, false});
	memset(text + 6, ' ', HOSTS_GRANT_BYTES_MAX - 6);
	assert_int_equal(hosts_grant(f->hosts, "a", text, &err), 1);
	expect(f, "u-a", "a.test ", "");
	text[HOSTS_GRANT_BYTES_MAX] = ' ';
	assert_int_equal(hosts_grant(f->hosts, "a", text, &err), -1);
	assert_non_null(strstr(err.text, "longer than 8192 bytes"));
	expect(f, "u-a", "HostNotAllowed", "a.test");
}

static void test_hosts_options_are_checked(void **state)
{
	static const char *const wrong[] = {"shop.test", NULL};
	const struct hosts_opts opts = {NULL, NULL, wrong};
	struct err err;

	(void)state;
	assert_null(hosts_new(&opts, &err));
	assert_non_null(strstr(err.text, "DOMAIN=NAMESPACE"));
}

/* Numerical Recipes' generator: the same each time. */
static unsigned dice(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void append_host(char *list, size_t size, const char *host)
{
	size_t bytes = strlen(list);

	(void)snprintf(list + bytes, size - bytes, "%s\"%s\"", bytes > 1 ? "," : "", host);
}

static void append_end(char *list, size_t size)
{
	size_t bytes = strlen(list);

	(void)snprintf(list + bytes, size - bytes, "]");
}

/* Whatever others do, who is told that it has a host has it until it lets go of it itself. */
static void test_hosts_incumbent_never_loses(void **state)
{
	enum { CONTAINERS = 8, HOSTS = 6 };
	static const char *const names[HOSTS] = {"a.test",      "b.test",        "*.test.test",
	                                         "x.test.test", "y.x.test.test", "*.x.test.test"};
	struct fixture *f = *state;
	unsigned has[CONTAINERS] = {0}; /* bits */
	char uid[CONTAINERS][8], ns[CONTAINERS][8];
	unsigned wanted[CONTAINERS] = {0};
	uint32_t seed = 7;

	for (unsigned i = 0; i < CONTAINERS; i++) {
		(void)snprintf(uid[i], sizeof uid[i], "u%u", i);
		(void)snprintf(ns[i], sizeof ns[i], "n%u", i % 3);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned i = dice(&seed) % CONTAINERS;
		char spec[200] = "[", status[200] = "[";
		struct hosts_verdict v;

		if (dice(&seed) % 3 == 0)
			wanted[i] = dice(&seed) % (1 << HOSTS);
		for (unsigned k = 0; k < HOSTS; k++) {
			if (wanted[i] >> k & 1)
				append_host(spec, sizeof spec, names[k]);
			if (has[i] >> k & 1)
				append_host(status, sizeof status, names[k]);
		}
		append_end(spec, sizeof spec);
		append_end(status, sizeof status);
		set(f, &(struct who){ns[i], uid[i], uid[i], CONTAINERS - i, spec, status, false});
		hosts_judge(f->hosts, uid[i], &v);
		for (unsigned k = 0; k < HOSTS; k++) {
			bool got = false;
			const json_t *one;
			size_t at;

			json_array_foreach(v.admitted, at, one) {
				got = got || strcmp(json_string_value(one), names[k]) == 0;
			}
			if ((has[i] & wanted[i]) >> k & 1)
				assert_true(got);
			for (unsigned other = 0; got && other < CONTAINERS; other++)
				assert_false(other != i && (has[other] >> k & 1));
			has[i] = got ? has[i] | 1U << k : has[i] & ~(1U << k);
		}
		json_decref(v.admitted);
	}
}

static void test_hosts_of_many_containers(void **state)
{
	struct fixture *f = *state;
	char uid[16], text[60];

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			(void)snprintf(uid, sizeof uid, "u%u", i);
			(void)snprintf(text, sizeof text, "[\"h%u.test\",\"*.w%u.test\"]", i, i);
			set(f, &(struct who){"a", uid, uid, 1, text, NULL, false});
		}
		for (unsigned i = 0; i < MANY; i++) {
			(void)snprintf(uid, sizeof uid, "u%u", i);
			(void)snprintf(text, sizeof text, "h%u.test *.w%u.test ", i, i);
			expect(f, uid, text, "");
		}
	}
	expect_told(f, "");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_hosts_incumbent_keeps_it_from_an_older_one),
	        T(test_hosts_status_is_the_memory),
	        T(test_hosts_are_freed_by_an_edit_and_by_the_end),
	        T(test_hosts_a_forged_status_takes_nothing),
	        T(test_hosts_another_leaders_word_counts),
	        T(test_hosts_seen_together_go_to_the_oldest),
	        T(test_hosts_served_side_by_side_before_an_upgrade_go_on),
	        T(test_hosts_overlap_within_a_namespace_only),
	        T(test_hosts_below_our_domains_belong_to_their_namespace),
	        T(test_hosts_operator_says_who_may_have_a_domain),
	        T(test_hosts_a_namespace_names_domains_that_it_may_have),
	        T(test_hosts_a_namespace_that_names_too_much_has_nothing),
	        T(test_hosts_options_are_checked),
	        T(test_hosts_incumbent_never_loses),
	        T(test_hosts_of_many_containers),
	};

	return cmocka_run_group_tests_name("host-admission", tests, NULL, NULL);
}
