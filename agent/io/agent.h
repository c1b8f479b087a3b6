/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent - the node agent's parts, wired
 *
 *     informers ──> instance ──> rootfs (tasks), image_source
 *                      └──> consumer ──> link (wrapper), handover (task), netns
 *                      └──> status patches
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "lib/base/err.h"
#include "lib/kube/cache/informer.h"

struct event;
struct event_base;
struct image_source;
struct instance;
struct links;
struct metric;
struct metrics;

struct agent_config {
	const char *node_name;
	const char *pods_dir;
	const char *runtime_endpoint; /* one of these two */
	const char *podman_socket;
	const char *layer_root;
	const char *runtime_root;
	const char *staging_dir;
	const char **cgroup_roots;
	const char **host_path_prefixes;
};

struct agent {
	struct event_base *base;
	const struct agent_config *config;
	struct kube_client *kube;
	struct informer *instances_seen;
	struct informer *pods_seen;
	struct image_source *images;
	struct links *links;
	struct metric *handover_seconds;
	struct metric *rootfs_count;
	struct metric *consumers_count;
	struct metric *files_check_seconds;
	struct metric *files_refused;
	struct metric *files_dropped;
	bool files_settling; /* an instance's files; one at a time */
	bool files_listing;  /* the same */
	bool files_dropping; /* the same */
	LIST_HEAD(, instance) instances;
	/* Instances call these; NULL: nobody is interested. */
	void (*on_change)(struct agent *agent);  /* the state of one, or of its consumer */
	void (*on_written)(struct agent *agent); /* a status was written, or needed no writing */
	struct event *finish_at;                 /* NULL: it is not asked to end */
};

/** agent_start() - in the agent's own mount namespace already; @agent: base, config, kube set */
int agent_start(struct agent *agent, struct metrics *metrics, struct err *err);
/** agent_stop() - also after a start that failed; tasks that still run end with the process */
void agent_stop(struct agent *agent);

/**
 * agent_finish() - leave the event loop as soon as the API knows what this agent has recorded
 * That is two seconds later at the latest, and at once when it is called again.
 */
void agent_finish(struct agent *agent);

/** agent_why_not_ready() - NULL when it is */
const char *agent_why_not_ready(const struct agent *agent);
