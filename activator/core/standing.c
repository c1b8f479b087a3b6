/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standing - keeps clients in the order in which they go when memory or connections run out
 */
#include "activator/core/standing.h"

#include <stddef.h>

void standing_init(struct standing *s)
{
	for (unsigned i = 0; i < STANDING_RANKS; i++) {
		TAILQ_INIT(&s->heavy[i]);
		TAILQ_INIT(&s->light[i]);
	}
}

unsigned standing_rank(bool is_head, uint64_t recent_bytes)
{
	unsigned rank = 1;

	if (is_head)
		return 0;
	for (uint64_t n = recent_bytes / STANDING_FIRST_BYTES; n > 0; n /= 2)
		if (++rank == STANDING_RANKS - 1)
			break;
	return rank;
}

static struct standing_list *standing_list_of(struct standing *s, unsigned rank, bool heavy)
{
	return heavy ? &s->heavy[rank] : &s->light[rank];
}

void standing_put(struct standing *s, struct standing_place *place, unsigned rank, bool heavy)
{
	if (place->taken && place->rank == rank && place->heavy == heavy)
		return;
	standing_remove(s, place);
	*place = (struct standing_place){.rank = rank, .heavy = heavy, .taken = true};
	TAILQ_INSERT_TAIL(standing_list_of(s, rank, heavy), place, link);
}

void standing_remove(struct standing *s, struct standing_place *place)
{
	if (place->taken)
		TAILQ_REMOVE(standing_list_of(s, place->rank, place->heavy), place, link);
	place->taken = false;
}

struct standing_place *standing_first(struct standing *s, bool heavy_only)
{
	for (unsigned i = 0; i < STANDING_RANKS; i++) {
		struct standing_place *heavy = TAILQ_FIRST(&s->heavy[i]);
		struct standing_place *light = TAILQ_FIRST(&s->light[i]);

		if (heavy != NULL)
			return heavy;
		if (light != NULL && !heavy_only)
			return light;
	}
	return NULL;
}
