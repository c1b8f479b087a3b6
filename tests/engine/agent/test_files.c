/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kept files between a stop and the next start, on a real overlay: what a start may begin on, what
 * it must not, and each place where a stop may be cut off. On a tmpfs of the test's own mount
 * namespace (see meson.build).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/io/mounts/dropped.h"
#include "agent/io/mounts/files_mark.h"
#include "lib/base/clk.h"
#include "tests/engine/agent/container.h"

#define T "/run/t"
#define KEPT T "/prefix/default/hello.uid-1"
#define UPPER KEPT "/upper"
#define MERGED T "/staging/uid-1"
#define RECORD                                                                                     \
	"{\"version\":1,\"instanceUID\":\"uid-1\",\"imageDigest\":\"sha256:one\",\"layers\":[\"" T \
	"/layer\"]}"

enum { MANY_FILES = 20000, STARTS = 200 };

static const char *const cgroup_roots[] = {T "/cgroup", NULL};
static const char *const no_mount_points[] = {NULL};
static const char *const mount_points[] = {"/data", NULL};

struct fixture {
	struct rootfs_wanted w;
	struct rootfs_made made;
	struct files_id recorded; /* as the agent remembers */
	struct files_opened opened;
	struct err err;
};

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static int setup(void **state)
{
	static struct fixture f;

	assert_int_equal(mount("tmpfs", "/run", "tmpfs", 0, "size=64m"), 0);
	run("mkdir -p " T "/layer/etc " T "/cgroup/podc1 " T "/staging " KEPT);
	write_text(KEPT "/record.json", RECORD);
	write_text(T "/cgroup/cgroup.procs", "");
	write_text(T "/cgroup/podc1/cgroup.procs", "");
	f = (struct fixture){.w = {.place = {.prefix = T "/prefix",
	                                     .ns = "default",
	                                     .name = "hello",
	                                     .uid = "uid-1",
	                                     .staging_dir = T "/staging",
	                                     .cgroup_roots = cgroup_roots,
	                                     .consumer_pods = {"c1"}},
	                           .image_digest = "sha256:one",
	                           .image_user = "",
	                           .reset_digest = "",
	                           .accept_order = "",
	                           .mount_points = no_mount_points}};
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return umount2("/run", MNT_DETACH);
}

static void unmount(void)
{
	assert_int_equal(umount2(MERGED, 0), 0);
}

/* --- what the agent does --- */

static int make(struct fixture *f)
{
	int rc;

	memset(&f->made, 0, sizeof f->made);
	rc = rootfs_make(&f->w, &f->made, &f->err);
	if (rc == 0) {
		f->recorded = f->made.files;
		f->w.was_made = true; /* the API has it */
	}
	return rc;
}

static void expect_made(struct fixture *f)
{
	if (make(f) < 0)
		fail_msg("%s: %s", f->made.reason, f->err.text);
}

static struct files_use use_of(const struct fixture *f)
{
	return (struct files_use){f->w.place, {f->w.files_reported, f->recorded, true}};
}

static int start(struct fixture *f)
{
	const struct files_use use = use_of(f);

	f->opened.reason[0] = '\0';
	return files_open(&use, &f->opened, &f->err);
}

static void expect_started(struct fixture *f)
{
	if (start(f) != 0)
		fail_msg("%s: %s", f->opened.reason, f->err.text);
}

static void expect_refused(struct fixture *f, const char *reason, const char *why)
{
	assert_int_equal(start(f), 1);
	assert_string_equal(f->opened.reason, reason);
	if (strstr(f->err.text, why) == NULL)
		fail_msg("%s", f->err.text);
}

static int end(struct fixture *f)
{
	struct files_use use = use_of(f);

	return files_close(&use, NULL, &f->err);
}

static void settle(struct fixture *f)
{
	struct files_use use = use_of(f);

	if (files_settle(&use, &f->recorded, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void tell(struct fixture *f)
{
	f->w.files_reported = f->recorded;
}

/* A run that writes, and its stop with all that belongs to it. */
static void run_and_stop(struct fixture *f)
{
	expect_started(f);
	run("date >>" MERGED "/kept; mkdir -p " MERGED "/srv/data; touch " MERGED "/srv/data/x");
	assert_int_equal(end(f), FILES_CLOSED);
	settle(f);
	tell(f);
}

static void sleep_after_a_run(struct fixture *f)
{
	expect_made(f);
	run_and_stop(f);
}

/* The agent anew, or after it refused. */
static void expect_made_again(struct fixture *f)
{
	unmount();
	expect_made(f);
}

static void expect_not_made(struct fixture *f, const char *reason, const char *why)
{
	(void)umount2(MERGED, 0);
	assert_int_equal(make(f), -1);
	assert_string_equal(f->made.reason, reason);
	if (strstr(f->err.text, why) == NULL)
		fail_msg("%s", f->err.text);
}

/* --- */

static void test_files_start_and_stop_again_and_again(void **state)
{
	struct fixture *f = *state;

	expect_made(f);
	assert_int_equal(f->made.files.number, 1);
	assert_false(f->made.is_files_due);
	for (uint64_t i = 2; i < 6; i++) {
		run_and_stop(f);
		assert_int_equal(f->recorded.number, i);
		expect_made_again(f);
		assert_int_equal(f->made.files.number, i);
		assert_false(f->made.is_files_due);
	}
	unmount();
}

/* The first stop marks what an earlier version left. */
static void test_files_of_an_earlier_version_start(void **state)
{
	struct fixture *f = *state;

	run("mkdir -m 755 -p " UPPER "/old");
	expect_made(f);
	assert_int_equal(f->made.files.number, 0);
	assert_true(f->made.is_files_due);
	expect_started(f);
	assert_int_equal(end(f), FILES_CLOSED);
	settle(f);
	assert_int_equal(f->recorded.number, 1);
	expect_made_again(f);
	assert_false(f->made.is_files_due);
	unmount();
}

/* The agent is killed at each place between a start and what is told of its stop. */
static void test_files_of_a_stop_that_was_cut_off_start(void **state)
{
	struct fixture *f = *state;

	for (int cut = 0; cut < 5; cut++) {
		expect_made(f);
		expect_started(f);
		run("date >>" MERGED "/cut-$(date +%N)");
		if (cut >= 1) /* the process ended, and was it said? */
			assert_int_equal(end(f), FILES_CLOSED);
		if (cut >= 2)
			settle(f);
		if (cut >= 3)
			tell(f);
		if (cut >= 4) {
			expect_started(f);
			run("rm -r " MERGED "/*");
		}
		unmount();
		expect_made(f); /* an agent that knows nothing but record and API */
		assert_int_equal(f->made.is_files_due, cut == 0 || cut == 1 || cut == 4);
		if (f->made.is_files_due) {
			assert_int_equal(end(f), FILES_CLOSED);
			settle(f);
		}
		expect_started(f);
		assert_int_equal(end(f), FILES_CLOSED);
		unmount();
	}
}

/* What the agent makes in files that sleep is no change of theirs, also when it is killed there. */
static void test_files_may_get_mount_points_asleep(void **state)
{
	struct fixture *f = *state;

	sleep_after_a_run(f);
	f->w.mount_points = mount_points;
	expect_made_again(f);
	assert_int_equal(access(MERGED "/data", F_OK), 0);
	expect_made_again(f);
	expect_started(f);
	assert_int_equal(end(f), FILES_CLOSED);
	unmount();
}

static void test_files_that_are_used_are_not_closed(void **state)
{
	struct fixture *f = *state;
	char text[32];
	pid_t pid;

	expect_made(f);
	expect_started(f);
	pid = process_start(enter_alone, MERGED);
	(void)snprintf(text, sizeof text, "%d\n", (int)pid);
	write_text(T "/cgroup/podc1/cgroup.procs", text);
	assert_int_equal(end(f), FILES_IN_USE);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	write_text(T "/cgroup/podc1/cgroup.procs", "");
	assert_int_equal(end(f), FILES_CLOSED);
	unmount();
}

static void test_files_that_changed_asleep_do_not_start(void **state)
{
	struct fixture *f = *state;

	sleep_after_a_run(f);
	run("rm -r " UPPER "/srv");
	expect_refused(f, "FilesChanged", "made, removed or renamed since generation 2");
	expect_not_made(f, "FilesChanged", "accept-rootfs=2-");
	assert_int_equal(access(UPPER "/kept", F_OK), 0);
	/* an order for another case is none for this one */
	f->w.accept_order = "2-00000000:2-00000000";
	expect_not_made(f, "FilesChanged", "");
}

static void accept(struct fixture *f)
{
	static char order[2 * FILES_ID_BYTES];
	const char *at = strstr(f->err.text, "accept-rootfs=");

	assert_non_null(at);
	(void)snprintf(order, sizeof order, "%s", strchr(at, '=') + 1);
	f->w.accept_order = order;
	expect_made(f);
	assert_string_equal(f->made.accepted, order);
	tell(f);
	/* once: the order stays until the controller takes it away */
	expect_made_again(f);
	assert_string_equal(f->made.accepted, "");
	expect_started(f);
	assert_int_equal(end(f), FILES_CLOSED);
	settle(f);
	tell(f);
	expect_made_again(f);
	unmount();
}

static void test_files_that_changed_start_when_that_is_accepted(void **state)
{
	struct fixture *f = *state;

	sleep_after_a_run(f);
	run("touch " UPPER "/from-outside");
	expect_not_made(f, "FilesChanged", "go on with them as they are now");
	accept(f);
	assert_int_equal(access(UPPER "/from-outside", F_OK), 0);
}

/* A disk that is not mounted: nothing is made where it should be. */
static void test_files_of_a_folder_that_is_gone_are_missing(void **state)
{
	struct fixture *f = *state;

	sleep_after_a_run(f);
	assert_int_equal(rename(T "/prefix", T "/away"), 0);
	expect_refused(f, "FilesMissing", "the folder is gone");
	expect_not_made(f, "FilesMissing", "the folder is gone");
	assert_int_equal(access(T "/prefix", F_OK), -1);
	assert_int_equal(mkdir(T "/prefix", 0700), 0);
	expect_not_made(f, "FilesMissing", "the folder is gone");
	assert_int_equal(rmdir(T "/prefix"), 0); /* still empty */
	assert_int_equal(rename(T "/away", T "/prefix"), 0);
	expect_made(f);
	expect_started(f);
	unmount();
}

static void test_files_of_an_emptied_folder_are_missing(void **state)
{
	struct fixture *f = *state;

	sleep_after_a_run(f);
	run("rm -r " UPPER "/*");
	expect_refused(f, "FilesMissing", "is empty");
	expect_not_made(f, "FilesMissing", "is empty");
	run("rm -r " UPPER);
	expect_not_made(f, "FilesMissing", "the folder is gone");
	run("mkdir " UPPER);
	expect_not_made(f, "FilesMissing", "the folder is empty");
	accept(f);
}

/* What an earlier version made, and its API object remembers, is not made anew in silence. */
static void test_files_of_an_earlier_version_can_be_missing(void **state)
{
	struct fixture *f = *state;

	f->w.was_made = true;
	run("rm -r " T "/prefix/*");
	expect_not_made(f, "FilesMissing", "they were there, and the folder is gone");
	assert_int_equal(access(T "/prefix/default", F_OK), -1);
}

/* The whole folder, from a snapshot: its own marks agree. */
static void test_files_of_an_older_snapshot_are_changed(void **state)
{
	struct fixture *f = *state;

	sleep_after_a_run(f);
	run("cp -a " KEPT " " T "/snapshot");
	expect_started(f);
	run("touch " MERGED "/later");
	assert_int_equal(end(f), FILES_CLOSED);
	settle(f);
	tell(f);
	unmount();
	run("rm -r " KEPT "; cp -a " T "/snapshot " KEPT);
	expect_not_made(f, "FilesChanged", "of generation 2-");
	accept(f);
}

static void expect_restored(struct fixture *f, const char *tar_options)
{
	char command[400];

	unmount();
	(void)snprintf(command, sizeof command,
	               "tar %s --numeric-owner -C " KEPT " -cf " T "/b.tar upper record.json && "
	               "rm -r " UPPER " " KEPT "/work " KEPT "/record.json && "
	               "tar %s --numeric-owner -C " KEPT " -xf " T "/b.tar",
	               tar_options, tar_options);
	run(command);
}

/* The last generation from a backup is what the last stop left. */
static void test_files_of_a_whole_backup_start(void **state)
{
	struct fixture *f = *state;
	uint64_t number;

	sleep_after_a_run(f);
	number = f->recorded.number;
	expect_restored(f, "--xattrs --xattrs-include='*'");
	expect_made(f);
	assert_int_equal(f->made.files.number, number + 1);
	expect_started(f);
	unmount();
}

static void test_files_copied_without_attributes_are_changed(void **state)
{
	struct fixture *f = *state;

	sleep_after_a_run(f);
	expect_restored(f, "");
	expect_not_made(f, "FilesChanged", "without its extended attributes");
	accept(f);
}

/* A copy that was taken while a process wrote is torn. */
static void test_files_copied_while_in_use_are_changed(void **state)
{
	struct fixture *f = *state;

	sleep_after_a_run(f);
	expect_started(f);
	expect_restored(f, "--xattrs --xattrs-include='*'");
	expect_not_made(f, "FilesChanged", "while a process used the files");
}

/* A folder that took the place of the mounted one is not what a process would see. */
static void test_files_of_another_folder_than_the_mounted_do_not_start(void **state)
{
	struct fixture *f = *state;

	sleep_after_a_run(f);
	run("cp -a " UPPER " " KEPT "/copy; mv " UPPER " " KEPT "/other; mv " KEPT "/copy " UPPER);
	expect_refused(f, "FilesChanged", "not the folder that is mounted");
	expect_made_again(f);
	expect_started(f);
	unmount();
}

static void test_files_are_dropped_whole_though_that_was_cut_off(void **state)
{
	struct fixture *f = *state;

	sleep_after_a_run(f);
	unmount();
	/* as rootfs_drop() leaves it when it is killed at the end */
	run("sed -i 's/\"version\"/\"isDropping\": true, \"version\"/' " KEPT "/record.json");
	run("rm -r " UPPER);
	expect_made(f);
	assert_int_equal(access(MERGED "/kept", F_OK), -1);
	tell(f);
	run_and_stop(f);
	expect_made_again(f);
	unmount();
}

/* As a reset does. */
static void drop(struct fixture *f)
{
	sleep_after_a_run(f);
	unmount();
	run("sed -i 's/\"version\"/\"isDropping\": true, \"version\"/' " KEPT "/record.json");
	expect_made(f);
	assert_int_equal(access(MERGED "/kept", F_OK), -1);
	assert_true(f->made.has_dropped);
}

static void test_files_are_dropped_behind_the_start(void **state)
{
	struct fixture *f = *state;
	int status = -1;
	pid_t pid;

	drop(f);
	run("test -e " KEPT "/dropped-*/kept");
	unmount();
	/* an agent was killed before they were gone, and the next one comes */
	expect_made(f);
	assert_true(f->made.has_dropped);
	pid = fork(); /* it stands back, for good */
	if (pid == 0)
		_exit(dropped_remove(&f->w.place, NULL, &f->err) == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	run("! ls -d " KEPT "/dropped-*");
	unmount();
	expect_made(f);
	assert_false(f->made.has_dropped);
	unmount();
}

static void test_files_dropped_faster_than_they_are_removed_wait(void **state)
{
	run("cd " KEPT " && mkdir dropped-1 dropped-2 dropped-3 dropped-4 dropped-5 dropped-6 "
	    "dropped-7 dropped-8");
	drop(*state);
	run("! find " KEPT " -name kept | grep .");
	unmount();
}

static double best_us(struct fixture *f)
{
	double best = 1e9;

	for (int i = 0; i < STARTS; i++) {
		expect_started(f);
		if ((double)f->opened.took_us < best)
			best = (double)f->opened.took_us;
		assert_int_equal(end(f), FILES_CLOSED);
		settle(f);
	}
	return best;
}

/* What a start pays, however many files there are. */
static void test_files_cost_a_start_less_than_a_millisecond(void **state)
{
	struct fixture *f = *state;
	char command[200];
	double few, many;

	expect_made(f);
	run_and_stop(f);
	few = best_us(f);
	expect_started(f);
	(void)snprintf(command, sizeof command, "cd " MERGED " && seq 1 %d | xargs touch",
	               MANY_FILES);
	run(command);
	assert_int_equal(end(f), FILES_CLOSED);
	settle(f);
	many = best_us(f);
	(void)printf("# a start: %.0f us with a few files, %.0f us with %d in one folder\n", few,
	             many, MANY_FILES);
	assert_true(few < 1000 && many < 1000);
	unmount();
}

#define FILES_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        FILES_TEST(test_files_start_and_stop_again_and_again),
	        FILES_TEST(test_files_of_an_earlier_version_start),
	        FILES_TEST(test_files_of_a_stop_that_was_cut_off_start),
	        FILES_TEST(test_files_may_get_mount_points_asleep),
	        FILES_TEST(test_files_that_are_used_are_not_closed),
	        FILES_TEST(test_files_that_changed_asleep_do_not_start),
	        FILES_TEST(test_files_that_changed_start_when_that_is_accepted),
	        FILES_TEST(test_files_of_a_folder_that_is_gone_are_missing),
	        FILES_TEST(test_files_of_an_emptied_folder_are_missing),
	        FILES_TEST(test_files_of_an_earlier_version_can_be_missing),
	        FILES_TEST(test_files_of_an_older_snapshot_are_changed),
	        FILES_TEST(test_files_of_a_whole_backup_start),
	        FILES_TEST(test_files_copied_without_attributes_are_changed),
	        FILES_TEST(test_files_copied_while_in_use_are_changed),
	        FILES_TEST(test_files_of_another_folder_than_the_mounted_do_not_start),
	        FILES_TEST(test_files_are_dropped_whole_though_that_was_cut_off),
	        FILES_TEST(test_files_are_dropped_behind_the_start),
	        FILES_TEST(test_files_dropped_faster_than_they_are_removed_wait),
	        FILES_TEST(test_files_cost_a_start_less_than_a_millisecond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
