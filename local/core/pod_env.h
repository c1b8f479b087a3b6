/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_env - a container's environment, command and arguments, as the kubelet would work them out
 *
 * env over envFrom, later over earlier, $(NAME) expanded from what is already defined, $$ for one
 * dollar sign (Kubernetes: "Define Dependent Environment Variables").
 */
#pragma once

#include <jansson.h>

#include "lib/base/err.h"

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

/** pod_env_expand() - $(NAME) from @env; an unknown name stays as it is. Return: new string */
json_t *pod_env_expand(const char *text, const json_t *env);

/** pod_env_secret_bytes() - base64 of a Secret's data. Return: new string, NULL when malformed;
 * *ret_bytes its length */
char *pod_env_secret_bytes(const char *base64, size_t *ret_bytes);
