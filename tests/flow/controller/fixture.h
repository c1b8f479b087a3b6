/* SPDX-License-Identifier: Apache-2.0 */
/* fixture - an API server, a controller, and the container that most tests are about */
#pragma once

#include "tests/world/world.h"

#define GROUP "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default/"
#define CONTAINER GROUP "stoppablecontainers/hello"

struct fixture {
	struct world *world;
	struct world_process *controller;
};

extern const char hello[]; /* as it is created */

int setup(void **state);
int teardown(void **state);
