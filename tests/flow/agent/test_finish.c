/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent that is asked to end first writes what it has recorded into the statuses of its
 * instances, and waits for an API server that does not answer only as long as it may.
 */
#include "tests/world/world.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/io/agent.h"
#include "agent/io/instance.h"
#include "lib/base/clk.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/client.h"
#include "lib/kube/client/kubeconfig.h"

#define COLLECTION                                                                                 \
	"/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default/"                        \
	"stoppablecontainerinstances"
#define INSTANCE COLLECTION "/hello"

enum { PATH_BYTES = 300 };

struct fixture {
	struct world *world;
	char pods_dir[PATH_BYTES];
	struct agent_config config;
	struct agent agent;
	struct metrics *metrics;
	struct kubeconfig *kubeconfig;
	struct event *tick;
};

static const char *roots[] = {"/sys/fs/cgroup", NULL};
static const char *prefixes[] = {"/var/lib/none", NULL};

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void must(int rc, const struct err *err)
{
	if (rc < 0)
		fail_msg("%s", err->text);
}

static int setup(void **state)
{
	const struct world_options options = {.runner = false};
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	f->world = world_new(&options);
	(void)snprintf(f->pods_dir, sizeof f->pods_dir, "%s/pods", world_dir(f->world));
	f->config = (struct agent_config){.node_name = "n1",
	                                  .pods_dir = f->pods_dir,
	                                  .podman_socket = "/nonexistent",
	                                  .staging_dir = f->pods_dir,
	                                  .cgroup_roots = roots,
	                                  .host_path_prefixes = prefixes};
	f->metrics = metrics_new();
	return 0;
}

/* As main() does it. */
static void agent_up(struct fixture *f, const char *kubeconfig)
{
	struct err err;

	f->agent = (struct agent){.config = &f->config, .base = event_base_new()};
	f->tick = event_new(f->agent.base, -1, EV_PERSIST, on_tick, f);
	must(event_add(f->tick, &(struct timeval){0, 5000}), &err);
	must(kubeconfig_load(kubeconfig, NULL, &f->kubeconfig, &err), &err);
	must(kube_client_new(f->agent.base, f->kubeconfig, "test", &f->agent.kube, &err), &err);
	must(agent_start(&f->agent, f->metrics, &err), &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	agent_stop(&f->agent);
	kube_client_free(f->agent.kube);
	kubeconfig_free(f->kubeconfig);
	event_free(f->tick);
	event_base_free(f->agent.base);
	metrics_free(f->metrics);
	world_free(f->world);
	free(f);
	return 0;
}

/* The files of a run that is over, as instance_files.c has it when they are on the disk. */
static void record(struct instance *inst)
{
	inst->files.recorded = (struct files_id){7, 0x1f};
	instance_report_later(inst);
}

static void on_asked(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	agent_finish(arg);
}

/* As a signal does it. */
static void finish_in_the_loop(struct fixture *f)
{
	struct event_base *base = f->agent.base;

	assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, on_asked, &f->agent, NULL), 0);
	assert_int_equal(event_base_dispatch(base), 0);
	assert_true(event_base_got_break(base));
}

static struct instance *find_instance(struct fixture *f)
{
	uint64_t until_ms = clk_now_ms() + WORLD_DEADLINE_MS;

	while (LIST_EMPTY(&f->agent.instances)) {
		assert_true(clk_now_ms() < until_ms);
		assert_true(event_base_loop(f->agent.base, EVLOOP_ONCE) >= 0);
	}
	return LIST_FIRST(&f->agent.instances);
}

static void test_agent_writes_what_it_recorded_before_it_ends(void **state)
{
	struct fixture *f = *state;

	json_decref(world_create(f->world, COLLECTION,
	                         "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\","
	                         "\"kind\":\"StoppableContainerInstance\",\"metadata\":{\"name\":"
	                         "\"hello\"},\"spec\":{\"stoppableContainerName\":\"hello\","
	                         "\"template\":{\"container\":{\"image\":\"app:1\"}}}}"));
	json_decref(world_merge_patch(f->world, INSTANCE "/status",
	                              "{\"status\":{\"rootfs\":{\"nodeName\":\"n1\"}}}"));
	agent_up(f, world_kubeconfig(f->world));
	record(find_instance(f));
	finish_in_the_loop(f);
	world_expect(f->world, INSTANCE, "/status/rootfs/filesGeneration", "7-0000001f");
}

/* A server that takes connections and never answers. Return: its socket */
static int mute_server(const struct fixture *f, char kubeconfig[PATH_BYTES])
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
	                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof addr;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *file;

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	(void)snprintf(kubeconfig, PATH_BYTES, "%.200s/mute-kubeconfig", world_dir(f->world));
	file = fopen(kubeconfig, "we");
	assert_non_null(file);
	(void)fprintf(file,
	              "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: k, "
	              "cluster: {server: 'http://127.0.0.1:%u'}}], contexts: [{name: c, context: "
	              "{cluster: k, user: u}}], users: [{name: u, user: {token: t}}]}\n",
	              ntohs(addr.sin_port));
	assert_int_equal(fclose(file), 0);
	return fd;
}

/* An agent that has recorded something and can tell nobody. Return: the server's socket */
static int up_with_a_mute_api(struct fixture *f, struct instance **ret_instance)
{
	json_t *object =
	        json_pack("{s:{s:s, s:s, s:s}, s:{s:{s:s}}}", "metadata", "namespace", "default",
	                  "name", "hello", "uid", "uid-1", "status", "rootfs", "nodeName", "n1");
	char kubeconfig[PATH_BYTES];
	int fd = mute_server(f, kubeconfig);
	struct err err;

	agent_up(f, kubeconfig);
	must(instance_new(&f->agent, object, ret_instance, &err), &err);
	json_decref(object);
	record(*ret_instance);
	return fd;
}

static void test_agent_ends_where_the_api_does_not_answer(void **state)
{
	struct fixture *f = *state;
	struct instance *inst;
	int fd = up_with_a_mute_api(f, &inst);
	uint64_t begin_ms = clk_now_ms();

	finish_in_the_loop(f);
	assert_true(instance_is_unwritten(inst));
	assert_in_range(clk_now_ms() - begin_ms, 1900, WORLD_DEADLINE_MS);
	(void)close(fd);
}

static void test_agent_that_is_asked_twice_ends_at_once(void **state)
{
	struct fixture *f = *state;
	struct instance *inst;
	int fd = up_with_a_mute_api(f, &inst);

	agent_finish(&f->agent);
	assert_false(event_base_got_break(f->agent.base));
	agent_finish(&f->agent);
	assert_true(event_base_got_break(f->agent.base));
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_agent_writes_what_it_recorded_before_it_ends,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(test_agent_ends_where_the_api_does_not_answer,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(test_agent_that_is_asked_twice_ends_at_once, setup,
	                                        teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
