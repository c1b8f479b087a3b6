/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise_log - what a child prints, into a file of bounded size and the one before it
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

struct event_base;
struct supervise_log;

int supervise_log_open(struct event_base *base, const char *path, uint64_t bytes_max,
                       struct supervise_log **ret_log, struct err *err);
void supervise_log_close(struct supervise_log *log);
/** supervise_log_fd() - the end that children write to */
int supervise_log_fd(const struct supervise_log *log);
