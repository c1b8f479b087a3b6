/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "controller/core/defer.h"

enum { NOW = 50000 };

/* A container with all three patches to write; its consumer, where it has one, is known. */
struct fixture {
	json_t *container, *instance, *pod;
	struct facts facts;
	struct status status;
	struct memory memory;
	struct defer_patches patches;
	uint64_t now_ms;
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){
	        .container = json_pack("{s:{s:s}}", "status", "phase", "Stopped"),
	        .instance = json_pack("{s:{s:s}}", "status", "phase", "Stopped"),
	        .pod = json_pack("{s:{s:s}}", "metadata", "uid", ""),
	        .facts = {.generation = 2, .running = true},
	        .status = {.phase = PHASE_CONSUMER_STARTING},
	        .patches = {.instance = json_pack("{s:{s:b}}", "spec", "running", 1),
	                    .instance_status = json_object(),
	                    .container_status = json_object()},
	        .now_ms = NOW,
	};
	f.facts.instance = f.instance;
	f.facts.consumer = f.pod;
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	json_decref(f->container);
	json_decref(f->instance);
	json_decref(f->pod);
	json_decref(f->patches.instance);
	json_decref(f->patches.instance_status);
	json_decref(f->patches.container_status);
	return 0;
}

static void show(struct fixture *f, const char *phase)
{
	(void)json_object_set_new(json_object_get(f->container, "status"), "phase",
	                          json_string(phase));
}

/* Return: the patches that wait, "cis": container's status, instance, instance's status */
static const char *waiting(struct fixture *f, uint64_t *ret_until_ms)
{
	const struct defer_view view = {&f->facts, &f->status, f->container, f->now_ms};
	struct defer_patches p = {
	        .instance = json_incref(f->patches.instance),
	        .instance_status = json_incref(f->patches.instance_status),
	        .container_status = json_incref(f->patches.container_status),
	};
	static char text[4];

	*ret_until_ms = defer_patches(&view, &f->memory, &p);
	(void)snprintf(text, sizeof text, "%s%s%s", p.container_status != NULL ? "" : "c",
	               p.instance != NULL ? "" : "i", p.instance_status != NULL ? "" : "s");
	json_decref(p.instance);
	json_decref(p.instance_status);
	json_decref(p.container_status);
	return text;
}

static void expect(struct fixture *f, const char *want, uint64_t want_until_ms)
{
	uint64_t until_ms;

	assert_string_equal(waiting(f, &until_ms), want);
	assert_int_equal(until_ms, want_until_ms);
}

static bool is_one_of(const char *text, const char *words)
{
	char word[32];

	(void)snprintf(word, sizeof word, " %s ", text);
	return strstr(words, word) != NULL;
}

static void test_defer_has_a_rule_for_each_phase_and_what_is_shown(void **state)
{
	static const char *const shown[] = {"",        "Pending",  "ProviderReady", "Running",
	                                    "Stopped", "Stopping", "Failed"};
	static const char quiet[] = " Pending ProviderReady Stopped Stopping ";
	struct fixture *f = *state;

	for (unsigned phase = PHASE_PENDING; phase < PHASES_COUNT; phase++) {
		for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
			const char *want = "";
			uint64_t until_ms;

			if (phase == PHASE_CONSUMER_STARTING && is_one_of(shown[i], quiet))
				want = "cis";
			if (phase == PHASE_STOPPING && is_one_of(shown[i], " Stopping "))
				want = "cis";
			if (phase == PHASE_RUNNING)
				want = "is";
			f->memory = (struct memory){0};
			f->status.phase = (enum phase)phase;
			show(f, shown[i]);
			assert_string_equal(waiting(f, &until_ms), want);
			assert_int_equal(until_ms, *want != '\0' ? NOW + DEFER_MS : 0);
			/* while others start, the first Running waits as well */
			if (phase == PHASE_RUNNING && is_one_of(shown[i], quiet))
				want = "cis";
			f->memory = (struct memory){.others_start = true};
			assert_string_equal(waiting(f, &until_ms), want);
		}
	}
}

static void test_defer_ends_after_three_seconds(void **state)
{
	struct fixture *f = *state;

	expect(f, "cis", NOW + DEFER_MS);
	f->now_ms += DEFER_MS - 1;
	expect(f, "cis", NOW + DEFER_MS);
	f->now_ms++;
	expect(f, "", 0);
	f->now_ms++; /* it lasts: what changes then is written at once */
	expect(f, "", 0);
}

static void test_defer_ends_later_while_others_start(void **state)
{
	struct fixture *f = *state;

	f->memory.others_start = true;
	expect(f, "cis", NOW + 2 * DEFER_MS);
	f->memory.others_start = false;
	expect(f, "cis", NOW + DEFER_MS);
}

static void test_defer_of_running_looks_for_the_others_for_a_second(void **state)
{
	struct fixture *f = *state;

	f->status.phase = PHASE_RUNNING;
	f->memory.others_start = true;
	expect(f, "cis", NOW + DEFER_LOOK_MS);
	f->now_ms += DEFER_CROWD_MS - 1;
	expect(f, "cis", f->now_ms + DEFER_LOOK_MS);
	f->now_ms++;
	expect(f, "is", NOW + 2 * DEFER_MS);
	f->memory.others_start = false;
	expect(f, "is", NOW + DEFER_MS);
}

static void test_defer_writes_the_spec_before_the_status_of_its_generation(void **state)
{
	struct fixture *f = *state;

	f->status.phase = PHASE_RUNNING;
	expect(f, "is", NOW + DEFER_MS);
	f->now_ms += DEFER_MS;
	expect(f, "s", 0);
	json_decref(f->patches.instance);
	f->patches.instance = NULL;
	expect(f, "i", 0); /* there is none */
}

static void test_defer_begins_anew_after_nothing_waited(void **state)
{
	struct fixture *f = *state;

	expect(f, "cis", NOW + DEFER_MS);
	f->status.phase = PHASE_FAILED;
	f->now_ms += 1000;
	expect(f, "", 0);
	f->status.phase = PHASE_CONSUMER_STARTING;
	expect(f, "cis", f->now_ms + DEFER_MS);
}

static void test_defer_does_not_hold_an_explanation_back(void **state)
{
	json_t *consumer_status = json_pack("{s:s}", "message", "9090 listens");
	struct fixture *f = *state;

	f->facts.consumer_status = consumer_status;
	expect(f, "", 0);
	f->status.phase = PHASE_STOPPING; /* it explains nothing of a stop */
	show(f, "Stopping");
	expect(f, "cis", NOW + DEFER_MS);
	json_decref(consumer_status);
}

static void test_defer_does_not_wait_for_a_pod_in_trouble(void **state)
{
	struct fixture *f = *state;

	memory_trouble(&f->memory, HELD_CONSUMER, "u1", NOW);
	expect(f, "", 0);
	f->status.phase = PHASE_STOPPING;
	show(f, "Stopping");
	expect(f, "", 0);
	f->status.phase = PHASE_RUNNING;
	expect(f, "is", NOW + DEFER_MS);
}

static void test_defer_writes_what_is_more_than_running(void **state)
{
	struct fixture *f = *state;

	(void)json_object_set_new(json_object_get(f->patches.instance, "spec"), "processOne",
	                          json_string("Application"));
	expect(f, "", 0);
}

static void test_defer_writes_that_an_instance_failed_no_more(void **state)
{
	struct fixture *f = *state;

	(void)json_object_set_new(json_object_get(f->instance, "status"), "phase",
	                          json_string("Failed"));
	expect(f, "", 0);
}

static void test_defer_writes_who_the_consumer_is(void **state)
{
	struct fixture *f = *state;

	/* the instance names no Pod, and the agent's word would not be the newer one */
	(void)json_object_set_new(json_object_get(f->pod, "metadata"), "uid", json_string("u1"));
	expect(f, "ci", NOW + DEFER_MS);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_defer_has_a_rule_for_each_phase_and_what_is_shown),
	        T(test_defer_ends_after_three_seconds),
	        T(test_defer_ends_later_while_others_start),
	        T(test_defer_of_running_looks_for_the_others_for_a_second),
	        T(test_defer_writes_the_spec_before_the_status_of_its_generation),
	        T(test_defer_begins_anew_after_nothing_waited),
	        T(test_defer_does_not_hold_an_explanation_back),
	        T(test_defer_does_not_wait_for_a_pod_in_trouble),
	        T(test_defer_writes_what_is_more_than_running),
	        T(test_defer_writes_that_an_instance_failed_no_more),
	        T(test_defer_writes_who_the_consumer_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
