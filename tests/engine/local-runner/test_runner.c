/* SPDX-License-Identifier: Apache-2.0 */
/* The Pod runner of sc-local with a real Podman: the test plays kubectl and reads the Pods. */
#include "fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/kube/client/object.h"
#include "local/runner/io/pulls.h"

static void test_runner_runs_a_pod_with_an_address_and_an_empty_dir(void **state)
{
	struct fixture *f = *state;

	fixture_pod(f, "simple", "echo hello > /data/x; cat /data/x; exec sleep 1000",
	            ",\"volumeMounts\":[{\"name\":\"data\",\"mountPath\":\"/data\"}]}],"
	            "\"volumes\":[{\"name\":\"data\",\"emptyDir\":{}}]}}");
	fixture_expect(f, "simple", "/status/phase", "Running");
	fixture_expect(f, "simple", "/status/containerStatuses/0/ready", "true");
	fixture_expect(f, "simple", "/status/containerStatuses/0/restartCount", "0");
	fixture_expect(f, "simple", "/spec/nodeName", "local");
	fixture_expect_log(f, "simple", false, "hello\n");
	fixture_delete(f, "simple", 0);
	fixture_expect_gone(f, "simple");
}

static void test_runner_restarts_by_policy_and_keeps_the_log_before(void **state)
{
	struct fixture *f = *state;

	fixture_pod(f, "crash", "echo run; exit 3", "}]}}");
	fixture_expect(f, "crash", "/status/containerStatuses/0/restartCount", "2");
	fixture_expect(f, "crash", "/status/containerStatuses/0/state/waiting/reason",
	               "CrashLoopBackOff");
	fixture_expect(f, "crash", "/status/containerStatuses/0/lastState/terminated/exitCode",
	               "3");
	fixture_expect_log(f, "crash", true, "run\n");
	fixture_delete(f, "crash", 0);
	fixture_expect_gone(f, "crash");

	fixture_pod(f, "once", "exit 0", "}],\"restartPolicy\":\"Never\"}}");
	fixture_expect(f, "once", "/status/phase", "Succeeded");
	fixture_pod(f, "never", "exit 4", "}],\"restartPolicy\":\"Never\"}}");
	fixture_expect(f, "never", "/status/phase", "Failed");
	fixture_delete(f, "once", 0);
	fixture_delete(f, "never", 0);
	fixture_expect_gone(f, "never");
}

static void test_runner_says_why_an_image_cannot_be_had(void **state)
{
	struct fixture *f = *state;

	fixture_create(
	        f, "pods",
	        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"noimage\"},"
	        "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"127.0.0.1:9/no:1\"},"
	        "{\"name\":\"d\",\"image\":\"localhost/busybox:none\","
	        "\"imagePullPolicy\":\"Never\"},"
	        "{\"name\":\"e\",\"image\":\"UPPER/Case\"}]}}");
	fixture_expect(f, "noimage", "/status/containerStatuses/0/state/waiting/reason",
	               "ErrImagePull");
	fixture_expect(f, "noimage", "/status/containerStatuses/1/state/waiting/reason",
	               "ErrImageNeverPull");
	fixture_expect(f, "noimage", "/status/containerStatuses/2/state/waiting/reason",
	               "InvalidImageName");
	fixture_expect(f, "noimage", "/status/phase", "Pending");
	fixture_delete(f, "noimage", 0);
	fixture_expect_gone(f, "noimage");
}

static void in_pulls(struct fixture *f, const char *command)
{
	char text[600];

	(void)snprintf(text, sizeof text, "cd %s/pulls && %.200s", fixture_dir(f), command);
	fixture_expect_shell(f, text);
}

/* From before it begins, for a power cut may come at any time. A registry that says nothing. */
static void test_runner_notes_a_pull_until_it_is_over(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof at;
	struct fixture *f = *state;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[256];

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	(void)snprintf(text, sizeof text,
	               "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"
	               "\"pulled\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"
	               "\"127.0.0.1:%u/slow:1\"}]}}",
	               ntohs(at.sin_port));
	fixture_create(f, "pods", text);
	in_pulls(f, "grep -q '/slow:1$' *");
	(void)close(fd);
	fixture_expect(f, "pulled", "/status/containerStatuses/0/state/waiting/reason",
	               "ErrImagePull");
	in_pulls(f, "! grep -q '/slow:1$' *");
	fixture_delete(f, "pulled", 0);
	fixture_expect_gone(f, "pulled");
}

/* Which may have files of no bytes. What the name was of before the pull is whole. */
static void test_runner_drops_images_whose_pull_was_cut(void **state)
{
	struct fixture *f = *state;
	char dir[300], path[300], id[80] = "";
	struct err err;
	FILE *said;

	(void)snprintf(dir, sizeof dir, "%s/pulls", fixture_dir(f));
	fixture_expect_shell(f, "for i in cut kept whole; do podman tag localhost/busybox:test "
	                        "localhost/$i:1; done");
	in_pulls(f, "podman image inspect -f '{{.Id}}' localhost/kept:1 >../id");
	(void)snprintf(path, sizeof path, "%s/id", fixture_dir(f));
	said = fopen(path, "re");
	assert_non_null(said);
	assert_non_null(fgets(id, sizeof id, said));
	id[strcspn(id, "\n")] = '\0';
	(void)fclose(said);
	fixture_kill(f);
	assert_int_equal(pulls_begin(dir, "localhost/cut:1", "", &err), 0);
	assert_int_equal(pulls_begin(dir, "localhost/kept:1", id, &err), 0);
	assert_int_equal(pulls_begin(dir, "localhost/gone:1", "", &err), 0);
	in_pulls(f, "sed -i '1s/.*/another boot/' *");
	assert_int_equal(pulls_begin(dir, "localhost/whole:1", "", &err), 0);
	fixture_start(f);
	fixture_expect_shell(f, "! podman image exists localhost/cut:1");
	fixture_expect_shell(f, "podman image exists localhost/kept:1");
	fixture_expect_shell(f, "podman image exists localhost/whole:1");
	in_pulls(f, "! ls * 2>/dev/null");
}

static void test_runner_tells_a_command_that_is_not_in_the_image(void **state)
{
	struct fixture *f = *state;

	fixture_create(f, "pods",
	               "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"nocmd\"},"
	               "\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\","
	               "\"image\":\"localhost/busybox:test\",\"command\":[\"/nowhere\"]}]}}");
	fixture_expect(f, "nocmd", "/status/containerStatuses/0/state/terminated/reason",
	               "StartError");
	fixture_delete(f, "nocmd", 0);
	fixture_expect_gone(f, "nocmd");
}

static void test_runner_runs_init_containers_in_order(void **state)
{
	struct fixture *f = *state;

	fixture_pod(
	        f, "init", "cat /d/log; exec sleep 1000",
	        ",\"volumeMounts\":[{\"name\":\"d\",\"mountPath\":\"/d\"}]}],"
	        "\"initContainers\":["
	        "{\"name\":\"a\",\"image\":\"localhost/busybox:test\",\"command\":[\"/bin/sh\","
	        "\"-c\",\"echo one >> /d/log\"],\"volumeMounts\":[{\"name\":\"d\",\"mountPath\":"
	        "\"/d\"}]},"
	        "{\"name\":\"b\",\"image\":\"localhost/busybox:test\",\"command\":[\"/bin/sh\","
	        "\"-c\",\"echo two >> /d/log\"],\"volumeMounts\":[{\"name\":\"d\",\"mountPath\":"
	        "\"/d\"}]}],"
	        "\"volumes\":[{\"name\":\"d\",\"emptyDir\":{}}]}}");
	fixture_expect(f, "init", "/status/phase", "Running");
	fixture_expect(f, "init", "/status/initContainerStatuses/1/state/terminated/reason",
	               "Completed");
	fixture_expect_log(f, "init", false, "one\ntwo\n");
	fixture_delete(f, "init", 0);
	fixture_expect_gone(f, "init");
}

static void test_runner_gives_config_maps_secrets_and_sub_paths(void **state)
{
	struct fixture *f = *state;

	fixture_create(
	        f, "configmaps",
	        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"cm\"},"
	        "\"data\":{\"k\":\"from-map\"}}");
	fixture_create(f, "secrets",
	               "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},"
	               "\"data\":{\"p\":\"c2VjcmV0\"}}");
	fixture_pod(
	        f, "vols", "echo $K $NAME; cat /cm/k /s/p; echo x > /sub/y; exec sleep 1000",
	        ",\"env\":[{\"name\":\"K\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\","
	        "\"key\":\"p\"}}},{\"name\":\"NAME\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":"
	        "\"metadata.name\"}}}],"
	        "\"volumeMounts\":[{\"name\":\"cm\",\"mountPath\":\"/cm\"},"
	        "{\"name\":\"s\",\"mountPath\":\"/s\"},"
	        "{\"name\":\"e\",\"mountPath\":\"/sub\",\"subPath\":\"deep/er\"}]}],"
	        "\"volumes\":[{\"name\":\"cm\",\"configMap\":{\"name\":\"cm\"}},"
	        "{\"name\":\"s\",\"secret\":{\"secretName\":\"s\"}},"
	        "{\"name\":\"e\",\"emptyDir\":{}}]}}");
	fixture_expect(f, "vols", "/status/phase", "Running");
	fixture_expect_log(f, "vols", false, "secret vols\nfrom-mapsecret");
	fixture_delete(f, "vols", 0);
	fixture_expect_gone(f, "vols");
}

static void test_runner_probes_readiness_and_liveness(void **state)
{
	struct fixture *f = *state;

	fixture_pod(f, "ready", "sleep 1; httpd -p 8080; exec sleep 1000",
	            ",\"readinessProbe\":{\"tcpSocket\":{\"port\":8080},\"periodSeconds\":1}}]}}");
	fixture_expect(f, "ready", "/status/phase", "Running");
	fixture_expect(f, "ready", "/status/containerStatuses/0/ready", "false");
	fixture_expect(f, "ready", "/status/containerStatuses/0/ready", "true");
	fixture_delete(f, "ready", 0);
	fixture_expect_gone(f, "ready");

	fixture_pod(f, "alive", "exec sleep 1000",
	            ",\"livenessProbe\":{\"exec\":{\"command\":[\"/bin/test\",\"-e\",\"/no\"]},"
	            "\"periodSeconds\":1,\"failureThreshold\":1,\"timeoutSeconds\":5}}]}}");
	fixture_expect(f, "alive", "/status/containerStatuses/0/restartCount", "1");
	fixture_delete(f, "alive", 0);
	fixture_expect_gone(f, "alive");
}

static void test_runner_deletes_with_grace_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	char path[512];
	struct stat st;
	json_t *pod;

	fixture_pod(f, "stop", "trap 'echo bye; exit 0' TERM; while true; do sleep 0.1; done",
	            ",\"volumeMounts\":[{\"name\":\"d\",\"mountPath\":\"/d\"}]}],"
	            "\"volumes\":[{\"name\":\"d\",\"emptyDir\":{}}]}}");
	fixture_expect(f, "stop", "/status/phase", "Running");
	pod = fixture_get(f, "stop");
	(void)snprintf(path, sizeof path, "%s/pods/%s", fixture_dir(f), kube_uid(pod));
	json_decref(pod);
	assert_int_equal(stat(path, &st), 0);
	fixture_delete(f, "stop", -1);
	fixture_expect_gone(f, "stop");
	assert_int_equal(stat(path, &st), -1);
}

/* Process 1 is sent no signal that it does not handle (pid_namespaces(7)): not at its begin,
 * either. */
static void test_runner_loses_no_signal_to_one_that_has_just_begun(void **state)
{
	struct fixture *f = *state;

	fixture_pod(f, "young", "sleep 0.5; trap 'exit 0' TERM; while true; do sleep 0.1; done",
	            "}],\"terminationGracePeriodSeconds\":600}}");
	fixture_expect(f, "young", "/status/phase", "Running");
	fixture_delete(f, "young", -1);
	fixture_expect_gone(f, "young");
}

static void test_runner_finds_its_pods_again_after_its_death(void **state)
{
	struct fixture *f = *state;
	json_t *before, *after;
	char id[128], address[32];

	fixture_pod(f, "kept", "exec sleep 1000", "}]}}");
	fixture_expect(f, "kept", "/status/phase", "Running");
	fixture_pod(f, "forgotten", "exec sleep 1000", "}]}}");
	fixture_expect(f, "forgotten", "/status/phase", "Running");
	before = fixture_get(f, "kept");
	(void)snprintf(address, sizeof address, "%s",
	               json_str_at(before, "", "status", "podIP", NULL));
	(void)snprintf(
	        id, sizeof id, "%s",
	        json_string_value(json_object_get(
	                json_array_get(json_at(before, "status", "containerStatuses", NULL), 0),
	                "containerID")));
	json_decref(before);
	fixture_kill(f);
	fixture_start(f);
	fixture_expect(f, "kept", "/status/containerStatuses/0/containerID", id);
	fixture_expect(f, "kept", "/status/podIP", address);
	fixture_expect(f, "kept", "/status/containerStatuses/0/restartCount", "0");
	after = fixture_get(f, "kept");
	assert_string_equal(json_str_at(after, "", "status", "phase", NULL), "Running");
	json_decref(after);
	fixture_delete(f, "kept", 0);
	fixture_delete(f, "forgotten", 0);
	fixture_expect_gone(f, "kept");
	fixture_expect_gone(f, "forgotten");
}

static void address_of(struct fixture *f, const char *name, char ret_address[32])
{
	json_t *pod = fixture_get(f, name);

	(void)snprintf(ret_address, 32, "%s", json_str_at(pod, "", "status", "podIP", NULL));
	json_decref(pod);
}

/* Its status is believed until somebody has looked: nobody is to be found there by then. */
static void test_runner_leaves_an_address_alone_that_a_status_names(void **state)
{
	struct fixture *f = *state;
	char before[32], after[32];

	fixture_kill(f);
	fixture_start(f); /* one that begins with the first address, as the next one would */
	fixture_pod(f, "cut", "exec sleep 64321", "}]}}");
	fixture_expect(f, "cut", "/status/containerStatuses/0/ready", "true");
	address_of(f, "cut", before);
	fixture_kill(f);
	fixture_kill_process("64321"); /* with it goes its network namespace */
	fixture_start(f);
	fixture_pod(f, "other", "exec sleep 1000", "}]}}");
	fixture_expect(f, "other", "/status/phase", "Running");
	address_of(f, "other", after);
	assert_string_not_equal(after, before);
	fixture_expect(f, "cut", "/status/containerStatuses/0/restartCount", "1");
	fixture_expect(f, "cut", "/status/containerStatuses/0/ready", "true");
	address_of(f, "cut", after);
	assert_string_not_equal(after, before);
	fixture_delete(f, "cut", 0);
	fixture_delete(f, "other", 0);
	fixture_expect_gone(f, "cut");
	fixture_expect_gone(f, "other");
}

/* A shell that doubles a variable until its limit is reached; any other 137 is an Error. */
static void test_runner_tells_an_end_for_want_of_memory(void **state)
{
	struct fixture *f = *state;

	fixture_pod(f, "hungry", "a=0123456789abcdef; while true; do a=$a$a; done",
	            ",\"resources\":{\"limits\":{\"memory\":\"32Mi\"}}}],"
	            "\"restartPolicy\":\"Never\"}}");
	fixture_expect(f, "hungry", "/status/phase", "Failed");
	fixture_expect(f, "hungry", "/status/containerStatuses/0/state/terminated/exitCode", "137");
	fixture_expect(f, "hungry", "/status/containerStatuses/0/state/terminated/reason",
	               "OOMKilled");
	fixture_pod(f, "killed", "kill -9 $$", "}],\"restartPolicy\":\"Never\"}}");
	fixture_expect(f, "killed", "/status/containerStatuses/0/state/terminated/reason", "Error");
	fixture_delete(f, "hungry", 0);
	fixture_delete(f, "killed", 0);
	fixture_expect_gone(f, "hungry");
	fixture_expect_gone(f, "killed");
}

/*
 * Cgroups of version 1 do not count in a folder what was killed in one below it, which is gone:
 * here it is counted for them.
 */
static void count_kill(struct fixture *f, const char *uid, char path[512])
{
	char counted[512];
	int fd;

	(void)snprintf(path, 512, "/sys/fs/cgroup/memory/%s/pod%s/memory.oom_control",
	               getenv("ENGINE_CGROUP"), uid);
	if (access(path, F_OK) < 0) {
		path[0] = '\0';
		return;
	}
	(void)snprintf(counted, sizeof counted, "%s/counted", fixture_dir(f));
	fd = open(counted, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, "oom_kill 7\n", 11), 11);
	(void)close(fd);
	assert_int_equal(mount(counted, path, NULL, MS_BIND, NULL), 0);
}

/* In its second run, so that what the Pod's cgroup counts is not all of the run that is told. */
static void test_runner_tells_an_end_for_want_of_memory_while_it_was_away(void **state)
{
	struct fixture *f = *state;
	char path[512], cgroup[512];
	json_t *pod;
	int fd;

	fixture_pod(f, "away",
	            "[ ! -e /d/went ] || exec sleep 1000; [ -e /d/ran ] || { : >/d/ran; exit 1; }; "
	            "while [ ! -e /d/go ]; do sleep 0.1; done; : >/d/went; "
	            "a=0123456789abcdef; while true; do a=$a$a; done",
	            ",\"volumeMounts\":[{\"name\":\"d\",\"mountPath\":\"/d\"}],"
	            "\"resources\":{\"limits\":{\"memory\":\"32Mi\"}}}],"
	            "\"volumes\":[{\"name\":\"d\",\"emptyDir\":{}}]}}");
	fixture_expect(f, "away", "/status/containerStatuses/0/restartCount", "1");
	fixture_expect(f, "away", "/status/containerStatuses/0/ready", "true");
	pod = fixture_get(f, "away");
	(void)snprintf(path, sizeof path, "%s/pods/%s/volumes/kubernetes.io~empty-dir/d/go",
	               fixture_dir(f), kube_uid(pod));
	fixture_kill(f);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	(void)close(fd);
	fixture_expect_no_process("/d/went");
	count_kill(f, kube_uid(pod), cgroup);
	json_decref(pod);
	fixture_start(f);
	fixture_expect(f, "away", "/status/containerStatuses/0/restartCount", "2");
	fixture_expect(f, "away", "/status/containerStatuses/0/lastState/terminated/reason",
	               "OOMKilled");
	if (cgroup[0] != '\0')
		assert_int_equal(umount2(cgroup, MNT_DETACH), 0);
	fixture_delete(f, "away", 0);
	fixture_expect_gone(f, "away");
}

/* Nobody tells how a container ended whose monitor was killed: it is not waited for for ever. */
static void test_runner_makes_anew_what_has_no_monitor(void **state)
{
	static const char monitor[] = "k8s_main_alone_default"; /* of its name */
	struct fixture *f = *state;

	fixture_pod(f, "alone", "exec sleep 54321", "}]}}");
	fixture_expect(f, "alone", "/status/phase", "Running");
	fixture_kill_process(monitor);
	fixture_expect(f, "alone", "/status/containerStatuses/0/restartCount", "1");
	fixture_expect(f, "alone", "/status/containerStatuses/0/ready", "true");
	fixture_expect(f, "alone", "/status/containerStatuses/0/lastState/terminated/reason",
	               "ContainerStatusUnknown");

	/* the same while there is no engine; with its process, which is found dead */
	fixture_kill(f);
	fixture_kill_process(monitor);
	fixture_kill_process("54321");
	fixture_start(f);
	fixture_expect(f, "alone", "/status/containerStatuses/0/restartCount", "2");
	fixture_expect(f, "alone", "/status/containerStatuses/0/ready", "true");

	/* and without: the process lives on with nobody who reads what it says */
	fixture_kill(f);
	fixture_kill_process(monitor);
	fixture_start(f);
	fixture_expect(f, "alone", "/status/containerStatuses/0/restartCount", "3");
	fixture_expect(f, "alone", "/status/containerStatuses/0/ready", "true");
	fixture_kill_process(monitor);
	fixture_delete(f, "alone", 0);
	fixture_expect_gone(f, "alone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_runner_runs_a_pod_with_an_address_and_an_empty_dir),
	        cmocka_unit_test(test_runner_restarts_by_policy_and_keeps_the_log_before),
	        cmocka_unit_test(test_runner_says_why_an_image_cannot_be_had),
	        cmocka_unit_test(test_runner_notes_a_pull_until_it_is_over),
	        cmocka_unit_test(test_runner_drops_images_whose_pull_was_cut),
	        cmocka_unit_test(test_runner_tells_a_command_that_is_not_in_the_image),
	        cmocka_unit_test(test_runner_runs_init_containers_in_order),
	        cmocka_unit_test(test_runner_gives_config_maps_secrets_and_sub_paths),
	        cmocka_unit_test(test_runner_probes_readiness_and_liveness),
	        cmocka_unit_test(test_runner_deletes_with_grace_and_leaves_nothing),
	        cmocka_unit_test(test_runner_loses_no_signal_to_one_that_has_just_begun),
	        cmocka_unit_test(test_runner_finds_its_pods_again_after_its_death),
	        cmocka_unit_test(test_runner_leaves_an_address_alone_that_a_status_names),
	        cmocka_unit_test(test_runner_tells_an_end_for_want_of_memory),
	        cmocka_unit_test(test_runner_tells_an_end_for_want_of_memory_while_it_was_away),
	        cmocka_unit_test(test_runner_makes_anew_what_has_no_monitor),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
