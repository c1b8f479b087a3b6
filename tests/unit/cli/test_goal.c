/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cli/unit.h"

#include "cli/core/goal.h"
#include "cli/core/reset.h"
#include "cli/core/verify.h"

static enum goal_answer check(const char *text, const char *status)
{
	char why[GOAL_WHY_BYTES];
	struct goal goal;
	struct err err = {0};
	enum goal_answer answer;
	json_t *object = NULL;

	if (goal_parse(text, &goal, &err) < 0)
		fail_msg("%s", err.text);
	if (status != NULL)
		object = json_pack("{s{ss si} so}", "metadata", "name", "hello", "generation", 3,
		                   "status", json_q(status));
	answer = goal_check(&goal, object, why);
	json_decref(object);
	return answer;
}

#define READY(status, generation)                                                                  \
	"'conditions':[{'type':'Ready','status':'" status                                          \
	"','reason':'R','observedGeneration':" #generation "}]"

static void test_goal_is_met_only_of_the_newest_generation(void **state)
{
	static const struct {
		const char *goal, *status;
		enum goal_answer want;
	} rows[] = {
	        {"Ready", "{'phase':'Running'," READY("True", 3) "}", GOAL_MET},
	        {"Ready", "{'phase':'Running'," READY("True", 2) "}", GOAL_NOT_YET},
	        {"Ready", "{'phase':'Running'," READY("False", 3) "}", GOAL_NOT_YET},
	        {"Ready", "{}", GOAL_NOT_YET},
	        {"condition=Ready=False", "{" READY("False", 3) "}", GOAL_MET},
	        {"condition=Ready=false", "{" READY("False", 3) "}", GOAL_MET},
	        {"Stopped", "{'phase':'Stopped','observedGeneration':3}", GOAL_MET},
	        {"Stopped", "{'phase':'Stopped','observedGeneration':2}", GOAL_NOT_YET},
	        {"phase=Running", "{'phase':'Stopped','observedGeneration':3}", GOAL_NOT_YET},
	        {"condition=NodeReady=False",
	         "{'conditions':[{'type':'NodeReady','status':'False'}]}", GOAL_MET},
	        {"NodeReady", "{}", GOAL_NOT_YET},
	        {"Deleted", "{'phase':'Stopped'}", GOAL_NOT_YET},
	        {"delete", NULL, GOAL_MET},
	        {"Ready", NULL, GOAL_NEVER},
	        {"Stopped", NULL, GOAL_NEVER},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum goal_answer got = check(rows[i].goal, rows[i].status);

		if (got != rows[i].want)
			fail_msg("%s of %s: %d", rows[i].goal,
			         rows[i].status != NULL ? rows[i].status : "none", (int)got);
	}
}

static void test_goal_a_failure_ends_the_wait_for_life(void **state)
{
	static const char failed[] = "{'phase':'Failed','observedGeneration':3}";

	assert_int_equal(check("Ready", failed), GOAL_NEVER);
	assert_int_equal(check("Running", failed), GOAL_NEVER);
	assert_int_equal(check("ConsumerReady", failed), GOAL_NEVER);
	assert_int_equal(check("Failed", failed), GOAL_MET);
	assert_int_equal(check("Stopped", failed), GOAL_NOT_YET);
	assert_int_equal(check("RootfsReady", failed), GOAL_NOT_YET);
	/* an old failure: the start that is waited for is not in it */
	assert_int_equal(check("Ready", "{'phase':'Failed','observedGeneration':2}"), GOAL_NOT_YET);
}

static void test_goal_words_that_mean_nothing(void **state)
{
	static const char *const words[] = {
	        "", "ready", "condition=", "condition=Ready=maybe", "phase=", "jsonpath={.a}"};
	struct goal goal;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct err err = {0};

		if (goal_parse(words[i], &goal, &err) == 0)
			fail_msg("\"%s\" was taken", words[i]);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

static void expect_verify(const char *rootfs, bool is_same, const char *want)
{
	json_t *instance = json_object();
	json_t *lines;
	char text[600] = "";
	bool same;

	(void)json_object_set_new(instance, "status", json_pack("{s:o}", "rootfs", json_q(rootfs)));
	lines = verify_lines(instance, "hello", &same);
	for (size_t i = 0; i < json_array_size(lines); i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n",
		               json_string_value(json_array_get(lines, i)));
	assert_string_equal(text, want);
	assert_int_equal(same, is_same);
	json_decref(lines);
	json_decref(instance);
}

static void test_verify_says_what_differs_and_what_is_refused(void **state)
{
	(void)state;
	expect_verify(
	        "{'state':'Failed','reason':'FilesChanged','message':'generation 5',"
	        "'filesGeneration':'7-00000077','verified':{'result':'Differs','generation':"
	        "'6-00000066','files':9,'differences':30,'message':'removed a\\nadded b\\n'}}",
	        false,
	        "hello: 30 of its files are not as generation 6-00000066 was left:\n"
	        "  removed a\n  added b\n  and 28 more\n"
	        "The list is of generation 6-00000066; the last that was left is 7-00000077.\n"
	        "A start is refused: FilesChanged: generation 5\n");
	expect_verify(
	        "{'state':'Ready','verified':{'result':'InUse','generation':''}}", false,
	        "hello runs, and so its files change; stop it first: kubectl sc stop hello\n");
	expect_verify("{'state':'Ready','verified':{'result':'NoList','message':'too many'}}",
	              false, "hello: NoList: too many\n");
}

static void test_reset_is_for_files_in_trouble(void **state)
{
	static const struct {
		const char *rootfs, *digest, *error;
	} rows[] = {
	        {"{'state':'Failed','reason':'DigestChanged','message':'go back, or: kubectl "
	         "annotate -n s sci h stoppablecontainer.xtlsoft.top/reset-rootfs=sha256:ab12'}",
	         "sha256:ab12", NULL},
	        {"{'state':'Failed','reason':'RecordCorrupt','message':'x/reset-rootfs="
	         "IMAGE-DIGEST'}",
	         NULL, "does not say yet which image"},
	        {"{'state':'Failed','reason':'NoSpace','message':'full'}", NULL,
	         "its files are NoSpace"},
	        {"{'state':'Ready'}", NULL, "its files are not in trouble"},
	        {"{}", NULL, "needs no reset"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *instance = json_pack("{s{ss} s{so}}", "metadata", "name", "h", "status",
		                             "rootfs", json_q(rows[i].rootfs));
		char digest[RESET_DIGEST_BYTES] = "";
		struct err err = {0};
		int r = reset_check(instance, digest, &err);

		assert_int_equal(r, rows[i].error != NULL ? -1 : 0);
		if (rows[i].error != NULL)
			expect_contains(err.text, rows[i].error);
		else
			assert_string_equal(digest, rows[i].digest);
		json_decref(instance);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_goal_is_met_only_of_the_newest_generation),
	        cmocka_unit_test(test_goal_a_failure_ends_the_wait_for_life),
	        cmocka_unit_test(test_goal_words_that_mean_nothing),
	        cmocka_unit_test(test_reset_is_for_files_in_trouble),
	        cmocka_unit_test(test_verify_says_what_differs_and_what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
