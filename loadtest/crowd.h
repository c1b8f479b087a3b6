/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd - many connections that each have sent one request and stay
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct crowd;

/**
 * crowd_open() - connect @count times and send a GET for @host on each
 * @wants_answer: return when each has its answer, and leave the connections idle; else as soon as
 *                all is sent
 */
int crowd_open(const char *address, uint16_t port, const char *host, unsigned count,
               bool wants_answer, struct crowd **ret_crowd, struct err *err);
/** crowd_answered() - how many of them have something to read, or have been closed */
unsigned crowd_answered(const struct crowd *c);
void crowd_close(struct crowd *c);
