/* SPDX-License-Identifier: Apache-2.0 */
/*
 * phrase - the sentences about a container that people read: in its status, in Events, in the log
 *
 * @client in each: who sent the last request; "" when no activator says, NULL when no activator has
 * seen a request since the container's start.
 */
#pragma once

#include "idle-monitor/core/idle.h"
#include "idle-monitor/core/note.h"

/** phrase_activity() - what the decision's last activity was: "request from 10.0.0.9" */
void phrase_activity(const struct idle_decision *d, const char *client, char buf[NOTE_TEXT_BYTES]);

/** phrase_stop() - why it is stopped: "no request for 5m0s (last from 10.0.0.9)" */
void phrase_stop(const struct idle_decision *d, const char *client, uint64_t now_ms,
                 char buf[NOTE_TEXT_BYTES]);
