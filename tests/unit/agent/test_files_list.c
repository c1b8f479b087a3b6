/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of the kept files, and what is told of files that differ from it. In a folder of the
 * test's own; the mark on it wants root.
 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "agent/io/mounts/files_list.h"

#define FOLDER "default/hello.uid-1"

struct fixture {
	char top[PATH_MAX / 2];
	struct files_use use;
	struct files_mark mark;
	struct err err;
};

/* In the folder of the kept files. */
static void run(struct fixture *f, const char *command)
{
	char line[PATH_MAX];

	(void)snprintf(line, sizeof line, "cd '%s/" FOLDER "' && { %s; }", f->top, command);
	if (system(line) != 0)
		fail_msg("%s", command);
}

/* Return: false when we may not */
static bool put_mark(struct fixture *f, bool is_open)
{
	char path[PATH_MAX];
	int fd;
	int rc;

	(void)snprintf(path, sizeof path, "%s/" FOLDER, f->top);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	f->mark.is_open = is_open;
	rc = files_mark_put(fd, &f->mark, &f->err);
	(void)close(fd);
	if (rc < 0 && f->err.sys_errno != EPERM && f->err.sys_errno != ENOTSUP)
		fail_msg("%s", f->err.text);
	return rc == 0;
}

static int setup(void **state)
{
	static struct fixture f;
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX];

	f = (struct fixture){.mark = {.id = {7, 0x77}}};
	(void)snprintf(f.top, sizeof f.top, "%.1000s/sc-files-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(f.top));
	f.use.place = (struct rootfs_place){
	        .prefix = f.top, .ns = "default", .name = "hello", .uid = "uid-1"};
	(void)snprintf(path, sizeof path, "%s/default", f.top);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof path, "%s/" FOLDER, f.top);
	assert_int_equal(mkdir(path, 0700), 0);
	run(&f, "mkdir -p upper/srv/data; echo k >upper/kept; echo x >upper/srv/data/x; "
	        "mkfifo upper/fifo; ln -s kept upper/link");
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[PATH_MAX];

	(void)snprintf(command, sizeof command, "rm -r '%s'", f->top);
	return system(command);
}

/* Return: as files_list_make() */
static int list(struct fixture *f)
{
	struct files_listed listed = {0};
	pid_t pid = fork(); /* it gives its priority up */
	int status;

	if (pid == 0) {
		int rc = files_list_make(&f->use, &listed, &f->err);

		_exit(rc < 0 || (rc == 0 && listed.files != 6) ? 9 : rc);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect(struct fixture *f, enum files_result result, const char *text)
{
	struct files_verified v = {0};

	assert_int_equal(files_verify(&f->use, &v, &f->err), 0);
	if (v.result != result || strstr(v.text, text) == NULL)
		fail_msg("%s: %s", files_result_text(v.result), v.text);
	if (result == FILES_RESULT_SAME)
		assert_true(v.differences == 0 && v.files == 6 &&
		            files_id_is(v.generation, f->mark.id));
}

static void test_files_list_is_what_files_are_compared_with(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	if (!put_mark(f, false))
		skip();
	expect(f, FILES_RESULT_NO_LIST, "no list was made");
	assert_int_equal(list(f), 0);
	expect(f, FILES_RESULT_SAME, "");
	(void)snprintf(path, sizeof path, "%s/" FOLDER "/upper/kept", f->top);
	assert_int_equal(setxattr(path, "trusted.note", "1", 1, 0), 0);
	run(f, "touch -d 2001-01-01 upper/srv/data/x; ln -s x upper/srv/data/y; "
	       "chmod 700 upper/srv; ln -sf other upper/link");
	expect(f, FILES_RESULT_DIFFERS,
	       "changed kept\nchanged link\nchanged srv\nchanged srv/data/x\nadded srv/data/y\n");
	run(f, "rm -r upper/srv/data");
	expect(f, FILES_RESULT_DIFFERS,
	       "changed kept\nchanged link\nchanged srv\nremoved srv/data\nremoved srv/data/x\n");
	run(f, "rm -r upper");
	expect(f, FILES_RESULT_MISSING, "upper");
}

/* Whichever folder or disk they are in now. */
static void test_files_list_holds_for_a_restored_backup(void **state)
{
	struct fixture *f = *state;

	if (!put_mark(f, false))
		skip();
	assert_int_equal(list(f), 0);
	run(f, "tar --xattrs --xattrs-include='*' --numeric-owner -cf backup upper; rm -r upper; "
	       "tar --xattrs --xattrs-include='*' --numeric-owner -xf backup");
	expect(f, FILES_RESULT_SAME, "");
}

static void test_files_list_is_not_made_of_files_in_use(void **state)
{
	struct fixture *f = *state;

	if (!put_mark(f, true))
		skip();
	assert_int_equal(list(f), 1);
	run(f, "test ! -e files.list && test ! -e files.list.new");
}

#define LIST_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        LIST_TEST(test_files_list_is_what_files_are_compared_with),
	        LIST_TEST(test_files_list_holds_for_a_restored_backup),
	        LIST_TEST(test_files_list_is_not_made_of_files_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
