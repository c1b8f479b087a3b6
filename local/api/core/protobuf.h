/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf - bodies that kubectl sends as application/vnd.kubernetes.protobuf, as JSON
 *
 * client-go's typed clients write built-in kinds so and do not try JSON when they are refused.
 * The envelope is "k8s\0" and a runtime.Unknown; the kinds read are the plain ones that kubectl
 * makes itself (Namespace, ConfigMap, Secret, ServiceAccount, the reviews behind "kubectl auth")
 * and DeleteOptions. A kind or a field that is not known is refused: nothing is dropped silently.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "lib/base/err.h"

#define PROTOBUF_MEDIA_TYPE "application/vnd.kubernetes.protobuf"

/**
 * protobuf_parse() - a body to the object that it stands for
 * @ret_object: new reference, with apiVersion and kind
 * Return: 0; negative with ERR_PARSE (broken) or ERR_INVALID (a kind or field that is not read)
 */
int protobuf_parse(const void *body, size_t bytes, json_t **ret_object, struct err *err);
