/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_image - image names and pull policy
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum pod_image_pull { POD_IMAGE_IF_NOT_PRESENT, POD_IMAGE_ALWAYS, POD_IMAGE_NEVER };

enum { POD_IMAGE_NAME_BYTES_MAX = 512 };

/** pod_image_pull_policy() - the container's, else Always for :latest or no tag (as Kubernetes) */
enum pod_image_pull pod_image_pull_policy(const json_t *container);

/**
 * pod_image_normalize() - the full name as a registry client reads it ("busybox" →
 * "docker.io/library/busybox:latest")
 * Return: false when @image is not an image name.
 */
bool pod_image_normalize(const char *image, char *buf, size_t size);

/** pod_image_repository() - @image without tag and digest, into @buf */
void pod_image_repository(const char *image, char *buf, size_t size);
