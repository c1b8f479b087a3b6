/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor - what Podman alone needs from create to the first byte of an answer: the least possible
 *
 * By REST on the engine's own service, as the Pod runner does it: no process of a command line
 * starts in the measured time.
 */
#pragma once

#include <stdint.h>

#include "loadtest/stages.h"

struct event_base;
struct floor;

struct floor_opts {
	const char *socket;        /* of Podman's service */
	const char *cgroup;        /* the containers' parent, "/sc-floor"; empty: Podman's own */
	const char *image;         /* the same as our container's */
	uint16_t port;             /* on which it listens */
	const char *host;          /* of the request */
	const char *netns_path;    /* a network namespace that is there */
	const char *netns_address; /* and the address that it has */
};

int floor_new(struct event_base *base, const struct floor_opts *opts, struct floor **ret_floor,
              struct err *err);
void floor_free(struct floor *f);

/** floor_run() - create, start, first byte; the container is removed before this returns */
int floor_run(struct floor *f, enum stages_kind kind, struct stages_cycle *ret_cycle,
              struct err *err);
