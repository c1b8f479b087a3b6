/* SPDX-License-Identifier: Apache-2.0 */
/* What reads and keeps what others say: configuration, objects, lists, events. */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/api/host_admission.h"
#include "lib/api/host_claims.h"
#include "lib/api/resource.h"
#include "lib/base/cleanup.h"
#include "lib/config/config.h"
#include "lib/http/metrics.h"
#include "lib/kube/cache/informer_cache.h"
#include "lib/kube/cache/pack.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/list_frame.h"
#include "lib/kube/client/object.h"
#include "lib/kube/client/watch_frame.h"
#include "lib/kube/control/workqueue.h"
#include "lib/text/json_read.h"
#include "lib/text/yaml.h"
#include "lib/text/yaml_dump.h"
#include "tests/unit/memory/short_memory.h"

static const char *const domains[] = {"localhost", "apps.example.com", NULL};

static const char container[] =
        "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"hello\",\"uid\":\"u1\",\"generation\":3,"
        "\"resourceVersion\":\"7\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\","
        "\"labels\":{\"app\":\"a\"}},"
        "\"spec\":{\"running\":true,\"template\":{\"container\":{\"image\":\"i\",\"ports\":[{"
        "\"containerPort\":8080}]}},\"activation\":{\"hosts\":[\"one.example.com\","
        "\"*.two.example.com\"]}},\"status\":{\"observedGeneration\":3,\"activation\":{"
        "\"hosts\":[\"one.example.com\",\"*.two.example.com\"]}}}";

static bool told(int result, const struct err *err)
{
	return result < 0 && err->text[0] != '\0';
}

static char scratch[64];

static int write_file(const char *text)
{
	FILE *f;
	int fd;

	(void)snprintf(scratch, sizeof scratch, "/tmp/test_short_memory.XXXXXX");
	fd = mkstemp(scratch);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f == NULL || fputs(text, f) < 0)
		return -1;
	return fclose(f);
}

static const char config_text[] = "hold: {timeout: 5s}\nroute: {domains: [a, b, c]}\n";

static enum outcome load_config(void)
{
	static const char *listen;
	static const char **names;
	static uint64_t hold_ms;
	static const struct config_option options[] = {
	        {"listen", CONFIG_STR, &listen, "127.0.0.1:8080", 0, 0, "address"},
	        {"hold.timeout", CONFIG_DURATION, &hold_ms, "60s", 1, 3600000, "wait"},
	        {"route.domains", CONFIG_LIST, &names, "localhost", 0, 0, "suffixes"},
	};
	static const struct config_program program = {"sc-test", "a test", options, 3, NULL};
	char file[80];
	char *argv[] = {(char[]){"sc-test"}, file, (char[]){"--listen=[::1]:1"}, NULL};
	struct config *config = NULL;
	struct err err = {0};
	int result;

	(void)snprintf(file, sizeof file, "--config=%s", scratch);
	result = config_load(&program, 3, argv, &config, &err);
	if (result < 0)
		return told(result, &err) && config == NULL ? OUTCOME_TOLD : OUTCOME_WRONG;
	result = strcmp(listen, "[::1]:1") == 0 && hold_ms == 5000 && names[2] != NULL &&
	         strcmp(names[2], "c") == 0 && names[3] == NULL;
	config_free(config);
	return result ? OUTCOME_WHOLE : OUTCOME_WRONG;
}

static void test_config_short_of_memory(void **state)
{
	assert_int_equal(write_file(config_text), 0);
	short_memory_try("configuration", load_config);
	assert_int_equal(unlink(scratch), 0);
}

static const char kubeconfig_text[] =
        "apiVersion: v1\nkind: Config\ncurrent-context: one\n"
        "contexts:\n- name: one\n  context: {cluster: c1, user: u1, namespace: shop}\n"
        "clusters:\n- name: c1\n  cluster:\n    server: https://127.0.0.1:6443/\n"
        "    certificate-authority-data: LS0tCg==\n"
        "users:\n- name: u1\n  user: {token: secret}\n";

static enum outcome load_kubeconfig(void)
{
	struct kubeconfig *conf = NULL;
	struct err err = {0};
	int result = kubeconfig_load(scratch, NULL, &conf, &err);

	if (result < 0)
		return told(result, &err) && conf == NULL ? OUTCOME_TOLD : OUTCOME_WRONG;
	result = strcmp(kubeconfig_namespace(conf), "shop") == 0;
	kubeconfig_free(conf);
	return result ? OUTCOME_WHOLE : OUTCOME_WRONG;
}

static void test_kubeconfig_short_of_memory(void **state)
{
	assert_int_equal(write_file(kubeconfig_text), 0);
	short_memory_try("kubeconfig", load_kubeconfig);
	assert_int_equal(unlink(scratch), 0);
}

static enum outcome read_yaml(void)
{
	static const char text[] = "a: &x [1, two, {three: 3.5}]\nb: *x\n---\nc: |\n  text\n";
	CLEANUP(free_var) char *dump = NULL;
	json_t *docs = NULL;
	struct err err = {0};
	enum outcome outcome = OUTCOME_WHOLE;
	int result = yaml_load_text(text, sizeof text - 1, "text", &docs, &err);

	if (result < 0)
		return told(result, &err) ? OUTCOME_TOLD : OUTCOME_WRONG;
	if (json_array_size(docs) != 2 ||
	    !json_equal(json_object_get(json_array_get(docs, 0), "a"),
	                json_object_get(json_array_get(docs, 0), "b")) ||
	    json_array_size(json_object_get(json_array_get(docs, 0), "a")) != 3)
		outcome = OUTCOME_WRONG;
	result = yaml_dump_text(json_array_get(docs, 0), &dump, &err);
	if (outcome == OUTCOME_WHOLE && result < 0)
		outcome = told(result, &err) ? OUTCOME_TOLD : OUTCOME_WRONG;
	else if (outcome == OUTCOME_WHOLE && strstr(dump, "three: 3.5") == NULL)
		outcome = OUTCOME_WRONG;
	json_decref(docs);
	return outcome;
}

static enum outcome read_json(void)
{
	json_t *object = json_read(container, sizeof container - 1);
	bool whole = json_str_at(object, NULL, "status", "activation", NULL) == NULL &&
	             kube_generation(object) == 3 && json_object_size(object) == 3 &&
	             json_object_size(json_object_get(object, "metadata")) == 7;

	if (object == NULL)
		return OUTCOME_TOLD;
	json_decref(object);
	return whole ? OUTCOME_WHOLE : OUTCOME_WRONG;
}

static enum outcome parse_resource(void)
{
	json_t *object = short_memory_object(container);
	struct resource *r = NULL;
	struct err err = {0};
	int result = resource_parse(object, &r, &err);
	enum outcome outcome = OUTCOME_WRONG;

	if (result == 0 && r->activation.hosts != NULL && r->activation.hosts[0] != NULL &&
	    r->activation.hosts[1] != NULL && r->activation.hosts[2] == NULL &&
	    r->activation.hosts_admitted == 3)
		outcome = OUTCOME_WHOLE;
	resource_free(r);
	json_decref(object);
	return outcome;
}

static enum outcome claim_hosts(void)
{
	json_t *object = short_memory_object(container);
	struct host_claims *claims = host_claims_new(domains, NULL);
	struct resource *r = NULL;
	struct err err = {0};
	enum outcome outcome = OUTCOME_TOLD;

	if (claims && resource_parse(object, &r, &err) == 0) {
		int result = host_claims_set(claims, r, &err);
		const char *uid = host_claims_find(claims, "one.example.com", false);

		if (result == 0)
			outcome = uid && strcmp(uid, "u1") == 0 ? OUTCOME_WHOLE : OUTCOME_WRONG;
		else if (!told(result, &err))
			outcome = OUTCOME_WRONG;
		host_claims_remove(claims, "u1");
	}
	host_claims_free(claims);
	resource_free(r);
	json_decref(object);
	return outcome;
}

/* A host that is admitted to somebody must be admitted to nobody else, whatever fails. */
static enum outcome admit_hosts(void)
{
	static const char *const any[] = {"*=*", NULL};
	const struct hosts_opts opts = {domains, NULL, any};
	json_t *object = short_memory_object(container);
	struct err err = {0};
	struct hosts *h = hosts_new(&opts, &err);
	struct hosts_verdict v = {.admitted = NULL};
	enum outcome outcome = OUTCOME_TOLD;

	if (h && hosts_set(h, object, &err) == 0) {
		hosts_judge(h, "u1", &v);
		outcome = json_array_size(v.admitted) == 2 ? OUTCOME_WHOLE : OUTCOME_LESS;
		if (json_array_size(v.admitted) > 2)
			outcome = OUTCOME_WRONG;
		json_decref(v.admitted);
		hosts_remove(h, "u1");
	} else if (err.text[0] == '\0') {
		outcome = OUTCOME_WRONG;
	}
	hosts_free(h);
	json_decref(object);
	return outcome;
}

static void add_text(void *arg, const char *text, size_t bytes)
{
	size_t *count = arg;

	*count += bytes + (text[0] == '\0');
}

/*
 * A program that cannot make its metrics at start ends. Later what cannot be counted is not: that
 * is no reason to end.
 */
static enum outcome write_metrics(void)
{
	static const char *const labels[] = {"a", NULL};
	static const double bounds[] = {1, 2, METRICS_INF};
	enum outcome outcome;
	struct metrics *m;
	struct metric *c;
	struct metric *h;
	size_t bytes = 0;

	short_memory_pause(true);
	m = metrics_new();
	c = metrics_counter(m, "sc_x_total", "X.", labels);
	h = metrics_histogram(m, "sc_z_seconds", "Z.", labels, bounds);
	short_memory_pause(false);
	metric_add(c, (const char *[]){"one"}, 1);
	metric_add(c, (const char *[]){"two"}, 1);
	metric_observe(h, (const char *[]){"one"}, 1.5);
	metrics_write(m, add_text, &bytes);
	metric_remove(c, (const char *[]){"one"});
	outcome = metric_read(c, (const char *[]){"two"}) == 1 ? OUTCOME_WHOLE : OUTCOME_LESS;
	metrics_free(m);
	return bytes > 0 ? outcome : OUTCOME_WRONG;
}

static int count_lines(void *arg, const char *text, size_t bytes)
{
	unsigned *count = arg;

	*count += bytes > 0 && text[bytes - 1] == '}';
	return 0;
}

static enum outcome feed_watch(void)
{
	static const char text[] = "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n";
	struct watch_frame f;
	struct err err = {0};
	unsigned count = 0;
	int result = 0;

	watch_frame_init(&f, WATCH_FRAME_BYTES_MAX, count_lines, &count);
	for (size_t at = 0; at < sizeof text - 1 && result == 0; at += 5)
		result = watch_frame_feed(
		        &f, text + at, sizeof text - 1 - at < 5 ? sizeof text - 1 - at : 5, &err);
	watch_frame_done(&f);
	if (result < 0)
		return told(result, &err) ? OUTCOME_TOLD : OUTCOME_WRONG;
	return count == 3 ? OUTCOME_WHOLE : OUTCOME_WRONG;
}

static enum outcome feed_list(void)
{
	static const char text[] =
	        "{\"kind\":\"List\",\"items\":[{\"a\":1},{\"b\":{\"c\":[2]}}],\"metadata\":{}}";
	struct list_frame f;
	struct err err = {0};
	unsigned count = 0;
	int result = 0;

	list_frame_init(&f, count_lines, &count);
	for (size_t at = 0; at < sizeof text - 1 && result == 0; at++)
		result = list_frame_feed(&f, text + at, 1, &err);
	list_frame_done(&f);
	if (result < 0)
		return told(result, &err) ? OUTCOME_TOLD : OUTCOME_WRONG;
	return count == 2 ? OUTCOME_WHOLE : OUTCOME_WRONG;
}

static bool take_change(void *arg, const json_t *old_object, const json_t *new_object)
{
	return true;
}

/* Listed, gone from the next list: told, or as the lists say. */
static enum outcome keep_in(struct informer_cache *c, const json_t *first, const json_t *second)
{
	json_t *object;
	bool whole;

	informer_cache_list_begin(c);
	if (informer_cache_list_item(c, container, sizeof container - 1) != 0 ||
	    informer_cache_list_end(c, first) != 0)
		return OUTCOME_TOLD;
	if (!informer_cache_has(c, "ns", "hello"))
		return OUTCOME_WRONG;
	object = informer_cache_take(c, "ns", "hello");
	whole = object && strcmp(kube_resource_version(object), "7") == 0;
	json_decref(object);
	informer_cache_list_begin(c);
	if (informer_cache_list_end(c, second) != 0)
		return OUTCOME_TOLD;
	if (informer_cache_has(c, "ns", "hello"))
		return OUTCOME_WRONG;
	return whole ? OUTCOME_WHOLE : OUTCOME_LESS;
}

static enum outcome keep_objects(void)
{
	const struct informer_cache_opts opts = {.on_change = take_change};
	struct informer_cache *c = informer_cache_new(&opts);
	enum outcome outcome = OUTCOME_TOLD;
	json_t *first;
	json_t *second;

	short_memory_pause(true);
	first = json_pack("{s{ss}s[]}", "metadata", "resourceVersion", "9", "items");
	second = json_pack("{s{ss}s[]}", "metadata", "resourceVersion", "10", "items");
	short_memory_pause(false);
	if (c)
		outcome = keep_in(c, first, second);
	informer_cache_free(c);
	json_decref(first);
	json_decref(second);
	return outcome;
}

static enum outcome pack_object(void)
{
	struct pack *p = pack_new();
	struct packed packed;
	enum outcome outcome = OUTCOME_TOLD;

	if (p && pack_text(p, container, sizeof container - 1, &packed) == 0) {
		char kept[sizeof container];
		const char *text;

		assert_true(packed.bytes <= sizeof kept);
		memcpy(kept, packed.data, packed.bytes);
		packed.data = kept;
		text = pack_read(p, &packed);
		if (text)
			outcome = memcmp(text, container, sizeof container - 1) == 0
			                  ? OUTCOME_WHOLE
			                  : OUTCOME_WRONG;
	}
	pack_free(p);
	return outcome;
}

static void work(void *arg, const char *key)
{
	unsigned *count = arg;

	*count += key[0] == 'n';
}

static enum outcome queue_work(void)
{
	struct event_base *base = event_base_new();
	unsigned count = 0;
	const struct workqueue_opts opts = {.work = work, .arg = &count};
	struct workqueue *q = NULL;
	struct err err = {0};
	int result = workqueue_new(base, &opts, &q, &err);
	enum outcome outcome = OUTCOME_TOLD;

	if (result == 0) {
		workqueue_add(q, "n/a");
		workqueue_add(q, "n/b");
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
		outcome = count == 2 ? OUTCOME_WHOLE : OUTCOME_LESS;
	} else if (!told(result, &err)) {
		outcome = OUTCOME_WRONG;
	}
	workqueue_free(q);
	event_base_free(base);
	return outcome;
}

static enum outcome merge_objects(void)
{
	json_t *object = short_memory_object(container);
	json_t *patch;
	json_t *merged;
	json_t *diff;
	enum outcome outcome = OUTCOME_TOLD;

	short_memory_pause(true);
	patch = json_pack("{s{sb} s{sn}}", "spec", "running", 0, "metadata", "labels");
	short_memory_pause(false);
	merged = json_merge_patch(object, patch);
	diff = merged ? json_merge_diff(object, merged) : NULL;
	if (merged && diff)
		outcome = json_equal(diff, patch) ? OUTCOME_WHOLE : OUTCOME_WRONG;
	json_decref(merged);
	json_decref(diff);
	json_decref(patch);
	json_decref(object);
	return outcome;
}

static void test_parsers_short_of_memory(void **state)
{
	short_memory_try("YAML", read_yaml);
	short_memory_try("JSON", read_json);
	short_memory_try("a list", feed_list);
	short_memory_try("a watch", feed_watch);
	short_memory_try_ending("a container", parse_resource);
}

static void test_hosts_short_of_memory(void **state)
{
	short_memory_try_ending("claims of hosts", claim_hosts);
	short_memory_try_ending("hosts admitted", admit_hosts);
}

static void test_objects_short_of_memory(void **state)
{
	short_memory_try_ending("a cache", keep_objects);
	short_memory_try("a packed object", pack_object);
	short_memory_try_ending("a merge patch", merge_objects);
}

static void test_the_rest_short_of_memory(void **state)
{
	short_memory_try("metrics", write_metrics);
	short_memory_try_ending("a work queue", queue_work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_config_short_of_memory),
	        cmocka_unit_test(test_kubeconfig_short_of_memory),
	        cmocka_unit_test(test_parsers_short_of_memory),
	        cmocka_unit_test(test_hosts_short_of_memory),
	        cmocka_unit_test(test_objects_short_of_memory),
	        cmocka_unit_test(test_the_rest_short_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
