/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_watch - hears when somebody takes a link or the table of rules away
 *
 * The kernel reports links by rtnetlink and tables by nfnetlink. A lost message counts as a change.
 */
#pragma once

#include "lib/base/err.h"

struct event_base;
struct network_watch;

struct network_watch_opts {
	const char *table; /* of nftables, family ip */
	/* @name: of a link that is gone; NULL: some may be */
	void (*on_link_gone)(void *arg, const char *name);
	void (*on_table_gone)(void *arg);
	void *arg;
};

/** network_watch_open() - @opts's texts are borrowed. Works in the namespace of its caller */
int network_watch_open(struct event_base *base, const struct network_watch_opts *opts,
                       struct network_watch **ret_watch, struct err *err);
void network_watch_close(struct network_watch *w);
DEFINE_CLEANUP(struct network_watch *, network_watch_close);
