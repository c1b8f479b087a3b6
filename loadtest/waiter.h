/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiter - a port of 127.0.0.1 that answers any request with 200 and closes
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

struct event_base;
struct waiter;

int waiter_new(struct event_base *base, struct waiter **ret_waiter, struct err *err);
void waiter_free(struct waiter *w);
uint16_t waiter_port(const struct waiter *w);
