/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods_words - the words that a consumer's process is given: the template's and the image's
 *
 * The kubelet expands all of them. The template's are meant so; the image's are not.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/** pods_has_named() - an object in @list has this value at @key */
bool pods_has_named(const json_t *list, const char *key, const char *value);

/**
 * pods_args() - what is to run
 * Kubernetes' rule ("Define a Command and Arguments for a Container"): command replaces the
 * entrypoint and drops the image's command; args alone replaces the image's command.
 *
 * Return: new reference
 */
json_t *pods_args(const json_t *container, const json_t *image);

/**
 * pods_merge_env() - the environment of @main
 * The image's first, so that the user's own values may refer to it as $(NAME); HOME where neither
 * has it.
 */
void pods_merge_env(json_t *main, const json_t *image);
