/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_env - a container's environment, command and arguments, as the kubelet would work them out
 *
 * env over envFrom, later over earlier, $(NAME) expanded from what is already defined, $$ for one
 * dollar sign (Kubernetes: "Define Dependent Environment Variables").
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

/* The kernel takes no longer string of an environment (MAX_ARG_STRLEN). */
enum { POD_ENV_VALUE_BYTES_MAX = 128 * 1024 };

/* Where values come from. @find: kind "ConfigMap" or "Secret" in the Pod's namespace; a new
 * reference, or NULL when there is none. */
struct pod_env_source {
	const json_t *pod;
	const char *pod_ip;
	const char *host_ip;
	const char *node_name;
	json_t *(*find)(void *arg, const char *kind, const char *name);
	void *arg;
};

/**
 * pod_env_make() - NAME to value, for one container
 * Return: 0, *ret_env an object; negative with err saying which variable cannot be had.
 */
int pod_env_make(const struct pod_env_source *src, const json_t *container, json_t **ret_env,
                 struct err *err);

/** pod_env_expand() - $(NAME) from @env; an unknown name stays as it is
 * Return: new string, NULL when it gets too long */
json_t *pod_env_expand(const char *text, const json_t *env);

/** pod_env_base64() - a Secret's data as bytes, with a NUL behind them
 * Return: false when it is malformed or does not fit */
bool pod_env_base64(const char *base64, char *buf, size_t size, size_t *ret_bytes);
