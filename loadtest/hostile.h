/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile - one connection that sends and reads as fast as it can, in a process of its own
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

struct hostile_kind {
	const char *name;
	const char *begin; /* sent once for each connection; one that is closed is opened anew */
	const char *piece; /* sent again and again; NULL: nothing */
	size_t read_bytes; /* at once */
	bool sips;         /* the kernel takes in little for it */
	bool anew;         /* it is closed after the first byte of an answer */
};

struct hostile_tally {
	uint64_t sent_bytes;
	uint64_t read_bytes;
	uint64_t opened_count;
};

/**
 * hostile_begin() - @ret_tally: shared with the process; to be given to hostile_end()
 * Return: the process, which ends with ours; negative on failure
 */
pid_t hostile_begin(const struct hostile_kind *kind, uint16_t port,
                    struct hostile_tally **ret_tally, struct err *err);
/** hostile_end() - Return: what it moved */
struct hostile_tally hostile_end(pid_t pid, struct hostile_tally *tally);
