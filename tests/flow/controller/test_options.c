/* SPDX-License-Identifier: Apache-2.0 */
/* Options that contradict each other end a program at once, with words that name them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum { TEXT_BYTES = 4096 };

/* Return: the exit code; @text: what it said on standard error */
static int run(const char *program, const char *const *args, char text[TEXT_BYTES])
{
	const char *argv[6] = {program};
	const char *build = getenv("SC_BUILD_DIR");
	char path[512];
	size_t bytes = 0;
	ssize_t n;
	int fds[2], status;
	pid_t pid;

	assert_non_null(build);
	(void)snprintf(path, sizeof path, "%s/%s", build, program);
	for (size_t i = 0; args[i] != NULL; i++)
		argv[i + 1] = args[i];
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fds[1], STDERR_FILENO);
		(void)execv(path, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(fds[1]);
	while ((n = read(fds[0], text + bytes, TEXT_BYTES - 1 - bytes)) > 0)
		bytes += (size_t)n;
	text[bytes] = '\0';
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_options_want_one_way_to_the_activators(void **state)
{
	static const char controller[] = "controller/sc-controller";
	static const char monitor[] = "idle-monitor/sc-idle-monitor";
	static const struct {
		const char *program, *args[4], *says;
	} cases[] = {
	        {controller, {NULL}, "want one of activatorAddresses and activatorService"},
	        {controller,
	         {"--activator-addresses=10.0.0.1:80", "--activator-service=a/b"},
	         "want one of activatorAddresses and activatorService"},
	        {monitor, {NULL}, "want one of activators and activatorService"},
	        {monitor,
	         {"--activators=http://10.0.0.1:80", "--activator-service=a/b"},
	         "want one of activators and activatorService"},
	        {monitor,
	         {"--activator-service=a/b", "--idle-namespaces=team timeout=soon"},
	         "idle.namespaces \"team timeout=soon\""},
	};
	char text[TEXT_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(run(cases[i].program, cases[i].args, text), 2);
		if (strstr(text, cases[i].says) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", cases[i].says, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_options_want_one_way_to_the_activators),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
