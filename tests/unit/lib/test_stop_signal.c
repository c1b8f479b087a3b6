/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/controller/fixture.h"

#include <signal.h>

#include "lib/api/stop_signal.h"

static void test_stop_signal_parse_names_and_numbers(void **state)
{
	static const struct {
		const char *text;
		int number;
	} cases[] = {
	        {"SIGTERM", SIGTERM},
	        {"SIGQUIT", SIGQUIT},
	        {"quit", SIGQUIT},
	        {"Sigwinch", SIGWINCH},
	        {"3", 3},
	        {"64", 64},
	        {"SIGRTMIN", 34},
	        {"SIGRTMIN+3", 37},
	        {"rtmin+30", 64},
	        {"SIGRTMAX", 64},
	        {"SIGRTMAX-30", 34},
	        {"", 0},
	        {"0", 0},
	        {"65", 0},
	        {"-1", 0},
	        {"SIG", 0},
	        {"SIGNONE", 0},
	        {"SIGQUIT ", 0},
	        {"SIGRTMIN-1", 0},
	        {"SIGRTMIN+31", 0},
	        {"SIGRTMIN+", 0},
	        {"SIGRTMAX-31", 0},
	        {"SIGRTMAX+1", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (stop_signal_parse(cases[i].text) != cases[i].number)
			fail_msg("%s: %d", cases[i].text, stop_signal_parse(cases[i].text));
}

static void test_stop_signal_name_is_that_of_kubernetes(void **state)
{
	static const struct {
		int number;
		const char *name;
	} cases[] = {{3, "SIGQUIT"},      {10, "SIGUSR1"},    {28, "SIGWINCH"},
	             {34, "SIGRTMIN"},    {37, "SIGRTMIN+3"}, {49, "SIGRTMIN+15"},
	             {50, "SIGRTMAX-14"}, {64, "SIGRTMAX"}};
	char buf[STOP_SIGNAL_NAME_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(stop_signal_name(cases[i].number, buf), cases[i].name);
	for (int number = 34; number <= 64; number++)
		assert_int_equal(stop_signal_parse(stop_signal_name(number, buf)), number);
}

static void expect_of(const char *container, const char *image, int number)
{
	json_t *c = json_loads(container, 0, NULL);
	json_t *i = json_loads(image, 0, NULL);

	assert_int_equal(stop_signal_of(c, i), number);
	json_decref(c);
	json_decref(i);
}

static void test_stop_signal_of_the_user_comes_before_the_images(void **state)
{
	(void)state;
	assert_int_equal(stop_signal_of(NULL, NULL), 0);
	expect_of("{}", "{}", 0);
	expect_of("{}", "{\"stopSignal\":\"SIGQUIT\"}", SIGQUIT);
	expect_of("{}", "{\"stopSignal\":\"nonsense\"}", 0);
	expect_of("{\"lifecycle\":{\"stopSignal\":\"SIGINT\"}}", "{\"stopSignal\":\"SIGQUIT\"}",
	          SIGINT);
	expect_of("{\"lifecycle\":{\"stopSignal\":\"SIGTERM\"}}", "{\"stopSignal\":\"SIGQUIT\"}",
	          SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_stop_signal_parse_names_and_numbers),
	        cmocka_unit_test(test_stop_signal_name_is_that_of_kubernetes),
	        cmocka_unit_test(test_stop_signal_of_the_user_comes_before_the_images),
	};

	return cmocka_run_group_tests_name("lib-stop_signal", tests, NULL, NULL);
}
