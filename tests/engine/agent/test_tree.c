/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlays, mount points and folders in a tree that its user has written. Runs as test_handover.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
#include "agent/io/mounts/overlay.h"
#include "tests/engine/agent/container.h"
#include "tests/engine/agent/tree.h"

static int mount_point(const char *path, bool directory, struct err *err)
{
	int root = open(paths.target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = -1;
	int rc = fs_mount_point(root, path, directory, &fd, err);

	if (fd >= 0)
		(void)close(fd);
	(void)close(root);
	return rc;
}

static void test_mount_point_of_an_older_template_gives_way_while_it_is_empty(void **state)
{
	struct err err;
	struct stat st;

	(void)state;
	assert_int_equal(mkdir(T "/layer/images-own", 0755), 0);
	tree_mount();
	for (unsigned round = 0; round < 2; round++) {
		bool directory = round == 0;

		tree_must(mount_point("/etc/app/conf", directory, &err), &err);
		tree_must(mount_point("/etc/app/conf", !directory, &err), &err);
		tree_must(mount_point("/top", directory, &err), &err);
		tree_must(mount_point("/top", !directory, &err), &err);
		assert_int_equal(stat(T "/merged/etc/app/conf", &st), 0);
		assert_int_equal(S_ISDIR(st.st_mode) != 0, !directory);
	}
	/* what somebody has put into it stays */
	tree_must(mount_point("/d", true, &err), &err);
	write_text(T "/merged/d/users", "kept");
	assert_int_equal(mount_point("/d", false, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.text, "/d: a folder is there, and a file is to be mounted"));
	assert_string_equal(read_text(T "/merged/d/users"), "kept");
	tree_must(mount_point("/f", false, &err), &err);
	write_text(T "/merged/f", "kept");
	assert_int_equal(mount_point("/f", true, &err), -1);
	assert_string_equal(read_text(T "/merged/f"), "kept");
	/* and what is not ours, empty or not */
	assert_int_equal(mount_point("/images-own", false, &err), -1);
	assert_int_equal(mkdir(T "/merged/users-own", 0755), 0);
	assert_int_equal(mount_point("/users-own", false, &err), -1);
	assert_int_equal(symlink("/top", T "/merged/link"), 0);
	assert_int_equal(stat(T "/merged/top", &st), 0);
	assert_int_equal(mount_point("/link", S_ISREG(st.st_mode) != 0, &err), -1);
}

static void test_overlay_without_its_layers_says_so(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(rename(T "/layer", T "/old"), 0);
	assert_int_equal(overlay_mount(&paths, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_overlay_with_many_layers_mounts(void **state)
{
	const char *many[OVERLAY_LAYERS_MAX + 2] = {0};
	struct overlay_paths p = paths;
	char *names = calloc(OVERLAY_LAYERS_MAX + 1, 256);
	struct err err;

	(void)state;
	assert_non_null(names);
	for (size_t i = 0; i <= OVERLAY_LAYERS_MAX; i++) {
		many[i] = names + i * 256;
		(void)snprintf(names + i * 256, 256,
		               T "/layer-with-a-name-as-long-as-a-digest-"
		                 "0123456789012345678901234567890123456789-%zu",
		               i);
		assert_int_equal(mkdir(many[i], 0755), 0);
	}
	p.layers = many;
	assert_int_equal(overlay_mount(&p, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	many[OVERLAY_LAYERS_MAX] = NULL;
	tree_must(overlay_mount(&p, &err), &err);
	free(names);
}

/* Renames and mounts of the whole machine race every ".."; the kernel then wants to be asked again.
 */
static void test_fs_opens_in_a_root_beside_renames(void **state)
{
	char path[100] = "";
	struct err err;
	int fd = open(T, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid;

	(void)state;
	for (size_t at = 0; at + 6 < sizeof path; at += 5)
		(void)snprintf(path + at, sizeof path - at, "a/../");
	write_text(T "/b/one", "1");
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			(void)rename(T "/b/one", T "/b/two");
			(void)rename(T "/b/two", T "/b/one");
		}
	}
	assert_true(pid > 0);
	for (unsigned i = 0; i < 2000; i++) {
		int at = fs_open_in_root(fd, path, O_PATH | O_DIRECTORY, &err);

		tree_must(at, &err);
		(void)close(at);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(fd);
}

static void test_fs_remove_tree_removes_deep_trees_and_follows_nothing(void **state)
{
	struct err err;
	int fd = open(T, O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	write_text(T "/b/keep", "k");
	assert_int_equal(system("cd " T "/a && for i in $(busybox seq 300); do mkdir -p d/0 && "
	                        "ln -s " T "/b l && echo x > f && cd d || exit 1; done"),
	                 0);
	tree_must(fs_remove_tree(fd, "a", &err), &err);
	tree_must(fs_remove_tree(fd, "a", &err), &err);
	assert_int_equal(access(T "/a", F_OK), -1);
	assert_string_equal(read_text(T "/b/keep"), "k");
	(void)close(fd);
}

static void set_flags(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
	(void)close(fd);
}

static void make_immutable_tree(void)
{
	assert_int_equal(system("cd " T "/a && mkdir -p d/in empty log && echo x > d/f && "
	                        "echo x > d/in/f && echo x > log/f"),
	                 0);
	set_flags(T "/a/d/f", FS_IMMUTABLE_FL);
	set_flags(T "/a/d/in", FS_IMMUTABLE_FL);
	set_flags(T "/a/d", FS_IMMUTABLE_FL);
	set_flags(T "/a/empty", FS_IMMUTABLE_FL);
	set_flags(T "/a/log/f", FS_APPEND_FL);
	set_flags(T "/a/log", FS_APPEND_FL);
}

static void test_fs_remove_tree_removes_what_was_made_immutable(void **state)
{
	struct err err;
	int fd = open(T, O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	make_immutable_tree();
	tree_must(fs_remove_tree(fd, "a", &err), &err);
	assert_int_equal(access(T "/a", F_OK), -1);
	(void)close(fd);
}

/* In a child without the right to change such flags. */
static void test_fs_remove_tree_says_which_file_is_immutable(void **state)
{
	struct err err;
	struct stat st;
	char want[64];
	int fd = open(T, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int status;
	pid_t child;

	(void)state;
	write_text(T "/a/stays", "x");
	set_flags(T "/a/stays", FS_IMMUTABLE_FL);
	assert_int_equal(stat(T "/a/stays", &st), 0);
	(void)snprintf(want, sizeof want, "stays (inode %llu): it is immutable",
	               (unsigned long long)st.st_ino);
	child = fork();
	if (child == 0) {
		struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
		struct __user_cap_data_struct data[2];

		if (syscall(SYS_capget, &head, data) < 0)
			_exit(2);
		data[0].effective &= ~(1U << CAP_LINUX_IMMUTABLE);
		if (syscall(SYS_capset, &head, data) < 0)
			_exit(3);
		if (fs_remove_tree(fd, "a", &err) >= 0 || err.sys_errno != EPERM)
			_exit(4);
		_exit(strstr(err.text, want) != NULL ? 0 : 5);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	(void)close(fd);
}

static int clear(const char *path, uint64_t until_ms, struct err *err)
{
	int root = open(paths.target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = fs_clear(root, path, until_ms, err);

	(void)close(root);
	return rc;
}

static void test_fs_clear_empties_a_folder_and_nothing_else(void **state)
{
	struct err err;
	struct stat st;

	(void)state;
	/* of the image, deep, and of the container */
	assert_int_equal(system("mkdir -p " T "/layer/run/i/j/k " T "/layer/keep " T "/outside && "
	                        "echo x >" T "/layer/run/i/j/k/f && echo x >" T "/layer/keep/f && "
	                        "echo x >" T "/outside/f"),
	                 0);
	tree_mount();
	assert_int_equal(
	        system("cd " T "/merged && chmod 2751 run && mkdir -p run/a/b/c run/i/j/n && "
	               "echo x >run/a/b/c/f && echo x >run/p.pid && ln -s /keep run/l && "
	               "ln -s " T "/outside run/o && mknod run/null c 1 3 && mkfifo run/i/j/p && "
	               "ln -s keep link && ln -s " T "/outside out"),
	        0);
	tree_must(clear("/run", UINT64_MAX, &err), &err);
	assert_int_equal(rmdir(T "/merged/run"), 0);
	assert_int_equal(mkdir(T "/merged/run", 0755), 0);
	tree_must(clear("/run/none", UINT64_MAX, &err), &err);
	/* what a link leads to, and the root by whichever name */
	assert_int_equal(clear("/link", UINT64_MAX, &err), -1);
	assert_int_equal(clear("/out", UINT64_MAX, &err), -1);
	assert_int_equal(clear("/out/../keep", UINT64_MAX, &err), -1);
	assert_int_equal(clear("/", UINT64_MAX, &err), -1);
	assert_int_equal(clear("/../..", UINT64_MAX, &err), -1);
	assert_int_equal(clear("/run/..", UINT64_MAX, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_string_equal(read_text(T "/merged/keep/f"), "x\n");
	assert_string_equal(read_text(T "/outside/f"), "x\n");
	/* nor where another file system is mounted */
	assert_int_equal(mount("tmpfs", T "/merged/run", "tmpfs", 0, NULL), 0);
	write_text(T "/merged/run/f", "x");
	assert_int_equal(clear("/run", UINT64_MAX, &err), -1);
	assert_string_equal(read_text(T "/merged/run/f"), "x");
	assert_int_equal(umount2(T "/merged/run", 0), 0);
	/* the folder stays as it was */
	assert_int_equal(chmod(T "/merged/keep", 02751), 0);
	tree_must(clear("keep", UINT64_MAX, &err), &err);
	assert_int_equal(stat(T "/merged/keep", &st), 0);
	assert_int_equal(st.st_mode & 07777, 02751);
	assert_int_equal(rmdir(T "/merged/keep"), 0);
}

static void test_fs_clear_ends_when_its_time_is_over(void **state)
{
	struct err err;

	(void)state;
	tree_mount();
	assert_int_equal(
	        system("cd " T "/merged && mkdir run && cd run && "
	               "for i in $(busybox seq 300); do mkdir -p d && cd d || exit 1; done"),
	        0);
	assert_int_equal(clear("/run", 0, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	tree_must(clear("/run", UINT64_MAX, &err), &err);
	assert_int_equal(rmdir(T "/merged/run"), 0);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TREE_TEST(test_mount_point_of_an_older_template_gives_way_while_it_is_empty),
	        TREE_TEST(test_overlay_without_its_layers_says_so),
	        TREE_TEST(test_overlay_with_many_layers_mounts),
	        TREE_TEST(test_fs_opens_in_a_root_beside_renames),
	        TREE_TEST(test_fs_remove_tree_removes_deep_trees_and_follows_nothing),
	        TREE_TEST(test_fs_remove_tree_removes_what_was_made_immutable),
	        TREE_TEST(test_fs_remove_tree_says_which_file_is_immutable),
	        TREE_TEST(test_fs_clear_empties_a_folder_and_nothing_else),
	        TREE_TEST(test_fs_clear_ends_when_its_time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
