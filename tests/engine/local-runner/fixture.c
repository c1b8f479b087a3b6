/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/engine/io/podman_conf.h"
#include "local/registry.h"
#include "local/runner.h"
#include "local/runner/io/podman.h"
#include "local/runner/io/tar.h"

extern char **environ;

enum { DEADLINE_MS = 30000, LOG_BYTES = 1 << 20 };

static const struct kube_type types[] = {
        {"", "v1", "pods", "Pod", false},
        {"", "v1", "configmaps", "ConfigMap", false},
        {"", "v1", "secrets", "Secret", false},
};

struct fixture {
	struct event_base *base;
	struct registry *registry;
	struct runner *runner;
	pid_t podman;
	char dir[256];
	char socket[320];
	char pods[300];
	char pulls[300];
	char database[300];
	char run[300];
	char seen[4096]; /* the last thing that was seen */
	char log[65536];
	size_t log_bytes;
	bool log_ended;
};

const char *fixture_dir(const struct fixture *f)
{
	return f->dir;
}

static void turn(struct fixture *f)
{
	struct timeval tv = {0, 10000};

	(void)event_base_loopexit(f->base, &tv);
	(void)event_base_dispatch(f->base);
}

static void podman_spawn(struct fixture *f)
{
	char url[340];
	char *argv[] = {(char *)"podman",
	                (char *)"system",
	                (char *)"service",
	                (char *)"--time",
	                (char *)"0",
	                url,
	                NULL};
	struct podman_conf conf = {f->dir, f->run, LOG_BYTES};
	posix_spawn_file_actions_t actions;
	struct err err = {0};

	if (podman_conf_write(&conf, &err) < 0 || podman_conf_env(&conf, &err) < 0)
		fail_msg("%s", err.text);
	(void)snprintf(url, sizeof url, "unix://%s", f->socket);
	/* conmon leaves a file where its Podman is, when a container runs out of memory */
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_addchdir_np(&actions, f->run), 0);
	assert_int_equal(posix_spawnp(&f->podman, "podman", &actions, NULL, argv, environ), 0);
	(void)posix_spawn_file_actions_destroy(&actions);
	for (int i = 0; i < 1000 && access(f->socket, F_OK) < 0; i++)
		turn(f);
	assert_int_equal(access(f->socket, F_OK), 0);
}

static void file_slurp(const char *path, char **ret_data, size_t *ret_bytes)
{
	FILE *f = fopen(path, "re");
	struct stat st;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	*ret_data = malloc((size_t)st.st_size);
	assert_non_null(*ret_data);
	*ret_bytes = fread(*ret_data, 1, (size_t)st.st_size, f);
	(void)fclose(f);
}

static void on_loaded(void *arg, const struct podman_result *res)
{
	int *status = arg;

	*status = res->message ? 500 : 200;
}

/* localhost/busybox:test: Debian's static busybox as /bin/sh and what the tests need of it. Podman
 * imports a plain file system archive, too. */
static void image_make(struct fixture *f)
{
	static const char *const names[] = {"bin/sh",   "bin/sleep", "bin/cat",     "bin/httpd",
	                                    "bin/test", "bin/id",    "bin/hostname"};
	struct tar_buf tar = {0};
	struct podman *podman = NULL;
	struct err err;
	char *data;
	size_t bytes;
	int status = 0;
	struct podman_request req = {
	        .method = "POST",
	        .path = "/images/import?reference=localhost/busybox:test",
	        .done = on_loaded,
	        .arg = &status,
	};

	file_slurp("/bin/busybox", &data, &bytes);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		tar_add(&tar, names[i], 0755, data, bytes);
	tar_end(&tar);
	free(data);
	assert_false(tar.failed);
	req.raw = tar.data;
	req.raw_bytes = tar.bytes;
	assert_int_equal(podman_new(f->base, f->socket, &podman, &err), 0);
	assert_non_null(podman_start(podman, &req, &err));
	while (status == 0)
		turn(f);
	podman_free(podman);
	tar_done(&tar);
	assert_int_equal(status, 200);
}

void fixture_start(struct fixture *f)
{
	const struct registry_opts registry_opts = {
	        .database_file = f->database,
	        .change_log_max = 1000,
	        .node_name = "local",
	};
	const struct runner_opts opts = {
	        .node_name = "local",
	        .podman_socket = f->socket,
	        .pods_dir = f->pods,
	        .pulls_dir = f->pulls,
	        .run_dir = f->run,
	        .cgroup_root = getenv("ENGINE_CGROUP"),
	        .bridge = "sctest0",
	        .owner = "/run/sctest",
	        .subnet = "10.99.0.1/16",
	        .netns_pool_count = 2,
	        .log_bytes_max = LOG_BYTES,
	        .wrapper_image = "localhost/sc-wrapper:test",
	};
	struct err err = {0};
	uint64_t deadline = clk_now_ms() + DEADLINE_MS;

	if (registry_open(f->base, &registry_opts, &f->registry, &err) < 0 ||
	    runner_open(f->base, f->registry, &opts, &f->runner, &err) < 0)
		fail_msg("%s", err.text);
	while (runner_why_not_ready(f->runner) != NULL && clk_now_ms() < deadline)
		turn(f);
	assert_null(runner_why_not_ready(f->runner));
}

void fixture_kill(struct fixture *f)
{
	runner_free(f->runner);
	f->runner = NULL;
	registry_close(f->registry);
	f->registry = NULL;
}

/* An ended process has no command line. */
static bool has_argument(const char *pid, const char *part)
{
	char path[300], text[4096];
	FILE *file;
	size_t bytes;

	(void)snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
	file = fopen(path, "re");
	bytes = file != NULL ? fread(text, 1, sizeof text, file) : 0;
	if (file != NULL)
		(void)fclose(file);
	return memmem(text, bytes, part, strlen(part)) != NULL;
}

/* Only what isolate.sh has put into this namespace of processes is seen here. */
static unsigned processes_kill(const char *part, int sig)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	unsigned killed = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has_argument(entry->d_name, part) &&
		    kill((pid_t)strtoull(entry->d_name, NULL, 10), sig) == 0)
			killed++;
	}
	(void)closedir(dir);
	return killed;
}

void fixture_kill_process(const char *part)
{
	unsigned killed = processes_kill(part, SIGKILL);

	if (killed != 1)
		fail_msg("%u processes with %s", killed, part);
}

void fixture_expect_shell(struct fixture *f, const char *command)
{
	uint64_t deadline = clk_now_ms() + DEADLINE_MS;

	while (system(command) != 0) {
		if (clk_now_ms() > deadline)
			fail_msg("%s", command);
		turn(f);
	}
}

void fixture_expect_no_process(const char *part)
{
	uint64_t deadline = clk_now_ms() + DEADLINE_MS;

	while (processes_kill(part, 0) > 0 && clk_now_ms() < deadline)
		(void)poll(NULL, 0, 20);
	assert_int_equal(processes_kill(part, 0), 0);
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	const char *dir = getenv("ENGINE_DIR");

	assert_non_null(f);
	*state = f;
	assert_non_null(dir);
	log_setup("test", LOG_DEBUG, LOG_FORMAT_LOGFMT);
	(void)snprintf(f->dir, sizeof f->dir, "%s", dir);
	(void)snprintf(f->pods, sizeof f->pods, "%s/pods", dir);
	(void)snprintf(f->pulls, sizeof f->pulls, "%s/pulls", dir);
	(void)snprintf(f->database, sizeof f->database, "%s/objects.sqlite", dir);
	(void)snprintf(f->run, sizeof f->run, "/run/sc-test");
	(void)snprintf(f->socket, sizeof f->socket, "%s/podman.sock", f->run);
	(void)mkdir(f->run, 0700);
	f->base = event_base_new();
	podman_spawn(f);
	image_make(f);
	fixture_start(f);
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	if (f->runner != NULL)
		fixture_kill(f);
	if (f->podman > 0) {
		(void)kill(f->podman, SIGTERM);
		(void)waitpid(f->podman, NULL, 0);
	}
	if (f->base != NULL)
		event_base_free(f->base);
	free(f);
	return 0;
}

void fixture_create(struct fixture *f, const char *plural, const char *json_text)
{
	json_t *object = json_loads(json_text, 0, NULL), *made = NULL;
	struct err err = {0};

	assert_non_null(object);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(types[i].plural, plural) == 0 &&
		    registry_create(f->registry, &(struct registry_ref){&types[i], "default"},
		                    object, &made, &err) < 0)
			fail_msg("%s", err.text);
	}
	json_decref(object);
	json_decref(made);
}

void fixture_pod(struct fixture *f, const char *name, const char *command, const char *more)
{
	char text[4096];

	(void)snprintf(text, sizeof text,
	               "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\"},"
	               "\"spec\":{\"terminationGracePeriodSeconds\":2,"
	               "\"containers\":[{\"name\":\"main\",\"image\":\"localhost/busybox:test\","
	               "\"command\":[\"/bin/sh\",\"-c\",\"%s\"]%s",
	               name, command, more);
	fixture_create(f, "pods", text);
}

json_t *fixture_get(struct fixture *f, const char *pod)
{
	const struct registry_ref ref = {&types[0], "default", pod, NULL};
	json_t *object = NULL;

	return registry_get(f->registry, &ref, &object, NULL) < 0 ? NULL : object;
}

/* RFC 6901 without escapes. */
static const json_t *at_pointer(const json_t *value, const char *pointer)
{
	char key[128];

	while (*pointer == '/' && value != NULL) {
		size_t len = strcspn(pointer + 1, "/");

		(void)snprintf(key, sizeof key, "%.*s", (int)len, pointer + 1);
		value = json_is_array(value) ? json_array_get(value, (size_t)(key[0] - '0'))
		                             : json_object_get(value, key);
		pointer += len + 1;
	}
	return value;
}

static bool prints_as(const json_t *value, const char *want)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("null");
	bool same = json_is_string(value) ? strcmp(json_string_value(value), want) == 0
	                                  : strcmp(text, want) == 0;

	free(text);
	return same;
}

void fixture_expect(struct fixture *f, const char *pod, const char *pointer, const char *want)
{
	uint64_t deadline = clk_now_ms() + DEADLINE_MS;
	char *seen = NULL;

	while (clk_now_ms() < deadline) {
		json_t *object = fixture_get(f, pod);
		bool done = prints_as(at_pointer(object, pointer), want);

		free(seen);
		seen = object ? json_dumps(json_object_get(object, "status"), JSON_COMPACT) : NULL;
		json_decref(object);
		if (done) {
			free(seen);
			return;
		}
		turn(f);
	}
	(void)snprintf(f->seen, sizeof f->seen, "%s", seen ? seen : "no such Pod");
	free(seen);
	fail_msg("Pod %s: %s is not %s; its status: %s", pod, pointer, want, f->seen);
}

void fixture_delete(struct fixture *f, const char *pod, int grace_s)
{
	const struct registry_ref ref = {&types[0], "default", pod, NULL};
	const struct kube_delete_opts opts = {.grace_period_s = grace_s};
	json_t *object = NULL;
	struct err err = {0};

	if (registry_delete(f->registry, &ref, &opts, &object, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(object);
}

void fixture_expect_gone(struct fixture *f, const char *pod)
{
	uint64_t deadline = clk_now_ms() + DEADLINE_MS;
	json_t *object;

	while ((object = fixture_get(f, pod)) != NULL && clk_now_ms() < deadline) {
		json_decref(object);
		turn(f);
	}
	if (object != NULL)
		fail_msg("Pod %s is still there", pod);
}

static void on_log_data(void *arg, const char *data, size_t bytes)
{
	struct fixture *f = arg;

	if (bytes == 0) {
		f->log_ended = true;
		return;
	}
	if (f->log_bytes + bytes < sizeof f->log) {
		memcpy(f->log + f->log_bytes, data, bytes);
		f->log_bytes += bytes;
		f->log[f->log_bytes] = '\0';
	}
}

void fixture_expect_log(struct fixture *f, const char *pod, bool previous, const char *want)
{
	const struct pod_log_source *source = runner_log_source(f->runner);
	const struct pod_log_query query = {
	        .ns = "default",
	        .pod = pod,
	        .previous = previous,
	        .tail_lines = -1,
	        .on_data = on_log_data,
	        .arg = f,
	};
	uint64_t deadline = clk_now_ms() + DEADLINE_MS;

	while (clk_now_ms() < deadline) {
		struct pod_log *log = NULL;
		struct err err = {0};

		f->log_bytes = 0;
		f->log_ended = false;
		f->log[0] = '\0';
		if (source->open(source->arg, &query, &log, &err) < 0) {
			(void)snprintf(f->log, sizeof f->log, "%s", err.text);
			f->log_ended = true;
		}
		while (!f->log_ended)
			turn(f);
		if (strstr(f->log, want) != NULL)
			return;
		turn(f);
	}
	fail_msg("log of %s has no \"%s\": %s", pod, want, f->log);
}
