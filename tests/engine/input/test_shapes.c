/* SPDX-License-Identifier: Apache-2.0 */
/* Both shapes of the existing operator's manifests, applied as they are by a stock kubectl. */
#include "tests/engine/input/input.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define SCS INPUT_API "/stoppablecontainers"
#define PODS "/api/v1/namespaces/default/pods"

/* The default prefix of the manifests, in the test's own mount namespace. */
static int setup(void **state)
{
	char dir[PATH_MAX];

	(void)snprintf(dir, sizeof dir, "%s/var-lib", getenv("ENGINE_DIR"));
	if (mkdir(dir, 0755) < 0 || mount(dir, "/var/lib", NULL, MS_BIND, NULL) < 0)
		return -1;
	*state = world_new(&(struct world_options){
	        .runner = true, .host_path_prefix = "/var/lib/stoppablecontainer"});
	input_image(*state, "docker.io/library/busybox:stable", ":");
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return umount2("/var/lib", MNT_DETACH);
}

static void apply(struct world *w, const char *file)
{
	char path[PATH_MAX];
	char cache[PATH_MAX];
	int code;

	(void)snprintf(cache, sizeof cache, "%s/kube", world_dir(w));
	assert_int_equal(setenv("KUBECACHEDIR", cache, 1), 0);
	(void)snprintf(path, sizeof path, "%s/%s", getenv("SC_INPUT_DIR"), file);
	code = input_run((const char *const[]){"timeout", "20", "kubectl", "--kubeconfig",
	                                       world_kubeconfig(w), "apply", "-f", path, NULL});
	if (code == 127)
		skip();
	assert_int_equal(code, 0);
}

static void sleep_and_wake(struct world *w, const char *name, const char *want)
{
	char path[256];
	char host[128];

	(void)snprintf(path, sizeof path, SCS "/%s", name);
	(void)snprintf(host, sizeof host, "%s.default.localhost", name);
	world_expect(w, path, "/status/phase", "Running");
	(void)input_answer(host, 200, want);
	input_patch(w, name, "{\"running\":false}");
	world_expect(w, path, "/status/phase", "Stopped");
	(void)input_answer(host, 200, want);
}

static void test_the_short_shape_runs(void **state)
{
	apply(*state, "shape-short.yaml");
	sleep_and_wake(*state, "short", "short-shape");
}

static void test_the_long_shape_runs(void **state)
{
	apply(*state, "shape-long.yaml");
	world_expect(*state, PODS "/long", "/metadata/labels/app", "long");
	world_expect(*state, PODS "/long", "/metadata/annotations/example.com~1note", "kept");
	sleep_and_wake(*state, "long", "long-shape");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_short_shape_runs),
	        cmocka_unit_test(test_the_long_shape_runs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
