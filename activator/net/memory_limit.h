/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_limit - how much memory this process may have, by its cgroup and by the machine
 */
#pragma once

#include <stddef.h>

/** memory_limit_of_cgroup() - the smallest limit of the own cgroup and those above it; 0: none */
size_t memory_limit_of_cgroup(void);
size_t memory_of_machine(void);
