/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/kube/cache/informer_cache.h"
#include "lib/kube/client/object.h"

struct fixture {
	struct informer_cache *cache;
	char trace[1024];
};

static void say(struct fixture *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct fixture *f, const char *fmt, ...)
{
	size_t len = strlen(f->trace);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(f->trace + len, sizeof f->trace - len, fmt, ap);
	va_end(ap);
}

static bool on_change(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct fixture *f = arg;

	say(f, "%s:%s>%s ", kube_name(new_object ? new_object : old_object),
	    old_object ? kube_resource_version(old_object) : "-",
	    new_object ? kube_resource_version(new_object) : "-");
	return true;
}

static const char *by_app(const json_t *object)
{
	return kube_label(object, "app");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	f->cache = informer_cache_new(&(struct informer_cache_opts){
	        .index_key = by_app, .on_change = on_change, .arg = f});
	return f->cache != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	informer_cache_free(f->cache);
	free(f);
	return 0;
}

static json_t *object(const char *name, const char *uid, const char *version, const char *app)
{
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:{s:s}, s:[], s:{s:s, s:s}}}", "metadata",
	                 "namespace", "d", "name", name, "uid", uid, "resourceVersion", version,
	                 "labels", "app", app, "managedFields", "annotations",
	                 "kubectl.kubernetes.io/last-applied-configuration", "{}", "kept", "k");
}

static void event(struct fixture *f, enum kube_watch_event kind, json_t *o)
{
	informer_cache_event(f->cache, kind, o);
	json_decref(o);
}

static void learn(struct fixture *f, json_t *o)
{
	informer_cache_learn(f->cache, o);
	json_decref(o);
}

static int list_item(struct fixture *f, const json_t *o)
{
	char *text = json_dumps(o, 0);
	int r = informer_cache_list_item(f->cache, text, strlen(text));

	free(text);
	return r;
}

static int list_once(struct fixture *f, const char *version, const json_t *items)
{
	json_t *envelope =
	        json_pack("{s:{s:s}, s:[]}", "metadata", "resourceVersion", version, "items");
	json_t *o;
	size_t i;
	int r;

	informer_cache_list_begin(f->cache);
	json_array_foreach(items, i, o)
		assert_int_equal(list_item(f, o), 0);
	r = informer_cache_list_end(f->cache, envelope);
	json_decref(envelope);
	return r;
}

/* Takes the objects, ended by NULL. */
static void list(struct fixture *f, const char *version, ...)
{
	json_t *items = json_array();
	va_list ap;
	json_t *o;
	int r;

	va_start(ap, version);
	while ((o = va_arg(ap, json_t *)) != NULL)
		(void)json_array_append_new(items, o);
	va_end(ap);
	r = list_once(f, version, items);
	if (r == 1)
		r = list_once(f, version, items);
	assert_int_equal(r, 0);
	json_decref(items);
}

static void expect(struct fixture *f, const char *trace)
{
	assert_string_equal(f->trace, trace);
	f->trace[0] = '\0';
}

static void test_informer_cache_follows_list_and_watch(void **state)
{
	struct fixture *f = *state;
	json_t *kept;

	list(f, "5", object("a", "1", "3", "x"), object("b", "2", "4", "x"), NULL);
	expect(f, "a:->3 b:->4 ");
	event(f, KUBE_WATCH_MODIFIED, object("a", "1", "6", "x"));
	event(f, KUBE_WATCH_ADDED, object("a", "1", "6", "x"));
	event(f, KUBE_WATCH_DELETED, object("b", "2", "7", "x"));
	event(f, KUBE_WATCH_BOOKMARK, object("", "", "9", ""));
	expect(f, "a:3>6 b:4>- ");
	assert_string_equal(informer_cache_version(f->cache), "9");
	assert_int_equal(informer_cache_count(f->cache), 1);
	kept = informer_cache_take(f->cache, "d", "a");
	assert_null(json_at(kept, "metadata", "managedFields", NULL));
	assert_int_equal(json_object_size(json_at(kept, "metadata", "annotations", NULL)), 1);
	json_decref(kept);
	assert_null(informer_cache_take(f->cache, "d", "b"));
	assert_true(informer_cache_has(f->cache, "d", "a"));
	assert_false(informer_cache_has(f->cache, "d", "b"));
}

static void test_informer_cache_tells_what_a_new_list_changes(void **state)
{
	struct fixture *f = *state;

	list(f, "5", object("a", "1", "3", "x"), object("b", "2", "4", "x"),
	     object("c", "3", "5", "x"), NULL);
	f->trace[0] = '\0';
	list(f, "9", object("a", "1", "3", "x"), object("c", "3", "8", "x"),
	     object("d", "4", "9", "x"), NULL);
	expect(f, "c:5>8 d:->9 b:4>- ");
}

static void test_informer_cache_same_name_again_is_another_object(void **state)
{
	struct fixture *f = *state;

	list(f, "5", object("a", "1", "3", "x"), NULL);
	list(f, "9", object("a", "2", "8", "x"), NULL);
	expect(f, "a:->3 a:3>- a:->8 ");
}

static void test_informer_cache_learns_only_what_is_newer(void **state)
{
	struct fixture *f = *state;

	list(f, "5", object("a", "1", "3", "x"), NULL);
	learn(f, object("a", "1", "7", "x"));
	learn(f, object("a", "1", "4", "x"));
	event(f, KUBE_WATCH_MODIFIED, object("a", "1", "6", "x"));
	event(f, KUBE_WATCH_MODIFIED, object("a", "1", "7", "x"));
	expect(f, "a:->3 a:3>7 ");
	event(f, KUBE_WATCH_DELETED, object("a", "1", "8", "x"));
	/* the answer to an old write comes after the watch said it is gone */
	learn(f, object("a", "1", "7", "x"));
	expect(f, "a:7>- ");
	learn(f, object("n", "2", "9", "x"));
	/* a list that was read before that write */
	list(f, "8", NULL);
	expect(f, "n:->9 ");
	assert_int_equal(informer_cache_count(f->cache), 1);
}

/* Its first list broke off, and what was learnt meanwhile is newer than what is listed again. */
static void test_informer_cache_a_list_that_begins_again_undoes_nothing(void **state)
{
	struct fixture *f = *state;
	json_t *a = object("a", "1", "5", "x");

	informer_cache_list_begin(f->cache);
	assert_int_equal(list_item(f, a), 0);
	learn(f, object("a", "1", "7", "x"));
	expect(f, "a:->5 a:5>7 ");
	list(f, "6", a, NULL);
	expect(f, "");
}

static void test_informer_cache_versions_going_back_mean_a_new_server(void **state)
{
	struct fixture *f = *state;

	list(f, "50", object("a", "1", "40", "x"), object("b", "2", "41", "x"), NULL);
	list(f, "5", object("a", "9", "3", "x"), NULL);
	expect(f, "a:->40 b:->41 a:40>- a:->3 b:41>- ");
}

/* A list that broke off between two pages is begun anew: what only the first try had stays out. */
static void test_informer_cache_a_list_may_begin_anew(void **state)
{
	struct fixture *f = *state;
	json_t *b = object("b", "2", "4", "x");

	list(f, "5", object("a", "1", "3", "x"), json_incref(b), NULL);
	f->trace[0] = '\0';
	informer_cache_list_begin(f->cache);
	assert_int_equal(list_item(f, b), 0);
	list(f, "9", object("a", "1", "3", "x"), NULL);
	expect(f, "b:4>- ");
	json_decref(b);
}

/* Past the sizes at which a dictionary is learnt everything reads as it was put. */
static void test_informer_cache_holds_many(void **state)
{
	enum { MANY = 1000 };
	struct fixture *f = *state;
	char name[16], uid[16], version[16];

	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof name, "n%d", i);
		(void)snprintf(uid, sizeof uid, "u%d", i);
		(void)snprintf(version, sizeof version, "%d", i + 1);
		event(f, KUBE_WATCH_ADDED, object(name, uid, version, i % 2 ? "odd" : "even"));
		f->trace[0] = '\0';
	}
	assert_int_equal(informer_cache_count(f->cache), MANY);
	for (int i = 0; i < MANY; i++) {
		json_t *o;

		(void)snprintf(name, sizeof name, "n%d", i);
		(void)snprintf(uid, sizeof uid, "u%d", i);
		o = informer_cache_take(f->cache, "d", name);
		assert_string_equal(kube_uid(o), uid);
		assert_string_equal(kube_label(o, "app"), i % 2 ? "odd" : "even");
		json_decref(o);
	}
	event(f, KUBE_WATCH_DELETED, object("n7", "u7", "2000", "odd"));
	expect(f, "n7:8>- ");
	assert_int_equal(informer_cache_count(f->cache), MANY - 1);
}

static void visit_name(void *arg, const char *ns, const char *name)
{
	say(arg, "%s/%s ", ns, name);
}

/* The order of the cache is nobody's to foresee: its hash has a secret. */
static void expect_either(struct fixture *f, const char *one, const char *other)
{
	expect(f, strcmp(f->trace, other) == 0 ? other : one);
}

static bool on_visit(void *arg, const json_t *o)
{
	say(arg, "%s ", kube_name(o));
	return true;
}

static void test_informer_cache_index_follows_changes(void **state)
{
	struct fixture *f = *state;

	list(f, "5", object("a", "1", "3", "x"), object("b", "2", "4", "x"),
	     object("c", "3", "5", ""), NULL);
	f->trace[0] = '\0';
	informer_cache_foreach(f->cache, "x", on_visit, f);
	expect_either(f, "b a ", "a b "); /* in whichever order */
	event(f, KUBE_WATCH_MODIFIED, object("a", "1", "6", "y"));
	event(f, KUBE_WATCH_DELETED, object("b", "2", "7", "x"));
	f->trace[0] = '\0';
	informer_cache_foreach(f->cache, "x", on_visit, f);
	informer_cache_foreach(f->cache, "", on_visit, f);
	expect(f, "");
	informer_cache_foreach(f->cache, "y", on_visit, f);
	expect(f, "a ");
	informer_cache_foreach(f->cache, NULL, on_visit, f);
	expect_either(f, "c a ", "a c ");
	informer_cache_foreach_name(f->cache, visit_name, f);
	expect_either(f, "d/c d/a ", "d/a d/c ");
}

static void test_informer_cache_keeps_and_shows_what_it_is_told(void **state)
{
	static const struct skim_member names[] = {{"name", SKIM_KEEP},
	                                           {"namespace", SKIM_KEEP},
	                                           {"resourceVersion", SKIM_KEEP},
	                                           {NULL}};
	static const struct skim_member more[] = {{"name", SKIM_KEEP},
	                                          {"namespace", SKIM_KEEP},
	                                          {"resourceVersion", SKIM_KEEP},
	                                          {"labels", SKIM_KEEP},
	                                          {NULL}};
	static const struct skim names_only = {SKIM_DROP, names}, more_only = {SKIM_DROP, more};
	static const struct skim_member shown[] = {{"metadata", SKIM_INSIDE, &names_only}, {NULL}};
	static const struct skim_member kept[] = {{"metadata", SKIM_INSIDE, &more_only}, {NULL}};
	static const struct skim show = {SKIM_DROP, shown}, keep = {SKIM_DROP, kept};
	struct fixture *f = *state;
	json_t *o;

	informer_cache_free(f->cache);
	f->cache = informer_cache_new(&(struct informer_cache_opts){.keep = &keep,
	                                                            .show = &show,
	                                                            .index_key = by_app,
	                                                            .on_change = on_change,
	                                                            .arg = f});
	list(f, "5", object("a", "", "3", "x"), NULL);
	event(f, KUBE_WATCH_MODIFIED, object("a", "", "6", "x"));
	expect(f, "a:->3 a:3>6 ");
	o = informer_cache_take(f->cache, "d", "a");
	assert_string_equal(kube_label(o, "app"), "x");
	assert_null(json_at(o, "metadata", "annotations", NULL));
	json_decref(o);
	/* the index sees what is shown, which is without labels */
	informer_cache_foreach(f->cache, "x", on_visit, f);
	expect(f, "");
}

static void test_informer_cache_refuses_what_is_no_object(void **state)
{
	struct fixture *f = *state;

	informer_cache_list_begin(f->cache);
	assert_int_equal(informer_cache_list_item(f->cache, "[]", 2), -1);
	assert_int_equal(informer_cache_list_item(f->cache, "{\"a\":}", 6), -1);
	assert_int_equal(informer_cache_count(f->cache), 0);
}

#define CACHE_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        CACHE_TEST(test_informer_cache_follows_list_and_watch),
	        CACHE_TEST(test_informer_cache_tells_what_a_new_list_changes),
	        CACHE_TEST(test_informer_cache_same_name_again_is_another_object),
	        CACHE_TEST(test_informer_cache_learns_only_what_is_newer),
	        CACHE_TEST(test_informer_cache_a_list_that_begins_again_undoes_nothing),
	        CACHE_TEST(test_informer_cache_versions_going_back_mean_a_new_server),
	        CACHE_TEST(test_informer_cache_a_list_may_begin_anew),
	        CACHE_TEST(test_informer_cache_holds_many),
	        CACHE_TEST(test_informer_cache_index_follows_changes),
	        CACHE_TEST(test_informer_cache_keeps_and_shows_what_it_is_told),
	        CACHE_TEST(test_informer_cache_refuses_what_is_no_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
