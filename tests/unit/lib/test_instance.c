/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/api/instance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/cleanup.h"

DEFINE_CLEANUP(json_t *, json_decref);

/* @status: JSON text with ' for ". */
static void expect(const char *status, const char *uid, const char *state, int64_t generation,
                   bool is_status_old)
{
	CLEANUP(json_decref_var) json_t *instance = NULL;
	struct instance_consumer read;
	CLEANUP(free_var) char *dumped = NULL;
	char text[512];
	size_t i, bytes;

	for (i = 0; status[i] != '\0' && i + 1 < sizeof text; i++)
		text[i] = status[i] == '\'' ? '"' : status[i];
	text[i] = '\0';
	instance = json_pack("{s:o}", "status", json_loads(text, 0, NULL));
	assert_non_null(instance);
	dumped = json_dumps(instance, JSON_COMPACT);
	bytes = skim_object(&INSTANCE_CONSUMER, dumped, strlen(dumped), text);
	json_decref(instance);
	instance = json_loadb(text, bytes, 0, NULL);
	assert_non_null(instance);
	instance_consumer(instance, 9, &read);
	assert_string_equal(read.uid, uid);
	assert_string_equal(read.state, state);
	assert_int_equal(read.generation, generation);
	assert_int_equal(read.is_status_old, is_status_old);
}

static void test_instance_without_a_word_there_is_none(void **state)
{
	(void)state;
	expect("{}", "", "", 0, false);
	expect("{'consumer': {'state': 'Listening'}}", "", "", 0, false);
	expect("{'consumer': {'state': 'Listening', 'containerGeneration': 2}}", "", "", 0, false);
}

static void test_instance_a_generation_not_reached_counts_for_nothing(void **state)
{
	(void)state;
	expect("{'containerGeneration': 4, 'consumerPodUID': 'a',"
	       " 'consumer': {'podUID': 'b', 'state': 'Listening', 'containerGeneration': 9}}",
	       "b", "Listening", 9, true);
	expect("{'containerGeneration': 4, 'consumerPodUID': 'a',"
	       " 'consumer': {'podUID': 'b', 'state': 'Listening', 'containerGeneration': 10}}",
	       "a", "", 4, false);
}

static void test_instance_the_controllers_word_holds_for_its_generation(void **state)
{
	(void)state;
	expect("{'containerGeneration': 4, 'consumerPodUID': 'a',"
	       " 'consumer': {'podUID': 'a', 'state': 'Listening', 'containerGeneration': 2}}",
	       "a", "Listening", 4, false);
	expect("{'containerGeneration': 2, 'consumerPodUID': 'a',"
	       " 'consumer': {'podUID': 'a', 'state': 'Listening', 'containerGeneration': 2}}",
	       "a", "Listening", 2, false);
}

static void test_instance_what_the_agent_says_of_another_is_not_of_this_one(void **state)
{
	(void)state;
	expect("{'containerGeneration': 4, 'consumerPodUID': 'b',"
	       " 'consumer': {'podUID': 'a', 'state': 'Listening', 'containerGeneration': 2}}",
	       "b", "", 4, false);
}

static void test_instance_one_that_was_taken_back_is_not_named_by_an_old_word(void **state)
{
	(void)state;
	expect("{'containerGeneration': 3,"
	       " 'consumer': {'podUID': 'a', 'state': 'Listening', 'containerGeneration': 2}}",
	       "", "", 3, false);
	expect("{'containerGeneration': 2,"
	       " 'consumer': {'podUID': 'a', 'state': 'Listening', 'containerGeneration': 2}}",
	       "", "", 2, false);
}

static void test_instance_the_agent_may_speak_first(void **state)
{
	(void)state;
	expect("{'containerGeneration': 3, 'phase': 'Stopping',"
	       " 'consumer': {'podUID': 'b', 'state': 'Started', 'containerGeneration': 4}}",
	       "b", "Started", 4, true);
}

static void test_instance_an_agent_that_does_not_say_for_what_waits_for_the_controller(void **state)
{
	(void)state;
	expect("{'containerGeneration': 3, 'consumer': {'podUID': 'b', 'state': 'Listening'}}", "",
	       "", 3, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_instance_without_a_word_there_is_none),
	        cmocka_unit_test(test_instance_a_generation_not_reached_counts_for_nothing),
	        cmocka_unit_test(test_instance_the_controllers_word_holds_for_its_generation),
	        cmocka_unit_test(test_instance_what_the_agent_says_of_another_is_not_of_this_one),
	        cmocka_unit_test(test_instance_one_that_was_taken_back_is_not_named_by_an_old_word),
	        cmocka_unit_test(test_instance_the_agent_may_speak_first),
	        cmocka_unit_test(
	                test_instance_an_agent_that_does_not_say_for_what_waits_for_the_controller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
