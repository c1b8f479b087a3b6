/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/upgrade.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_upgrade_names_and_versions(void **state)
{
	static const struct {
		const char *list;
		const char *text;
		bool want;
	} rows[] = {
	        {"websocket", "websocket", true},
	        {"websocket", "WebSocket", true},
	        {"websocket", "websocke", false},
	        {"websocket", "websockets", false},
	        {"websocket", "h2c", false},
	        {"websocket", "TLS/1.2", false},
	        {"websocket", "", false},
	        {"", "websocket", false},
	        {"a,spice/1.0", "spice/1.0", true},
	        {"a,spice/1.0", "spice/1.1", false},
	        {"a,spice/1.0", "spice", false},
	        {"a,spice", "spice/1.1", true},
	        {"a,spice", "A", true},
	        {"a,spice", "a,spice", false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (upgrade_is_allowed(rows[i].list, rows[i].text, strlen(rows[i].text)) !=
		    rows[i].want)
			fail_msg("%s of %s", rows[i].text, rows[i].list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_upgrade_names_and_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
