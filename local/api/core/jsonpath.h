/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonpath - the part of JSONPath that printer columns use
 *
 * ".spec.running", ".metadata.labels['a.b/c']", ".status.conditions[?(@.type=="Ready")].status",
 * ".spec.list[0].name".
 */
#pragma once

#include <jansson.h>

/** jsonpath_get() - Return: the first match, borrowed; NULL when there is none */
const json_t *jsonpath_get(const json_t *from, const char *path);
