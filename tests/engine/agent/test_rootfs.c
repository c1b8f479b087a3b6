/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root filesystem from a provider's layers, its record, and its end; on a tmpfs of the test's
 * own mount namespace (see meson.build). The provider is a process with an overlay as its root,
 * found through a folder that looks like a cgroup hierarchy.
 */
#include <errno.h>
#include <fcntl.h>
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
#include <sys/wait.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/io/mounts/overlay.h"
#include "agent/io/mounts/proc.h"
#include "agent/io/mounts/rootfs.h"
#include "tests/engine/agent/container.h"

#define T "/run/t"
#define KEPT T "/prefix/default/hello.uid-1"

static const char *const cgroup_roots[] = {T "/cgroup", NULL};
static const char *const mount_points[] = {"/data", NULL};

struct fixture {
	pid_t provider;
	pid_t sandbox; /* of the same Pod: another image, other layers */
	struct rootfs_wanted w;
	struct rootfs_made made;
	struct err err;
};

/* As a runtime would have it, or with CLONE_NEWUSER among the flags as any user may. */
struct overlay_root {
	int flags;
	const char *mount_point;
	const char *options;
};

static int enter_overlay(const void *arg)
{
	const struct overlay_root *r = arg;

	if (unshare(CLONE_NEWNS | r->flags) < 0)
		return -1;
	if ((r->flags & CLONE_NEWUSER) != 0) { /* in which root of the test is root */
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/uid_map", "0 0 1");
		write_text("/proc/self/gid_map", "0 0 1");
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("overlay", r->mount_point, "overlay", 0, r->options) < 0)
		return -1;
	return root_enter(r->mount_point);
}

/* A process whose root is an overlay of the layer. */
static pid_t start_process(const char *layer, const char *name, int flags)
{
	char folders[3][64], options[256];
	const struct overlay_root root = {flags, folders[2], options};

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(folders[i], sizeof folders[i], T "/%s-%c", name, "uwr"[i]);
		assert_int_equal(mkdir(folders[i], 0755), 0);
	}
	(void)snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", layer,
	               folders[0], folders[1]);
	return process_start(enter_overlay, &root);
}

static pid_t start_container(const char *layer, const char *name)
{
	return start_process(layer, name, 0);
}

static int setup(void **state)
{
	static const char *const folders[] = {T,
	                                      T "/layer",
	                                      T "/layer/etc",
	                                      T "/pause",
	                                      T "/cgroup",
	                                      T "/cgroup/podp1",
	                                      T "/cgroup/podp1/sandbox",
	                                      T "/cgroup/podp1/c1",
	                                      T "/staging"};
	struct fixture *f = calloc(1, sizeof *f);
	char text[32];

	assert_non_null(f);
	assert_int_equal(mount("tmpfs", "/run", "tmpfs", 0, "size=16m"), 0);
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
		assert_int_equal(mkdir(folders[i], 0755), 0);
	write_text(T "/layer/etc/passwd", "app:x:1000:50::/:/bin/sh\n");
	write_text(T "/layer/etc/group", "staff:x:50:\nweb:x:33:www,app\n");
	f->sandbox = start_container(T "/pause", "sandbox");
	f->provider = start_container(T "/layer", "provider");
	write_text(T "/cgroup/cgroup.procs", "");
	(void)snprintf(text, sizeof text, "%d\n", (int)f->provider);
	write_text(T "/cgroup/podp1/c1/cgroup.procs", text);
	(void)snprintf(text, sizeof text, "%d\n", (int)f->sandbox);
	write_text(T "/cgroup/podp1/cgroup.procs", text);
	write_text(T "/cgroup/podp1/sandbox/cgroup.procs", text);
	f->w = (struct rootfs_wanted){.place = {.prefix = T "/prefix",
	                                        .ns = "default",
	                                        .name = "hello",
	                                        .uid = "uid-1",
	                                        .staging_dir = T "/staging",
	                                        .cgroup_roots = cgroup_roots},
	                              .provider_pod = "p1",
	                              .provider_container = "podman://c1",
	                              .image_digest = "sha256:one",
	                              .image_user = "app",
	                              .reset_digest = "",
	                              .accept_order = "",
	                              .mount_points = mount_points};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)kill(f->provider, SIGKILL);
	(void)kill(f->sandbox, SIGKILL);
	(void)waitpid(f->provider, NULL, 0);
	(void)waitpid(f->sandbox, NULL, 0);
	free(f);
	return umount2("/run", MNT_DETACH);
}

static int make(struct fixture *f)
{
	memset(&f->made, 0, sizeof f->made);
	return rootfs_make(&f->w, &f->made, &f->err);
}

static void expect_made(struct fixture *f)
{
	if (make(f) < 0)
		fail_msg("%s: %s", f->made.reason, f->err.text);
}

static void expect_failed(struct fixture *f, const char *reason)
{
	assert_int_equal(make(f), -1);
	assert_string_equal(f->made.reason, reason);
}

static void unmount(void)
{
	assert_int_equal(umount2(T "/staging/uid-1", 0), 0);
}

static void test_rootfs_is_made_from_the_provider(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	expect_made(f);
	assert_string_equal(f->made.digest, "sha256:one");
	assert_int_equal(f->made.user.uid, 1000);
	assert_int_equal(f->made.user.gid, 50);
	assert_int_equal(f->made.user.groups_count, 1);
	assert_int_equal(f->made.user.groups[0], 33);
	assert_int_equal(stat(KEPT, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(T "/staging/uid-1", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(access(T "/staging/uid-1/data", F_OK), 0);
	assert_int_equal(access(T "/staging/uid-1/etc/passwd", F_OK), 0);
	unmount();
}

static void end_process(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* It says that any folder of the node is a layer of its root. */
static void test_rootfs_layers_of_a_user_namespace_are_refused(void **state)
{
	struct fixture *f = *state;
	pid_t liar = start_process(T "/layer", "liar", CLONE_NEWUSER);
	char text[32];

	(void)snprintf(text, sizeof text, "%d\n", (int)liar);
	write_text(T "/cgroup/podp1/c1/cgroup.procs", text);
	expect_failed(f, "MountFailed");
	assert_int_equal(f->err.code, ERR_DENIED);
	assert_non_null(strstr(f->err.text, "user namespace"));
	assert_int_equal(access(KEPT "/upper", F_OK), -1);
	end_process(liar);
}

/* Its root has the upper directory's name: it neither holds the files nor is anything taken back.
 */
static void test_rootfs_holder_is_never_in_a_user_namespace(void **state)
{
	static const struct overlay_paths paths = {
	        .upper = T "/liar-u", .target = T "/staging", .mark = "uid-1"};
	struct fixture *f = *state;
	pid_t liar = start_process(T "/layer", "liar", CLONE_NEWUSER);
	pid_t holder = start_container(T "/layer", "holder");

	assert_true(overlay_has_upper(holder, T "/holder-u"));
	assert_false(overlay_has_upper(liar, T "/liar-u"));
	assert_int_equal(overlay_take_back(liar, &paths, &f->err), -1);
	assert_int_equal(f->err.code, ERR_DENIED);
	end_process(liar);
	end_process(holder);
}

/* The kernel takes the root of a process away before it closes its files. */
static void test_rootfs_holder_that_ends_has_not_let_go_yet(void **state)
{
	struct fixture *f = *state;
	struct rootfs_place place = f->w.place;
	siginfo_t info;
	char text[32];
	pid_t ending = fork();

	if (ending == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)ending, &info, WEXITED | WNOWAIT), 0);
	place.consumer_pods[0] = "p2";
	assert_int_equal(mkdir(T "/cgroup/podp2", 0755), 0);
	(void)snprintf(text, sizeof text, "%d\n", (int)ending);
	write_text(T "/cgroup/podp2/cgroup.procs", text);

	assert_int_equal(rootfs_holder(&place), ending);
	assert_int_equal(waitpid(ending, NULL, 0), ending);
	assert_int_equal(rootfs_holder(&place), 0);
}

/* A process whose root is the kept root filesystem. */
static pid_t start_consumer(void)
{
	return process_start(enter_alone, T "/staging/uid-1");
}

static void test_rootfs_holder_is_found_behind_very_many_processes(void **state)
{
	struct fixture *f = *state;
	struct rootfs_place place = f->w.place;
	char text[32 * (PROC_PIDS_MAX + 2)] = "";
	pid_t holder;

	expect_made(f);
	holder = start_consumer();
	place.consumer_pods[0] = "p2";
	assert_int_equal(mkdir(T "/cgroup/podp2", 0755), 0);
	for (int i = 0; i <= PROC_PIDS_MAX; i++)
		(void)snprintf(text + strlen(text), 32, "%d\n", (int)f->sandbox);
	(void)snprintf(text + strlen(text), 32, "%d\n", (int)holder);
	write_text(T "/cgroup/podp2/cgroup.procs", text);

	assert_int_equal(rootfs_holder(&place), holder);
	end_process(holder);
}

static void test_rootfs_layers_elsewhere_than_the_runtimes_are_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(T "/runtime", 0755), 0);
	f->w.place.runtime_root = T "/runtime";
	expect_failed(f, "MountFailed");
	assert_int_equal(f->err.code, ERR_DENIED);
	assert_non_null(strstr(f->err.text, "--runtime-root " T "/runtime"));
	assert_int_equal(access(KEPT "/upper", F_OK), -1);
	assert_int_equal(access(KEPT "/record.json", F_OK), -1);

	f->w.place.runtime_root = T;
	expect_made(f);
}

static void expect_layer(const char *layer, int want)
{
	struct err err;
	int fd = overlay_open_layer(T "/runtime", layer, &err);

	if (fd >= 0) {
		assert_int_equal(want, 0);
		(void)close(fd);
	} else {
		assert_int_equal(err.code, want);
	}
}

static void test_overlay_layers_are_opened_beneath_the_runtimes_folder(void **state)
{
	(void)state;
	assert_int_equal(mkdir(T "/runtime", 0755) | mkdir(T "/runtime/l", 0755) |
	                         mkdir(T "/runtime/a", 0755) | mkdir(T "/runtime/a/diff", 0755),
	                 0);
	/* as Podman names them */
	assert_int_equal(symlink("../a/diff", T "/runtime/l/SHORT"), 0);
	assert_int_equal(symlink("../../layer", T "/runtime/l/OUT"), 0);
	assert_int_equal(symlink(T "/runtime/a", T "/runtime/l/ABSOLUTE"), 0);
	assert_int_equal(symlink("/proc/self/root", T "/runtime/l/MAGIC"), 0);
	expect_layer(T "/runtime/a/diff", 0);
	expect_layer(T "/runtime/l/SHORT", 0);
	expect_layer(T "/runtime/l/OUT", ERR_DENIED);
	expect_layer(T "/runtime/l/ABSOLUTE", ERR_DENIED);
	expect_layer(T "/runtime/l/MAGIC", ERR_DENIED);
	expect_layer(T "/runtime/../layer", ERR_DENIED);
	expect_layer(T "/runtime-other/a", ERR_DENIED);
	expect_layer(T "/layer", ERR_DENIED);
	expect_layer(T "/runtime/none", ERR_NOT_FOUND);
}

static void test_rootfs_user_is_the_images_whatever_was_written(void **state)
{
	struct fixture *f = *state;

	expect_made(f);
	write_text(T "/staging/uid-1/etc/passwd", "app:x:0:0::/:/bin/sh\n");
	write_text(T "/staging/uid-1/etc/group", "disk:x:6:app\n");
	unmount();
	expect_made(f);
	assert_string_equal(read_text(T "/staging/uid-1/etc/group"), "disk:x:6:app\n");
	assert_int_equal(f->made.user.uid, 1000);
	assert_int_equal(f->made.user.gid, 50);
	assert_int_equal(f->made.user.groups_count, 1);
	assert_int_equal(f->made.user.groups[0], 33);
	unmount();
}

static void test_rootfs_is_made_again_from_its_record(void **state)
{
	struct fixture *f = *state;

	expect_made(f);
	write_text(T "/staging/uid-1/etc/kept", "k");
	unmount();
	f->w.provider_pod = NULL;
	expect_made(f);
	assert_string_equal(f->made.digest, "sha256:one");
	assert_string_equal(read_text(T "/staging/uid-1/etc/kept"), "k");
	unmount();
}

/* The mounts of a process that ended live on for a moment, and no process has them any more. */
static void test_rootfs_waits_for_what_still_ends(void **state)
{
	struct fixture *f = *state;
	int ready[2];
	char byte;
	pid_t pid;

	expect_made(f);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		(void)poll(NULL, 0, 300);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	unmount(); /* the agent's own; it knows nothing of that process */
	expect_made(f);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(ready[0]);
	(void)close(ready[1]);
	unmount();
}

static void test_rootfs_of_another_image_is_refused_until_it_is_ordered(void **state)
{
	struct fixture *f = *state;

	expect_made(f);
	write_text(T "/staging/uid-1/etc/kept", "k");
	unmount();
	f->w.image_digest = "sha256:two";
	expect_failed(f, "DigestChanged");
	assert_string_equal(read_text(KEPT "/upper/etc/kept"), "k");
	f->w.reset_digest = "sha256:other";
	expect_failed(f, "DigestChanged");
	f->w.reset_digest = "sha256:two";
	expect_made(f);
	assert_string_equal(f->made.digest, "sha256:two");
	assert_int_equal(access(T "/staging/uid-1/etc/kept", F_OK), -1);
	unmount();
}

static void test_rootfs_with_a_broken_record_is_left_alone(void **state)
{
	struct fixture *f = *state;

	expect_made(f);
	write_text(T "/staging/uid-1/etc/kept", "k");
	unmount();
	write_text(KEPT "/record.json", "{\"version\":");
	expect_failed(f, "RecordCorrupt");
	assert_int_equal(unlink(KEPT "/record.json"), 0);
	expect_failed(f, "RecordCorrupt");
	assert_string_equal(read_text(KEPT "/upper/etc/kept"), "k");
	write_text(KEPT "/record.json", "{\"version\":");
	f->w.reset_digest = f->w.image_digest;
	expect_made(f);
	assert_int_equal(access(T "/staging/uid-1/etc/kept", F_OK), -1);
	unmount();
}

static void test_rootfs_knows_that_its_layers_vanished(void **state)
{
	struct fixture *f = *state;

	expect_made(f);
	assert_true(rootfs_has_layers(&f->w.place));
	assert_int_equal(rename(T "/layer", T "/collected"), 0);
	assert_false(rootfs_has_layers(&f->w.place));
	unmount();
}

static void test_rootfs_without_its_layers_is_image_gone(void **state)
{
	struct fixture *f = *state;

	f->w.provider_pod = NULL;
	expect_failed(f, "ImageGone");
	f->w.provider_pod = "p1";
	expect_made(f);
	unmount();
	f->w.provider_pod = NULL;
	assert_int_equal(rename(T "/layer", T "/elsewhere"), 0);
	expect_failed(f, "ImageGone");
}

static void test_rootfs_with_an_unsafe_mount_point_says_which(void **state)
{
	struct fixture *f = *state;

	write_text(T "/layer/data", "a file");
	expect_failed(f, "UnsafeMountPoint");
	assert_non_null(strstr(f->err.text, "/data"));
	assert_int_equal(umount2(T "/staging/uid-1", 0), -1);
}

static void test_rootfs_on_a_full_disk_is_no_space(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(T "/prefix", 0755), 0);
	assert_int_equal(mount("tmpfs", T "/prefix", "tmpfs", 0, "nr_inodes=4"), 0);
	expect_failed(f, "NoSpace");
	assert_int_equal(umount2(T "/prefix", MNT_DETACH), 0);
}

static void test_rootfs_prefix_links_are_not_followed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(T "/prefix", 0755), 0);
	assert_int_equal(mkdir(T "/outside", 0755), 0);
	assert_int_equal(symlink(T "/outside", T "/prefix/default"), 0);
	expect_failed(f, "MountFailed");
	assert_int_equal(rmdir(T "/outside"), 0); /* still empty */
}

static void test_rootfs_is_removed_whole_and_twice(void **state)
{
	struct fixture *f = *state;

	expect_made(f);
	assert_int_equal(mkdir(T "/staging/uid-1/a", 0755), 0);
	write_text(T "/staging/uid-1/a/b", "x");
	assert_int_equal(rootfs_remove(&f->w.place, NULL, &f->err), 0);
	assert_int_equal(access(T "/prefix/default", F_OK), -1);
	assert_int_equal(access(T "/staging/uid-1", F_OK), -1);
	assert_int_equal(rootfs_remove(&f->w.place, NULL, &f->err), 0);
}

static void test_proc_tells_whose_a_socket_is(void **state)
{
	struct fixture *f = *state;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const pid_t others[] = {f->provider, f->sandbox};
	const pid_t all[] = {f->provider, getpid()};
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_false(proc_has_socket(others, 2, (uint32_t)st.st_ino));
	assert_true(proc_has_socket(all, 2, (uint32_t)st.st_ino));
	assert_false(proc_has_socket(all, 0, (uint32_t)st.st_ino));
	(void)close(fd);
	assert_false(proc_has_socket(all, 2, (uint32_t)st.st_ino));
}

#define ROOTFS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void test_overlay_takes_as_many_layers_as_it_says(void **state)
{
	char *layers[OVERLAY_LAYERS_MAX + 2] = {NULL};
	const struct overlay_paths paths = {(const char *const *)layers, T "/up", T "/wo",
	                                    T "/many"};
	struct fixture *f = *state;
	char name[64];

	assert_int_equal(mkdir(T "/up", 0700) | mkdir(T "/wo", 0700) | mkdir(T "/many", 0700), 0);
	for (int i = 0; i < OVERLAY_LAYERS_MAX; i++) {
		/* longer together than the page that a mount's options may have */
		assert_true(asprintf(&layers[i], T "/layer-with-a-long-name-as-runtimes-do-%d", i) >
		            0);
		assert_int_equal(mkdir(layers[i], 0755), 0);
		(void)snprintf(name, sizeof name, "%s/f%d", layers[i], i);
		write_text(name, "x");
	}
	if (overlay_mount(&paths, &f->err) < 0)
		fail_msg("%s", f->err.text);
	for (int i = 0; i < OVERLAY_LAYERS_MAX; i++) {
		(void)snprintf(name, sizeof name, T "/many/f%d", i);
		assert_string_equal(read_text(name), "x");
	}
	assert_int_equal(umount2(T "/many", MNT_DETACH), 0);
	layers[OVERLAY_LAYERS_MAX] = layers[0];
	assert_int_equal(overlay_mount(&paths, &f->err), -1);
	assert_non_null(strstr(f->err.text, "layers"));
	for (int i = 0; i < OVERLAY_LAYERS_MAX; i++)
		free(layers[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        ROOTFS_TEST(test_rootfs_is_made_from_the_provider),
	        ROOTFS_TEST(test_rootfs_layers_of_a_user_namespace_are_refused),
	        ROOTFS_TEST(test_rootfs_holder_is_never_in_a_user_namespace),
	        ROOTFS_TEST(test_rootfs_holder_that_ends_has_not_let_go_yet),
	        ROOTFS_TEST(test_rootfs_holder_is_found_behind_very_many_processes),
	        ROOTFS_TEST(test_rootfs_layers_elsewhere_than_the_runtimes_are_refused),
	        ROOTFS_TEST(test_overlay_layers_are_opened_beneath_the_runtimes_folder),
	        ROOTFS_TEST(test_rootfs_user_is_the_images_whatever_was_written),
	        ROOTFS_TEST(test_rootfs_is_made_again_from_its_record),
	        ROOTFS_TEST(test_rootfs_waits_for_what_still_ends),
	        ROOTFS_TEST(test_rootfs_of_another_image_is_refused_until_it_is_ordered),
	        ROOTFS_TEST(test_rootfs_with_a_broken_record_is_left_alone),
	        ROOTFS_TEST(test_rootfs_knows_that_its_layers_vanished),
	        ROOTFS_TEST(test_rootfs_without_its_layers_is_image_gone),
	        ROOTFS_TEST(test_rootfs_with_an_unsafe_mount_point_says_which),
	        ROOTFS_TEST(test_rootfs_on_a_full_disk_is_no_space),
	        ROOTFS_TEST(test_rootfs_prefix_links_are_not_followed),
	        ROOTFS_TEST(test_rootfs_is_removed_whole_and_twice),
	        ROOTFS_TEST(test_proc_tells_whose_a_socket_is),
	        ROOTFS_TEST(test_overlay_takes_as_many_layers_as_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
