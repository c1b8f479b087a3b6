/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "agent/core/ports.h"

static void test_ports_tell_what_is_wrong(void **state)
{
	struct ports p = {.wanted = 8080};
	char buf[128];

	(void)state;
	assert_string_equal(ports_message(&p, buf, sizeof buf),
	                    "nothing listens on port 8080; listening: none");
	ports_add(&p, 80, false, 1);
	ports_add(&p, 80, false, 2);
	ports_add(&p, 443, true, 3);
	assert_string_equal(ports_message(&p, buf, sizeof buf),
	                    "nothing listens on port 8080; listening: 80, 443");
	ports_add(&p, 8080, true, 4);
	assert_false(p.is_wanted_open);
	assert_non_null(strstr(ports_message(&p, buf, sizeof buf), "loopback only"));
	ports_add(&p, 8080, false, 5);
	assert_true(p.is_wanted_open);
}

static bool is_seven(void *arg, uint32_t inode)
{
	++*(unsigned *)arg;
	return inode == 7;
}

static void test_ports_of_others_in_the_nodes_network_do_not_count(void **state)
{
	unsigned asked = 0;
	struct ports p = {.wanted = 8080, .is_own = is_seven, .own_arg = &asked};
	char buf[128];

	(void)state;
	ports_add(&p, 80, false, 7);
	assert_int_equal(asked, 0);
	ports_add(&p, 8080, false, 6);
	assert_false(p.is_wanted_open);
	assert_string_equal(ports_message(&p, buf, sizeof buf),
	                    "no process of the Pod listens on port 8080 of the node");
	ports_add(&p, 8080, true, 7);
	assert_non_null(strstr(ports_message(&p, buf, sizeof buf), "loopback only"));
	ports_add(&p, 8080, false, 7);
	assert_true(p.is_wanted_open);
}

static void test_ports_are_asked_for_less_often_as_time_goes_by(void **state)
{
	(void)state;
	assert_int_equal(ports_delay_ms(0, 0), 2);
	assert_int_equal(ports_delay_ms(999, 200), 2);
	assert_int_equal(ports_delay_ms(1000, 0), 10);
	assert_int_equal(ports_delay_ms(10000, 0), 100);
	/* a look of 10 ms, where a Pod has made it expensive */
	assert_int_equal(ports_delay_ms(0, 10000), 90);
	assert_int_equal(ports_delay_ms(10000, 10000), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_ports_tell_what_is_wrong),
	        cmocka_unit_test(test_ports_of_others_in_the_nodes_network_do_not_count),
	        cmocka_unit_test(test_ports_are_asked_for_less_often_as_time_goes_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
