/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget - how much memory all connections may take together, by the limit of the process, and how
 * they must save as it fills
 */
#include "activator/core/budget.h"

static size_t part(size_t bytes, unsigned pct)
{
	return bytes / 100 * pct;
}

size_t budget_bytes(size_t limit_bytes, size_t machine_bytes)
{
	if (limit_bytes > 0 && limit_bytes < machine_bytes)
		return part(limit_bytes, BUDGET_OF_LIMIT_PCT);
	return part(machine_bytes, BUDGET_OF_MACHINE_PCT);
}

enum budget_level budget_level(size_t max_bytes, size_t used_bytes)
{
	if (max_bytes == 0 || used_bytes < max_bytes - max_bytes / 4)
		return BUDGET_EASY;
	return used_bytes < max_bytes ? BUDGET_TIGHT : BUDGET_FULL;
}

size_t budget_piece(enum budget_level level, size_t piece_bytes)
{
	size_t most = level == BUDGET_EASY    ? piece_bytes
	              : level == BUDGET_TIGHT ? BUDGET_TIGHT_PIECE_BYTES
	                                      : BUDGET_FULL_PIECE_BYTES;

	return piece_bytes < most ? piece_bytes : most;
}

uint32_t budget_connections(size_t max_bytes, uint64_t files_count, uint32_t wanted_count)
{
	uint64_t fit = files_count * 10 / 21;

	if (max_bytes > 0 && max_bytes / BUDGET_CONNECTION_BYTES < fit)
		fit = max_bytes / BUDGET_CONNECTION_BYTES;
	if (fit >= wanted_count)
		return wanted_count;
	return fit > 0 ? (uint32_t)fit : 1;
}

size_t budget_goal(size_t max_bytes)
{
	return max_bytes - max_bytes / 3;
}
