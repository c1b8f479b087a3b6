/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image - an image's configuration as the instance's status has it (docs/protocols.md)
 */
#pragma once

#include <jansson.h>

#include "wrapper/node/core/passwd.h"

/**
 * image_status() - status.image from a container runtime's inspection
 * @config: the OCI image configuration's "config" object (Entrypoint, Cmd, Env, …)
 *
 * Return: new reference, with uid and gid 0 and no groups.
 */
json_t *image_status(const json_t *config);

/** image_status_user() - set the numbers of the image's user and its groups */
void image_status_user(json_t *status, const struct passwd_user *user);
