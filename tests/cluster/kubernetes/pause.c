/* SPDX-License-Identifier: Apache-2.0 */
/* The first process of a Pod's sandbox and of a node: holds its namespaces, reaps orphans, ends
 * when asked. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

int main(void)
{
	sigset_t awaited;

	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGINT);
	/* blocked signals stay pending also for a first process without a handler */
	sigprocmask(SIG_BLOCK, &awaited, NULL);
	for (;;) {
		int signal_number = 0;

		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (sigwait(&awaited, &signal_number) == 0 && signal_number != SIGCHLD)
			return 0;
	}
}
