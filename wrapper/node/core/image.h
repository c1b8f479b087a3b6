/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image - an image's configuration as the instance's status has it (docs/protocols.md)
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

/**
 * image_status() - status.image from a container runtime's inspection
 * @config: the OCI image configuration's "config" object (Entrypoint, Cmd, Env, …)
 *
 * Return: new reference, with uid and gid 0.
 */
json_t *image_status(const json_t *config);

/** image_status_user() - set the numbers of the image's user */
void image_status_user(json_t *status, uint32_t uid, uint32_t gid);
