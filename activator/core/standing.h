/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standing - in which order clients go when memory or connections run out
 *
 * By rank: begun heads first, then whoever moved the least of late, in powers of two. Of one rank
 * goes first who has been in it for the longest. Those that give memory back when they go are kept
 * apart, so that nobody who is looking for memory passes by the others. A place is as old as the
 * last look at its client: whoever takes it judges anew.
 *
 * Lists, in which places lie that others own: each call takes the same time, however many there
 * are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
	STANDING_RANKS = 16,
	STANDING_FIRST_BYTES = 8 * 1024, /* below it nobody is slower than another */
};

struct standing_place {
	TAILQ_ENTRY(standing_place) link;
	unsigned rank;
	bool heavy;
	bool taken; /* it is in a list */
};

TAILQ_HEAD(standing_list, standing_place);

struct standing {
	struct standing_list heavy[STANDING_RANKS];
	struct standing_list light[STANDING_RANKS];
};

void standing_init(struct standing *s);
unsigned standing_rank(bool is_head, uint64_t recent_bytes);
/** standing_put() - @place stays where it is if neither @rank nor @heavy is new */
void standing_put(struct standing *s, struct standing_place *place, unsigned rank, bool heavy);
/** standing_remove() - nothing, if it has no place */
void standing_remove(struct standing *s, struct standing_place *place);
/** standing_first() - who goes next; with @heavy_only: of those alone. Return: or NULL */
struct standing_place *standing_first(struct standing *s, bool heavy_only);
