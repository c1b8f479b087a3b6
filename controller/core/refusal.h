/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal - the reason in the status when the API server refuses an object that was to be made
 */
#pragma once

#include "controller/core/memory.h"

/**
 * refusal_reason() - @text: the server's message
 * A Pod that an admission plugin forbids has a reason of its own; all other reasons say that the
 * object is invalid. Return: CamelCase, static: one reason is always the same pointer.
 */
const char *refusal_reason(enum held what, int http_status, const char *text);
