/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports - which TCP ports listen in a Pod, of the sockets that the kernel lists
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kept for the message; a Pod may listen on more, and the wanted one is still seen. */
enum { PORTS_KEPT_MAX = 16 };

struct ports {
	uint16_t wanted; /* 0: none */
	/* Whether a socket is the Pod's own, where others are in its network, too; NULL: all are.
	 */
	bool (*is_own)(void *arg, uint32_t inode);
	void *own_arg;
	bool is_wanted_open;  /* on an address that others can reach */
	bool is_wanted_local; /* on loopback only */
	uint16_t open[PORTS_KEPT_MAX];
	size_t open_count;
};

/** ports_add() - one listening socket; @loopback: bound to a loopback address */
void ports_add(struct ports *p, uint16_t port, bool loopback, uint32_t inode);

/** ports_message() - why the wanted port does not answer, into @buf */
const char *ports_message(const struct ports *p, char *buf, size_t size);

/**
 * ports_delay_ms() - until the next look
 * @waited_ms: since the process started
 * @took_us:   for this look; where looking is expensive it is done less often
 */
uint64_t ports_delay_ms(uint64_t waited_ms, uint64_t took_us);
