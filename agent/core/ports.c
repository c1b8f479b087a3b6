/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports - which TCP ports listen in a Pod, and what to say when the wanted one does not
 */
#include "agent/core/ports.h"

#include <stdio.h>
#include <string.h>

/* A Pod in which it takes long to look has the agent for a tenth of the time at most. */
enum { PORTS_REST_PER_LOOK = 9 };

void ports_add(struct ports *p, uint16_t port, bool loopback, uint32_t inode)
{
	/* of a node's many sockets only those of the wanted port are looked at more closely */
	if (p->is_own != NULL && (port != p->wanted || !p->is_own(p->own_arg, inode)))
		return;
	if (port == p->wanted && loopback)
		p->is_wanted_local = true;
	if (port == p->wanted && !loopback)
		p->is_wanted_open = true;
	for (size_t i = 0; i < p->open_count; i++) {
		if (p->open[i] == port)
			return;
	}
	if (p->open_count < PORTS_KEPT_MAX)
		p->open[p->open_count++] = port;
}

const char *ports_message(const struct ports *p, char *buf, size_t size)
{
	size_t at;

	if (p->is_wanted_local) {
		(void)snprintf(buf, size,
		               "port %u listens on loopback only, where no request can come from",
		               p->wanted);
		return buf;
	}
	if (p->is_own != NULL) {
		(void)snprintf(buf, size, "no process of the Pod listens on port %u of the node",
		               p->wanted);
		return buf;
	}
	at = (size_t)snprintf(buf, size, "nothing listens on port %u; listening: ", p->wanted);
	if (p->open_count == 0 && at < size)
		(void)snprintf(buf + at, size - at, "none");
	for (size_t i = 0; i < p->open_count && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%u", i > 0 ? ", " : "", p->open[i]);
	return buf;
}

uint64_t ports_delay_ms(uint64_t waited_ms, uint64_t took_us)
{
	uint64_t delay_ms = waited_ms < 1000 ? 2 : waited_ms < 10000 ? 10 : 100;
	uint64_t rest_ms = took_us * PORTS_REST_PER_LOOK / 1000;

	return rest_ms > delay_ms ? rest_ms : delay_ms;
}
