/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/core/talk.h"

/*
 * Words in their order, of the agent and of the wrapper. Return: how many passed; the next one was
 * out of turn.
 */
static size_t heard(const enum proto_kind *words, size_t count)
{
	struct talk t;
	size_t i;

	talk_begin(&t);
	for (i = 0; i < count; i++) {
		if (words[i] == PROTO_GO || words[i] == PROTO_REFUSE)
			talk_sent(&t, words[i]);
		else if (!talk_received(&t, words[i]))
			break;
	}
	return i;
}

#define EXPECT_HEARD(passed, ...)                                                                  \
	assert_int_equal(                                                                          \
	        heard((const enum proto_kind[]){__VA_ARGS__},                                      \
	              sizeof((const enum proto_kind[]){__VA_ARGS__}) / sizeof(enum proto_kind)),   \
	        passed)

static void test_talk_of_a_wrapper_is_heard_to_its_end(void **state)
{
	(void)state;
	EXPECT_HEARD(4, PROTO_HELLO_WAITING, PROTO_GO, PROTO_STARTED, PROTO_EXITED);
	EXPECT_HEARD(4, PROTO_HELLO_WAITING, PROTO_GO, PROTO_STARTED, PROTO_SIGNALED);
	EXPECT_HEARD(3, PROTO_HELLO_WAITING, PROTO_GO, PROTO_FAILED);
	EXPECT_HEARD(4, PROTO_HELLO_WAITING, PROTO_GO, PROTO_BECOMES, PROTO_FAILED);
	EXPECT_HEARD(2, PROTO_HELLO_WAITING, PROTO_REFUSE);
}

static void test_talk_with_an_agent_that_started_anew_goes_on(void **state)
{
	(void)state;
	EXPECT_HEARD(2, PROTO_HELLO_RUNNING, PROTO_EXITED);
	/* its exec was under way */
	EXPECT_HEARD(2, PROTO_STARTED, PROTO_SIGNALED);
	EXPECT_HEARD(1, PROTO_FAILED);
}

static void test_talk_hears_a_word_once(void **state)
{
	(void)state;
	EXPECT_HEARD(1, PROTO_HELLO_WAITING, PROTO_HELLO_WAITING);
	EXPECT_HEARD(1, PROTO_HELLO_WAITING, PROTO_HELLO_RUNNING);
	EXPECT_HEARD(1, PROTO_HELLO_RUNNING, PROTO_HELLO_WAITING);
	EXPECT_HEARD(3, PROTO_HELLO_WAITING, PROTO_GO, PROTO_STARTED, PROTO_STARTED);
	EXPECT_HEARD(3, PROTO_HELLO_WAITING, PROTO_GO, PROTO_STARTED, PROTO_HELLO_WAITING);
	EXPECT_HEARD(2, PROTO_HELLO_RUNNING, PROTO_EXITED, PROTO_EXITED);
	EXPECT_HEARD(1, PROTO_FAILED, PROTO_FAILED);
}

static void test_talk_hears_nothing_of_a_start_before_go(void **state)
{
	(void)state;
	EXPECT_HEARD(1, PROTO_HELLO_WAITING, PROTO_STARTED);
	EXPECT_HEARD(1, PROTO_HELLO_WAITING, PROTO_FAILED);
	EXPECT_HEARD(1, PROTO_HELLO_WAITING, PROTO_BECOMES);
	EXPECT_HEARD(2, PROTO_HELLO_WAITING, PROTO_REFUSE, PROTO_STARTED);
	EXPECT_HEARD(0, PROTO_EXITED);
	EXPECT_HEARD(0, PROTO_BECOMES);
}

static void test_talk_of_later_versions_has_a_limit(void **state)
{
	struct talk t;

	(void)state;
	talk_begin(&t);
	for (unsigned i = 0; i < TALK_UNKNOWN_MAX; i++)
		assert_true(talk_received(&t, PROTO_UNKNOWN));
	assert_true(talk_received(&t, PROTO_HELLO_WAITING));
	assert_false(talk_received(&t, PROTO_UNKNOWN));
	talk_begin(&t);
	assert_true(talk_received(&t, PROTO_UNKNOWN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_talk_of_a_wrapper_is_heard_to_its_end),
	        cmocka_unit_test(test_talk_with_an_agent_that_started_anew_goes_on),
	        cmocka_unit_test(test_talk_hears_a_word_once),
	        cmocka_unit_test(test_talk_hears_nothing_of_a_start_before_go),
	        cmocka_unit_test(test_talk_of_later_versions_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
