/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_source - asks the container runtime for the configuration of a container's image
 */
#pragma once

#include <jansson.h>

#include "lib/base/err.h"

struct event_base;
struct image_source;
struct image_query;

struct image_answer {
	const char *digest;   /* of the image configuration: names the layers */
	const json_t *config; /* Entrypoint, Cmd, Env, User, … */
};

/* @answer: borrowed; NULL when @err says why there is none */
typedef void (*image_done_fn)(void *arg, const struct image_answer *answer, const struct err *err);

/** image_source_podman() - Podman's REST API on a unix socket */
int image_source_podman(struct event_base *base, const char *socket_path,
                        struct image_source **ret_source, struct err *err);

/** image_source_cri() - the Container Runtime Interface, @endpoint "unix:///PATH" or "/PATH" */
int image_source_cri(struct event_base *base, const char *endpoint,
                     struct image_source **ret_source, struct err *err);

/** image_source_open() - whichever is configured; one must be, NULL or "" is not */
int image_source_open(struct event_base *base, const char *runtime_endpoint,
                      const char *podman_socket, struct image_source **ret_source, struct err *err);
/** image_source_free() - after all its questions. NULL is allowed */
void image_source_free(struct image_source *source);

/* Which container, and where the answer goes. */
struct image_question {
	const char *container_id; /* as the Pod's status has it: "podman://ID", "containerd://ID" */
	image_done_fn done;
	void *arg;
};

/**
 * image_query_start() - the image of one container
 * @question:  borrowed for the call
 * @ret_query: lasts until done() has run, or image_query_cancel()
 *
 * done() runs later, never within the call. Return: 0; negative: err, and done() will not run.
 */
int image_query_start(struct image_source *source, const struct image_question *question,
                      struct image_query **ret_query, struct err *err);

/** image_query_cancel() - @done will not run; NULL is allowed */
void image_query_cancel(struct image_query *query);
