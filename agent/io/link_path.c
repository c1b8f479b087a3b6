/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_path - where a Pod's socket will be: inotify, and from time to time a look where that is
 * short
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "agent/io/link_internal.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"

enum {
	LINK_PATH_PARTS = 4,
	/* The control folder is the user's to write. Each container makes two entries in it. */
	LINK_ENTRIES_MAX = 64,
	LINK_ENTRIES_MS = 1000,
	LINK_ENTRIES_BYTES = 4096,
	/* then it is looked at from time to time for so long */
	LINK_MUTE_MS = 60000,
	LINKS_REOPEN_MS = 30000,
};

/* From one look to the next, where nothing can be watched. */
static const struct pause_limit link_poll_limit = {20, 1000, 10000};

/* After what failed for want of something. */
static const struct pause_limit link_retry_limit = {20, 1000, 10000};

static bool links_open_inotify(struct links *links);

void link_pause(struct link *l, uint64_t ms)
{
	const struct timeval tv = clk_timeval(ms);

	(void)evtimer_add(l->pause, &tv);
}

void link_retry(struct link *l)
{
	link_pause(l, pause_next(&l->retry, &link_retry_limit, clk_now_ms()));
}

/*
 * Open the path as deep as it exists. Return: how many of its folders that are; *ret_fd is the
 * deepest, -1 when the Pods' folder itself is missing.
 */
static unsigned link_walk(struct link *l, int *ret_fd)
{
	const char *parts[LINK_PATH_PARTS] = {l->pod_uid, "volumes", "kubernetes.io~empty-dir",
	                                      SC_CONTROL_VOLUME};
	int fd = open(l->links->pods_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned depth = 0;

	for (; fd >= 0 && depth < LINK_PATH_PARTS; depth++) {
		int next = openat(fd, parts[depth], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0)
			break;
		(void)close(fd);
		fd = next;
	}
	l->is_short = depth < LINK_PATH_PARTS && pause_helps_with(errno);
	*ret_fd = fd;
	return depth;
}

static bool link_watch_is_shared(const struct link *l, int watch)
{
	const struct link *other;

	LIST_FOREACH(other, &l->links->list, entry) {
		if (other != l && other->watch == watch)
			return true;
	}
	return false;
}

static void link_set_watch(struct link *l, int watch)
{
	if (l->watch >= 0 && l->watch != watch && !link_watch_is_shared(l, l->watch))
		(void)inotify_rm_watch(l->links->inotify_fd, l->watch);
	l->watch = watch;
}

/* The folder that was opened; it may be that nothing more can be watched. */
static void link_watch_folder(struct link *l, int folder_fd, uint64_t now_ms)
{
	bool is_muted = l->depth == LINK_PATH_PARTS && now_ms < l->mute_until_ms;
	char path[64];
	int watch = -1;
	int error;

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", folder_fd);
	if (!is_muted && links_open_inotify(l->links))
		watch = inotify_add_watch(l->links->inotify_fd, path,
		                          IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR);
	error = errno;
	/* one that is gone meanwhile is not logged */
	if (watch < 0 && !is_muted && error != ENOENT && !l->links->is_polling_logged) {
		l->links->is_polling_logged = true;
		log_event(LOG_WARN, "consumer.folders_not_watched",
		          log_str("message",
		                  "folders are looked at every second instead, and wakes "
		                  "take longer; see fs.inotify.max_user_watches and "
		                  "fs.inotify.max_user_instances"),
		          log_str("error", strerror(error)));
	} else if (watch >= 0) {
		l->links->is_polling_logged = false;
	}
	link_set_watch(l, watch);
}

/* Without a watch no event asks to look again, but the end of a peer that lives. */
static void link_look_later(struct link *l, uint64_t now_ms)
{
	if (evtimer_pending(l->pause, NULL))
		return;
	if (l->is_short)
		link_retry(l);
	else if (l->watch < 0 && l->peer.pid == 0)
		link_pause(l, pause_next(&l->poll, &link_poll_limit, now_ms));
}

/*
 * Watch the deepest folder there is, and look again after the watch is there: what appeared in
 * between has no event. Ends, since each round is deeper than the one before.
 */
static void link_look_at(struct link *l, uint64_t now_ms)
{
	int deepest = -1;

	for (;;) {
		CLEANUP(fd_close_var) int folder = -1;
		CLEANUP(fd_close_var) int file = -1;
		int depth = (int)link_walk(l, &folder);

		if (folder < 0)
			return;
		if (depth > deepest) {
			if (depth != l->depth)
				pause_over(&l->poll);
			l->depth = depth;
			link_watch_folder(l, folder, now_ms);
			deepest = depth;
			continue;
		}
		if (depth == LINK_PATH_PARTS) {
			file = openat(folder, SC_CONTROL_SOCKET, O_PATH | O_NOFOLLOW | O_CLOEXEC);
			l->is_short = file < 0 && pause_helps_with(errno);
		}
		if (file >= 0)
			l->on_socket(l, file);
		return;
	}
}

void link_look(struct link *l)
{
	uint64_t now_ms = clk_now_ms();

	if (evtimer_pending(l->pause, NULL))
		return;
	link_look_at(l, now_ms);
	link_look_later(l, now_ms);
}

/* What is made in the user's folder in a hurry is not looked at one by one. */
static void link_count_entry(struct link *l, uint64_t now_ms)
{
	l->has_entries = true;
	if (l->depth != LINK_PATH_PARTS)
		return;
	if (now_ms >= l->entries_ms + LINK_ENTRIES_MS) {
		l->entries_ms = now_ms;
		l->entries_count = 0;
	}
	if (++l->entries_count <= LINK_ENTRIES_MAX || l->watch < 0)
		return;
	link_set_watch(l, -1);
	l->mute_until_ms = now_ms + LINK_MUTE_MS;
	log_event(LOG_WARN, "consumer.folder_floods", log_str("pod_uid", l->pod_uid),
	          log_u64("for_ms", LINK_MUTE_MS));
}

static void on_links_readable(evutil_socket_t fd, short what, void *arg)
{
	struct links *links = arg;
	_Alignas(struct inotify_event) char buf[LINK_ENTRIES_BYTES];
	ssize_t bytes = read(fd, buf, sizeof buf);
	uint64_t now_ms = clk_now_ms();
	const struct inotify_event *ev;
	struct link *l;

	(void)what;
	for (ssize_t at = 0; at < bytes; at += (ssize_t)(sizeof *ev + ev->len)) {
		ev = (const struct inotify_event *)(buf + at);
		LIST_FOREACH(l, &links->list, entry) {
			/* an overflowed queue is everybody's event */
			if (ev->wd == -1)
				l->has_entries = true;
			else if (l->watch == ev->wd)
				link_count_entry(l, now_ms);
		}
	}
	LIST_FOREACH(l, &links->list, entry) {
		bool is_due = l->has_entries;

		l->has_entries = false;
		if (is_due)
			link_look(l);
	}
}

/* Its number on a machine is limited for each user, and containers of root's have root's. */
static bool links_open_inotify(struct links *links)
{
	uint64_t now_ms = clk_now_ms();

	if (links->inotify_fd >= 0)
		return true;
	if (links->opened_ms != 0 && now_ms < links->opened_ms + LINKS_REOPEN_MS)
		return false;
	links->opened_ms = now_ms;
	links->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (links->inotify_fd < 0)
		return false;
	links->readable = event_new(links->base, links->inotify_fd, EV_READ | EV_PERSIST,
	                            on_links_readable, links);
	if (links->readable != NULL && event_add(links->readable, NULL) == 0)
		return true;
	event_drop(&links->readable);
	fd_close(&links->inotify_fd);
	return false;
}

int links_new(struct event_base *base, const char *pods_dir, struct links **ret_links,
              struct err *err)
{
	struct links *links = calloc(1, sizeof *links);

	if (links == NULL)
		return err_set(err, ERR_NOMEM, 0, "links");
	links->base = base;
	links->pods_dir = pods_dir;
	links->inotify_fd = -1;
	(void)links_open_inotify(links);
	*ret_links = links;
	return 0;
}

void links_free(struct links *links)
{
	if (links == NULL)
		return;
	event_drop(&links->readable);
	fd_close(&links->inotify_fd);
	free(links);
}

void link_unwatch(struct link *l)
{
	link_set_watch(l, -1);
}
