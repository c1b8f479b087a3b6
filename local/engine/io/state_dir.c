/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_dir - makes and locks the state folder, writes its kubeconfig
 */
#include "local/engine/io/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/base/base64.h"
#include "local/engine/io/pki.h"

int state_dir_open(const char *dir, int *ret_fd, struct err *err)
{
	CLEANUP(fd_close_var) int fd = -1;
	char path[PATH_MAX], pid[24] = "";
	ssize_t n;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_SYS, errno, "make %s", dir);
	(void)snprintf(path, sizeof path, "%s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, ERR_SYS, errno, "open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		n = pread(fd, pid, sizeof pid - 1, 0);
		pid[n > 0 ? n : 0] = 0;
		pid[strcspn(pid, "\n")] = 0;
		return err_set(err, ERR_EXISTS, 0, "another sc-local (pid %s) uses %s",
		               *pid ? pid : "unknown", dir);
	}
	n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n)
		return err_set(err, ERR_SYS, errno, "write %s", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int state_dir_write_kubeconfig(const char *dir, const struct state_dir_access *api, struct err *err)
{
	static const char format[] = "apiVersion: v1\n"
	                             "kind: Config\n"
	                             "clusters:\n"
	                             "- name: sc-local\n"
	                             "  cluster:\n"
	                             "    server: https://%s:%u\n"
	                             "    certificate-authority-data: %s\n"
	                             "users:\n"
	                             "- name: sc-local\n"
	                             "  user:\n"
	                             "    token: %s\n"
	                             "contexts:\n"
	                             "- name: sc-local\n"
	                             "  context:\n"
	                             "    cluster: sc-local\n"
	                             "    user: sc-local\n"
	                             "    namespace: default\n"
	                             "current-context: sc-local\n";
	char path[PATH_MAX];
	size_t bytes = strlen(api->ca_pem);
	CLEANUP(free_var) char *ca = malloc(base64_text_bytes(bytes));
	CLEANUP(free_var) char *text = NULL;

	if (ca == NULL)
		return err_set(err, ERR_NOMEM, 0, "kubeconfig");
	base64_encode(api->ca_pem, bytes, ca);
	if (asprintf(&text, format, api->host, api->port, ca, api->token) < 0)
		return err_set(err, ERR_NOMEM, 0, "kubeconfig");
	(void)snprintf(path, sizeof path, "%s/kubeconfig", dir);
	return pki_write_file(path, text, 0600, err);
}
