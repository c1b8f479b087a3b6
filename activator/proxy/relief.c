/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relief - while connections take too much memory, gets some back: first from everybody what costs
 * nothing, then from the slowest, who go
 */
#include "activator/http/message.h"
#include "activator/net/account.h"
#include "activator/proxy/internal.h"

static void on_relief(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval tv = {.tv_usec = PROXY_RELIEF_MS * 1000};
	struct proxy *p = arg;

	head_buf_pool_drop();
	if (account_excess() > 0 && p->relief_round == 0)
		p->relief_round = sweep_begin_anew(p);
	/* First all give what costs nobody anything. */
	if (account_excess() > 0 && !sweep_is_over(p, p->relief_round)) {
		(void)event_add(&p->relief, &tv);
		return;
	}
	if (evict_heavy(p))
		evict_look(p);
}

void relief_init(struct proxy *p)
{
	standing_init(&p->standing);
	(void)event_assign(&p->relief, p->base, -1, 0, on_relief, p);
}

void relief_done(struct proxy *p)
{
	(void)event_del(&p->relief);
}
