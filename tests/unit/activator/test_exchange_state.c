/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "activator/proxy/exchange_state.h"

/* The table as ARCHITECTURE.md prints it. */
static void test_exchange_state_table(void **state)
{
	static const char *const rows[] = {
	        "new: held dialling ended",
	        "held: dialling ended",
	        "dialling: held sending ended",
	        "sending: held answering tunnel ended",
	        "answering: ended",
	        "tunnel: ended",
	        "ended:",
	};

	for (enum exchange_state from = EXCHANGE_UNSET + 1; from < EXCHANGE_STATES_COUNT; from++) {
		char row[128];
		int n = snprintf(row, sizeof row, "%s:", exchange_state_name(from));

		for (enum exchange_state to = EXCHANGE_UNSET; to < EXCHANGE_STATES_COUNT; to++)
			if (exchange_state_may(from, to))
				n += snprintf(row + n, sizeof row - (size_t)n, " %s",
				              exchange_state_name(to));
		assert_string_equal(row, rows[from - 1]);
	}
}

/* Slot 0 is illegal, and leads nowhere. */
static void test_exchange_state_unset_is_a_hole(void **state)
{
	assert_string_equal(exchange_state_name(EXCHANGE_UNSET), "");
	for (enum exchange_state to = EXCHANGE_UNSET; to < EXCHANGE_STATES_COUNT; to++)
		assert_false(exchange_state_may(EXCHANGE_UNSET, to));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_exchange_state_table),
	        cmocka_unit_test(test_exchange_state_unset_is_a_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
