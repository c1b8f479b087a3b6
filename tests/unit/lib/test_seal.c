/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/http/seal.h"

struct fixture {
	char path[64];
	struct seal_key key;
	struct seal_asker asker;
	struct seal_answerer answerer;
	char header[SEAL_HEADER_BYTES];
	char challenge[SEAL_HEADER_BYTES];
	char asked[SEAL_TEXT_BYTES];
	char seen[SEAL_TEXT_BYTES];
};

static const struct seal_message quiesce = {"POST", "/v1/quiesce", "{\"uid\":\"a\"}", 11};

static void write_key(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	(void)snprintf(f->path, sizeof f->path, "/tmp/test_seal.XXXXXX");
	(void)close(mkstemp(f->path));
	write_key(f->path, "0123456789abcdef0123456789abcdef\n");
	if (seal_key_read(&f->key, f->path, NULL) < 0 ||
	    seal_answerer_init(&f->answerer, f->path, NULL) < 0)
		return -1;
	seal_asker_init(&f->asker, &f->key);
	seal_challenge(&f->answerer, f->challenge);
	return seal_learn(&f->asker, f->challenge) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	free(f);
	return 0;
}

static void ask(struct fixture *f)
{
	assert_int_equal(seal_ask(&f->asker, &quiesce, f->header, f->asked, NULL), 0);
}

static bool check(struct fixture *f, const struct seal_message *m)
{
	return seal_check(&f->answerer, m, f->header, f->seen);
}

static void test_seal_is_taken_once(void **state)
{
	struct fixture *f = *state;

	ask(f);
	assert_true(check(f, &quiesce));
	assert_string_equal(f->seen, f->asked);
	assert_false(check(f, &quiesce));
	ask(f);
	assert_true(check(f, &quiesce));
}

static void test_seal_is_of_one_request(void **state)
{
	struct fixture *f = *state;
	const struct seal_message other_body = {"POST", "/v1/quiesce", "{\"uid\":\"b\"}", 11};
	const struct seal_message other_path = {"POST", "/v1/resume", "{\"uid\":\"a\"}", 11};
	const struct seal_message other_method = {"GET", "/v1/quiesce", "{\"uid\":\"a\"}", 11};

	ask(f);
	assert_false(check(f, &other_body));
	assert_false(check(f, &other_path));
	assert_false(check(f, &other_method));
	assert_true(check(f, &quiesce));
	assert_false(seal_check(&f->answerer, &quiesce, NULL, f->seen));
	assert_false(seal_check(&f->answerer, &quiesce, "Bearer x", f->seen));
}

static void test_seal_is_for_one_process(void **state)
{
	struct fixture *f = *state;
	char old[SEAL_HEADER_BYTES];

	ask(f);
	memcpy(old, f->header, sizeof old);
	assert_int_equal(seal_answerer_init(&f->answerer, f->path, NULL), 0);
	assert_false(check(f, &quiesce));
	seal_challenge(&f->answerer, f->challenge);
	assert_true(seal_learn(&f->asker, f->challenge));
	assert_false(seal_learn(&f->asker, f->challenge));
	ask(f);
	assert_true(check(f, &quiesce));
	assert_false(seal_check(&f->answerer, &quiesce, old, f->seen));
}

static void test_seal_comes_out_of_order_within_a_window(void **state)
{
	struct fixture *f = *state;
	static char headers[SEAL_WINDOW + 2][SEAL_HEADER_BYTES];

	for (size_t i = 0; i < SEAL_WINDOW + 2; i++) {
		ask(f);
		memcpy(headers[i], f->header, sizeof f->header);
	}
	assert_true(seal_check(&f->answerer, &quiesce, headers[200], f->seen));
	for (size_t i = 200; i-- > 100;)
		assert_true(seal_check(&f->answerer, &quiesce, headers[i], f->seen));
	assert_true(seal_check(&f->answerer, &quiesce, headers[SEAL_WINDOW + 1], f->seen));
	assert_false(seal_check(&f->answerer, &quiesce, headers[0], f->seen)); /* too old */
	assert_true(seal_check(&f->answerer, &quiesce, headers[50], f->seen));
	for (size_t i = 100; i <= 200; i++)
		assert_false(seal_check(&f->answerer, &quiesce, headers[i], f->seen));
}

static void test_seal_sessions_are_bounded_and_forget_nothing(void **state)
{
	struct fixture *f = *state;
	char first[SEAL_HEADER_BYTES];
	unsigned refused = 0;

	ask(f);
	memcpy(first, f->header, sizeof first);
	assert_true(check(f, &quiesce));
	for (unsigned i = 0; i < 3 * SEAL_SESSIONS_MAX; i++) {
		seal_asker_init(&f->asker, &f->key);
		seal_challenge(&f->answerer, f->challenge);
		(void)seal_learn(&f->asker, f->challenge);
		ask(f);
		refused += !check(f, &quiesce);
		assert_false(seal_check(&f->answerer, &quiesce, first, f->seen));
	}
	assert_in_range(refused, 1, 3);
}

static void test_seal_of_an_answer(void **state)
{
	struct fixture *f = *state;
	char value[SEAL_HEADER_BYTES];
	char first[SEAL_TEXT_BYTES];

	ask(f);
	assert_true(check(f, &quiesce));
	seal_answer(&f->answerer, f->seen, &(struct seal_reply){200, "yes", 3}, value);
	assert_true(seal_answer_is_right(&f->key, f->asked, &(struct seal_reply){200, "yes", 3},
	                                 value));
	assert_false(seal_answer_is_right(&f->key, f->asked, &(struct seal_reply){409, "yes", 3},
	                                  value));
	assert_false(seal_answer_is_right(&f->key, f->asked, &(struct seal_reply){200, "no!", 3},
	                                  value));
	assert_false(
	        seal_answer_is_right(&f->key, f->asked, &(struct seal_reply){200, "yes", 3}, ""));
	memcpy(first, f->asked, sizeof first);
	ask(f); /* the answer to another request is none to this */
	assert_string_not_equal(first, f->asked);
	assert_false(seal_answer_is_right(&f->key, f->asked, &(struct seal_reply){200, "yes", 3},
	                                  value));
}

static void test_seal_with_another_key(void **state)
{
	struct fixture *f = *state;

	ask(f);
	write_key(f->path, "another key of thirty-two bytes, or more");
	assert_false(check(f, &quiesce));
	ask(f); /* both read the file again */
	assert_true(check(f, &quiesce));
	write_key(f->path, "short");
	assert_int_equal(seal_ask(&f->asker, &quiesce, f->header, f->asked, NULL), -1);
	assert_false(check(f, &quiesce));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_seal_is_taken_once),
	        TEST(test_seal_is_of_one_request),
	        TEST(test_seal_is_for_one_process),
	        TEST(test_seal_comes_out_of_order_within_a_window),
	        TEST(test_seal_sessions_are_bounded_and_forget_nothing),
	        TEST(test_seal_of_an_answer),
	        TEST(test_seal_with_another_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
