/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { BUSY_MS = 60 };

static const char *my_name(void)
{
	static char name[TALLY_NAME_BYTES];

	(void)prctl(PR_GET_NAME, name);
	return name;
}

static void be_busy(void)
{
	struct timespec used;

	do
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	while (used.tv_sec == 0 && used.tv_nsec < BUSY_MS * 1000000L);
}

static void children_count_when_they_were_waited_for(void **state)
{
	struct tally_use use = {0};
	struct tally *begun = NULL;
	struct err err;
	pid_t child;

	(void)state;
	assert_int_equal(tally_begin(&begun, &err), 0);
	child = fork();
	if (child == 0) {
		be_busy();
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(tally_end(begun, &use, &err), 0);
	assert_true(tally_ms(&use, my_name()) >= BUSY_MS / 2);
	assert_int_equal(tally_ms(&use, "no such program"), 0);
	tally_free(begun);
}

static void what_was_used_before_does_not_count(void **state)
{
	struct tally_use use = {0};
	struct tally *begun = NULL;
	struct err err;

	(void)state;
	be_busy();
	assert_int_equal(tally_begin(&begun, &err), 0);
	assert_int_equal(tally_end(begun, &use, &err), 0);
	assert_true(tally_ms(&use, my_name()) < BUSY_MS / 2);
	tally_free(begun);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(children_count_when_they_were_waited_for),
	        cmocka_unit_test(what_was_used_before_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
