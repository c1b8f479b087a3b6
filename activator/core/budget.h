/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget - how much memory all connections may take together, and what is done as it fills
 *
 *     easy ──3/4──> tight ──all──> full
 *
 * Tight: answers are read in small pieces, and the slowest and oldest connections go. Full: no
 * head grows any more, and pieces are as small as a page; so what is over the budget is bounded
 * by connections × BUDGET_FULL_PIECE_BYTES, for which the other two fifths of the limit are there.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum budget_level { BUDGET_EASY, BUDGET_TIGHT, BUDGET_FULL };

enum {
	BUDGET_OF_LIMIT_PCT = 60, /* of a cgroup's limit: the rest is the program and its caches */
	BUDGET_OF_MACHINE_PCT = 25, /* of a machine's memory, where there is no limit */
	BUDGET_TIGHT_PIECE_BYTES = 16 * 1024,
	BUDGET_FULL_PIECE_BYTES = 4 * 1024,
	/* What a client costs that does nothing, with its connection to a container: 2 sockets of
	   the kernel, 2 of ours, a request: an estimate, on the safe side. */
	BUDGET_CONNECTION_BYTES = 16 * 1024,
};

/** budget_bytes() - what connections may take, by the @limit_bytes of the cgroup (0: none) */
size_t budget_bytes(size_t limit_bytes, size_t machine_bytes);

/** budget_level() - @max_bytes 0: no budget */
enum budget_level budget_level(size_t max_bytes, size_t used_bytes);

/** budget_piece() - how much of @piece_bytes one connection may read at once */
size_t budget_piece(enum budget_level level, size_t piece_bytes);

/**
 * budget_connections() - how many of @wanted_count connections fit, idle ones at least
 * @files_count: descriptors for them; each may want two, and a tenth more are there to be refused
 */
uint32_t budget_connections(size_t max_bytes, uint64_t files_count, uint32_t wanted_count);

/** budget_goal() - relief goes on until no more than this is used */
size_t budget_goal(size_t max_bytes);
