/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: what is written into the cluster is whole, or the program has ended before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "controller/core/plan.h"
#include "tests/unit/memory/short_memory.h"

static const char container_text[] =
        "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"hello\",\"uid\":\"u1\",\"generation\":3,"
        "\"finalizers\":[\"stoppablecontainer.xtlsoft.top/controller\"]},"
        "\"spec\":{\"running\":true,\"template\":{\"container\":{\"image\":\"i\",\"env\":[{"
        "\"name\":\"A\",\"value\":\"b\"}],\"ports\":[{\"containerPort\":8080}],\"resources\":{"
        "\"limits\":{\"memory\":\"64Mi\"}},\"securityContext\":{\"runAsUser\":7}}},"
        "\"activation\":{\"enabled\":true}}}";

static const char instance_text[] =
        "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"hello\",\"uid\":\"u2\",\"generation\":1,"
        "\"finalizers\":[\"stoppablecontainer.xtlsoft.top/rootfs\"],\"ownerReferences\":[{"
        "\"uid\":\"u1\",\"controller\":true}]},\"spec\":{\"running\":false},"
        "\"status\":{\"nodeName\":\"node-a\",\"rootfs\":{\"state\":\"Ready\",\"nodeName\":\"node-"
        "a\","
        "\"imageDigest\":\"sha256:1\",\"hostPath\":\"/kept\"},\"image\":{\"entrypoint\":[\"/run\"],"
        "\"command\":[],\"env\":[\"PATH=/bin\"],\"workingDir\":\"/\",\"uid\":7,\"gid\":7,"
        "\"groups\":[],\"exposedPorts\":[],\"home\":\"/\",\"runAsUser\":7}}}";

/* All that the plan says, as one value; NULL: a body is missing. */
static json_t *told(const struct plan *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->actions_count; i++) {
		const struct plan_action *a = &p->actions[i];

		if (a->verb != PLAN_DELETE && a->body == NULL) {
			json_decref(all);
			return NULL;
		}
		(void)json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:O?}", "verb",
		                                           plan_verb_name(a->verb), "on",
		                                           plan_on_name(a->on), "name", a->name,
		                                           "body", a->body));
	}
	return all;
}

static enum outcome make_plan(const char *instance, json_t **want)
{
	static const struct plan_config config = {
	        .pods = {.wrapper_image = "localhost/sc-wrapper:1"},
	        .url_template = "http://%s.%s.localhost:8080/"};
	static const struct status_times now = {1000000, 1700000000000};
	json_t *objects[] = {short_memory_object(container_text),
	                     instance != NULL ? short_memory_object(instance) : NULL};
	const struct observed seen = {.container = objects[0], .instance = objects[1]};
	struct memory memory = {0};
	static struct plan plan;
	enum outcome outcome;
	json_t *all;

	plan_make(&seen, &memory, &config, &now, &plan);
	short_memory_pause(true);
	all = told(&plan);
	short_memory_pause(false);
	/* a plan tells no failure: it is what is done */
	outcome = all == NULL || plan.actions_count == 0
	                  ? OUTCOME_WRONG
	                  : short_memory_same(json_incref(all), want);
	json_decref(all);
	plan_done(&plan);
	json_decref(objects[0]);
	json_decref(objects[1]);
	return outcome;
}

static enum outcome plan_first(void)
{
	static json_t *want;

	return make_plan(NULL, &want);
}

static enum outcome plan_start(void)
{
	static json_t *want;

	return make_plan(instance_text, &want);
}

static void test_plan_short_of_memory(void **state)
{
	short_memory_json_ends();
	short_memory_try_ending("the plan for a new container", plan_first);
	short_memory_try_ending("the plan for a start", plan_start);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_plan_short_of_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
