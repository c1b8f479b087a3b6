/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand-over against real mounts and the real sc-wrapper. Runs as root in mount, process and
 * network namespaces of its own (see meson.build); all files are on a tmpfs of that namespace,
 * over /run, where no checkout is.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/io/mounts/fs.h"
#include "agent/io/mounts/handover.h"
#include "agent/io/mounts/overlay.h"
#include "tests/engine/agent/container.h"
#include "tests/engine/agent/tree.h"

struct outcome {
	int rc;
	struct err err;
};

/* The real thing, in a child as the agent does it. */
static struct outcome hand_over(pid_t container, const char *cwd)
{
	struct outcome out = {.rc = -1};
	struct proc_user user;
	struct handover h = {.cwd = cwd, .keep_out = "/.sc"};
	char path[64];
	int report[2];
	pid_t child;

	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	h.root_fd = open(paths.target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)container);
	h.ns_fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(h.root_fd >= 0 && h.ns_fd >= 0);
	h.user = proc_user(container, &user) ? &user : NULL;
	child = fork();
	if (child == 0) {
		out.rc = handover_run(&h, &out.err);
		_exit(write(report[1], &out, sizeof out) == (ssize_t)sizeof out ? 0 : 1);
	}
	assert_int_equal(read(report[0], &out, sizeof out), (int)sizeof out);
	assert_int_equal(waitpid(child, NULL, 0), child);
	(void)close(report[0]);
	(void)close(report[1]);
	(void)close(h.root_fd);
	(void)close(h.ns_fd);
	return out;
}

static pid_t start(struct container *c, const char *script, int *ret_fd)
{
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};
	pid_t pid;

	c->argv = argv;
	if (c->dir == NULL)
		c->dir = T "/a";
	pid = container_start(c);
	*ret_fd = container_connect(c);
	container_expect(*ret_fd, "hello 1 waiting");
	return pid;
}

/* Start, hand over, go. Return: the exit code of the script. */
static int run_script(struct container *c, const char *script)
{
	int fd;
	pid_t pid = start(c, script, &fd);
	struct outcome out = hand_over(pid, c->cwd != NULL ? c->cwd : "/");
	int code;

	tree_must(out.rc, &out.err);
	container_say(fd, "go");
	container_expect(fd, "started *");
	code = container_end(pid);
	(void)close(fd);
	return code;
}

static void test_handover_writes_of_the_process_are_in_upper(void **state)
{
	struct container c = {.volume_at = "/data"};
	struct stat st;

	(void)state;
	tree_mount();
	assert_int_equal(run_script(&c, "echo hello > /kept && echo v > /data/f && "
	                                "cat /etc/hosts > /hosts-seen && test -e /dev/null && "
	                                "test ! -e /.sc/wrapper.sock && test ! -e /sc-wrapper && "
	                                "test -d /proc/1 && exit 7"),
	                 7);
	assert_string_equal(read_text(T "/state/upper/kept"), "hello\n");
	assert_string_equal(read_text(T "/state/upper/hosts-seen"), "127.0.0.1 localhost\n");
	assert_string_equal(read_text(T "/a/volume/f"), "v\n");
	assert_int_equal(stat(T "/merged", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0751);
}

static void test_handover_second_mount_is_refused_and_the_first_taken_back(void **state)
{
	struct container c = {0};
	struct overlay_paths others = paths;
	struct err err;
	int fd;
	pid_t pid;
	struct outcome out;
	int status;

	(void)state;
	others.mark = "uid-2";
	tree_mount();
	pid = start(&c, "echo one > /kept; sleep 1000 & wait", &fd);
	out = hand_over(pid, "/");
	tree_must(out.rc, &out.err);
	container_say(fd, "go");
	container_expect(fd, "started *");
	assert_int_equal(umount2(paths.target, 0), 0);

	assert_int_equal(overlay_mount(&paths, &err), -1);
	assert_int_equal(err.sys_errno, EBUSY);
	/* in a child: it changes namespaces */
	if (fork() == 0)
		_exit(overlay_take_back(pid, &others, &err) < 0 && err.code == ERR_DENIED ? 0 : 1);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	assert_int_equal(access(T "/merged/kept", F_OK), -1);
	if (fork() == 0)
		_exit(overlay_take_back(pid, &paths, &err) == 0 ? 0 : 1);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	assert_string_equal(read_text(T "/merged/kept"), "one\n");
	write_text(T "/merged/from-agent", "x");
	/* the consumer lives on, and a second hand-over finds nothing to do */
	assert_int_equal(hand_over(pid, "/").rc, 1);
	assert_int_equal(kill(pid, SIGTERM), 0);
	container_expect(fd, "signaled 15");
	assert_int_equal(container_end(pid), 143);
	(void)close(fd);
}

/* In a child: setns(2) with that descriptor is refused from now on. */
static void refuse_setns(int fd)
{
	struct sock_filter code[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setns, 0, 3),
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)fd, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {ARRAY_LEN(code), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		_exit(2);
}

/* What it did next it would do in the consumer's namespace, where the user decides what is where.
 */
static void test_overlay_of_which_the_way_back_is_lost_ends_the_process(void **state)
{
	struct container c = {0};
	struct err err;
	int fd, next, status;
	pid_t pid, child;

	(void)state;
	tree_mount();
	pid = start(&c, "sleep 1000 & wait", &fd);
	assert_int_equal(hand_over(pid, "/").rc, 0);
	assert_int_equal(umount2(paths.target, 0), 0);
	next = dup(fd); /* the number that the next descriptor has: the own namespace's */
	(void)close(next);
	child = fork();
	if (child == 0) {
		refuse_setns(next);
		(void)signal(SIGABRT, SIG_DFL);
		_exit(overlay_take_back(pid, &paths, &err) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(container_end(pid), -1);
	(void)close(fd);
}

static void test_handover_of_a_read_only_container_makes_its_mount_points(void **state)
{
	struct container c = {.read_only = true, .volume_at = "/data"};

	(void)state;
	tree_mount();
	assert_int_equal(run_script(&c, "echo x > /data/w || exit 3; echo x > /no && exit 1; "
	                                "echo x > /etc/no && exit 2; exit 0"),
	                 0);
	assert_string_equal(read_text(T "/a/volume/w"), "x\n");
	write_text(T "/merged/agent-can-write", "x");
}

static void test_handover_links_in_the_tree_do_not_lead_out(void **state)
{
	struct container c = {.volume_at = "/data"};
	struct stat st;

	(void)state;
	assert_int_equal(rmdir(T "/layer/proc"), 0);
	assert_int_equal(rmdir(T "/layer/dev"), 0);
	assert_int_equal(symlink("../../../../outside/proc", T "/layer/proc"), 0);
	assert_int_equal(symlink(T "/outside/dev", T "/layer/dev"), 0);
	assert_int_equal(symlink("/.sc/../../../outside/data", T "/layer/data"), 0);
	assert_int_equal(mkdir(T "/outside", 0755), 0);
	tree_mount();
	assert_int_equal(run_script(&c, "test -d /outside/proc/1 || exit 1; "
	                                "test -e " T "/outside/dev/null || exit 2; exit 0"),
	                 0);
	assert_int_equal(stat(T "/outside/dev", &st), -1);
	assert_int_equal(stat(T "/outside/data", &st), -1);
	assert_int_equal(stat("/outside", &st), -1);
}

static void test_handover_a_file_where_a_folder_must_be_is_unsafe(void **state)
{
	struct container c = {.volume_at = "/data"};
	struct outcome out;
	pid_t pid;
	int fd;

	(void)state;
	write_text(T "/layer/data", "a file");
	tree_mount();
	pid = start(&c, "exit 0", &fd);
	out = hand_over(pid, "/");
	assert_int_equal(out.rc, -1);
	assert_int_equal(out.err.code, ERR_INVALID);
	assert_non_null(
	        strstr(out.err.text, "/data: a file is there, and a folder is to be mounted"));
	/* the container is as it was */
	assert_int_equal(unlink(T "/merged/data"), 0);
	out = hand_over(pid, "/");
	tree_must(out.rc, &out.err);
	container_say(fd, "refuse test over");
	assert_int_equal(container_end(pid), 125);
	(void)close(fd);
}

static void test_handover_a_link_into_proc_is_unsafe(void **state)
{
	struct container c = {.volume_at = "/data"};
	struct outcome out;
	pid_t pid;
	int fd;

	(void)state;
	assert_int_equal(symlink("/proc/sys", T "/layer/data"), 0);
	tree_mount();
	pid = start(&c, "exit 0", &fd);
	out = hand_over(pid, "/");
	assert_int_equal(out.rc, -1);
	assert_int_equal(out.err.code, ERR_INVALID);
	assert_non_null(strstr(out.err.text, "/data: a link into /proc or /sys"));
	container_say(fd, "refuse unsafe");
	assert_int_equal(container_end(pid), 125);
	(void)close(fd);
}

static void test_handover_a_mount_point_that_is_the_root_is_unsafe(void **state)
{
	struct container c = {.volume_at = "/data"};
	struct outcome out;
	pid_t pid;
	int fd;

	(void)state;
	assert_int_equal(symlink("../..", T "/layer/data"), 0);
	tree_mount();
	pid = start(&c, "exit 0", &fd);
	out = hand_over(pid, "/");
	assert_int_equal(out.rc, -1);
	assert_int_equal(out.err.code, ERR_INVALID);
	container_say(fd, "refuse unsafe");
	assert_int_equal(container_end(pid), 125);
	(void)close(fd);
}

static void test_handover_keeps_working_directory_and_user(void **state)
{
	struct container c = {.cwd = "/srv/app", .uid = 1000};

	(void)state;
	assert_int_equal(chmod(T "/layer/tmp", 01777), 0);
	assert_int_equal(mkdir(T "/a/root", 0755), 0);
	assert_int_equal(mkdir(T "/a/root/srv", 0755), 0);
	tree_mount();
	assert_int_equal(run_script(&c, "pwd > /tmp/w; id -u >> /tmp/w"), 0);
	assert_string_equal(read_text(T "/state/upper/tmp/w"), "/srv/app\n1000\n");
}

static void test_handover_into_a_directory_that_only_root_may_enter(void **state)
{
	static const char *const dirs[] = {"/secret", "/locked/below", "/data/mine", "/link"};
	static const char *const enterable[] = {"/tmp", "/root-link", "/proc-link"};
	struct container c = {.uid = 1000, .volume_at = "/data"};
	char want[128];

	(void)state;
	assert_int_equal(chmod(T "/layer/tmp", 01777), 0);
	assert_int_equal(system("cd " T "/layer && mkdir -p locked/below secret/in && "
	                        "echo kept >secret/in/f && ln -s secret link && ln -s / root-link "
	                        "&& ln -s /proc/sys proc-link && "
	                        "chmod 700 locked secret && mkdir -p " T "/a/root/locked " T
	                        "/a/root/data " T "/a/volume/mine && chmod 700 " T
	                        "/a/volume/mine"),
	                 0);
	tree_mount();
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		c.cwd = dirs[i];
		/* what is there it may see as little as anybody else */
		assert_int_equal(run_script(&c, "pwd >/tmp/w; cat in/f 2>/dev/null && exit 3; "
		                                "echo x >new 2>/dev/null && exit 4; "
		                                "cat /proc/self/mountinfo >/tmp/m; exit 0"),
		                 0);
		(void)snprintf(want, sizeof want, "%s\n", i == 3 ? "/secret" : dirs[i]);
		assert_string_equal(read_text(T "/merged/tmp/w"), want);
		assert_null(strstr(read_text(T "/merged/tmp/m"), " /.sc "));
	}
	/* who may enter is not put anywhere */
	for (size_t i = 0; i < ARRAY_LEN(enterable); i++) {
		c.cwd = enterable[i];
		assert_int_equal(run_script(&c, "cat /proc/self/mountinfo >/tmp/m"), 0);
		assert_null(strstr(read_text(T "/merged/tmp/m"), " /tmp "));
		assert_null(strstr(read_text(T "/merged/tmp/m"), " /proc/sys "));
	}
}

/* What a runtime does for kubectl exec and for hooks: into the container, as its user. */
static pid_t exec_in(pid_t container, const char *cwd, char *const *argv)
{
	static const char *const names[] = {"pid", "mnt"};
	pid_t pid = fork();
	char path[64];
	int fds[2];

	if (pid > 0)
		return pid;
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)container, names[i]);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
	for (size_t i = 0; i < 2; i++)
		if (setns(fds[i], 0) < 0)
			_exit(98);
	pid = fork(); /* the first one in the container's process namespace */
	if (pid == 0) {
		if (chdir(cwd) == 0 && setgid(1000) == 0 && setuid(1000) == 0)
			(void)execv(argv[0], argv);
		_exit(99);
	}
	_exit(container_end(pid));
}

static void test_handover_lets_a_hook_wait_for_it(void **state)
{
	struct container c = {.cwd = "/srv/app", .uid = 1000};
	char *hook[] = {(char *)"/proc/1/exe",
	                (char *)"exec",
	                (char *)"--",
	                (char *)"/bin/sh",
	                (char *)"-c",
	                (char *)"pwd > /tmp/w; id -u >> /tmp/w; exit 7",
	                NULL};
	struct outcome out;
	int fd;
	pid_t pid, early;

	(void)state;
	assert_int_equal(chmod(T "/layer/tmp", 01777), 0);
	assert_int_equal(mkdir(T "/a/root", 0755), 0);
	assert_int_equal(mkdir(T "/a/root/srv", 0755), 0);
	tree_mount();
	pid = start(&c, "sleep 1000 & wait", &fd);
	early = exec_in(pid, "/srv/app", hook);
	(void)poll(NULL, 0, 200);
	assert_int_equal(waitpid(early, NULL, WNOHANG), 0);
	out = hand_over(pid, "/srv/app");
	tree_must(out.rc, &out.err);
	assert_int_equal(container_end(early), 7);
	assert_string_equal(read_text(T "/state/upper/tmp/w"), "/srv/app\n1000\n");
	container_say(fd, "go");
	container_expect(fd, "started *");
	/* one that comes late has nothing to wait for */
	assert_int_equal(unlink(T "/merged/tmp/w"), 0);
	assert_int_equal(container_end(exec_in(pid, "/srv/app", hook)), 7);
	hook[3] = (char *)"/none";
	assert_int_equal(container_end(exec_in(pid, "/", hook)), 127);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(container_end(pid), 143);
	(void)close(fd);
}

static void test_overlay_of_layers_that_were_unpacked_anew_mounts_again(void **state)
{
	struct container c = {0};
	struct err err;

	(void)state;
	tree_mount();
	assert_int_equal(run_script(&c, "echo kept > /kept; echo more >> /etc/passwd"), 0);
	assert_int_equal(umount2(paths.target, 0), 0);
	assert_int_equal(rename(T "/layer", T "/old"), 0);
	assert_int_equal(system("cp -a " T "/old " T "/layer"), 0);
	if (overlay_mount(&paths, &err) < 0) {
		assert_int_equal(err.sys_errno, ESTALE);
		tree_must(overlay_forget_origin(paths.upper, paths.work, &err), &err);
		tree_mount();
	}
	assert_string_equal(read_text(T "/merged/kept"), "kept\n");
}

#define HANDOVER_TEST(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        HANDOVER_TEST(test_handover_writes_of_the_process_are_in_upper),
	        HANDOVER_TEST(test_handover_second_mount_is_refused_and_the_first_taken_back),
	        HANDOVER_TEST(test_overlay_of_which_the_way_back_is_lost_ends_the_process),
	        HANDOVER_TEST(test_handover_of_a_read_only_container_makes_its_mount_points),
	        HANDOVER_TEST(test_handover_links_in_the_tree_do_not_lead_out),
	        HANDOVER_TEST(test_handover_a_file_where_a_folder_must_be_is_unsafe),
	        HANDOVER_TEST(test_handover_a_link_into_proc_is_unsafe),
	        HANDOVER_TEST(test_handover_a_mount_point_that_is_the_root_is_unsafe),
	        HANDOVER_TEST(test_handover_keeps_working_directory_and_user),
	        HANDOVER_TEST(test_handover_into_a_directory_that_only_root_may_enter),
	        HANDOVER_TEST(test_handover_lets_a_hook_wait_for_it),
	        HANDOVER_TEST(test_overlay_of_layers_that_were_unpacked_anew_mounts_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
