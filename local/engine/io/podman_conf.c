/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman_conf - the configuration that gives Podman a storage of its own for this engine
 */
#include "local/engine/io/podman_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOUNTS_BYTES_MAX = 1 << 20 };

/* crun refuses a unified hierarchy beside those of version 1 ("hybrid"). */
const char *podman_conf_runtime(const char *mounts)
{
	bool v1 = strstr(mounts, " cgroup ") != NULL;
	bool v2 = strstr(mounts, " cgroup2 ") != NULL;

	return v1 && v2 ? "runc" : "crun";
}

static bool is_installed(const char *runtime)
{
	static const char *const folders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
	                                      "/usr/bin",        "/sbin",          "/bin"};
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", folders[i], runtime);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static int runtime_choose(const char **ret_runtime, struct err *err)
{
	CLEANUP(fclose_var) FILE *f = fopen("/proc/self/mounts", "re");
	CLEANUP(free_var) char *text = calloc(1, MOUNTS_BYTES_MAX);
	const char *runtime;

	if (f == NULL || text == NULL)
		return err_set(err, ERR_SYS, errno, "read /proc/self/mounts");
	text[fread(text, 1, MOUNTS_BYTES_MAX - 1, f)] = '\0';
	runtime = podman_conf_runtime(text);
	if (!is_installed(runtime) && strcmp(runtime, "crun") == 0)
		runtime = "runc";
	if (!is_installed(runtime))
		return err_set(err, ERR_NOT_FOUND, 0, "the container runtime %s is not installed",
		               runtime);
	*ret_runtime = runtime;
	return 0;
}

static int text_write(const char *dir, const char *name, const char *text, struct err *err)
{
	char path[PATH_MAX];
	CLEANUP(fd_close_var) int fd = -1;
	size_t len = strlen(text);

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return err_set(err, ERR_SYS, errno, "write %s", path);
	return 0;
}

int podman_conf_write(const struct podman_conf *conf, struct err *err)
{
	char text[4096];
	const char *runtime;

	if (runtime_choose(&runtime, err) < 0)
		return -1;
	/* file locks: those in shared memory would be shared with every Podman of the machine */
	(void)snprintf(
	        text, sizeof text,
	        "[containers]\n"
	        "netns = \"none\"\n"
	        "base_hosts_file = \"none\"\n" /* the machine's own names are not the Pods' */
	        "env = [\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"]\n"
	        "default_ulimits = []\n"
	        "http_proxy = false\n"
	        "log_driver = \"k8s-file\"\n"
	        "log_size_max = %llu\n"
	        "[engine]\n"
	        "cgroup_manager = \"cgroupfs\"\n"
	        "events_logger = \"file\"\n"
	        "lock_type = \"file\"\n"
	        "runtime = \"%s\"\n"
	        "tmp_dir = \"%s/libpod\"\n",
	        (unsigned long long)conf->log_bytes_max, runtime, conf->run_dir);
	if (text_write(conf->run_dir, "containers.conf", text, err) < 0)
		return -1;
	(void)snprintf(text, sizeof text,
	               "[storage]\n"
	               "driver = \"overlay\"\n"
	               "graphroot = \"%s/containers\"\n"
	               "runroot = \"%s/runroot\"\n",
	               conf->state_dir, conf->run_dir);
	return text_write(conf->run_dir, "storage.conf", text, err);
}

int podman_conf_env(const struct podman_conf *conf, struct err *err)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/containers.conf", conf->run_dir);
	if (setenv("CONTAINERS_CONF", path, 1) < 0)
		return err_set(err, ERR_NOMEM, 0, "environment");
	(void)snprintf(path, sizeof path, "%s/storage.conf", conf->run_dir);
	if (setenv("CONTAINERS_STORAGE_CONF", path, 1) < 0)
		return err_set(err, ERR_NOMEM, 0, "environment");
	return 0;
}
