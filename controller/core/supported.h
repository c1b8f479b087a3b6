/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supported - finds what of a Pod template cannot be honoured, before any Pod is made
 *
 * docs/pod-fields.md has the reasons at length. What opens the node is not refused here: the Pod is
 * the user's own, and the API server judges it by the namespace's Pod Security level.
 */
#pragma once

#include <stdbool.h>

#include "lib/api/resource.h"

enum { SUPPORTED_TEXT_BYTES = 400 };

/**
 * supported_check() - the template of @r
 * @buf: the path of the first field that cannot be honoured, and why. Return: false when there is
 * one
 */
bool supported_check(const struct resource *r, char buf[SUPPORTED_TEXT_BYTES]);
