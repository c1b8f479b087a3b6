/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cli/unit.h"

#include "cli/core/why.h"

/* An object of @spec and @status; the text that is made of it. */
static char *why(const char *spec, const char *status, const char *where)
{
	json_t *object = json_pack("{s{ss} so so}", "metadata", "name", "hello", "spec",
	                           json_q(spec), "status", json_q(status));
	char *text = text_of(why_lines(object, where, NOW_MS));

	json_decref(object);
	return text;
}

static void expect_why(const char *spec, const char *status, const char *want)
{
	char *text = why(spec, status, "");

	assert_string_equal(text, want);
	free(text);
}

static void test_why_awake_with_time_left(void **state)
{
	expect_why("{'running':true}",
	           "{'phase':'Running','idle':{'state':'Active','lastActivityTime':"
	           "'2026-01-02T03:03:53Z','lastActivitySource':'request from 10.0.0.1',"
	           "'stopAt':'2026-01-02T03:08:53Z'},'activation':{'lastWakeTime':"
	           "'2026-01-02T03:00:55Z','lastWakeSource':'HTTP','lastColdStartMs':312}}",
	           "hello is awake, and in use.\n"
	           "Last activity: request from 10.0.0.1, 12s ago.\n"
	           "It is stopped in 4m48s, if nothing happens until then.\n"
	           "Last woken by a request (HTTP), 3m10s ago; its first byte of answer "
	           "came after 312 ms.\n"
	           "What to do: nothing; to stop it now: kubectl sc stop hello (the next request "
	           "wakes it again, unless spec.activation.enabled is false)\n");
}

static void test_why_awake_after_it_was_killed_for_its_memory(void **state)
{
	expect_why("{'running':true}",
	           "{'phase':'Running','idle':{'state':'Active','stopAt':'2026-01-02T03:08:53Z'},"
	           "'lastTermination':{'reason':'OOMKilled','exitCode':137},"
	           "'conditions':[{'type':'ConsumerReady','status':'True','reason':'Listening',"
	           "'message':'port 80 answers; the process before was killed for its memory'}]}",
	           "hello is awake, and in use.\n"
	           "It is stopped in 4m48s, if nothing happens until then.\n"
	           "ConsumerReady: Listening: port 80 answers; the process before was killed for "
	           "its memory\n"
	           "What to do: give it more memory (resources.limits.memory), or let it use less: "
	           "kubectl edit stoppablecontainer hello\n");
}

/* status.idle is of before the start: what it says is not taken for news of now. */
static void test_why_just_woken_tells_the_wake_and_not_what_was_before(void **state)
{
	static const char status[] =
	        "{'phase':'Running','idle':{'state':'Asleep','lastActivityTime':"
	        "'2026-01-02T02:45:05Z','lastActivitySource':'start'},'activation':{%s},"
	        "'conditions':[{'type':'Ready','status':'True','reason':'Running',"
	        "'lastTransitionTime':'%s'}]}";
	char text[600], *said;

	(void)snprintf(text, sizeof text, status, "", "2026-01-02T03:04:03Z");
	said = why("{'running':true}", text, "");
	expect_contains(said, "hello is awake.\nLast activity: start, 2s ago.\nWhen it is stopped "
	                      "the idle-monitor tells within 5 s of a start.\n");
	free(said);
	(void)snprintf(text, sizeof text, status, "'lastWakeTime':'2026-01-02T03:04:04Z'",
	               "2026-01-02T02:04:03Z");
	said = why("{'running':true}", text, "");
	expect_contains(said, "Last activity: the request that woke it, 1s ago.\n");
	free(said);
	/* and when that lasts, it is said that the monitor is silent */
	(void)snprintf(text, sizeof text, status, "", "2026-01-02T03:03:05Z");
	said = why("{'running':true}", text, "");
	expect_contains(said, "Last activity: start, 60s ago.\nWhen it is stopped is not known");
	free(said);
}

static void test_why_asleep_tells_a_stop_by_hand_from_one_for_idleness(void **state)
{
	static const char status[] =
	        "{'phase':'Stopped','idle':{'state':'Asleep','lastStopReason':'no request for "
	        "5m0s','lastStopTime':'%s'},'conditions':[{'type':'Ready','status':'False',"
	        "'reason':'Stopped','lastTransitionTime':'2026-01-02T02:04:05Z'}]}";
	char text[500], *said;

	(void)snprintf(text, sizeof text, status, "2026-01-02T02:04:04Z");
	said = why("{'running':false}", text, "");
	expect_contains(said, "Stopped for idleness: no request for 5m0s.\n");
	free(said);
	(void)snprintf(text, sizeof text, status, "2026-01-02T01:04:04Z");
	said = why("{'running':false}", text, "");
	expect_contains(said, "It was stopped by hand: spec.running was set to false. Last stopped "
	                      "for idleness 120m ago: no request for 5m0s.\n");
	free(said);
}

/* What is said of the end of an awake container. */
static void test_why_awake_says_when_it_ends(void **state)
{
	static const struct {
		const char *spec, *idle, *want;
	} rows[] = {
	        {"{'running':true,'idle':{'timeout':'0s'}}", "{'state':'Active'}",
	         "It is never stopped for idleness: spec.idle.timeout is 0s."},
	        {"{'running':true,'idle':{'timeout':'5m','signals':{'http':false}}}", "{}",
	         "It is never stopped for idleness: spec.idle.signals.http is false"},
	        {"{'running':true,'activation':{'enabled':false}}", "{}",
	         "It is never stopped for idleness: spec.activation.enabled is false"},
	        {"{'running':true}", "{}", "is sc-idle-monitor running?"},
	        {"{'running':true}", "{'state':'Active'}", "When it is stopped is not known"},
	        {"{'running':true}", "{'state':'Idle','stopAt':'2026-01-02T03:04:05Z'}",
	         "hello is awake, and nobody uses it.\nIts time is over"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char status[300], *text;

		(void)snprintf(status, sizeof status, "{'phase':'Running','idle':%s}",
		               rows[i].idle);
		text = why(rows[i].spec, status, "");
		expect_contains(text, rows[i].want);
		free(text);
	}
}

static void test_why_asleep(void **state)
{
	expect_why("{'running':false}",
	           "{'phase':'Stopped','idle':{'state':'Asleep','lastStopReason':"
	           "'no request for 5m0s (last from 10.0.0.1)'},'activation':{'url':'http://h/'},"
	           "'conditions':[{'type':'Ready','status':'False','reason':'Stopped',"
	           "'lastTransitionTime':'2026-01-02T02:04:05Z'},{'type':'Activatable',"
	           "'status':'True','reason':'Routed'}]}",
	           "hello is asleep; it was last ready 60m ago.\n"
	           "Stopped for idleness: no request for 5m0s (last from 10.0.0.1).\n"
	           "A request wakes it: http://h/\n"
	           "What to do: nothing; its files are kept. To start it now: kubectl sc start "
	           "hello\n");
}

static void test_why_asleep_and_no_request_wakes_it(void **state)
{
	expect_why("{'running':false}",
	           "{'phase':'Stopped','conditions':[{'type':'Activatable','status':'False',"
	           "'reason':'NoPort','message':'no port is known'}]}",
	           "hello is asleep.\n"
	           "It was never stopped for idleness: spec.running was set to false, or it was "
	           "not started yet.\n"
	           "No request wakes it: NoPort: no port is known\n"
	           "What to do: name a containerPort, or set spec.activation.port: kubectl edit "
	           "stoppablecontainer "
	           "hello\n"
	           "What to do: nothing; its files are kept. To start it now: kubectl sc start "
	           "hello\n");
}

static void test_why_failed_says_the_way_out(void **state)
{
	char *text;

	expect_why("{'running':true}",
	           "{'phase':'Failed','conditions':[{'type':'Ready','status':'False','reason':"
	           "'DigestChanged','message':'of another image'}]}",
	           "hello failed.\nReason: DigestChanged: of another image\n"
	           "What to do: go back to the old image, or drop the kept files: kubectl sc reset "
	           "hello\n");
	text = why("{'running':true}",
	           "{'phase':'Failed','conditions':[{'type':'Ready','status':'False','reason':"
	           "'NodeLost','message':'n1 is gone'}]}",
	           " -n shop");
	expect_contains(text, "kubectl sc delete hello -n shop --abandon-rootfs\n");
	free(text);
	expect_why("{'running':true}",
	           "{'phase':'Failed','conditions':[{'type':'Ready','status':'False','reason':"
	           "'New','message':''}]}",
	           "hello failed.\nReason: New\nWhat to do: see what happened: kubectl sc events "
	           "hello\n");
}

static void test_why_starting_names_the_step(void **state)
{
	expect_why("{'running':true}",
	           "{'phase':'ProviderReady','conditions':[{'type':'ConsumerReady','status':"
	           "'False','reason':'WaitingForRootfs'},{'type':'RootfsReady','status':'False',"
	           "'reason':'Preparing','message':'mounting'},{'type':'ProviderReady','status':"
	           "'True','reason':'Ready'}]}",
	           "hello is starting.\nRootfsReady: Preparing: mounting\n"
	           "What to do: wait: kubectl sc wait hello --for=Ready\n");
}

static void test_why_other_states(void **state)
{
	expect_why("{'running':true}", "{}",
	           "hello is new: the controller has not spoken of it yet.\n"
	           "What to do: wait; if that lasts, is sc-controller running?\n");
	expect_why("{'running':false}", "{'phase':'Stopping'}",
	           "hello is stopping.\nWhat to do: wait: kubectl sc wait hello --for=Stopped\n");
	expect_why("{'running':false}", "{'phase':'Running'}",
	           "hello is stopping.\nWhat to do: wait: kubectl sc wait hello --for=Stopped\n");
}

static void test_why_a_changed_template_and_a_deletion(void **state)
{
	json_t *object = json_q("{'metadata':{'name':'hello','deletionTimestamp':"
	                        "'2026-01-02T03:04:00Z'},'status':{'phase':'Running'}}");
	char *text = text_of(why_lines(object, "", NOW_MS));

	assert_string_equal(text, "hello is being deleted, since 5s ago.\n"
	                          "What to do: wait; if its node is gone for good: kubectl sc "
	                          "delete hello --abandon-rootfs\n");
	free(text);
	json_decref(object);
	text = why("{'running':true}",
	           "{'phase':'Running','conditions':[{'type':'TemplateChanged','status':'True',"
	           "'reason':'AppliedAtNextStart'}]}",
	           " -n s");
	expect_contains(text, "kubectl sc stop hello -n s --wait && kubectl sc start hello -n s\n");
	free(text);
}

static void test_status_for_people(void **state)
{
	json_t *object = json_q(
	        "{'metadata':{'name':'hello','namespace':'shop','creationTimestamp':"
	        "'2026-01-02T02:04:05Z'},'spec':{'running':true},'status':{'phase':'Running',"
	        "'consumerPodName':'hello-2','nodeName':'n1','activation':{'url':'http://h/'},"
	        "'idle':{'state':'Active','lastActivityTime':'2026-01-02T03:04:00Z',"
	        "'lastActivitySource':'start'},'conditions':[{'type':'Ready','status':'True',"
	        "'reason':'Running','message':'it runs','lastTransitionTime':"
	        "'2026-01-02T03:03:05Z'}]}}");

	expect_text(status_lines(object, NOW_MS),
	            "Name:          hello\nNamespace:     shop\nRunning:       true\n"
	            "Phase:         Running\nPod:           hello-2\nNode:          n1\n"
	            "URL:           http://h/\nIdle state:    Active\n"
	            "Last activity: 5s ago (start)\nCreated:       60m ago\nConditions:\n"
	            "  Ready: True (Running), since 60s ago: it runs\n");
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_why_awake_with_time_left),
	        cmocka_unit_test(test_why_awake_after_it_was_killed_for_its_memory),
	        cmocka_unit_test(test_why_awake_says_when_it_ends),
	        cmocka_unit_test(test_why_just_woken_tells_the_wake_and_not_what_was_before),
	        cmocka_unit_test(test_why_asleep_tells_a_stop_by_hand_from_one_for_idleness),
	        cmocka_unit_test(test_why_asleep),
	        cmocka_unit_test(test_why_asleep_and_no_request_wakes_it),
	        cmocka_unit_test(test_why_failed_says_the_way_out),
	        cmocka_unit_test(test_why_starting_names_the_step),
	        cmocka_unit_test(test_why_other_states),
	        cmocka_unit_test(test_why_a_changed_template_and_a_deletion),
	        cmocka_unit_test(test_status_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
