/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - signals, descriptors and log of a program at its start
 */
#include "lib/program/process.h"

#include <event2/event.h>
#include <signal.h>
#include <stdint.h>

#include "lib/base/clk.h"
#include "lib/base/fds.h"
#include "lib/base/log.h"

enum { PROCESS_WARNING_MS = 1000 };

static void on_libevent_log(int severity, const char *text)
{
	static uint64_t told_ms;
	static uint64_t untold_count;
	uint64_t now_ms = clk_now_ms();

	if (severity == EVENT_LOG_DEBUG)
		return;
	if (told_ms != 0 && now_ms - told_ms < PROCESS_WARNING_MS) {
		untold_count++;
		return;
	}
	log_event(severity == EVENT_LOG_ERR ? LOG_ERROR : LOG_WARN, "libevent.warning",
	          log_str("text", text), log_u64("untold_count", untold_count));
	told_ms = now_ms;
	untold_count = 0;
}

void process_start(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	log_set_nonblocking();
	event_set_log_callback(on_libevent_log);
	fds_raise();
}
