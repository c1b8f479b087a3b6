/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of the plugin against a real API server: what each does, says, and ends with.
 */
#include "tests/flow/cli/fixture.h"
#include "tests/world/world_internal.h"

#include <signal.h>
#include <unistd.h>

#include "lib/kube/client/object.h"

#define READY(status)                                                                              \
	"'conditions':[{'type':'Ready','status':'" status                                          \
	"','reason':'R','message':'m','lastTransitionTime':'2026-01-02T03:04:05Z',"                \
	"'observedGeneration':$G}]"
#define AWAKE                                                                                      \
	"{'phase':'Running','observedGeneration':$G,'consumerPodName':'hello-2'," READY("True") "}"
#define ASLEEP                                                                                     \
	"{'phase':'Stopped','observedGeneration':$G,'consumerPodName':null," READY("False") "}"
#define FAILED "{'phase':'Failed','observedGeneration':$G," READY("False") "}"

static const char pod[] = "{\"metadata\":{\"name\":\"hello-2\"},\"spec\":{\"nodeName\":\"n\","
                          "\"containers\":[{\"name\":\"main\",\"image\":\"x\"},"
                          "{\"name\":\"side\",\"image\":\"y\"}]}}";

static void expect_at(struct fixture *f, const char *path, const char *pointer, const char *want)
{
	world_expect(f->w, path, pointer, want);
}

static void test_create_list_and_status(void **state)
{
	struct fixture *f = *state;

	sc(f, 0, "list", "There is no StoppableContainer in namespace default.");
	sc(f, 0,
	   "create hello --image=i:1 -p 8080:http -e A=b=c -w /srv --idle-timeout 5m "
	   "--running=false"
	   " -- sh -c 'x y'",
	   "hello created");
	expect_at(f, SCS "/hello", "/spec/running", "false");
	expect_at(f, SCS "/hello", "/spec/idle/timeout", "5m");
	expect_at(f, SCS "/hello", "/spec/template/container/command/2", "x y");
	expect_at(f, SCS "/hello", "/spec/template/container/ports/0/name", "http");
	expect_at(f, SCS "/hello", "/spec/template/container/env/0/value", "b=c");
	sc(f, 1, "create hello --image=i", "error: hello: ");
	sc(f, 3, "create -n nowhere hello --image=i", "nowhere");
	sc(f, 0, "list", "NAME    RUNNING   PHASE    IDLE-FOR   URL      AGE\nhello   false ");
	sc(f, 0, "get -A -o wide", "NAMESPACE   NAME    RUNNING");
	sc(f, 0, "ls -o name", "stoppablecontainer.stoppablecontainer.xtlsoft.top/hello\n");
	sc(f, 0, "status hello", "Name:          hello\nNamespace:     default\n");
	sc(f, 0, "list hello -o yaml", "  template:\n    container:\n      command:\n      - sh\n");
	sc(f, 0, "status hello -o json", "\"containerPort\": 8080");
	sc(f, 3, "status nope", "error: nope: not in namespace default");
	sc(f, 3, "list hello nope", "error: nope: there is none of that name here");
	sc(f, 2, "create x", "error: create: --image=IMAGE is needed");
	sc(f, 2, "frobnicate", "error: unknown verb \"frobnicate\"");
}

static void test_a_dry_run_prints_what_create_would_send(void **state)
{
	struct fixture *f = *state;

	sc(f, 0, "create job --image=i --dry-run=client -o yaml -- run",
	   "apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1\nkind: StoppableContainer\n");
	assert_null(world_get(f->w, SCS "/job"));
	shell(f, 0, "$SC create job --image=i --dry-run=client -o json >$SC_WORLD_DIR/job.json",
	      "");
	sc(f, 0, "create job --image=i -o name", "/job\n");
}

static void test_labels_select(void **state)
{
	struct fixture *f = *state;

	hello_new(f, false, NULL);
	sc(f, 0, "list -l team=a -o name", "/hello");
	sc(f, 0, "list -l team=b", "There is no");
}

static void test_watch_prints_changes_until_it_is_interrupted(void **state)
{
	struct fixture *f = *state;

	hello_new(f, false, NULL);
	job_start(f, "exec $SC list --watch");
	job_expect(f, "hello   false     <none> ");
	hello_status(f, "{'phase':'Stopped','observedGeneration':$G}");
	job_expect(f, "hello   false     Stopped ");
	(void)kill(f->job.pid, SIGINT);
	assert_int_equal(job_end(f), 130);
	job_start(f, "exec $SC list -w -o yaml");
	job_expect(f, "---\napiVersion: stoppablecontainer");
	(void)kill(f->job.pid, SIGTERM);
	assert_int_equal(job_end(f), 143);
}

/* list --watch | head: no complaint, and an end, when nobody reads any more */
static void test_watch_ends_when_its_reader_is_gone(void **state)
{
	struct fixture *f = *state;

	hello_new(f, false, NULL);
	job_start(f, "set -o pipefail; $SC list --watch | head -n 2; echo \"code $?\"");
	job_expect(f, "hello   false ");
	hello_status(f, "{'phase':'Stopped','observedGeneration':$G}");
	job_expect(f, "code 1\n");
	assert_int_equal(job_end(f), 0);
	assert_null(strstr(f->job.output, "error"));
}

static void test_start_and_stop(void **state)
{
	struct fixture *f = *state;

	hello_new(f, false, ASLEEP);
	sc(f, 0, "start hello", "hello starts\n");
	expect_at(f, SCS "/hello", "/spec/running", "true");
	sc(f, 0, "start hello", "hello was started already\n");
	sc(f, 0, "stop hello", "hello stops\n");
	expect_at(f, SCS "/hello", "/spec/running", "false");
	sc(f, 0, "stop hello", "hello was stopped already\n");
	/* all are done, and the first failure is the exit code */
	sc(f, 3, "start nope hello", "hello starts\nerror: nope: not in namespace default");
}

static void test_start_waits_until_it_is_ready(void **state)
{
	struct fixture *f = *state;

	hello_new(f, false, AWAKE); /* of an older generation: does not count */
	job_start(f, "exec $SC start hello --wait");
	job_expect(f, "hello starts\n");
	hello_status(f, "{'phase':'ProviderReady','observedGeneration':$G," READY("False") "}");
	hello_status(f, AWAKE);
	assert_int_equal(job_end(f), 0);
	assert_non_null(strstr(f->job.output, "hello is Ready\n"));
	job_start(f, "exec $SC stop hello -w");
	job_expect(f, "hello stops\n");
	hello_status(f, ASLEEP);
	assert_int_equal(job_end(f), 0);
	assert_non_null(strstr(f->job.output, "hello is Stopped\n"));
}

static void test_start_tells_of_a_failure_and_of_a_timeout(void **state)
{
	struct fixture *f = *state;

	hello_new(f, false, ASLEEP);
	job_start(f, "exec $SC start hello --wait");
	job_expect(f, "hello starts\n");
	hello_status(f, FAILED);
	assert_int_equal(job_end(f), 1);
	assert_non_null(
	        strstr(f->job.output, "error: hello: Failed, R: m; \"kubectl sc why hello\""));
	sc(f, 4, "stop hello --wait --timeout 200ms",
	   "error: hello: not Stopped after 200ms (Failed, R: m)");
}

static void test_wait_for_what_is_asked(void **state)
{
	struct fixture *f = *state;

	hello_new(f, true, AWAKE);
	sc(f, 0, "wait hello", "hello is Ready\n");
	sc(f, 0, "wait hello --for=condition=Ready=True", "hello is Ready\n");
	sc(f, 4, "wait hello --for=Stopped --timeout=100ms", "not Stopped after 100ms");
	sc(f, 3, "wait nope", "error: nope: there is none of that name");
	sc(f, 0, "wait nope --for=Deleted", "nope is gone\n");
	sc(f, 2, "wait hello --for=Awake", "error: --for \"Awake\": want ");
	job_start(f, "$SC wait hello --for=Deleted && echo \"so it is\"");
	job_expect(f, "");
	world_delete(f->w, SCS "/hello");
	job_expect(f, "so it is");
	assert_int_equal(job_end(f), 0);
}

static void test_exec_logs_and_cp_become_kubectl(void **state)
{
	struct fixture *f = *state;
	char want[700];

	hello_new(f, true, AWAKE);
	json_decref(world_create(f->w, PODS, pod));
	(void)snprintf(want, sizeof want,
	               "[exec][--kubeconfig][%s][--namespace][default][--container][main][--stdin]"
	               "[--tty][hello-2][--][sh][-c][a b]\n",
	               world_kubeconfig(f->w));
	sc(f, KUBECTL_EXIT, "exec hello -it -- sh -c 'a b'", want);
	sc(f, KUBECTL_EXIT, "exec hello -c side -- true", "[--container][side][hello-2][--][true]");
	sc(f, KUBECTL_EXIT, "logs hello -f -p --tail=5 --timestamps",
	   "[--container][main][--follow][--previous][--timestamps][--tail][5][hello-2]\n");
	sc(f, KUBECTL_EXIT, "cp hello:/a ./b", "[--container][main][hello-2:/a][./b]\n");
	sc(f, KUBECTL_EXIT, "cp b hello:/a", "[./b][hello-2:/a]\n");
	sc(f, KUBECTL_EXIT, "-v 1 logs hello", "kubectl-sc: kubectl logs --kubeconfig ");
	shell(f, 1, "PATH=$SC_WORLD_DIR $SC exec hello -- ls",
	      "error: kubectl is not in PATH, and exec needs it; install it");
	sc(f, 2, "exec hello", "error: exec: want a command behind \"--\"");
	sc(f, 2, "cp a b", "must be NAME:PATH");
	sc(f, 3, "exec nope -- ls", "error: nope: not in namespace default");
	sc(f, 3, "cp nope:/a b", "error: nope: not in namespace default");
}

static void pod_status(struct fixture *f, const char *status)
{
	char text[400];

	(void)snprintf(text, sizeof text, "{\"status\":%s}", status);
	json_decref(world_merge_patch(f->w, PODS "/hello-2/status", text));
}

static void test_a_sleeper_is_woken_only_when_that_is_said(void **state)
{
	struct fixture *f = *state;

	hello_new(f, false, ASLEEP);
	json_decref(world_create(f->w, PODS, pod));
	sc(f, 1, "exec hello -- ls",
	   "error: hello sleeps; wake it first: kubectl sc start hello --wait, or give --start to "
	   "exec");
	sc(f, 1, "cp hello:/a b", "or give --start to cp");
	sc(f, 1, "logs hello", "error: hello sleeps, and its log went with its Pod");
	expect_at(f, SCS "/hello", "/spec/running", "false");
	job_start(f, "exec $SC exec hello --start -v 1 -- ls");
	expect_at(f, SCS "/hello", "/spec/running", "true");
	hello_status(f, AWAKE);
	/* it listens, and the kubelet would still answer "container not found" */
	job_expect(f, "the kubelet does not know yet that main runs");
	pod_status(f, "{\"containerStatuses\":[{\"name\":\"side\",\"state\":{\"running\":{}}},"
	              "{\"name\":\"main\",\"state\":{\"running\":{}}}]}");
	assert_int_equal(job_end(f), KUBECTL_EXIT);
	assert_non_null(strstr(f->job.output, "[hello-2][--][ls]"));
	hello_status(f, "{'phase':'ProviderReady','consumerPodName':null," READY("False") "}");
	sc(f, 1, "exec hello -- ls", "error: hello has no Pod yet; wait for it");
	sc(f, 4, "exec hello --start --timeout 100ms -- ls", "not Ready after 100ms");
}

static void test_why_url_and_events(void **state)
{
	struct fixture *f = *state;

	hello_new(f, true, NULL);
	sc(f, 0, "why hello", "hello is new: ");
	sc(f, 1, "url hello", "error: hello has no URL yet");
	sc(f, 0, "events hello", "There are no Events about hello");
	hello_status(f, "{'phase':'Running','observedGeneration':$G,'idle':{'state':'Active',"
	                "'lastActivitySource':'request from 10.0.0.1','lastActivityTime':"
	                "'2026-01-02T03:04:05Z'},'activation':{'url':'http://hello.default/'}}");
	sc(f, 0, "why hello", "hello is awake, and in use.\nLast activity: request from 10.0.0.1");
	sc(f, 0, "why hello -n default", "kubectl sc stop hello -n default (the next request");
	sc(f, 0, "url hello", "http://hello.default/\n");
	json_decref(world_create(
	        f->w, EVENTS,
	        "{\"metadata\":{\"name\":\"e1\"},\"involvedObject\":{\"kind\":\"Pod\",\"name\":"
	        "\"hello\"},\"type\":\"Normal\",\"reason\":\"Second\",\"message\":\"m\\u001b[31m\","
	        "\"lastTimestamp\":\"2026-01-02T03:04:06Z\"}"));
	json_decref(world_create(
	        f->w, EVENTS,
	        "{\"metadata\":{\"name\":\"e2\"},\"involvedObject\":{\"kind\":"
	        "\"StoppableContainer\","
	        "\"name\":\"hello\"},\"type\":\"Normal\",\"reason\":\"First\",\"message\":\"m\","
	        "\"lastTimestamp\":\"2026-01-02T03:04:05Z\"}"));
	assert_true(strstr(sc(f, 0, "events hello", "First    stoppablecontainer/hello   m\n"),
	                   "First") < strstr(f->job.output, "Second   pod/hello"));
	assert_null(strchr(f->job.output, '\033'));
	sc(f, 3, "why nope", "error: nope: not in namespace default");
	sc(f, 3, "events nope", "error: nope: not in namespace default");
	sc(f, 3, "url nope", "error: nope: not in namespace default");
	job_start(f, "exec $SC events hello -w");
	job_expect(f, "Second");
	json_decref(world_create(f->w, EVENTS,
	                         "{\"metadata\":{\"name\":\"e3\"},\"involvedObject\":{\"kind\":"
	                         "\"StoppableContainer\","
	                         "\"name\":\"hello\"},\"type\":\"Warning\",\"reason\":\"Third\","
	                         "\"message\":\"m\"}"));
	job_expect(f, "Third");
	(void)kill(f->job.pid, SIGINT);
	assert_int_equal(job_end(f), 130);
}

static void make_instance(struct fixture *f, const char *rootfs)
{
	char text[700];
	json_t *answer = NULL;

	json_decref(world_create(
	        f->w, SCIS,
	        "{\"metadata\":{\"name\":\"hello\"},\"spec\":{\"stoppableContainerName\":\"hello\","
	        "\"running\":true,\"template\":{\"container\":{\"image\":\"i\"}}}}"));
	(void)snprintf(text, sizeof text, "{\"status\":{\"rootfs\":%s}}", rootfs);
	assert_int_equal(world_call(f->w, "PATCH", SCIS "/hello/status",
	                            "application/merge-patch+json", text, &answer),
	                 200);
	json_decref(answer);
}

static void test_reset_orders_it_of_the_agent(void **state)
{
	struct fixture *f = *state;

	hello_new(f, true, FAILED);
	sc(f, 3, "reset hello --yes", "error: hello has no instance, hence no kept files");
	make_instance(f, "{\"state\":\"Failed\",\"reason\":\"DigestChanged\",\"message\":\"or: "
	                 "kubectl annotate -n default sci hello "
	                 "stoppablecontainer.xtlsoft.top/reset-rootfs=sha256:ab12\"}");
	/* not without a word */
	sc(f, 1, "reset hello", "there is no terminal to ask at; give --yes");
	expect_at(f, SCIS "/hello",
	          "/metadata/annotations/stoppablecontainer.xtlsoft.top~1reset-rootfs", "");
	sc(f, 0, "reset hello --yes", "hello begins anew from image sha256:ab12\n");
	expect_at(f, SCIS "/hello",
	          "/metadata/annotations/stoppablecontainer.xtlsoft.top~1reset-rootfs",
	          "sha256:ab12");
	sc(f, 3, "reset nope", "error: nope: not in namespace default");
}

/* At a terminal it asks, and takes only the name for an answer. */
static void test_reset_asks_at_a_terminal(void **state)
{
	struct fixture *f = *state;

	hello_new(f, true, FAILED);
	make_instance(f, "{\"state\":\"Failed\",\"reason\":\"RecordCorrupt\",\"message\":\"x/reset-"
	                 "rootfs=sha256:cd34\"}");
	shell(f, 0, "echo no | script -qec \"$SC reset hello\" /dev/null | tr -d '\\r'",
	      "error: nothing was done");
	expect_at(f, SCIS "/hello",
	          "/metadata/annotations/stoppablecontainer.xtlsoft.top~1reset-rootfs", "");
	shell(f, 0, "echo hello | script -qec \"$SC reset hello\" /dev/null | tr -d '\\r'",
	      "hello begins anew from image sha256:cd34");
}

static void test_reset_of_sound_files_is_refused(void **state)
{
	struct fixture *f = *state;

	hello_new(f, true, AWAKE);
	make_instance(f, "{\"state\":\"Ready\"}");
	sc(f, 1, "reset hello --yes", "error: hello needs no reset: its files are not in trouble");
}

#define ORDER "stoppablecontainer.xtlsoft.top/verify-rootfs"

/* What the agent would write, to the order that the job has given. */
static void answer_verify(struct fixture *f, const char *before, const char *verified)
{
	char text[1200];
	json_t *instance = NULL;
	json_t *answer = NULL;
	const char *order;
	uint64_t deadline_ms = world_deadline();

	do {
		assert_true(world_poll(deadline_ms));
		json_decref(instance);
		instance = world_get(f->w, SCIS "/hello");
		order = kube_annotation(instance, ORDER);
	} while (strcmp(order, before) == 0);
	(void)snprintf(text, sizeof text,
	               "{\"status\":{\"rootfs\":{\"filesGeneration\":\"7-00000077\","
	               "\"verified\":{\"order\":\"%s\",\"generation\":\"7-00000077\",%s}}}}",
	               order, verified);
	assert_int_equal(world_call(f->w, "PATCH", SCIS "/hello/status",
	                            "application/merge-patch+json", text, &answer),
	                 200);
	json_decref(answer);
	json_decref(instance);
}

static void test_verify_tells_what_the_agent_found(void **state)
{
	struct fixture *f = *state;
	json_t *before;

	hello_new(f, false, ASLEEP);
	sc(f, 3, "verify hello", "error: hello has no instance, hence no kept files");
	make_instance(f, "{\"state\":\"Ready\",\"nodeName\":\"node-1\"}");
	sc(f, 4, "verify hello --timeout 100ms",
	   "error: hello: the agent of node node-1 has not answered; is it running?");
	before = world_get(f->w, SCIS "/hello");
	job_start(f, "$SC verify hello");
	answer_verify(f, kube_annotation(before, ORDER),
	              "\"result\":\"Same\",\"files\":12,\"differences\":0");
	job_expect(f, "hello: 12 files and folders are as generation 7-00000077 was left\n");
	assert_int_equal(job_end(f), 0);
	json_decref(before);
}

static void test_delete(void **state)
{
	struct fixture *f = *state;

	hello_new(f, true, AWAKE);
	json_decref(world_create(f->w, PODS, pod));
	make_instance(f, "{\"state\":\"Ready\"}");
	/* something holds it: not gone until that lets go */
	json_decref(world_merge_patch(f->w, SCS "/hello",
	                              "{\"metadata\":{\"finalizers\":[\"a.example/hold\"]}}"));
	sc(f, 4, "rm hello --timeout 100ms", "error: hello: not deleted after 100ms");
	expect_at(f, PODS "/hello-2", "/spec/nodeName", "n");
	sc(f, 0, "delete hello --force --abandon-rootfs --wait=false", "hello is being deleted\n");
	world_expect_gone(f->w, PODS "/hello-2");
	expect_at(f, SCIS "/hello",
	          "/metadata/annotations/stoppablecontainer.xtlsoft.top~1abandon-rootfs", "true");
	job_start(f, "$SC delete hello; echo \"code $?\"");
	json_decref(world_merge_patch(f->w, SCS "/hello", "{\"metadata\":{\"finalizers\":null}}"));
	assert_int_equal(job_end(f), 0);
	assert_non_null(strstr(f->job.output, "code "));
	sc(f, 3, "remove hello", "error: hello: not in namespace default");
}

static void test_version_names_both_sides(void **state)
{
	struct fixture *f = *state;

	sc(f, 0, "version", "kubectl-sc " SC_VERSION " (API v1alpha1)\nserver v1.");
	sc(f, 0, "version -o yaml",
	   "client:\n  api: v1alpha1\n  version: " SC_VERSION "\nserver:\n");
	shell(f, 0, "$SC_PROGRAM --version", "kubectl-sc " SC_VERSION);
	shell(f, 1, "$SC_PROGRAM --kubeconfig=/nowhere version", "error: open /nowhere: ");
	shell(f, 1, "$SC --context=nope list", "no \"nope\" in contexts");
}

static void test_a_server_that_is_away_is_told(void **state)
{
	struct fixture *f = *state;

	shell(f, 1,
	      "sed 's,server: .*,server: https://127.0.0.1:1,' $SC_WORLD_KUBECONFIG "
	      ">$SC_WORLD_DIR/away && "
	      "exec $SC_PROGRAM --kubeconfig=$SC_WORLD_DIR/away list",
	      "error: ");
}

static void test_credentials_of_a_program(void **state)
{
	struct fixture *f = *state;

	shell(f, 0,
	      "token=$(sed -n 's/.*token: *//p' $SC_WORLD_KUBECONFIG | tr -d '\"'); "
	      "[ -n \"$token\" ] || exit 9; "
	      "printf '#!/bin/sh\\necho "
	      "\"{\\\\\"kind\\\\\":\\\\\"ExecCredential\\\\\",\\\\\"apiVersion\\\\\":"
	      "\\\\\"client.authentication.k8s.io/v1\\\\\",\\\\\"status\\\\\":{\\\\\"token\\\\\":"
	      "\\\\\"%s\\\\\"}}\"\\n' \"$token\" >$SC_WORLD_DIR/helper && chmod +x "
	      "$SC_WORLD_DIR/helper && "
	      "sed 's,token: .*,exec: {command: ./helper\\, apiVersion: "
	      "client.authentication.k8s.io/v1},' "
	      "$SC_WORLD_KUBECONFIG >$SC_WORLD_DIR/by-exec && "
	      "$SC_PROGRAM --kubeconfig=$SC_WORLD_DIR/by-exec version && "
	      "$SC_PROGRAM --kubeconfig=$SC_WORLD_DIR/by-exec create hello --image=i",
	      "hello created");
}

static void test_completion_knows_the_servers_names(void **state)
{
	struct fixture *f = *state;

	hello_new(f, true, AWAKE);
	assert_string_equal(
	        shell(f, 0, "$SC_PROGRAM __complete start --kubeconfig $SC_WORLD_KUBECONFIG h",
	              NULL),
	        "hello\tRunning\n:4\n");
	assert_string_equal(
	        shell(f, 0, "$SC_PROGRAM __complete --kubeconfig=$SC_WORLD_KUBECONFIG cp h", NULL),
	        "hello:\tRunning\n:2\n");
	shell(f, 0, "$SC_PROGRAM __complete --kubeconfig=$SC_WORLD_KUBECONFIG list -n d",
	      "default\t");
	/* nothing to say is no error at a prompt */
	assert_string_equal(shell(f, 0, "$SC_PROGRAM __complete --kubeconfig=/none start ''", NULL),
	                    ":4\n");
	sc(f, 2, "completion tcsh", "error: completion \"tcsh\": want bash|zsh|fish");
	sc(f, 0, "completion zsh", "#compdef kubectl-sc");
	sc(f, 0, "completion fish", "complete -c kubectl-sc");
}

/* The function that bash calls, called as bash does. */
static void test_completion_in_bash(void **state)
{
	struct fixture *f = *state;

	hello_new(f, true, AWAKE);
	shell(f, 0,
	      "export KUBECONFIG=$SC_WORLD_KUBECONFIG; compopt() { :; }; "
	      "source <($SC_PROGRAM completion bash); "
	      "COMP_WORDS=(kubectl-sc sta); COMP_CWORD=1; _kubectl_sc kubectl-sc sta; "
	      "echo \"verbs ${COMPREPLY[*]}\"; "
	      "COMP_WORDS=(kubectl-sc stop he); COMP_CWORD=2; _kubectl_sc kubectl-sc he; "
	      "echo \"names ${COMPREPLY[*]}\"",
	      "verbs status start\nnames hello\n");
}

/* kubectl itself finds the plugin, and asks kubectl_complete-sc; skipped where there is none. */
static void test_kubectl_runs_the_plugin(void **state)
{
	struct fixture *f = *state;

	hello_new(f, true, AWAKE);
	job_start(
	        f,
	        "real=$(PATH=$SC_OLD_PATH command -v kubectl) || exit 77; "
	        "$real --help >/dev/null && exec $real sc list --kubeconfig $SC_WORLD_KUBECONFIG");
	if (job_end(f) == 77)
		skip();
	assert_non_null(strstr(f->job.output, "hello   true      Running"));
	shell(f, 0,
	      "sh \"$SC_SOURCE_DIR/cli/kubectl_complete-sc\" --kubeconfig $SC_WORLD_KUBECONFIG why "
	      "''",
	      "hello\tRunning\n:4\n");
}

#define T(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_create_list_and_status),
	        T(test_a_dry_run_prints_what_create_would_send),
	        T(test_labels_select),
	        T(test_watch_prints_changes_until_it_is_interrupted),
	        T(test_watch_ends_when_its_reader_is_gone),
	        T(test_start_and_stop),
	        T(test_start_waits_until_it_is_ready),
	        T(test_start_tells_of_a_failure_and_of_a_timeout),
	        T(test_wait_for_what_is_asked),
	        T(test_exec_logs_and_cp_become_kubectl),
	        T(test_a_sleeper_is_woken_only_when_that_is_said),
	        T(test_why_url_and_events),
	        T(test_reset_orders_it_of_the_agent),
	        T(test_reset_asks_at_a_terminal),
	        T(test_reset_of_sound_files_is_refused),
	        T(test_verify_tells_what_the_agent_found),
	        T(test_delete),
	        T(test_version_names_both_sides),
	        T(test_a_server_that_is_away_is_told),
	        T(test_credentials_of_a_program),
	        T(test_completion_knows_the_servers_names),
	        T(test_completion_in_bash),
	        T(test_kubectl_runs_the_plugin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
