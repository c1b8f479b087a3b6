/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner - what the kubelet does, for the Pods of the embedded engine, on Podman's REST socket
 *
 * Every Pod of the registry belongs to the one node. On the way of a new Pod to its process there
 * is nothing but two calls to Podman: the network namespace was made ahead.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "local/pod_log.h"

struct event_base;
struct registry;
struct runner;

struct runner_opts {
	const char *node_name;     /* "local" */
	const char *podman_socket; /* absolute path */
	const char *pods_dir;      /* STATE/pods */
	const char *pulls_dir;     /* STATE/pulls */
	const char *run_dir;
	const char *cgroup_root; /* "sc-local" */
	const char *bridge;      /* "sclocal0" */
	const char *subnet;      /* "10.213.0.1/16" */
	bool masquerade;
	const char *owner;          /* the engine's state folder */
	unsigned netns_pool_count;  /* 4 */
	uint64_t log_bytes_max;     /* of one container's log file */
	const char *wrapper_binary; /* NULL: no image is made of it */
	const char *wrapper_image;  /* "localhost/sc-wrapper:VERSION" */
};

/**
 * runner_open() - starts to look at Pods once Podman has answered; what ran before is taken over
 * The strings of @opts are borrowed for the runner's life.
 */
int runner_open(struct event_base *base, struct registry *registry, const struct runner_opts *opts,
                struct runner **ret_runner, struct err *err);

/** runner_free() - containers go on running; a runner that starts anew finds them */
void runner_free(struct runner *r);
DEFINE_CLEANUP(struct runner *, runner_free);

/** runner_why_not_ready() - NULL when it is */
const char *runner_why_not_ready(const struct runner *r);

/** runner_log_source() - for GET …/log; valid as long as the runner */
const struct pod_log_source *runner_log_source(struct runner *r);
