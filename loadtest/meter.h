/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter - what a process has used, as the kernel counts it
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/** meter_cpu_ns() - processor time of all its threads since it began (schedstat) */
int meter_cpu_ns(pid_t pid, uint64_t *ret_ns, struct err *err);
/** meter_rss_kib() - resident memory (VmRSS) */
int meter_rss_kib(pid_t pid, uint64_t *ret_kib, struct err *err);
/** meter_anon_kib() - of it what is no file's (RssAnon, proc(5)): without the program's own pages
 */
int meter_anon_kib(pid_t pid, uint64_t *ret_kib, struct err *err);
