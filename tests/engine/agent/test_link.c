/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes the agent takes for process 1 of a consumer. Runs as root in mount, process and
 * network namespaces of its own (see meson.build).
 */
#include <event2/event.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wrapper/node/io/link.h"

struct fixture {
	struct event_base *base;
	struct links *links;
	struct link *link;
	struct err err;
};

static int setup(void **state)
{
	static const struct link_handler none;
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->base = event_base_new();
	assert_non_null(f->base);
	assert_int_equal(links_new(f->base, "/nonexistent", &f->links, &f->err), 0);
	assert_int_equal(link_new(f->links, "uid-1", &none, &f->link, &f->err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	link_free(f->link);
	links_free(f->links);
	event_base_free(f->base);
	free(f);
	return 0;
}

/* A process with new namespaces, which waits. */
static pid_t start_process(int flags)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (unshare(flags) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

/* Why a process with such namespaces is refused: none of them is in the Pod's cgroup. */
static void expect_refused(struct fixture *f, int flags, const char *why)
{
	pid_t pid = start_process(flags);

	assert_int_equal(link_adopt(f->link, pid, &f->err), -1);
	assert_int_equal(f->err.code, ERR_DENIED);
	if (strstr(f->err.text, why) == NULL)
		fail_msg("%s", f->err.text);
	assert_null(link_peer(f->link));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_link_peer_with_namespaces_of_a_user_namespace_is_refused(void **state)
{
	struct fixture *f = *state;

	expect_refused(f, CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS, "user namespace");
	expect_refused(f, CLONE_NEWUSER | CLONE_NEWNET, "user namespace");
	expect_refused(f, CLONE_NEWUSER | CLONE_NEWNS, "user namespace");
	/* as a runtime makes them */
	expect_refused(f, CLONE_NEWNET | CLONE_NEWNS, "cgroup");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_link_peer_with_namespaces_of_a_user_namespace_is_refused, setup,
	                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
