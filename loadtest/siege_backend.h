/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siege_backend - containers for a siege, each in a process of its own
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

enum siege_backend_kind {
	SIEGE_QUICK, /* answers at once, with two bytes */
	SIEGE_BIG,   /* with 200 KB */
	SIEGE_SINK,  /* never */
	SIEGE_KINDS_COUNT,
};

/**
 * siege_backend() - listen on @port of 127.0.0.1
 * Return: the process, which ends with ours; negative on failure
 */
pid_t siege_backend(enum siege_backend_kind kind, uint16_t port, struct err *err);
/** siege_fork() - as fork(); the child ends with us */
pid_t siege_fork(void);
void siege_end(pid_t pid);
