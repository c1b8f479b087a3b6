/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/engine/agent/container.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
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

enum { CONTAINER_DEADLINE_MS = 10000 };

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if ((what) < 0) {                                                                  \
			(void)fprintf(stderr, "%s: %s\n", #what, strerror(errno));                 \
			_exit(99);                                                                 \
		}                                                                                  \
	} while (0)

void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

const char *read_text(const char *path)
{
	static char text[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	text[0] = '\0';
	if (f == NULL)
		return text;
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	return text;
}

static void container_bind(const char *from, const char *to)
{
	MUST(mount(from, to, NULL, MS_BIND | MS_REC, NULL));
	MUST(mount(NULL, to, NULL, MS_PRIVATE | MS_REC, NULL));
}

/* In the container's own mount namespace: what a runtime does. */
static void container_enter_root(const struct container *c)
{
	char path[PATH_MAX];

	MUST(mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL));
	MUST(chdir(c->dir));
	container_bind("root", "root");
	MUST(mount("proc", "root/proc", "proc", MS_NOSUID, NULL));
	MUST(mount("tmpfs", "root/dev", "tmpfs", MS_NOSUID, "mode=0755,size=64k"));
	container_bind("sc", "root/.sc");
	container_bind("hosts", "root/etc/hosts");
	if (c->volume_at != NULL) {
		(void)snprintf(path, sizeof path, "root%s", c->volume_at);
		(void)mkdir(path, 0755);
		container_bind("volume", path);
	}
	MUST(chdir("root"));
	MUST((int)syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	MUST(mknod("/dev/null", S_IFREG | 0666, 0));
	if (c->cwd != NULL)
		(void)mkdir(c->cwd, 0755);
	if (c->read_only)
		MUST(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	MUST(chdir(c->cwd != NULL ? c->cwd : "/"));
}

static void container_exec(const struct container *c)
{
	char *argv[32] = {(char *)"/sc-wrapper", (char *)"run", (char *)"--"};
	char *env[] = {(char *)"PATH=/bin:/usr/bin", NULL};

	for (size_t i = 0; c->argv[i] != NULL && i < 28; i++)
		argv[i + 3] = c->argv[i];
	container_enter_root(c);
	if (c->uid != 0) {
		MUST(setgid(c->uid));
		MUST(setuid(c->uid));
	}
	MUST(execve(argv[0], argv, env));
}

static void container_make_folders(const struct container *c)
{
	static const char *const folders[] = {"",         "root",     "root/proc", "root/dev",
	                                      "root/.sc", "root/etc", "sc",        "volume"};
	char path[PATH_MAX];
	char command[PATH_MAX * 2];

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", c->dir, folders[i]);
		(void)mkdir(path, 0755);
	}
	(void)snprintf(path, sizeof path, "%s/sc", c->dir);
	assert_int_equal(chmod(path, 0777), 0);
	(void)snprintf(path, sizeof path, "%s/hosts", c->dir);
	write_text(path, "127.0.0.1 localhost\n");
	(void)snprintf(path, sizeof path, "%s/root/etc/hosts", c->dir);
	write_text(path, "");
	(void)snprintf(command, sizeof command, "%s copy %s/root/sc-wrapper", getenv("SC_WRAPPER"),
	               c->dir);
	assert_int_equal(system(command), 0); /* NOLINT: a test's own fixed command */
}

pid_t container_start(const struct container *c)
{
	pid_t pid;

	container_make_folders(c);
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);
	assert_true(pid >= 0);
	if (pid == 0)
		container_exec(c);
	return pid;
}

int container_connect(const struct container *c)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(addr.sun_path, sizeof addr.sun_path, "%s/sc/wrapper.sock", c->dir);
	for (unsigned i = 0; connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0; i++) {
		assert_true(i < CONTAINER_DEADLINE_MS / 10);
		(void)poll(NULL, 0, 10);
	}
	return fd;
}

void container_expect(int fd, const char *text)
{
	char packet[1024];
	struct pollfd p = {fd, POLLIN, 0};
	ssize_t n;

	assert_int_equal(poll(&p, 1, CONTAINER_DEADLINE_MS), 1);
	n = recv(fd, packet, sizeof packet - 1, 0);
	assert_true(n >= 0);
	packet[n] = '\0';
	if (fnmatch(text, packet, 0) != 0)
		fail_msg("wanted \"%s\", got \"%s\"", text, packet);
}

void container_say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

int container_end(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t process_start(int (*enter)(const void *arg), const void *arg)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (enter(arg) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

int mounts_leave(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return -1;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

int root_enter(const char *mount_point)
{
	if (chdir(mount_point) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return -1;
	return umount2(".", MNT_DETACH);
}

int enter_alone(const void *mount_point)
{
	return mounts_leave() < 0 ? -1 : root_enter(mount_point);
}
