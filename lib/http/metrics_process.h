/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_process - the metrics of the process itself, as all Prometheus clients have them
 */
#pragma once

#include <stddef.h>

/** metrics_process_write() - the values of now, read from /proc/self; one missing is left out */
void metrics_process_write(void (*put)(void *arg, const char *text, size_t bytes), void *arg);
