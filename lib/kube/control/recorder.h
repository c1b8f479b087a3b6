/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder - Events (core/v1) about an object, fire and forget
 *
 * The same event again within ten minutes is counted up instead of written anew. They are written
 * one after another, those of type Normal after a pause: nobody waits for them, and who waits for a
 * container would wait for what they cost the API server. At most RECORDER_PENDING_MAX wait;
 * further ones are dropped and counted, and what waits when the program ends is lost.
 */
#pragma once

#include "lib/kube/client/client.h"

struct recorder;

enum { RECORDER_PENDING_MAX = 1024, RECORDER_PAUSE_MS = 3000 };

int recorder_new(struct event_base *base, struct kube_client *client, const char *component,
                 struct recorder **ret_recorder, struct err *err);
void recorder_free(struct recorder *r);

/** recorder_event() - @warning: type Warning, else Normal; @reason: CamelCase */
void recorder_event(struct recorder *r, const json_t *object, bool warning, const char *reason,
                    const char *fmt, ...) PRINTF_LIKE(5, 6);
