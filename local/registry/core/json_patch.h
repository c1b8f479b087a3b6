/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_patch - RFC 6902, and Kubernetes' strategic merge patch for its own types
 *
 * Merge patches (RFC 7396) are json_merge_patch() in lib/kube/client/object.h.
 */
#pragma once

#include <jansson.h>

#include "lib/base/err.h"

enum { JSON_PATCH_OPERATIONS_MAX = 10000 }; /* kube-apiserver's own limit */

/**
 * json_patch_apply() - all operations or none
 * @ret_result: new reference; @document is not changed
 *
 * Return: 0; negative with ERR_PARSE when @operations is not a patch, ERR_INVALID when one of them
 * can't be applied, a failed "test" among them.
 */
int json_patch_apply(const json_t *document, const json_t *operations, json_t **ret_result,
                     struct err *err);

/**
 * strategic_merge_apply() - lists of objects are merged by the key that their type declares
 * Understands $patch: delete and replace, $retainKeys, $deleteFromPrimitiveList; element order
 * directives are ignored: new elements come last.
 *
 * Return: new reference; NULL when memory ran out.
 */
json_t *strategic_merge_apply(const json_t *document, const json_t *patch);
