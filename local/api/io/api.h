/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api - the Kubernetes API: HTTP requests onto the registry
 */
#pragma once

#include "lib/base/err.h"
#include "local/api/io/http_server.h"
#include "local/pod_log.h"
#include "local/registry/io/registry_api.h"

struct api;

struct api_opts {
	struct http_server_opts http;      /* on_request and arg are set here */
	const char *token;                 /* bearer token, of everything but the health checks */
	const struct pod_log_source *logs; /* or NULL: no Pod runner */
	const char *(*why_not_ready)(void *arg); /* or NULL; returns NULL when it is ready */
	void *ready_arg;
};

int api_new(struct event_base *base, struct registry *r, const struct api_opts *opts,
            struct api **ret_api, struct err *err);
void api_free(struct api *api);
unsigned api_port(const struct api *api);
/* The runner is made after the API. */
void api_set_logs(struct api *api, const struct pod_log_source *logs);
void api_set_ready(struct api *api, const char *(*why_not_ready)(void *arg), void *arg);
