/* SPDX-License-Identifier: Apache-2.0 */
/* An image behaves as it does elsewhere, on the whole product: who it is, where, and as what. */
#include "tests/engine/input/input.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCS INPUT_API "/stoppablecontainers"
#define SCIS INPUT_API "/stoppablecontainerinstances"
#define IMAGE "localhost/self:1"

/* /init is as s6-overlay's; /www/cgi-bin/end ends it. */
static const char tree[] =
        "for applet in id hostname kill rm; do ln -s busybox bin/$applet; done; "
        "mkdir -p www/cgi-bin secret run; chmod 1777 tmp; chmod 777 www; chmod 666 www/index.html; "
        "echo 'root:x:0:0::/root:/bin/sh' >etc/passwd; echo 'app:x:1000:1000::/srv/app:/bin/sh' "
        ">>etc/passwd; "
        "{ echo '#!/bin/sh'; echo '[ $$ = 1 ] || { echo can only run as pid 1 >&2; exit 100; }'; "
        "echo \"trap 'echo stopped >>/ends; exit 7' USR1\"; "
        "echo 'echo pid $$ ends: $(cat /ends 2>/dev/null) >/www/index.html'; "
        "echo 'httpd -f -p 8080 -h /www &'; echo 'wait'; } >init; "
        "{ echo '#!/bin/sh'; echo 'kill -USR1 1'; echo 'echo; echo ended'; } >www/cgi-bin/end; "
        "chmod 755 init www/cgi-bin/end";

static int setup(void **state)
{
	*state = world_new(&(struct world_options){.runner = true});
	input_image(*state, IMAGE, tree);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void run_shell(struct world *w, const char *command)
{
	assert_int_equal(setenv("WORLD_DIR", world_dir(w), 1), 0);
	assert_int_equal(input_run((const char *const[]){"sh", "-c", command, NULL}), 0);
}

/* Of the agent, which `up` has started. */
static void wait_for_listening(struct world *w)
{
	run_shell(w, "for i in $(seq 200); do curl -sf -H \"Authorization: Bearer $(cat "
	             "$WORLD_DIR/state/admin-token)\" http://127.0.0.1:9443/metrics | "
	             "grep -q '^sc_agent_consumers{state=\"Listening\"} 1$' && exit 0; "
	             "sleep 0.1; done; exit 1");
}

static void stop(struct world *w, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof path, SCS "/%s", name);
	input_patch(w, name, "{\"running\":false}");
	world_expect(w, path, "/status/phase", "Stopped");
}

static void test_a_program_that_must_be_process_one_is(void **state)
{
	struct world *w = *state;

	input_apply(w, &(struct input_manifest){.name = "init",
	                                        .image = IMAGE,
	                                        .container = "\"command\":[\"/init\"]"});
	(void)input_answer("init.default.localhost", 503, "CrashLoopBackOff");
	world_delete(w, SCS "/init");
	world_expect_gone(w, SCIS "/init");
	input_apply(w,
	            &(struct input_manifest){.name = "one",
	                                     .image = IMAGE,
	                                     .container = "\"command\":[\"/init\"],\"lifecycle\":"
	                                                  "{\"stopSignal\":\"SIGUSR1\"}",
	                                     .spec = "\"processOne\":\"Application\""});
	(void)input_answer("one.default.localhost", 200, "pid 1 ends:");
	world_expect(w, SCIS "/one", "/status/consumer/state", "Listening");
	/* stopped by its own signal, well before the time that it has is over */
	stop(w, "one");
	(void)input_answer("one.default.localhost", 200, "pid 1 ends: stopped");
}

static void test_the_end_of_a_process_one_is_told_with_its_exit_code(void **state)
{
	struct world *w = *state;

	world_expect(w, SCIS "/one", "/status/consumer/state", "Listening");
	run_shell(w, "curl -s -o /dev/null -H 'Host: one.default.localhost' "
	             "http://127.0.0.1:8080/cgi-bin/end; exit 0");
	/* and it is started again in its Pod */
	input_answer_soon("one.default.localhost", 200, "stopped stopped");
	input_apply(w, &(struct input_manifest){
	                       .name = "three",
	                       .image = IMAGE,
	                       .container = "\"command\":[\"/bin/sh\",\"-c\",\"exit 3\"]",
	                       .spec = "\"processOne\":\"Application\""});
	(void)input_answer("three.default.localhost", 503, "CrashLoopBackOff");
	world_expect(w, SCIS "/three", "/status/consumer/exitCode", "3");
	world_expect(w, SCIS "/three", "/status/consumer/message", "exit code 3");
	world_delete(w, SCS "/three");
	world_expect_gone(w, SCIS "/three");
	input_apply(w, &(struct input_manifest){.name = "none",
	                                        .image = IMAGE,
	                                        .container = "\"command\":[\"/none\"]",
	                                        .spec = "\"processOne\":\"Application\""});
	(void)input_answer("none.default.localhost", 503, "CommandNotFound: /none");
	world_delete(w, SCS "/none");
	world_expect_gone(w, SCIS "/none");
}

static void test_an_agent_that_starts_anew_finds_a_process_one(void **state)
{
	struct world *w = *state;

	(void)input_answer("one.default.localhost", 200, "pid 1");
	wait_for_listening(w);
	run_shell(w, "pid=$(\"$SC_BUILD_DIR/local/sc-local\" status --state-dir=$WORLD_DIR/state "
	             "--run-dir=$WORLD_DIR/run --output=json | jq -r '.[] | "
	             "select(.name == \"sc-node-agent\") | .pid'); kill -KILL $pid; "
	             "while kill -0 $pid 2>/dev/null; do sleep 0.05; done");
	wait_for_listening(w);
	/* the new one sees its end */
	stop(w, "one");
	(void)input_answer("one.default.localhost", 200, "stopped stopped stopped");
}

/* A web server whose page is what the shell @script prints. */
#define PAGE(script)                                                                               \
	"\"command\":[\"/bin/sh\",\"-c\",\"{ " script "; } >/www/index.html; "                     \
	"exec httpd -f -p 8080 -h /www\"]"

static void test_folders_are_emptied_at_each_start_when_that_is_wanted(void **state)
{
	static const char page[] = PAGE("cat /run/app.pid /tmp/s/lock /kept 2>/dev/null; echo -; "
	                                "mkdir -p /tmp/s; for f in run/app.pid tmp/s/lock kept; do "
	                                "echo $f >/$f; done");
	struct world *w = *state;

	input_apply(w,
	            &(struct input_manifest){.name = "stale", .image = IMAGE, .container = page});
	(void)input_answer("stale.default.localhost", 200, "-");
	stop(w, "stale");
	(void)input_answer("stale.default.localhost", 200, "run/app.pid\ntmp/s/lock\nkept\n-");
	stop(w, "stale");
	input_patch(w, "stale", "{\"clearAtStart\":[\"/run\",\"/tmp\",\"/none\"]}");
	world_expect(w, SCIS "/stale", "/spec/clearAtStart/1", "/tmp");
	for (unsigned start = 0; start < 2; start++) {
		(void)input_answer("stale.default.localhost", 200, "kept\n-");
		run_shell(w,
		          "! curl -s -H 'Host: stale.default.localhost' http://127.0.0.1:8080/ | "
		          "grep -e app.pid -e lock");
		stop(w, "stale");
	}
}

static void test_home_is_the_users_in_exec_as_well(void **state)
{
	struct world *w = *state;

	input_apply(w, &(struct input_manifest){
	                       .name = "root", .image = IMAGE, .container = PAGE("echo $HOME")});
	(void)input_answer("root.default.localhost", 200, "/root\n");
	input_apply(w, &(struct input_manifest){
	                       .name = "app",
	                       .image = IMAGE,
	                       .container = "\"securityContext\":{\"runAsUser\":1000}," PAGE(
	                               "echo $HOME $$")});
	(void)input_answer("app.default.localhost", 200, "/srv/app ");
	run_shell(w,
	          "podman() { \"$SC_BUILD_DIR/local/sc-local\" podman --state-dir=$WORLD_DIR/state "
	          "--run-dir=$WORLD_DIR/run -- \"$@\"; }; "
	          "id=$(podman ps -q --filter label=io.kubernetes.pod.name=app); "
	          "[ \"$(podman exec $id /bin/sh -c 'echo $HOME $(id -u)')\" = '/srv/app 1000' ]");
}

static void test_the_hosts_name_is_the_containers_whatever_its_pod_is_called(void **state)
{
	struct world *w = *state;

	input_apply(w,
	            &(struct input_manifest){
	                    .name = "slow",
	                    .image = IMAGE,
	                    .container =
	                            "\"command\":[\"/bin/sh\",\"-c\",\"trap 'sleep 2; exit' TERM; "
	                            "{ echo .$(hostname).$HOSTNAME.; cat /etc/hosts; } "
	                            ">/www/index.html; httpd -f -p 8080 -h /www & wait\"]"});
	(void)input_answer("slow.default.localhost", 200, ".slow.slow.\n");
	input_patch(w, "slow", "{\"running\":false}");
	(void)input_answer("slow.default.localhost", 200, ".slow.slow.\n");
	/* it was another Pod's turn, and its file has nothing of this machine's */
	run_shell(w,
	          "page=$(curl -s -H 'Host: slow.default.localhost' "
	          "http://127.0.0.1:8080/); echo \"$page\" | grep -qE "
	          "'10\\.213\\..*[[:space:]]slow$' || "
	          "exit 1; for name in $(sed -n 's/^[^#[:space:]]*[[:space:]]*//p' /etc/hosts); do "
	          "case $name in localhost|ip6-*) ;; *) echo \"$page\" | grep -qw -e $name && exit "
	          "1;; "
	          "esac; done; exit 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_program_that_must_be_process_one_is),
	        cmocka_unit_test(test_the_end_of_a_process_one_is_told_with_its_exit_code),
	        cmocka_unit_test(test_an_agent_that_starts_anew_finds_a_process_one),
	        cmocka_unit_test(test_home_is_the_users_in_exec_as_well),
	        cmocka_unit_test(test_the_hosts_name_is_the_containers_whatever_its_pod_is_called),
	        cmocka_unit_test(test_folders_are_emptied_at_each_start_when_that_is_wanted),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
