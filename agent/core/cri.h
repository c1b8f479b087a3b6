/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cri - questions to a container runtime and its answers, as the bytes of a unary gRPC call
 *
 * A message is preceded by one byte, 0 (not compressed), and its length, four bytes big-endian
 * (gRPC over HTTP/2, "Length-Prefixed-Message"). The runtime is believed as to images, but its
 * answers may be anything.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "lib/base/err.h"

#define CRI_CONTAINER_STATUS "/runtime.v1.RuntimeService/ContainerStatus"
#define CRI_IMAGE_STATUS "/runtime.v1.ImageService/ImageStatus"

enum {
	CRI_NAME_BYTES = 512,                         /* an image's or container's name, at most */
	CRI_QUESTION_BYTES_MAX = CRI_NAME_BYTES + 32, /* with prefix */
	CRI_DIGEST_BYTES = 80,                        /* "sha256:" and 64 digits */
};

/**
 * cri_container_question() - ask ContainerStatus
 * @container_id: as a Pod's status has it: "containerd://<id>", "cri-o://<id>"
 *
 * Return: 0; negative: err, for what is no id of a CRI runtime.
 */
int cri_container_question(const char *container_id, char buf[CRI_QUESTION_BYTES_MAX],
                           size_t *ret_bytes, struct err *err);

/** cri_container_answer() - @image: what the image is to be asked for by */
int cri_container_answer(const char *bytes, size_t count, char image[CRI_NAME_BYTES],
                         struct err *err);

/** cri_image_question() - ask ImageStatus, verbosely */
int cri_image_question(const char *image, char buf[CRI_QUESTION_BYTES_MAX], size_t *ret_bytes,
                       struct err *err);

/**
 * cri_image_answer() - the image's own digest and configuration
 * @digest:     of its configuration, which names its layers: the same wherever and however often
 *              it is pulled
 * @ret_config: Entrypoint, Cmd, Env, …; new reference
 */
int cri_image_answer(const char *bytes, size_t count, char digest[CRI_DIGEST_BYTES],
                     json_t **ret_config, struct err *err);

/** cri_status_error() - @status: of the header grpc-status, "" absent. Return: 0 for "0" */
int cri_status_error(const char *status, const char *message, struct err *err);
