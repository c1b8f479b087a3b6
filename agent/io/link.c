/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link - the connection to a Pod's wrapper, and who is at its other end
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "agent/io/link_internal.h"
#include "agent/io/mounts/fs.h"
#include "agent/io/mounts/proc.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"

/* After a container has ended, not before so long: a Pod can't keep us busy. */
enum { LINK_PAUSE_MS = 100 };

/* After a peer that is no wrapper of ours, or does not talk like one. */
static const struct pause_limit link_distrust_limit = {LINK_PAUSE_MS, 30000, 600000};
/* --- the peer --- */

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

/* It is left alone for a while, which grows. */
static void link_distrust(struct link *l)
{
	link_disconnect(l);
	link_pause(l, pause_next(&l->distrust, &link_distrust_limit, clk_now_ms()));
}

/* Return: false when that was out of turn, and the connection is over. */
static bool link_receive(struct link *l, char *packet, size_t bytes)
{
	struct proto_message m;

	packet[bytes] = '\0';
	m = proto_parse(packet);
	if (!talk_received(&l->talk, m.kind)) {
		link_distrust(l);
		log_event(LOG_WARN, "consumer.peer_out_of_turn", log_str("pod_uid", l->pod_uid),
		          log_str("said", packet), log_u64("pause_ms", l->distrust.ms));
		return false;
	}
	l->handler.on_message(l->handler.arg, &m);
	return true;
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
	/* its last messages are still in the socket */
	while (l->socket_fd >= 0) {
		char packet[PROTO_TEXT_BYTES_MAX + 1];
		ssize_t n = recv(l->socket_fd, packet, sizeof packet - 1, MSG_DONTWAIT);

		if (n <= 0 || !link_receive(l, packet, (size_t)n))
			break;
	}
	link_disconnect(l);
	link_peer_done(l);
	l->socket_is_dead = true;
	if (!evtimer_pending(l->pause, NULL))
		link_pause(l, LINK_PAUSE_MS);
	l->handler.on_gone(l->handler.arg);
}

static void on_link_readable(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	char packet[PROTO_TEXT_BYTES_MAX + 1];
	ssize_t n = recv(l->socket_fd, packet, sizeof packet - 1, MSG_DONTWAIT);

	(void)fd;
	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		link_disconnect(l);
		l->socket_is_dead = l->handler.on_closed(l->handler.arg);
		link_pause(l, l->distrust.ms > LINK_PAUSE_MS ? l->distrust.ms : LINK_PAUSE_MS);
		return;
	}
	(void)link_receive(l, packet, (size_t)n);
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
	if (l->handler.is_other != NULL && l->handler.is_other(l->handler.arg, p->pid))
		return err_set(err, ERR_DENIED, 0,
		               "process %d is of another container of the Pod than the main one",
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

/*
 * Take @peer. Return: true when it is the process that is known already; else it may be another
 * container of that Pod, before its former one was seen to end.
 */
static bool link_set_peer(struct link *l, const struct link_peer *peer)
{
	bool is_same = l->peer.pid == peer->pid && proc_is_alive(l->peer.pid_fd);
	uint64_t number = is_same ? l->peer.number : ++l->peers_count;

	if (l->peer.pid != 0)
		link_peer_done(l);
	assert(peer->pid > 0 && peer->pid_fd >= 0 && l->ended == NULL);
	l->peer = *peer;
	l->peer.number = number;
	return is_same;
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
	/* it lives and had let go of us, which a wrapper does not do: the next time it waits */
	if (link_set_peer(l, &peer))
		(void)pause_next(&l->distrust, &link_distrust_limit, clk_now_ms());
	assert(l->socket_fd < 0 && l->readable == NULL && l->ended == NULL);
	l->socket_fd = TAKE_FD(fd);
	talk_begin(&l->talk);
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
	(void)link_set_peer(l, &peer);
	assert(l->ended == NULL && l->socket_fd < 0);
	l->ended = event_new(l->links->base, l->peer.pid_fd, EV_READ, on_link_ended, l);
	if (l->ended == NULL || event_add(l->ended, NULL) < 0) {
		link_peer_done(l);
		return err_set(err, ERR_NOMEM, 0, "events");
	}
	return 0;
}

/* --- the socket's path --- */

/* What a check reads of /proc it takes for a no when it can't read it. */
static bool link_has_descriptors(void)
{
	CLEANUP(fd_close_var) int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	return fd >= 0;
}

/* The same socket is tried again, more slowly each time, and logged once. */
static void link_refused(struct link *l, const struct err *err)
{
	if (err->code == ERR_DENIED && link_has_descriptors())
		link_pause(l, pause_next(&l->distrust, &link_distrust_limit, clk_now_ms()));
	else
		link_retry(l);
	if (strncmp(l->refused, err->text, sizeof l->refused - 1) == 0)
		return;
	(void)snprintf(l->refused, sizeof l->refused, "%.*s", (int)sizeof l->refused - 1,
	               err->text);
	log_event(LOG_WARN, "consumer.peer_refused", log_str("pod_uid", l->pod_uid), log_err(err));
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
	if (link_connect(l, path_fd, &err) < 0) {
		link_refused(l, &err);
		return;
	}
	l->socket_dev = st.st_dev;
	l->socket_ino = st.st_ino;
	l->socket_is_dead = false;
	l->refused[0] = '\0';
	pause_over(&l->retry);
}

bool link_recheck(struct link *l)
{
	struct err err;

	if (l->peer.pid == 0 || l->handler.is_other == NULL ||
	    !l->handler.is_other(l->handler.arg, l->peer.pid) || !proc_is_alive(l->peer.pid_fd))
		return false;
	(void)err_set(&err, ERR_DENIED, 0,
	              "process %d, which was the peer, is of another container of the Pod",
	              (int)l->peer.pid);
	link_disconnect(l);
	link_peer_done(l);
	link_refused(l, &err);
	return true;
}

int link_new(struct links *links, const char *pod_uid, const struct link_handler *handler,
             struct link **ret_link, struct err *err)
{
	struct link *l = calloc(1, sizeof *l);

	if (l == NULL)
		return err_set(err, ERR_NOMEM, 0, "link");
	l->links = links;
	l->handler = *handler;
	l->on_socket = link_on_socket;
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
	link_unwatch(l);
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

	if (l->socket_fd < 0)
		return;
	assert(l->peer.pid != 0); /* who is connected is known */
	talk_sent(&l->talk, kind);
	if (send(l->socket_fd, packet, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		link_distrust(l); /* a new connection begins with a hello */
}
