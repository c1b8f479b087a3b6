/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_tree - what an image's tree may not have where a runtime mounts
 *
 * runc makes its links in /dev (fd, stdin, ptmx…) by path, before it has changed the root: in an
 * image whose /dev is a symbolic link they come to be wherever that leads, on the host too. So the
 * layers are looked at before such a container starts.
 */
#pragma once

#include <jansson.h>

#include "lib/base/err.h"

/**
 * image_tree_check() - /dev, /proc and /sys are folders, or not there
 * @graph_driver: of the container, as Podman's inspect has it: overlay's layers, the highest first
 */
int image_tree_check(const json_t *graph_driver, struct err *err);
