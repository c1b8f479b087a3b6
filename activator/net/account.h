/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account - the one account of the memory that connections take in this process
 *
 * Whoever grows or frees a buffer for a connection says so here: heads that are read, heads that
 * are kept for sending, bytes that a peer would not take yet. What the kernel keeps for sockets is
 * in it as well (cgroup v2 charges it to the same limit): a fixed part for each, and what their
 * queues held when last measured.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "activator/core/budget.h"

enum account_kind { ACCOUNT_BUFFERS, ACCOUNT_SOCKETS, ACCOUNT_KINDS_COUNT };

/** account_set_max() - the budget; 0: none */
void account_set_max(size_t max_bytes);
/** account_move() - something that took @from_bytes takes @to_bytes now */
void account_move(enum account_kind kind, size_t from_bytes, size_t to_bytes);
size_t account_bytes(enum account_kind kind);
size_t account_max(void);
enum budget_level account_level(void);
/** account_is_crowded() - whether @sockets_count sockets with full queues are too much */
bool account_is_crowded(size_t sockets_count);
/** account_excess() - how much must go until relief has done its work */
size_t account_excess(void);
/** account_watch() - @on_tight is called by account_piece() while memory is short; NULL: nobody */
void account_watch(void (*on_tight)(void *arg), void *arg);
/** account_piece() - how much of @most_bytes may be read at once, as memory is */
size_t account_piece(size_t most_bytes);
