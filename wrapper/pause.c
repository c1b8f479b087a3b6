/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause - `sc-wrapper pause`: holds a container open and reaps its processes
 */
#include "wrapper/wrapper.h"

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

int wrapper_pause(void)
{
	sigset_t all;
	int sig;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;) {
		sig = sigwaitinfo(&all, NULL);
		if (sig == SIGTERM || sig == SIGINT)
			return 0;
		if (sig == SIGCHLD) {
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
	}
}
