/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller writes for the node agent, which may write nothing but status. */
#include "tests/unit/controller/fixture.h"

#include <stdlib.h>
#include <string.h>

#include "lib/api/names.h"
#include "lib/kube/client/object.h"

static void meta(json_t *object, const char *key, json_t *value)
{
	assert_int_equal(json_object_set_new(json_object_get(object, "metadata"), key, value), 0);
}

static void delete_both(struct fixture *f)
{
	meta(f->container, "deletionTimestamp", json_string("2026-01-01T00:00:00Z"));
	meta(f->instance, "deletionTimestamp", json_string("2026-01-01T00:00:00Z"));
}

/* The first patch of the instance that is not of its status, as it would be sent. */
static json_t *next_patch(struct fixture *f)
{
	const struct observed seen = {.container = f->container, .instance = f->instance};
	struct plan plan;
	json_t *found = NULL;

	plan_make(&seen, &f->memory, &f->config, &f->now, &plan);
	for (size_t i = 0; i < plan.actions_count && found == NULL; i++) {
		if (plan.actions[i].verb == PLAN_PATCH && plan.actions[i].on == PLAN_ON_INSTANCE)
			found = json_incref(plan.actions[i].body);
	}
	plan_done(&plan);
	return found;
}

static void test_rootfs_finalizer_is_there_from_the_first_moment(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, NULL);
	plan_once(f, "new");
	assert_true(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
}

static void test_rootfs_finalizer_is_put_on_what_an_older_version_made(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	meta(f->instance, "finalizers", json_pack("[s]", "other"));
	settle(f, "upgraded");
	assert_true(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
	assert_true(kube_has_finalizer(f->instance, "other"));
	expect_trace(f, "upgraded -> patch-instance\n");
	meta(f->instance, "finalizers", json_pack("[s]", "other"));
	delete_both(f); /* the API server allows no new one any more */
	plan_once(f, "deleted");
	assert_false(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
}

static void test_rootfs_finalizer_stays_until_the_agent_says_removed(void **state)
{
	struct fixture *f = *state;
	json_t *patch;

	fixture_asleep(f, NULL);
	delete_both(f);
	settle(f, "deleted");
	assert_true(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
	agent_rootfs(f, "{\"state\":\"Failed\",\"reason\":\"MountFailed\"}");
	settle(f, "failed");
	assert_true(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
	agent_rootfs(f, "{\"state\":\"Removed\"}");
	patch = next_patch(f);
	assert_string_equal(json_str_at(patch, "", "metadata", "resourceVersion", NULL),
	                    kube_resource_version(f->instance));
	json_decref(patch);
	settle(f, "removed");
	assert_false(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
}

static void test_rootfs_removed_says_nothing_before_the_deletion(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	agent_rootfs(f, "{\"state\":\"Removed\"}");
	settle(f, "odd");
	assert_true(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
}

static void test_rootfs_that_no_node_claimed_is_let_go_at_once(void **state)
{
	struct fixture *f = *state;
	json_t *patch;

	fixture_container(f, NULL);
	settle(f, "new");
	delete_both(f);
	patch = next_patch(f);
	assert_non_null(patch);
	/* a claim that comes first makes it fail */
	assert_string_equal(json_str_at(patch, "", "metadata", "resourceVersion", NULL),
	                    kube_resource_version(f->instance));
	json_decref(patch);
	plan_once(f, "deleted");
	assert_false(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
}

static void test_rootfs_whose_container_is_gone_is_still_let_go(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	delete_both(f);
	json_decref(f->container);
	f->container = NULL;
	settle(f, "orphaned");
	assert_true(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
	agent_rootfs(f, "{\"state\":\"Removed\"}");
	settle(f, "removed");
	assert_false(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
	expect_trace(f, "removed -> patch-instance\n");
}

static void test_rootfs_of_a_predecessor_is_let_go_beside_a_new_container(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	meta(f->instance, "deletionTimestamp", json_string("2026-01-01T00:00:00Z"));
	agent_rootfs(f, "{\"state\":\"Removed\"}");
	meta(f->container, "uid", json_string("another"));
	plan_once(f, "made anew");
	assert_false(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
}

static void test_rootfs_reset_is_taken_away_when_it_was_carried_out(void **state)
{
	struct fixture *f = *state;
	json_t *patch;

	fixture_asleep(f, NULL);
	meta(f->instance, "annotations", json_pack("{s:s}", SC_ANNOTATION_RESET, "sha256:b"));
	settle(f, "ordered");
	assert_string_equal(kube_annotation(f->instance, SC_ANNOTATION_RESET), "sha256:b");
	agent_rootfs(f, "{\"resetDigest\":\"sha256:a\"}");
	settle(f, "another was carried out");
	assert_string_equal(kube_annotation(f->instance, SC_ANNOTATION_RESET), "sha256:b");
	agent_rootfs(f, "{\"resetDigest\":\"sha256:b\"}");
	patch = next_patch(f);
	/* the user may have written a new order meanwhile */
	assert_string_equal(json_str_at(patch, "", "metadata", "resourceVersion", NULL),
	                    kube_resource_version(f->instance));
	json_decref(patch);
	settle(f, "carried out");
	assert_string_equal(kube_annotation(f->instance, SC_ANNOTATION_RESET), "");
}

static void test_rootfs_acceptance_is_taken_away_when_it_was_carried_out(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	meta(f->instance, "annotations",
	     json_pack("{s:s,s:s}", SC_ANNOTATION_RESET, "sha256:b", SC_ANNOTATION_ACCEPT,
	               "7-00000077:none"));
	agent_rootfs(f, "{\"acceptedFiles\":\"6-00000066:none\"}");
	settle(f, "another was carried out");
	assert_string_equal(kube_annotation(f->instance, SC_ANNOTATION_ACCEPT), "7-00000077:none");
	agent_rootfs(f, "{\"acceptedFiles\":\"7-00000077:none\"}");
	settle(f, "carried out");
	assert_string_equal(kube_annotation(f->instance, SC_ANNOTATION_ACCEPT), "");
	assert_string_equal(kube_annotation(f->instance, SC_ANNOTATION_RESET), "sha256:b");
}

/* Asleep, and found out when somebody asks: told, and nothing is made or deleted for it. */
static void test_rootfs_whose_files_changed_is_told_and_left_alone(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	f->trace[0] = '\0';
	agent_rootfs(f, "{\"state\":\"Failed\",\"reason\":\"FilesChanged\","
	                "\"message\":\"generation 7\"}");
	settle(f, "changed");
	expect_condition(f, "RootfsReady", "False", "FilesChanged", "generation 7");
	expect_condition(f, "Ready", "False", "FilesChanged", "generation 7");
	expect_trace(f, "changed -> instance=Failed container=Failed !FilesChanged\n");
}

static bool is_pinned_to(struct fixture *f, const char *pod_name, const char *node)
{
	char *text = json_dumps(json_at(pod(f, pod_name), "spec", "affinity", NULL), 0);
	bool found = text != NULL && strstr(text, node) != NULL;

	free(text);
	return found;
}

static void test_rootfs_claim_of_a_node_without_the_provider_is_refused(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, "{\"running\":true}");
	settle(f, "new");
	f->trace[0] = '\0';
	pod_placed(f, "hello-provider", "node-a");
	agent_rootfs(f, "{\"nodeName\":\"node-evil\"}");
	plan_once(f, "claimed");
	expect_trace(f,
	             "claimed -> instance=same instance=Failed container=Failed !ClaimRefused\n");
	expect_condition(f, "RootfsReady", "False", "ClaimRefused", "node-evil");
	assert_null(json_at(f->instance, "status", "rootfs", NULL));
	assert_null(json_at(f->instance, "status", "image", NULL));
	assert_string_equal(json_str_at(f->container, "", "status", "nodeName", NULL), "node-a");
	settle(f, "taken away");
	assert_null(pod(f, "hello"));
	expect_condition(f, "RootfsReady", "False", "WaitingForAgent", "");
	/* the way is free for the agent that has the Pod */
	agent_rootfs(f, "{}");
	settle(f, "the right one");
	assert_true(is_pinned_to(f, "hello", "node-a"));
}

static void test_rootfs_claim_counts_once_the_provider_is_placed(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, "{\"running\":true}");
	settle(f, "new");
	agent_rootfs(f, "{}"); /* it comes before the Pod's own news */
	settle(f, "claimed");
	assert_null(pod(f, "hello"));
	assert_non_null(json_at(f->instance, "status", "rootfs", NULL));
	pod_placed(f, "hello-provider", "node-a");
	settle(f, "placed");
	assert_non_null(pod(f, "hello"));
}

static void test_rootfs_claim_does_not_draw_the_provider_to_it(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, "{\"running\":true}");
	plan_once(f, "new");
	agent_rootfs(f, "{\"nodeName\":\"node-evil\",\"providerPodUID\":\"any\"}");
	settle(f, "claimed");
	assert_non_null(pod(f, "hello-provider"));
	assert_null(json_at(pod(f, "hello-provider"), "spec", "affinity", NULL));
	assert_null(pod(f, "hello"));
}

static void test_rootfs_claim_stays_when_the_provider_is_lost(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	pod_gone(f, "hello-provider");
	settle(f, "lost");
	assert_true(is_pinned_to(f, "hello-provider", "node-a"));
	set_running(f, true);
	settle(f, "wake");
	assert_true(is_pinned_to(f, "hello", "node-a"));
	pod_placed(f, "hello-provider", "node-b"); /* whatever the scheduler does with it */
	settle(f, "elsewhere");
	expect_condition(f, "RootfsReady", "True", "Ready", "node-a");
	assert_string_equal(json_str_at(f->instance, "", "status", "rootfs", "nodeName", NULL),
	                    "node-a");
}

static void test_rootfs_refused_claim_does_not_keep_the_instance(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, NULL);
	settle(f, "new");
	pod_placed(f, "hello-provider", "node-a");
	settle(f, "placed");
	agent_rootfs(f, "{\"nodeName\":\"node-evil\"}");
	delete_both(f);
	settle(f, "deleted");
	assert_false(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_rootfs_finalizer_is_there_from_the_first_moment),
	        T(test_rootfs_finalizer_is_put_on_what_an_older_version_made),
	        T(test_rootfs_finalizer_stays_until_the_agent_says_removed),
	        T(test_rootfs_removed_says_nothing_before_the_deletion),
	        T(test_rootfs_that_no_node_claimed_is_let_go_at_once),
	        T(test_rootfs_whose_container_is_gone_is_still_let_go),
	        T(test_rootfs_of_a_predecessor_is_let_go_beside_a_new_container),
	        T(test_rootfs_reset_is_taken_away_when_it_was_carried_out),
	        T(test_rootfs_acceptance_is_taken_away_when_it_was_carried_out),
	        T(test_rootfs_whose_files_changed_is_told_and_left_alone),
	        T(test_rootfs_claim_of_a_node_without_the_provider_is_refused),
	        T(test_rootfs_claim_counts_once_the_provider_is_placed),
	        T(test_rootfs_claim_does_not_draw_the_provider_to_it),
	        T(test_rootfs_claim_stays_when_the_provider_is_lost),
	        T(test_rootfs_refused_claim_does_not_keep_the_instance),
	};

	return cmocka_run_group_tests_name("controller-plan-rootfs", tests, NULL, NULL);
}
