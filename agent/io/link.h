/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link - the agent's connection to the wrapper of one consumer Pod
 *
 * Waits with inotify for the socket below the kubelet's Pod folder, whichever part of the path is
 * missing yet; connects; checks by SO_PEERCRED and /proc that the peer is process 1 of a container
 * of that very Pod; connects again when the container is started anew. While that process lives no
 * other one is the peer: containers of the Pod for debugging may have the folder too. The folder
 * belongs to the Pod's user: nothing in it is trusted, no link is followed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "wrapper/proto.h"

struct event_base;
struct link;
struct links;

/* Who is at the other end; borrowed while the link is connected. */
struct link_peer {
	uint64_t number; /* of that process, among all of this link: two never have the same */
	pid_t pid;
	int pid_fd;
	int mount_ns_fd;
	int net_ns_fd;
};

struct link_handler {
	/* @m: borrowed */
	void (*on_message)(void *arg, const struct proto_message *m);
	/* The connection has ended, while process 1 lives. Return: nobody will listen any more. */
	bool (*on_closed)(void *arg);
	/* Process 1 of the container has ended. The link goes on and waits for a next one. */
	void (*on_gone)(void *arg);
	void *arg;
	/* It is known to be of a container that is not the one. NULL: none is. */
	bool (*is_other)(const void *arg, pid_t pid);
};

/**
 * links_new() - one inotify instance for all links; @pods_dir: "/var/lib/kubelet/pods"
 *
 * Where the kernel gives no instance, or no further watch, folders are looked at at intervals.
 */
int links_new(struct event_base *base, const char *pods_dir, struct links **ret_links,
              struct err *err);
/** links_free() - after all its links. NULL is allowed */
void links_free(struct links *links);

/**
 * link_new() - wait for a Pod's wrapper; the first look is in the next turn of the loop
 * @handler: copied
 *
 * Return: 0; negative: ERR_NOMEM.
 */
int link_new(struct links *links, const char *pod_uid, const struct link_handler *handler,
             struct link **ret_link, struct err *err);
/** link_free() - no callback runs any more; the wrapper sees the end of the connection. NULL is
 * allowed */
void link_free(struct link *link);

/**
 * link_adopt() - take a process without a connection for the peer: the user's own, which took the
 * wrapper's place. It is checked as any peer. Return: 0; negative: err, and there is no peer.
 */
int link_adopt(struct link *link, pid_t pid, struct err *err);

/**
 * link_recheck() - more is known of the Pod's containers
 * Return: the peer is of another one, and is none any more; on_gone() is not called
 */
bool link_recheck(struct link *link);

/** link_peer() - NULL when no process is known, or it has ended */
const struct link_peer *link_peer(const struct link *link);

/** link_send() - lost when nobody is connected: a new connection begins with a hello */
void link_send(struct link *link, enum proto_kind kind, const char *text);
