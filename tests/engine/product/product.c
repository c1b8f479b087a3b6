/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/engine/product/product.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/api/instance.h"
#include "tests/world/world_internal.h"

#define PRODUCT_API "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default"

enum { PRODUCT_ARGS_MAX = 16 };

const char *product_local(void)
{
	static char path[WORLD_PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s/local/sc-local", getenv("SC_BUILD_DIR"));
	return path;
}

void product_run(struct product *p, const char *program, ...)
{
	const char *argv[PRODUCT_ARGS_MAX] = {program};
	size_t argc = 1;
	va_list ap;
	pid_t pid;
	int status = -1;

	va_start(ap, program);
	while (argc < PRODUCT_ARGS_MAX && (argv[argc] = va_arg(ap, const char *)) != NULL)
		argc++;
	va_end(ap);
	pid = fork();
	if (pid == 0) {
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execvp(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		world_fail(p->world, "%s %s: status %d", program, argv[1], status);
}

int product_up(void **state)
{
	struct product *p = calloc(1, sizeof *p);
	char state_dir[WORLD_PATH_BYTES];
	char run_dir[WORLD_PATH_BYTES];

	assert_non_null(p);
	*state = p;
	(void)pthread_mutex_init(&p->api, NULL);
	p->world = world_new(&(struct world_options){.runner = true});
	(void)snprintf(state_dir, sizeof state_dir, "--state-dir=%.400s/state",
	               world_dir(p->world));
	(void)snprintf(run_dir, sizeof run_dir, "--run-dir=%.400s/run", world_dir(p->world));
	product_run(p, "sh", getenv("SC_BOOT_IMAGE_SCRIPT"), getenv("SC_BOOT_SERVER"),
	            product_local(), "podman", state_dir, run_dir, "--", NULL);
	product_run(p, "sh", getenv("SC_HELLO_IMAGE_SCRIPT"), product_local(), "podman", state_dir,
	            run_dir, "--", NULL);
	return 0;
}

int product_down(void **state)
{
	struct product *p = *state;

	if (p == NULL)
		return 0;
	world_free(p->world);
	(void)pthread_mutex_destroy(&p->api);
	free(p);
	return 0;
}

static void product_path(char path[WORLD_PATH_BYTES], const char *kind, const char *name)
{
	(void)snprintf(path, WORLD_PATH_BYTES, PRODUCT_API "/%s/%s", kind, name);
}

void product_apply(struct product *p, const char *name, const char *image, bool running,
                   const char *idle)
{
	char text[1024];

	(void)snprintf(text, sizeof text,
	               "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\","
	               "\"kind\":\"StoppableContainer\",\"metadata\":{\"name\":\"%s\"},"
	               "\"spec\":{\"running\":%s,\"hostPathPrefix\":\"%s/"
	               "rootfs\",\"template\":{\"container\":{\"image\":\"%s\","
	               "\"ports\":[{\"containerPort\":8080}]}},\"idle\":{%s},"
	               "\"activation\":{\"holdTimeout\":\"30s\"}}}",
	               name, running ? "true" : "false", world_dir(p->world), image, idle);
	json_decref(world_create(p->world, PRODUCT_API "/stoppablecontainers", text));
}

json_t *product_object(struct product *p, const char *kind, const char *name)
{
	char path[WORLD_PATH_BYTES];
	json_t *object = NULL;
	int status;

	product_path(path, kind, name);
	(void)pthread_mutex_lock(&p->api);
	status = world_call(p->world, "GET", path, NULL, NULL, &object);
	(void)pthread_mutex_unlock(&p->api);
	if (status == 200)
		return object;
	json_decref(object);
	return NULL;
}

int product_set_running(struct product *p, const char *name, bool running)
{
	char path[WORLD_PATH_BYTES];
	int status;

	product_path(path, "stoppablecontainers", name);
	(void)pthread_mutex_lock(&p->api);
	status = world_call(
	        p->world, "PATCH", path, "application/merge-patch+json",
	        running ? "{\"spec\":{\"running\":true}}" : "{\"spec\":{\"running\":false}}", NULL);
	(void)pthread_mutex_unlock(&p->api);
	return status;
}

void product_wait_phase(struct product *p, const char *name, const char *phase)
{
	char path[WORLD_PATH_BYTES];

	product_path(path, "stoppablecontainers", name);
	world_expect(p->world, path, "/status/phase", phase);
}

int64_t product_start_count(struct product *p, const char *name)
{
	json_t *object = product_object(p, "stoppablecontainerinstances", name);
	json_int_t count = json_integer_value(
	        json_object_get(json_object_get(object, "status"), "startCount"));

	json_decref(object);
	return count;
}

void product_consumer_uid(struct product *p, const char *name, char uid[PRODUCT_UID_BYTES])
{
	json_t *object = product_object(p, "stoppablecontainerinstances", name);
	struct instance_consumer read;

	instance_consumer(object, INT64_MAX, &read);
	(void)snprintf(uid, PRODUCT_UID_BYTES, "%s", read.uid);
	json_decref(object);
}

void product_http(const char *name, const char *method, const char *path,
                  struct product_answer *ret_answer)
{
	struct world_response res;
	char host[128];
	const char *at;

	(void)snprintf(host, sizeof host, "%s.default.localhost", name);
	world_http(PRODUCT_PORT, method, host, path, strcmp(method, "POST") == 0 ? "x=1" : NULL,
	           &res);
	*ret_answer = (struct product_answer){.status = res.status};
	if (res.body != NULL) {
		(void)snprintf(ret_answer->body, sizeof ret_answer->body, "%s", res.body);
		at = strstr(res.body, "boot=");
		ret_answer->boot_ns = at != NULL ? strtoull(at + 5, NULL, 10) : 0;
		ret_answer->overlap = strstr(res.body, "overlap=1") != NULL;
	}
	world_response_done(&res);
}

double product_activator_metric(struct product *p, const char *series)
{
	char token_file[WORLD_PATH_BYTES];
	char url[128];
	struct world_request req = {.method = "GET", .url = url};
	size_t len = strlen(series);
	char *text = NULL;
	char *token;
	char *at;
	double value = 0;

	(void)snprintf(token_file, sizeof token_file, "%.400s/state/admin-token",
	               world_dir(p->world));
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/metrics", PRODUCT_ACTIVATOR_ADMIN);
	token = world_read_file(token_file, 0);
	assert_non_null(token);
	token[strcspn(token, "\n")] = '\0';
	req.token = token;
	assert_int_equal(world_request(p->world, &req, &text), 200);
	for (at = text; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, series, len) == 0 && at[len] == ' ')
			value = strtod(at + len, NULL);
	}
	free(text);
	free(token);
	return value;
}

/* Which one, for when the count is not the one wanted. */
static void product_tell_process(const char *pid, const char *what)
{
	char path[64];
	char name[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (f != NULL && fgets(name, sizeof name, f) != NULL)
		(void)printf("# process %s has %s: %s", pid, what, name);
	if (f != NULL)
		(void)fclose(f);
}

/* Calls @is for each process. Return: for how many it said yes */
static unsigned product_count(bool (*is)(const char *pid, const char *what), const char *what)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	unsigned count = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]) || !is(e->d_name, what))
			continue;
		count++;
		product_tell_process(e->d_name, what);
	}
	(void)closedir(dir);
	return count;
}

static bool is_in_cgroup(const char *pid, const char *what)
{
	char path[64];
	char text[4096] = "";
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%.20s/cgroup", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	(void)!fread(text, 1, sizeof text - 1, f);
	(void)fclose(f);
	return strstr(text, what) != NULL;
}

static bool sees_file(const char *pid, const char *what)
{
	char path[WORLD_PATH_BYTES];
	struct stat st;

	(void)snprintf(path, sizeof path, "/proc/%.20s/root%.400s", pid, what);
	return stat(path, &st) == 0;
}

unsigned product_processes(const char *uid)
{
	char what[PRODUCT_UID_BYTES + 8];

	(void)snprintf(what, sizeof what, "/pod%s", uid);
	return product_count(is_in_cgroup, what);
}

unsigned product_rooted(const char *path)
{
	return product_count(sees_file, path);
}
