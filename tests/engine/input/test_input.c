/* SPDX-License-Identifier: Apache-2.0 */
/* Bad manifests and hostile images on the whole product: what a user sees, and what stays whole. */
#include "tests/engine/input/input.h"
#include "tests/world/world_internal.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/kube/client/object.h"

#define GOOD "localhost/input:1"
#define SCS INPUT_API "/stoppablecontainers"
#define SCIS INPUT_API "/stoppablecontainerinstances"

/* A held request that fails is answered when that is known, not at its timeout. */
enum { AT_ONCE_MS = 5000 };

static int setup(void **state)
{
	*state = world_new(&(struct world_options){.runner = true});
	input_image(*state, GOOD, ":");
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void test_an_image_that_does_not_exist_is_told_until_it_is_there(void **state)
{
	struct world *w = *state;

	input_apply(w, &(struct input_manifest){"noimage", "localhost/later:1"});
	assert_true(input_answer("noimage.default.localhost", 503,
	                         "ImagePullFailed: image \"localhost/later:1\" cannot be pulled") <
	            2 * AT_ONCE_MS);
	input_condition(w, "noimage", "ProviderReady", "ImagePullFailed", "localhost/later:1");
	input_condition(w, "noimage", "Ready", "ImagePullFailed", "check its name");
	input_event(w, "noimage", "ImagePullFailed");
	input_image(w, "localhost/later:1", ":");
	input_answer_soon("noimage.default.localhost", 200, "localhost/later:1");
}

static void test_a_command_that_is_not_in_the_image_is_told_at_once(void **state)
{
	struct world *w = *state;

	input_apply(w, &(struct input_manifest){"nocmd", GOOD, "\"command\":[\"/bin/nope\"]"});
	assert_true(input_answer("nocmd.default.localhost", 503,
	                         "failed: CommandNotFound: /bin/nope: No such file") < AT_ONCE_MS);
	input_event(w, "nocmd", "CommandNotFound");
	input_apply(w,
	            &(struct input_manifest){"noexec", GOOD, "\"command\":[\"/www/index.html\"]"});
	assert_true(input_answer("noexec.default.localhost", 503,
	                         "failed: CommandNotExecutable: /www/index.html: Permission") <
	            AT_ONCE_MS);
}

static void test_a_process_that_ends_is_told_with_its_exit_code(void **state)
{
	struct world *w = *state;

	input_apply(w, &(struct input_manifest){"exits", GOOD,
	                                        "\"command\":[\"/bin/sh\",\"-c\",\"exit 3\"]"});
	(void)input_answer("exits.default.localhost", 503, "CrashLoopBackOff");
	input_condition(w, "exits", "ConsumerReady", "CrashLoopBackOff",
	                "(last exit code 3): see kubectl logs --previous -n default exits");
}

static void test_a_port_on_which_nobody_listens_times_out_with_those_that_do(void **state)
{
	struct world *w = *state;

	input_apply(w, &(struct input_manifest){"port", GOOD,
	                                        "\"args\":[\"-p\",\"9090\"],\"command\":[\"/bin/"
	                                        "httpd\",\"-f\",\"-h\",\"/www\"]"});
	input_patch(w, "port", "{\"activation\":{\"holdTimeout\":\"6s\"}}");
	(void)input_answer("port.default.localhost", 504,
	                   "nothing listens on port 8080; listening: 9090");
	input_condition(w, "port", "ConsumerReady", "WaitingForPort", "listening: 9090");
}

static void test_two_that_claim_one_host_the_older_has_it(void **state)
{
	static const char hosts[] = "\"hosts\":[\"shop.test\"]";
	struct world *w = *state;

	input_image(w, "localhost/older:1", ":");
	input_apply(w, &(struct input_manifest){"older", "localhost/older:1", NULL, NULL, hosts});
	input_condition(w, "older", "Activatable", "Routed", "");
	(void)sleep(1); /* creationTimestamps are in seconds */
	input_apply(w, &(struct input_manifest){"younger", GOOD, NULL, NULL, hosts});
	input_condition(w, "younger", "Activatable", "HostConflict", "default/older");
	input_event(w, "younger", "HostConflict");
	input_answer_soon("shop.test", 200, "localhost/older:1");
	world_delete(w, SCS "/older");
	world_expect_gone(w, SCS "/older");
	input_condition(w, "younger", "Activatable", "Routed", "");
	input_answer_soon("shop.test", 200, GOOD);
}

static void test_without_a_port_there_is_nothing_to_wake_for(void **state)
{
	struct world *w = *state;

	input_apply(w, &(struct input_manifest){"noport", GOOD, "\"ports\":[]"});
	input_condition(w, "noport", "Activatable", "NoPort", "spec.activation.port");
	input_answer_soon("noport.default.localhost", 404, "no port or activation disabled");
	(void)input_answer("nobody.default.localhost", 404,
	                   "no StoppableContainer answers for this host");
}

static void test_a_prefix_that_is_not_allowed_is_named(void **state)
{
	struct world *w = *state;

	char want[PATH_MAX + 64];

	(void)snprintf(
	        want, sizeof want,
	        "\"/etc\" is not allowed on node local; its --host-path-prefixes are: %s/rootfs",
	        world_dir(w));
	input_apply(w, &(struct input_manifest){.name = "prefix", .image = GOOD, .prefix = "/etc"});
	input_condition(w, "prefix", "RootfsReady", "PrefixNotAllowed", want);
	input_event(w, "prefix", "PrefixNotAllowed");
	(void)input_answer("prefix.default.localhost", 503, "failed: PrefixNotAllowed: hostPath");
}

static void test_another_image_over_kept_files_is_refused_until_they_are_dropped(void **state)
{
	struct world *w = *state;
	char order[256];
	json_t *instance;
	const char *digest;

	input_apply(w, &(struct input_manifest){"keep", GOOD});
	input_answer_soon("keep.default.localhost", 200, GOOD);
	input_patch(w, "keep", "{\"running\":false}");
	world_expect(w, SCIS "/keep", "/status/phase", "Stopped");
	input_image(w, "localhost/input:2", ":");
	input_patch(w, "keep", "{\"template\":{\"container\":{\"image\":\"localhost/input:2\"}}}");
	input_condition(w, "keep", "RootfsReady", "DigestChanged",
	                "kubectl annotate -n default sci");
	(void)sleep(2); /* longer than the first back-off: it stays refused */
	(void)input_answer("keep.default.localhost", 503, "failed: DigestChanged: the files");
	instance = world_get(w, SCIS "/keep");
	digest = strrchr(json_str_at(instance, "", "status", "rootfs", "message", NULL), '=');
	assert_non_null(digest);
	(void)snprintf(order, sizeof order,
	               "{\"metadata\":{\"annotations\":{\"stoppablecontainer.xtlsoft.top/"
	               "reset-rootfs\":\"%s\"}}}",
	               digest + 1);
	json_decref(instance);
	json_decref(world_merge_patch(w, SCIS "/keep", order));
	input_answer_soon("keep.default.localhost", 200, "localhost/input:2");
	/* it was an order for once */
	world_expect(w, SCIS "/keep",
	             "/metadata/annotations/stoppablecontainer.xtlsoft.top~1reset-rootfs", "");
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* The stop is over when its generation is in the record and, after that, in the API. */
static void wait_recorded(struct world *w, const char *path)
{
	uint64_t deadline_ms = world_deadline();
	bool is_there;

	do {
		json_t *instance = world_get(w, path);

		is_there = *json_str_at(instance, "", "status", "rootfs", "filesGeneration",
		                        NULL) != '\0';
		json_decref(instance);
	} while (!is_there && world_poll(deadline_ms));
	assert_true(is_there);
}

static void test_a_corrupt_record_is_told_and_its_files_are_kept(void **state)
{
	struct world *w = *state;
	char dir[PATH_MAX];
	char record[PATH_MAX + 16];
	char kept[PATH_MAX + 32];
	json_t *instance;
	struct stat st;

	input_apply(w, &(struct input_manifest){"record", GOOD,
	                                        "\"command\":[\"/bin/sh\",\"-c\",\"echo kept "
	                                        ">/www/index.html; exec /bin/httpd -f -h /www -p "
	                                        "8080\"]"});
	input_answer_soon("record.default.localhost", 200, "kept");
	input_patch(w, "record", "{\"running\":false}");
	world_expect(w, SCIS "/record", "/status/phase", "Stopped");
	wait_recorded(w, SCIS "/record");
	instance = world_get(w, SCIS "/record");
	(void)snprintf(dir, sizeof dir, "%s",
	               json_str_at(instance, "", "status", "rootfs", "hostPath", NULL));
	json_decref(instance);
	(void)snprintf(record, sizeof record, "%s/record.json", dir);
	(void)snprintf(kept, sizeof kept, "%s/upper/www/index.html", dir);
	write_text(record, "{\"version\":");
	input_image(w, "localhost/input:3", ":");
	input_patch(w, "record",
	            "{\"template\":{\"container\":{\"image\":\"localhost/input:3\"}}}");
	input_condition(w, "record", "RootfsReady", "RecordCorrupt", "record.json in ");
	(void)input_answer("record.default.localhost", 503,
	                   "failed: RecordCorrupt: record.json in ");
	assert_int_equal(stat(kept, &st), 0);
}

static void expect_empty(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.')
			fail_msg("%s/%s came to be on the host", dir, e->d_name);
	}
	(void)closedir(d);
}

static void expect_no_mount(const char *dir)
{
	char line[4096];
	FILE *f = fopen("/proc/self/mounts", "re");

	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL)
		assert_null(strstr(line, dir));
	(void)fclose(f);
}

#define VOLUME "\"volumes\":[{\"name\":\"d\",\"emptyDir\":{}}]"
#define AT(path) "\"volumeMounts\":[{\"name\":\"d\",\"mountPath\":\"" path "\"}]"

/* Each leads to the canary: by an absolute path, or up out of the tree. */
static const struct hostile {
	const char *name;
	const char *snippet; /* %s: the canary */
	const char *container;
	const char *template;
	int status;
	const char *text;
} hostiles[] = {
        {"h-proc", "ln -s %s proc", NULL, NULL, 503, "UnsafeMountPoint: /proc in the image"},
        {"h-dev", "ln -s %s dev", NULL, NULL, 503, "UnsafeMountPoint: /dev in the image"},
        {"h-up", "ln -s ../../../../../../../../../..%s dev", NULL, NULL, 503,
         "UnsafeMountPoint: /dev in the image"},
        {"h-sys", "ln -s %s sys", NULL, NULL, 503, "UnsafeMountPoint: /sys in the image"},
        {"h-data", "ln -s %s data", AT("/data"), VOLUME, 200, "h-data"},
        {"h-rel", "ln -s ../../../../../../../../../..%s data", AT("/data"), VOLUME, 200, "h-rel"},
        {"h-parent", "ln -s %s srv", AT("/srv/deep/data"), VOLUME, 200, "h-parent"},
        {"h-etc", "rm -rf etc && ln -s %s etc", NULL, NULL, 503, "StartError"},
        {"h-file", "echo %s >data", AT("/data"), VOLUME, 503,
         "UnsafeMountPoint: mount point /data: a file is there, and a folder is to be mounted"},
        {"h-root", "ln -s . data; : %s", AT("/data"), VOLUME, 503,
         "UnsafeMountPoint: mount point /data: leads to the root"},
};

static void test_links_in_an_image_lead_nowhere_on_the_host(void **state)
{
	struct world *w = *state;
	char canary[PATH_MAX];
	char snippet[PATH_MAX + 256];
	char text[64];

	(void)snprintf(canary, sizeof canary, "%s/canary", world_dir(w));
	assert_int_equal(mkdir(canary, 0777), 0);
	for (size_t i = 0; i < sizeof hostiles / sizeof hostiles[0]; i++) {
		const struct hostile *h = &hostiles[i];

		(void)snprintf(text, sizeof text, "localhost/%s:1", h->name);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(snippet, sizeof snippet, h->snippet, canary);
#pragma GCC diagnostic pop
		input_image(w, text, snippet);
		input_apply(w, &(struct input_manifest){h->name, text, h->container, h->template});
		(void)snprintf(text, sizeof text, "%s.default.localhost", h->name);
		input_answer_soon(text, h->status, h->text);
		expect_empty(canary);
		expect_no_mount(canary);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_an_image_that_does_not_exist_is_told_until_it_is_there),
	        cmocka_unit_test(test_a_command_that_is_not_in_the_image_is_told_at_once),
	        cmocka_unit_test(test_a_process_that_ends_is_told_with_its_exit_code),
	        cmocka_unit_test(test_a_port_on_which_nobody_listens_times_out_with_those_that_do),
	        cmocka_unit_test(test_two_that_claim_one_host_the_older_has_it),
	        cmocka_unit_test(test_without_a_port_there_is_nothing_to_wake_for),
	        cmocka_unit_test(test_a_prefix_that_is_not_allowed_is_named),
	        cmocka_unit_test(
	                test_another_image_over_kept_files_is_refused_until_they_are_dropped),
	        cmocka_unit_test(test_a_corrupt_record_is_told_and_its_files_are_kept),
	        cmocka_unit_test(test_links_in_an_image_lead_nowhere_on_the_host),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
