/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image - an image's configuration as the instance's status has it (docs/protocols.md)
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "agent/core/passwd.h"

/**
 * image_status() - status.image from a container runtime's inspection
 * @config: the OCI image configuration's "config" object (Entrypoint, Cmd, Env, …)
 * @run_as: whom its user gives way to, or NULL
 *
 * Return: new reference, with uid and gid 0 and no groups.
 */
json_t *image_status(const json_t *config, const json_t *run_as);

enum { IMAGE_USER_BYTES = 256 };

/** image_user() - for passwd_resolve(), into @buf */
const char *image_user(const json_t *config, const json_t *run_as, char buf[IMAGE_USER_BYTES]);

/**
 * image_status_is_whole() - of that user, and with all that this version says: what an older agent
 * wrote has no home
 */
bool image_status_is_whole(const json_t *status, const json_t *run_as);

/** image_status_user() - set the numbers of the image's user, its groups and its home */
void image_status_user(json_t *status, const struct passwd_user *user);
