/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cli/unit.h"

#include "cli/core/lines.h"
#include "cli/core/rows.h"

static const char awake[] =
        "{'metadata':{'name':'hello','namespace':'shop','creationTimestamp':"
        "'2026-01-02T03:00:55Z'},'spec':{'running':true,'template':{'container':{'image':'i:1'}}},"
        "'status':{'phase':'Running','nodeName':'n1','idle':{'lastActivityTime':"
        "'2026-01-02T03:04:00Z'},'activation':{'url':'http://hello/'},"
        "'conditions':[{'type':'Ready','status':'True','reason':'Running'}]}}";
static const char bare[] = "{'metadata':{'name':'a-long-name','creationTimestamp':"
                           "'2026-01-02T03:04:05Z'},'spec':{'template':{'spec':{'containers':"
                           "[{'image':'first'},{'image':'second'}]}}}}";

/* The table of both. */
static char *table(const struct list_style *style)
{
	struct rows_widths widths = {0};
	json_t *a = json_q(awake), *b = json_q(bare), *lines = json_array();
	json_t *rows[] = {list_header(style), list_row(style, a, NOW_MS),
	                  list_row(style, b, NOW_MS)};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rows_widen(&widths, rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		rows_line(&widths, rows[i], lines);
		json_decref(rows[i]);
	}
	json_decref(a);
	json_decref(b);
	return text_of(lines);
}

static void test_rows_of_a_list(void **state)
{
	char *text = table(&(struct list_style){0});

	assert_string_equal(text,
	                    "NAME          RUNNING   PHASE     IDLE-FOR   URL             AGE\n"
	                    "hello         true      Running   5s         http://hello/   3m10s\n"
	                    "a-long-name   false     <none>    <none>     <none>          0s\n");
	free(text);
}

static void test_rows_wide_and_of_all_namespaces(void **state)
{
	char *text = table(&(struct list_style){.wide = true, .with_namespace = true});

	assert_string_equal(
	        text, "NAMESPACE   NAME          RUNNING   PHASE     IDLE-FOR   URL             "
	              "AGE     NODE     IMAGE   REASON\n"
	              "shop        hello         true      Running   5s         http://hello/   "
	              "3m10s   n1       i:1     Running\n"
	              "<none>      a-long-name   false     <none>    <none>     <none>          "
	              "0s      <none>   first   <none>\n");
	free(text);
}

static void test_rows_one_that_is_deleted_is_terminating(void **state)
{
	json_t *object = json_q("{'metadata':{'name':'x','deletionTimestamp':'2026-01-02T03:04:05Z'"
	                        "},'status':{'phase':'Running'}}");
	json_t *row = list_row(&(struct list_style){0}, object, NOW_MS);

	assert_string_equal(json_string_value(json_array_get(row, 2)), "Terminating");
	json_decref(row);
	json_decref(object);
}

static void test_rows_count_characters_not_bytes(void **state)
{
	struct rows_widths widths = {0};
	json_t *one = json_q("['\xc3\xa9\xc3\xa9','x']"), *two = json_q("['abc','y']");
	json_t *lines = json_array();

	rows_widen(&widths, one);
	rows_widen(&widths, two);
	rows_line(&widths, one, lines);
	rows_line(&widths, two, lines);
	expect_text(lines, "\xc3\xa9\xc3\xa9    x\nabc   y\n");
	json_decref(one);
	json_decref(two);
}

static void test_rows_of_events(void **state)
{
	json_t *event = json_q("{'type':'Normal','reason':'IdleStop','message':'no request',"
	                       "'lastTimestamp':'2026-01-02T03:03:05Z','involvedObject':"
	                       "{'kind':'StoppableContainer','name':'hello'}}");
	struct rows_widths widths = {0};
	json_t *row = event_row(event, NOW_MS), *lines = json_array();

	rows_line(&widths, row, lines);
	expect_text(lines, "60s   Normal   IdleStop   stoppablecontainer/hello   no request\n");
	json_decref(row);
	json_decref(event);
}

static void test_rows_an_event_is_about_its_own(void **state)
{
	static const struct {
		const char *kind, *name;
		bool about;
	} rows[] = {
	        {"StoppableContainer", "hello", true},
	        {"StoppableContainerInstance", "hello", true},
	        {"Pod", "hello", true},
	        {"Pod", "hello-provider", true},
	        {"Pod", "hello-7", true}, /* the one that status names */
	        {"Pod", "hello-2", false},
	        {"StoppableContainer", "hello2", false},
	        {"Service", "hello", false},
	};
	json_t *object = json_q("{'metadata':{'name':'hello'},'status':{'consumerPodName':"
	                        "'hello-7'}}");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *event = json_pack("{s{ss ss}}", "involvedObject", "kind", rows[i].kind,
		                          "name", rows[i].name);

		if (event_is_about(event, object) != rows[i].about)
			fail_msg("%s %s", rows[i].kind, rows[i].name);
		json_decref(event);
	}
	json_decref(object);
}

static void test_lines_cannot_drive_the_terminal(void **state)
{
	char text[] = "a\033[31mb\a\xc2\x9b\x7f\xc3\xa9\n";

	line_clean(text);
	assert_string_equal(text, "a?[31mb?\?\?\?\xc3\xa9?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows_of_a_list),
	        cmocka_unit_test(test_rows_wide_and_of_all_namespaces),
	        cmocka_unit_test(test_rows_one_that_is_deleted_is_terminating),
	        cmocka_unit_test(test_rows_count_characters_not_bytes),
	        cmocka_unit_test(test_rows_of_events),
	        cmocka_unit_test(test_rows_an_event_is_about_its_own),
	        cmocka_unit_test(test_lines_cannot_drive_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
