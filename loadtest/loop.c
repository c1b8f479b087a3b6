/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - steps one after the other on an event loop
 */
#include "loadtest/loop.h"

#include <event2/event.h>

#include "lib/base/clk.h"

static void loop_run_for(struct event_base *base, uint64_t ms)
{
	const struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	(void)event_base_loopexit(base, &tv);
	(void)event_base_dispatch(base);
}

static void on_wake_up(evutil_socket_t fd, short what, void *arg)
{
}

int loop_until(struct event_base *base, const struct loop_goal *goal, struct err *err)
{
	const struct timeval tick = {0, 100000};
	const uint64_t end_ms = clk_now_ms() + goal->timeout_ms;
	struct event *timer = event_new(base, -1, EV_PERSIST, on_wake_up, NULL);
	int rc = 0;

	if (timer == NULL || evtimer_add(timer, &tick) < 0)
		rc = err_set(err, ERR_NOMEM, 0, "timer");
	while (rc == 0 && !goal->is_done(goal->arg)) {
		if (clk_now_ms() >= end_ms)
			rc = err_set(err, ERR_TIMEOUT, 0, "%s: nothing after %llu ms", goal->what,
			             (unsigned long long)goal->timeout_ms);
		else
			(void)event_base_loop(base, EVLOOP_ONCE);
	}
	if (timer != NULL)
		event_free(timer);
	return rc;
}

void loop_pause(struct event_base *base, uint64_t ms)
{
	loop_run_for(base, ms);
}
