/* SPDX-License-Identifier: Apache-2.0 */
#include "wrapper/node/io/link.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "wrapper/node/io/fs.h"
#include "wrapper/node/io/proc.h"

/* After a peer that was refused or went away, not before so long: a Pod can't keep us busy. */
enum { LINK_PAUSE_MS = 100, LINK_PAUSE_MS_MAX = 1000, LINK_PATH_PARTS = 4 };

/* How often a folder is looked at that can't be watched. */
enum { LINK_POLL_MS = 20, LINK_POLL_MS_MAX = 1000 };

struct links {
	struct event_base *base;
	const char *pods_dir;
	int inotify_fd;        /* -1: none could be had */
	bool watch_has_failed; /* and that was said */
	struct event *readable;
	LIST_HEAD(, link) list;
};

struct link {
	LIST_ENTRY(link) entry;
	struct links *links;
	struct link_handler handler;
	char pod_uid[64];
	int depth;        /* how much of the path there was at the last look */
	int watch;        /* of the deepest folder that exists; -1: none */
	int socket_fd;    /* connected; else -1 */
	dev_t socket_dev; /* which socket file that was */
	ino_t socket_ino;
	bool socket_is_dead;    /* that one leads to nobody we want: wait for another */
	bool socket_has_failed; /* and that was said; it is tried again */
	uint64_t pause_ms;      /* the last one after a failure; 0: none */
	uint64_t poll_ms;       /* the last one without a watch; 0: none */
	uint64_t peers_count;
	struct link_peer peer; /* pid 0: none */
	struct event *readable;
	struct event *ended;
	struct event *pause;
};

static void link_look(struct link *l);

/* --- the peer --- */

static void fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void event_drop(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

static void link_disconnect(struct link *l)
{
	event_drop(&l->readable);
	fd_close(&l->socket_fd);
}

static void link_peer_close(struct link_peer *p)
{
	fd_close(&p->pid_fd);
	fd_close(&p->mount_ns_fd);
	fd_close(&p->net_ns_fd);
	p->pid = 0;
}

static void link_peer_done(struct link *l)
{
	event_drop(&l->ended);
	link_peer_close(&l->peer);
}

static void link_pause_for(struct link *l, uint64_t ms)
{
	const struct timeval tv = clk_timeval(ms);

	(void)evtimer_add(l->pause, &tv);
}

static void link_pause(struct link *l)
{
	link_pause_for(l, LINK_PAUSE_MS);
}

static void on_link_pause_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	link_look(arg);
}

static void on_link_ended(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	/* what it said last is still in the socket */
	while (l->socket_fd >= 0) {
		char packet[PROTO_TEXT_BYTES_MAX + 1];
		ssize_t n = recv(l->socket_fd, packet, sizeof packet - 1, MSG_DONTWAIT);
		struct proto_message m;

		if (n <= 0)
			break;
		packet[n] = '\0';
		m = proto_parse(packet);
		l->handler.on_message(l->handler.arg, &m);
	}
	link_disconnect(l);
	link_peer_done(l);
	l->socket_is_dead = true;
	link_pause(l);
	l->handler.on_gone(l->handler.arg);
}

static void on_link_readable(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	char packet[PROTO_TEXT_BYTES_MAX + 1];
	ssize_t n = recv(l->socket_fd, packet, sizeof packet - 1, MSG_DONTWAIT);
	struct proto_message m;

	(void)fd;
	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		link_disconnect(l);
		l->socket_is_dead = l->handler.on_closed(l->handler.arg);
		link_pause(l);
		return;
	}
	packet[n] = '\0';
	m = proto_parse(packet);
	l->handler.on_message(l->handler.arg, &m);
}

static int link_open_ns(pid_t pid, const char *kind)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kind);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* A namespace that can't be looked at (process 1's, where the machine forbids it) is not compared.
 */
static bool link_is_own_ns(int ns_fd, const char *own)
{
	struct stat a;
	struct stat b;

	if (fstat(ns_fd, &a) < 0)
		return true;
	return stat(own, &b) == 0 && a.st_ino == b.st_ino;
}

/* Everything is read of the process that the pidfd holds: it is asked last whether it lives. */
static int link_check_peer(struct link *l, struct link_peer *p, struct err *err)
{
	int mounts_own;
	int net_own;

	if (p->pid_fd < 0 || p->mount_ns_fd < 0 || p->net_ns_fd < 0)
		return err_set(err, ERR_SYS, errno, "process %d", (int)p->pid);
	mounts_own = proc_is_own_userns(p->mount_ns_fd);
	net_own = proc_is_own_userns(p->net_ns_fd);
	if (mounts_own < 0 || net_own < 0)
		return err_set(err, ERR_SYS, errno, "namespaces of process %d", (int)p->pid);
	if (!mounts_own || !net_own)
		return err_set(err, ERR_DENIED, 0,
		               "process %d has a mount or network namespace that was made in a "
		               "user namespace, not by the runtime",
		               (int)p->pid);
	if (!proc_is_in_pod(p->pid, l->pod_uid))
		return err_set(err, ERR_DENIED, 0, "process %d is not in the Pod's cgroup",
		               (int)p->pid);
	if (!proc_is_first(p->pid))
		return err_set(err, ERR_DENIED, 0, "process %d is not process 1 of a container",
		               (int)p->pid);
	if (link_is_own_ns(p->mount_ns_fd, "/proc/self/ns/mnt") ||
	    link_is_own_ns(p->mount_ns_fd, "/proc/1/ns/mnt"))
		return err_set(err, ERR_DENIED, 0,
		               "process %d is not in a mount namespace of a "
		               "container's own",
		               (int)p->pid);
	if (!proc_is_alive(p->pid_fd))
		return err_set(err, ERR_UNAVAILABLE, 0, "process %d has ended", (int)p->pid);
	return 0;
}

static int link_open_peer(struct link *l, pid_t pid, struct link_peer *ret_peer, struct err *err)
{
	struct link_peer p = {0, pid, pidfd_open(pid, 0), link_open_ns(pid, "mnt"),
	                      link_open_ns(pid, "net")};

	if (link_check_peer(l, &p, err) < 0) {
		link_peer_close(&p);
		return -1;
	}
	*ret_peer = p;
	return 0;
}

/* Take @peer, which may be the process that is known already: it connected again. */
static void link_set_peer(struct link *l, const struct link_peer *peer)
{
	bool is_same = l->peer.pid == peer->pid && proc_is_alive(l->peer.pid_fd);
	uint64_t number = is_same ? l->peer.number : ++l->peers_count;

	if (l->peer.pid !=
	    0) /* or another container of that Pod before its former one was seen to end */
		link_peer_done(l);
	l->peer = *peer;
	l->peer.number = number;
}

static int link_find_peer(struct link *l, int fd, struct link_peer *ret_peer, struct err *err)
{
	struct ucred cred;
	socklen_t len = sizeof cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || cred.pid <= 0)
		return err_set(err, ERR_DENIED, 0, "the peer is no process that can be seen");
	if (link_open_peer(l, cred.pid, ret_peer, err) < 0)
		return -1;
	/* a container started anew comes after the end of the former; a debugging one does not */
	if (l->peer.pid != 0 && l->peer.pid != cred.pid && proc_is_alive(l->peer.pid_fd)) {
		link_peer_close(ret_peer);
		return err_set(err, ERR_DENIED, 0,
		               "process %d is of another container: process %d is the peer, and "
		               "lives",
		               (int)cred.pid, (int)l->peer.pid);
	}
	return 0;
}

static int link_dial(int socket_path_fd, struct err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	CLEANUP(fd_close_var)
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	/* the very file that was looked at, whatever its name leads to by now */
	(void)snprintf(addr.sun_path, sizeof addr.sun_path, "/proc/self/fd/%d", socket_path_fd);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
		return err_set(err, ERR_SYS, errno, "connect");
	return TAKE_FD(fd);
}

static int link_connect(struct link *l, int socket_path_fd, struct err *err)
{
	CLEANUP(fd_close_var) int fd = link_dial(socket_path_fd, err);
	struct link_peer peer;

	if (fd < 0 || link_find_peer(l, fd, &peer, err) < 0)
		return -1;
	/* the same process again, or one that has ended and was not seen to end yet */
	link_disconnect(l);
	link_set_peer(l, &peer);
	l->socket_fd = TAKE_FD(fd);
	l->readable =
	        event_new(l->links->base, l->socket_fd, EV_READ | EV_PERSIST, on_link_readable, l);
	l->ended = event_new(l->links->base, l->peer.pid_fd, EV_READ, on_link_ended, l);
	if (l->readable == NULL || l->ended == NULL || event_add(l->readable, NULL) < 0 ||
	    event_add(l->ended, NULL) < 0) {
		link_disconnect(l);
		link_peer_done(l);
		return err_set(err, ERR_NOMEM, 0, "events");
	}
	return 0;
}

int link_adopt(struct link *l, pid_t pid, struct err *err)
{
	struct link_peer peer;

	assert(l->peer.pid == 0);
	if (link_open_peer(l, pid, &peer, err) < 0)
		return -1;
	link_set_peer(l, &peer);
	l->ended = event_new(l->links->base, l->peer.pid_fd, EV_READ, on_link_ended, l);
	if (l->ended == NULL || event_add(l->ended, NULL) < 0) {
		link_peer_done(l);
		return err_set(err, ERR_NOMEM, 0, "events");
	}
	return 0;
}

/* --- the socket's path --- */

/*
 * Whoever is not the Pod's process 1 will not become it. Anything else (no descriptor or memory is
 * left, too many wait, nobody listens yet) passes: the same socket is tried again, ever more slowly
 * and without a word more.
 */
static void link_on_failure(struct link *l, const struct err *err)
{
	l->socket_is_dead = err->code == ERR_DENIED;
	if (!l->socket_is_dead)
		link_disconnect(l); /* else this socket would be taken for the connected one */
	if (!l->socket_has_failed)
		log_event(LOG_WARN, "consumer.peer_refused", log_str("pod_uid", l->pod_uid),
		          log_err(err));
	l->socket_has_failed = true;
	l->pause_ms = l->pause_ms == 0 ? LINK_PAUSE_MS : l->pause_ms * 2;
	if (l->pause_ms > LINK_PAUSE_MS_MAX)
		l->pause_ms = LINK_PAUSE_MS_MAX;
	link_pause_for(l, l->pause_ms);
}

/*
 * The socket file was opened: connect, unless it is the one we are connected to. A connection that
 * there is stays when the peer behind this one is refused.
 */
static void link_on_socket(struct link *l, int path_fd)
{
	struct stat st;
	struct err err;

	if (fstat(path_fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	if ((l->socket_fd >= 0 || l->socket_is_dead) && st.st_dev == l->socket_dev &&
	    st.st_ino == l->socket_ino)
		return;
	if (st.st_dev != l->socket_dev || st.st_ino != l->socket_ino) {
		l->socket_has_failed = false;
		l->pause_ms = 0;
	}
	l->socket_dev = st.st_dev;
	l->socket_ino = st.st_ino;
	if (link_connect(l, path_fd, &err) < 0) {
		link_on_failure(l, &err);
		return;
	}
	l->socket_is_dead = false;
	l->socket_has_failed = false;
	l->pause_ms = 0;
}

/* A failure to open that says nothing of the path: look again, no watch will tell when it is over.
 */
static void link_look_again(struct link *l, int error)
{
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		link_pause(l);
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
	if (depth < LINK_PATH_PARTS)
		link_look_again(l, errno);
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

/* The kernel's limits are per user: what containers of root use up is missing here. */
static void links_warn(struct links *links, int error)
{
	if (!links->watch_has_failed)
		log_event(LOG_WARN, "consumer.folders_not_watched",
		          log_str("message",
		                  "folders are looked at every second instead, and wakes "
		                  "take longer; see fs.inotify.max_user_watches and "
		                  "fs.inotify.max_user_instances"),
		          log_str("error", strerror(error)));
	links->watch_has_failed = true;
}

/* Return: -1 when it can't be watched. One that is gone meanwhile is not worth a word. */
static int link_watch_folder(struct link *l, int folder_fd)
{
	char path[64];
	int watch;

	if (l->links->inotify_fd < 0)
		return -1;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", folder_fd);
	watch = inotify_add_watch(l->links->inotify_fd, path,
	                          IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR);
	if (watch < 0 && (errno == ENOSPC || errno == ENOMEM))
		links_warn(l->links, errno);
	return watch;
}

/* After a look: nothing tells of what comes next where there is no watch. */
static void link_poll_unless_watched(struct link *l, bool is_deeper)
{
	if (l->watch >= 0) {
		l->poll_ms = 0;
		return;
	}
	l->poll_ms = l->poll_ms == 0 || is_deeper ? LINK_POLL_MS : l->poll_ms * 2;
	if (l->poll_ms > LINK_POLL_MS_MAX)
		l->poll_ms = LINK_POLL_MS_MAX;
	if (!evtimer_pending(l->pause, NULL))
		link_pause_for(l, l->poll_ms);
}

/*
 * Watch the deepest folder there is, and look again after the watch is there: what appeared in
 * between has no event. Ends, since each round is deeper than the one before.
 */
static void link_look(struct link *l)
{
	int before = l->depth;
	int deepest = -1;

	if (evtimer_pending(l->pause, NULL))
		return;
	for (;;) {
		CLEANUP(fd_close_var) int folder = -1;
		CLEANUP(fd_close_var) int file = -1;
		int depth = (int)link_walk(l, &folder);

		if (folder < 0)
			return;
		if (depth > deepest) {
			link_set_watch(l, link_watch_folder(l, folder));
			deepest = depth;
			continue;
		}
		if (depth == LINK_PATH_PARTS)
			file = openat(folder, SC_CONTROL_SOCKET, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (file >= 0)
			link_on_socket(l, file);
		else if (depth == LINK_PATH_PARTS)
			link_look_again(l, errno);
		l->depth = depth;
		link_poll_unless_watched(l, depth > before);
		return;
	}
}

static void on_links_readable(evutil_socket_t fd, short what, void *arg)
{
	struct links *links = arg;
	_Alignas(struct inotify_event) char buf[4096];
	ssize_t bytes = read(fd, buf, sizeof buf);
	const struct inotify_event *ev;
	struct link *l;

	(void)what;
	for (ssize_t at = 0; at < bytes; at += (ssize_t)(sizeof *ev + ev->len)) {
		ev = (const struct inotify_event *)(buf + at);
		LIST_FOREACH(l, &links->list, entry) {
			/* an overflowed queue is everybody's event */
			if (ev->wd == -1 || l->watch == ev->wd)
				link_look(l);
		}
	}
}

int links_new(struct event_base *base, const char *pods_dir, struct links **ret_links,
              struct err *err)
{
	struct links *links = calloc(1, sizeof *links);

	if (links == NULL)
		return err_set(err, ERR_NOMEM, 0, "links");
	links->base = base;
	links->pods_dir = pods_dir;
	links->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (links->inotify_fd < 0) {
		links_warn(links, errno);
		*ret_links = links;
		return 0;
	}
	links->readable =
	        event_new(base, links->inotify_fd, EV_READ | EV_PERSIST, on_links_readable, links);
	if (links->readable == NULL || event_add(links->readable, NULL) < 0) {
		(void)err_set(err, ERR_SYS, errno, "inotify");
		links_free(links);
		return -1;
	}
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

int link_new(struct links *links, const char *pod_uid, const struct link_handler *handler,
             struct link **ret_link, struct err *err)
{
	struct link *l = calloc(1, sizeof *l);

	if (l == NULL)
		return err_set(err, ERR_NOMEM, 0, "link");
	l->links = links;
	l->handler = *handler;
	l->watch = -1;
	l->socket_fd = -1;
	l->peer = (struct link_peer){0, 0, -1, -1, -1};
	(void)snprintf(l->pod_uid, sizeof l->pod_uid, "%s", pod_uid);
	l->pause = evtimer_new(links->base, on_link_pause_over, l);
	if (l->pause == NULL) {
		free(l);
		return err_set(err, ERR_NOMEM, 0, "link");
	}
	LIST_INSERT_HEAD(&links->list, l, entry);
	*ret_link = l;
	/* not from here: the caller has not got its link yet */
	event_active(l->pause, EV_TIMEOUT, 0);
	return 0;
}

void link_free(struct link *l)
{
	if (l == NULL)
		return;
	link_set_watch(l, -1);
	link_disconnect(l);
	link_peer_done(l);
	event_drop(&l->pause);
	LIST_REMOVE(l, entry);
	free(l);
}

const struct link_peer *link_peer(const struct link *l)
{
	return l->peer.pid != 0 ? &l->peer : NULL;
}

void link_send(struct link *l, enum proto_kind kind, const char *text)
{
	char packet[PROTO_TEXT_BYTES_MAX];
	const struct proto_message m = {kind, 0, text};
	size_t bytes = proto_format(packet, &m);

	if (l->socket_fd >= 0 && send(l->socket_fd, packet, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		link_pause(l);
}
