/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/flow/controller/fixture.h"

#include <stdlib.h>

const char hello[] = "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\","
                     "\"kind\":\"StoppableContainer\",\"metadata\":{\"name\":\"hello\"},\"spec\":{"
                     "\"running\":false,\"template\":{\"container\":{\"image\":\"app:1\",\"ports\":"
                     "[{\"containerPort\":8080}]}}}}";

int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	const struct world_options options = {.runner = false};

	*state = f;
	f->world = world_new(&options);
	f->controller = world_spawn(f->world, "sc-controller", "--leader-elect=false",
	                            "--activator-addresses=10.1.1.1:8080",
	                            "--url-template=http://%s.%s.localhost:8080/", NULL);
	return 0;
}

int teardown(void **state)
{
	struct fixture *f = *state;

	world_free(f->world);
	free(f);
	return 0;
}
