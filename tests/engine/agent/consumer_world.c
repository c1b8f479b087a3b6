/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/engine/agent/consumer_world.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/http/metrics.h"
#include "lib/kube/client/client.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/object.h"

struct shared *shared;
unsigned forks_count;
static const char *cgroup_roots[] = {T "/cgroup", NULL};
static const char *prefixes[] = {T "/prefix", NULL};

static void on_fork_parent(void)
{
	forks_count++;
}

static void on_fork_child(void)
{
	if (!shared->stops_next_fork)
		return;
	shared->stops_next_fork = false;
	shared->stopped = getpid();
	(void)raise(SIGSTOP);
}

/* --- the world --- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

void world_turns(struct world *w, struct event_base *base)
{
	w->agent.base = base;
	w->tick = evtimer_new(base, on_tick, NULL);
}

static void world_make_folders(void)
{
	assert_int_equal(system("mkdir -p " CONTROL " " T "/a/sc " T "/cgroup " T
	                        "/prefix/default/hello.uid-1/upper " T "/staging && mount --bind " T
	                        "/a/sc " CONTROL),
	                 0);
	assert_int_equal(chmod(T "/a/sc", 0777), 0);
	write_text(T "/cgroup/cgroup.procs", "");
	/* nobody answers there: nothing of this is about the API */
	write_text(T "/kubeconfig",
	           "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: k, "
	           "cluster: {server: 'http://127.0.0.1:1'}}], contexts: [{name: c, context: "
	           "{cluster: k, user: u}}], users: [{name: u, user: {token: t}}]}\n");
}

static void world_wire(struct world *w)
{
	static const double bounds[] = {1, METRICS_INF};
	static const char *const by_state[] = {"state", NULL};
	const struct informer_opts pods = {
	        .ref = {.type = &KUBE_PODS}, .index_key = kube_uid, .arg = w};
	struct err err;

	w->config = (struct agent_config){.node_name = "n1",
	                                  .pods_dir = T "/pods",
	                                  .staging_dir = T "/staging",
	                                  .cgroup_roots = cgroup_roots,
	                                  .host_path_prefixes = prefixes};
	w->metrics = metrics_new();
	w->agent.config = &w->config;
	world_turns(w, event_base_new());
	w->agent.handover_seconds = metrics_histogram(w->metrics, "h", "h", NULL, bounds);
	w->agent.rootfs_count = metrics_gauge(w->metrics, "r", "r", by_state);
	w->agent.consumers_count = metrics_gauge(w->metrics, "c", "c", by_state);
	w->agent.files_check_seconds = metrics_histogram(w->metrics, "f", "f", NULL, bounds);
	w->agent.files_refused = metrics_counter(w->metrics, "n", "n", by_state);
	w->agent.files_dropped = metrics_gauge(w->metrics, "d", "d", NULL);
	tree_must(kubeconfig_load(T "/kubeconfig", NULL, &w->kubeconfig, &err), &err);
	tree_must(kube_client_new(w->agent.base, w->kubeconfig, "test", &w->agent.kube, &err),
	          &err);
	tree_must(links_new(w->agent.base, w->config.pods_dir, &w->agent.links, &err), &err);
	tree_must(informer_new(w->agent.base, w->agent.kube, &pods, &w->agent.pods_seen, &err),
	          &err);
}

int world_setup(void **state)
{
	static struct world w;
	json_t *object = json_pack("{s:{s:s, s:s, s:s}, s:{s:i, s:s}}", "metadata", "namespace",
	                           "default", "name", "hello", "uid", "uid-1", "spec",
	                           "activationPort", PORT, "hostPathPrefix", T "/prefix");
	struct err err;

	(void)tree_setup(state);
	tree_mount();
	world_make_folders();
	w = (struct world){0};
	*shared = (struct shared){0};
	world_wire(&w);
	tree_must(instance_new(&w.agent, object, &w.inst, &err), &err);
	json_decref(object);
	w.inst->state = INSTANCE_READY;
	w.inst->root_fd = open(paths.target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	w.pod = json_pack("{s:{s:s}, s:{}}", "metadata", "uid", POD_UID, "spec");
	*state = &w;
	return 0;
}

void free_descriptors(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int world_teardown(void **state)
{
	struct world *w = *state;

	free_descriptors();
	if (w->container > 0) {
		(void)kill(w->container, SIGKILL);
		(void)waitpid(w->container, NULL, 0);
	}
	instance_free(w->inst);
	json_decref(w->pod);
	informer_free(w->agent.pods_seen);
	links_free(w->agent.links);
	kube_client_free(w->agent.kube);
	kubeconfig_free(w->kubeconfig);
	metrics_free(w->metrics);
	event_free(w->tick);
	event_base_free(w->agent.base);
	return tree_teardown(state);
}

void see_pod(struct world *w)
{
	struct err err;

	tree_must(consumer_new(w->inst, w->pod, &w->c, &err), &err);
	consumer_see_pod(w->c, w->pod);
}

void turn(struct world *w)
{
	static const struct timeval tick = {0, 5000};

	(void)evtimer_add(w->tick, &tick);
	(void)event_base_loop(w->agent.base, EVLOOP_ONCE);
}

void turn_for(struct world *w, uint64_t ms)
{
	uint64_t until_ms = clk_now_ms() + ms;

	while (clk_now_ms() < until_ms)
		turn(w);
}

void start_wrapper(struct world *w)
{
	static char *argv[] = {(char *)"/bin/sleep", (char *)"1000", NULL};
	const struct container c = {.dir = T "/a", .argv = argv};

	w->container = container_start(&c);
}

void end_container(struct world *w)
{
	assert_int_equal(kill(w->container, SIGKILL), 0);
	assert_int_equal(waitpid(w->container, NULL, 0), w->container);
	w->container = 0;
}

void start_other(struct world *w, void (*run)(int listen_fd))
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = T "/a/sc/wrapper.sock"};
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	w->container = (pid_t)syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	assert_true(w->container >= 0);
	if (w->container == 0) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, 4) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(99);
		run(fd);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

int listen_on_port(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* --- start --- */

static void enter_cgroup(const char *pod)
{
	bool is_hybrid = access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0;
	char dir[PATH_MAX], path[PATH_MAX + 16];

	(void)snprintf(dir, sizeof dir, "%s/%s",
	               is_hybrid ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup",
	               getenv("ENGINE_CGROUP"));
	(void)mkdir(dir, 0755);
	(void)snprintf(dir + strlen(dir), sizeof dir - strlen(dir), "/pod%s", pod);
	(void)mkdir(dir, 0755);
	(void)snprintf(path, sizeof path, "%s/cgroup.procs", dir);
	write_text(path, "0\n");
}

bool world_main(void)
{
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	if (shared == MAP_FAILED || pthread_atfork(NULL, on_fork_parent, on_fork_child) != 0 ||
	    system("ip addr add 10.9.8.7/32 dev lo") != 0)
		return false;
	enter_cgroup(POD_UID);
	return true;
}
