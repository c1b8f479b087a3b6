/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fds.h"

static void test_fds_raised_here_and_not_in_what_we_start(void **state)
{
	struct rlimit limit;
	int status = -1;
	pid_t pid;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 200;
	limit.rlim_max = limit.rlim_max < 5000 ? limit.rlim_max : 5000;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(fds_for_clients(), 200 - FDS_OWN - FDS_RESERVE);
	fds_raise();
	fds_raise(); /* again is no matter: what was found is what was found first */
	assert_int_equal(fds_limit(), limit.rlim_max);
	assert_int_equal(fds_for_clients(), limit.rlim_max - FDS_OWN - FDS_RESERVE);
	pid = fork();
	if (pid == 0) {
		fds_restore();
		_exit(fds_limit() == 200 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fds_limit(), limit.rlim_max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_fds_raised_here_and_not_in_what_we_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
