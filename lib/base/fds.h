/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fds - how many descriptors this process may have, and who may use them
 *
 * Container runtimes and systemd give a soft limit of 1024 and a hard one of half a million or
 * more; the soft one is for programs that use select(2), which none of ours does. A program that is
 * started by one of ours gets the limit that we were started with.
 */
#pragma once

#include <stdint.h>

enum {
	FDS_RAISED_MAX = 1 << 20, /* "unlimited" may be a billion: no use, and no help to anybody */
	FDS_OWN = 64,             /* of the program itself: listeners, files, the event loop */
	FDS_RESERVE = 32,         /* never for clients: API server, admin port, a dial */
};

/** fds_raise() - the soft limit up to the hard one, once at start; logs the result */
void fds_raise(void);

/** fds_restore() - in a forked child, before exec: the limit as we found it. Async-signal-safe. */
void fds_restore(void);

/** fds_limit() - the soft limit now */
uint64_t fds_limit(void);

/** fds_for_clients() - what is left of it for clients' connections and those made for them */
uint64_t fds_for_clients(void);
