/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrk_output - the figures in what wrk prints
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

struct wrk_output {
	uint64_t requests;
	double per_second;
	uint64_t errors; /* other answers than 2xx and 3xx, and socket errors */
};

int wrk_output_parse(const char *text, struct wrk_output *ret_output, struct err *err);
