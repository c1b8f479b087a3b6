/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accept_pause - stops a listener for 100 ms, and logs each episode once
 */
#include "lib/http/accept_pause.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"

enum { ACCEPT_PAUSE_MS = 100, ACCEPT_EPISODE_MS = 10000 };

struct accept_pause {
	LIST_ENTRY(accept_pause) entry;
	struct evconnlistener *listener;
	struct event *resume;
	const char *name;
	uint64_t failed_ms; /* the last time; 0: never */
};

/* The callback's argument is that of whoever accepts (evhttp's, for instance), so we look it up. */
static LIST_HEAD(, accept_pause) accept_pauses = LIST_HEAD_INITIALIZER(accept_pauses);

static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	static const struct timeval pause = {0, ACCEPT_PAUSE_MS * 1000};
	int error = EVUTIL_SOCKET_ERROR();
	uint64_t now_ms = clk_now_ms();
	struct accept_pause *p;

	(void)arg;
	LIST_FOREACH(p, &accept_pauses, entry) {
		if (p->listener == listener)
			break;
	}
	assert(p != NULL);
	if (p->failed_ms == 0 || now_ms - p->failed_ms > ACCEPT_EPISODE_MS)
		log_event(LOG_WARN, "listener.paused", log_str("listener", p->name),
		          log_str("error", strerror(error)), log_u64("pause_ms", ACCEPT_PAUSE_MS));
	p->failed_ms = now_ms;
	(void)evconnlistener_disable(listener);
	(void)evtimer_add(p->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct accept_pause *p = arg;

	(void)fd;
	(void)what;
	(void)evconnlistener_enable(p->listener);
}

int accept_pause_new(struct event_base *base, struct evconnlistener *listener, const char *name,
                     struct accept_pause **ret_pause, struct err *err)
{
	struct accept_pause *p = calloc(1, sizeof *p);

	if (p == NULL || (p->resume = evtimer_new(base, on_resume, p)) == NULL) {
		free(p);
		return err_set(err, ERR_NOMEM, 0, "listener");
	}
	p->listener = listener;
	p->name = name;
	LIST_INSERT_HEAD(&accept_pauses, p, entry);
	evconnlistener_set_error_cb(listener, on_accept_error);
	*ret_pause = p;
	return 0;
}

void accept_pause_free(struct accept_pause *p)
{
	if (p == NULL)
		return;
	LIST_REMOVE(p, entry);
	evconnlistener_set_error_cb(p->listener, NULL);
	event_free(p->resume);
	free(p);
}
