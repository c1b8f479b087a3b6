/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account - counts the memory that all connections of this process take
 */
#include "activator/net/account.h"

#include <assert.h>

/* net.ipv4.tcp_rmem: what the kernel takes in for a socket that nobody reads from. */
enum { SOCKET_QUEUE_BYTES = 128 * 1024 };

/* What has a memory limit is the process: there is one. */
static size_t used_bytes[ACCOUNT_KINDS_COUNT];
static size_t budget_max;
static void (*watcher)(void *arg);
static void *watcher_arg;

void account_set_max(size_t max_bytes)
{
	budget_max = max_bytes;
}

void account_move(enum account_kind kind, size_t from_bytes, size_t to_bytes)
{
	assert(used_bytes[kind] >= from_bytes);
	used_bytes[kind] = used_bytes[kind] - from_bytes + to_bytes;
}

size_t account_bytes(enum account_kind kind)
{
	return used_bytes[kind];
}

size_t account_max(void)
{
	return budget_max;
}

static size_t account_total(void)
{
	return used_bytes[ACCOUNT_BUFFERS] + used_bytes[ACCOUNT_SOCKETS];
}

enum budget_level account_level(void)
{
	return budget_level(budget_max, account_total());
}

bool account_is_crowded(size_t sockets_count)
{
	return budget_max > 0 && sockets_count > budget_max / 4 / SOCKET_QUEUE_BYTES;
}

size_t account_excess(void)
{
	size_t goal = budget_goal(budget_max);

	return budget_max > 0 && account_total() > goal ? account_total() - goal : 0;
}

void account_watch(void (*on_tight)(void *arg), void *arg)
{
	watcher = on_tight;
	watcher_arg = arg;
}

size_t account_piece(size_t most_bytes)
{
	enum budget_level level = account_level();

	if (level != BUDGET_EASY && watcher)
		watcher(watcher_arg);
	return budget_piece(level, most_bytes);
}
