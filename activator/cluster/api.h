/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api - what the idle-monitor asks on the admin port: /v1/activity, /v1/quiesce, /v1/resume
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "activator/cluster/cluster.h"
#include "lib/http/admin.h"

struct api {
	struct cluster *cluster;
	const char *instance; /* random per process */
	uint64_t start_ms;
};

/** api_on_request() - for struct admin_opts; @arg: a struct api */
bool api_on_request(void *arg, const struct admin_request *req);
