/* SPDX-License-Identifier: Apache-2.0 */
/* A container's life by kubectl-sc alone, with every program at work: plugin.sh. */
#include "tests/engine/product/product.h"

#include <stdio.h>
#include <stdlib.h>

static void test_plugin_drives_the_whole_product(void **state)
{
	struct product *p = *state;
	char program[512];

	(void)snprintf(program, sizeof program, "%s/cli/kubectl-sc", getenv("SC_BUILD_DIR"));
	product_apply(p, "hello", "localhost/hello:1", false, "\"timeout\":\"0s\"");
	product_wait_phase(p, "hello", "Stopped");
	product_run(p, "bash", getenv("SC_PLUGIN_SCRIPT"), program, world_kubeconfig(p->world),
	            NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_plugin_drives_the_whole_product)};

	return cmocka_run_group_tests(tests, product_up, product_down);
}
