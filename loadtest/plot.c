/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plot - gnuplot draws a file of measurements
 */
#include "loadtest/plot.h"

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>

extern char **environ;

int plot_draw(const char *script, const char *csv, const char *png, struct err *err)
{
	char *argv[] = {(char *)"gnuplot",      (char *)"-c",           (char *)(uintptr_t)script,
	                (char *)(uintptr_t)csv, (char *)(uintptr_t)png, NULL};
	int status = 0, r;
	pid_t pid;

	r = posix_spawnp(&pid, "gnuplot", NULL, NULL, argv, environ);
	if (r != 0)
		return err_set(err, ERR_SYS, r, "run gnuplot");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? 0 : err_set(err, ERR_SYS, 0, "gnuplot failed");
}
