/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_child - what the forked child of a hand-over does, in this order
 *
 * Everything that reads the disk or other processes is here and not in the event loop; and what is
 * checked is checked at the moment of use.
 */
#include <stddef.h>

#include "agent/core/handed.h"
#include "agent/io/hand.h"
#include "agent/io/mounts/fs.h"
#include "agent/io/mounts/proc.h"
#include "agent/io/mounts/rootfs.h"
#include "agent/io/task.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"

/* For all of clearAtStart together: some hundred thousand files. */
enum { HAND_CLEAR_MS_MAX = 5000 };

/* A start is worth more than an empty folder: what is left is logged for whoever runs the node. */
static void hand_clear(const struct hand_order *order)
{
	uint64_t until_ms = clk_now_ms() + HAND_CLEAR_MS_MAX;
	struct err err;

	for (size_t i = 0; order->clear[i] != NULL; i++) {
		if (fs_clear(order->handover.root_fd, order->clear[i], until_ms, &err) < 0)
			log_event(LOG_WARN, "rootfs.not_cleared",
			          log_str("namespace", order->files.place.ns),
			          log_str("instance", order->files.place.name), log_err(&err));
	}
}

int hand_child(void *arg, void *data, struct err *err)
{
	struct hand_order *order = arg;
	struct hand_done *done = data;
	struct proc_user user;
	uint64_t begin_us;
	int rc;

	/* a consumer that is not connected (yet) may have it: an agent that started anew */
	if (rootfs_holder(&order->files.place) > 0)
		return HANDED_IN_USE;
	if (!rootfs_has_layers(&order->files.place))
		return HANDED_NO_IMAGE;
	rc = files_open(&order->files, &done->files, err);
	if (rc != 0)
		return rc < 0 ? -1 : HANDED_BAD_FILES;
	hand_clear(order);
	/* half a hand-over would look like a whole one to the next agent */
	task_outlive_agent();
	begin_us = clk_now_us();
	order->handover.user = proc_user(order->pid, &user) ? &user : NULL;
	rc = handover_run(&order->handover, err);
	done->took_us = clk_now_us() - begin_us;
	return rc;
}
