/* SPDX-License-Identifier: Apache-2.0 */
/*
 * why - explains why a container is awake, asleep or failed, what comes next, and what to do
 *
 * Made of status alone: the phase, the conditions, status.idle and status.activation.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

/**
 * why_lines() - new reference: lines; the first says how it is in a few words
 * @where: what must stand behind a name in a command, to mean the same: "" or " -n NAMESPACE"
 */
json_t *why_lines(const json_t *object, const char *where, uint64_t now_wall_ms);

/** advice_of() - what to do about a reason; "%s" stands for the name. Return: NULL: nothing known
 */
const char *advice_of(const char *reason);

/** status_lines() - "status NAME" for people. New reference */
json_t *status_lines(const json_t *object, uint64_t now_wall_ms);
