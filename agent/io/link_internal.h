/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_internal - what the connection (link.c) and the search for its socket (link_path.c) share
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <unistd.h>

#include "agent/core/pause.h"
#include "agent/core/talk.h"
#include "agent/io/link.h"

struct links {
	struct event_base *base;
	const char *pods_dir;
	int inotify_fd; /* -1: none; links are looked at from time to time */
	struct event *readable;
	uint64_t opened_ms;     /* when that was tried last */
	bool is_polling_logged; /* that something can't be watched, until all can again */
	LIST_HEAD(, link) list;
};

struct link {
	LIST_ENTRY(link) entry;
	struct links *links;
	struct link_handler handler;
	/* The socket file was opened: connect, unless we are. Keeps no @path_fd */
	void (*on_socket)(struct link *l, int path_fd);
	char pod_uid[64];
	int watch;              /* of the deepest folder that exists; -1: none */
	int depth;              /* how deep that is */
	bool has_entries;       /* since the events before these */
	unsigned entries_count; /* of them, since entries_ms */
	uint64_t entries_ms;
	uint64_t mute_until_ms; /* its folder is not watched */
	bool is_short;          /* the last look ended for want of descriptors */
	int socket_fd;          /* connected; else -1 */
	dev_t socket_dev;       /* which socket file that was */
	ino_t socket_ino;
	bool socket_is_dead; /* that one leads to nobody any more: wait for another */
	struct talk talk;
	struct pause distrust;
	struct pause retry;
	struct pause poll;
	char refused[128];     /* what was logged of the last one that was refused */
	struct link_peer peer; /* pid 0: none */
	uint64_t peers_count;
	struct event *readable;
	struct event *ended;
	struct event *pause;
};

static inline void fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static inline void event_drop(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

/** link_look() - whether the socket is there by now, unless a pause is under way */
void link_look(struct link *l);

/** link_pause() - look again after so long, and not before */
void link_pause(struct link *l, uint64_t ms);

/** link_retry() - the same, after what failed for want of something */
void link_retry(struct link *l);

/** link_unwatch() - its folder, unless another link has the same */
void link_unwatch(struct link *l);
