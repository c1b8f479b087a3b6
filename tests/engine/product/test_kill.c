/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each program is killed in the middle of a wake and of a stop. The supervisor starts it again;
 * within KILL_CONVERGE_MS of that, what is said and what is agree, no request has got a wrong
 * answer, and the root filesystem is the same to the byte.
 */
#include "tests/engine/product/product.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clk.h"
#include "tests/world/world_internal.h"

#define KILL_PATH                                                                                  \
	"/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default/stoppablecontainers/"    \
	"kill"

enum { KILL_CONVERGE_MS = 10000, KILL_POLL_MS = 20, KILL_HASH_BYTES = 32 };

static const char *const programs[] = {"sc-controller", "sc-activator", "sc-idle-monitor",
                                       "sc-node-agent", "sc-local"};
/* After the patch or the request; a wake takes about a tenth of a second. */
static const int moments_ms[] = {0, 15, 40, 80, 130};

struct kill {
	struct product *p;
	char hash[KILL_HASH_BYTES];
	uint64_t longest_ms;
};

struct asked {
	pthread_t thread;
	struct product_answer answer;
};

static void sleep_ms(int ms)
{
	const struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)nanosleep(&ts, NULL);
}

/* --- the supervisor's view --- */

static pid_t program_pid(struct kill *k, const char *name, bool *ret_ready)
{
	char path[WORLD_PATH_BYTES];
	json_t *list;
	json_t *one;
	pid_t pid = 0;
	size_t i;

	(void)snprintf(path, sizeof path, "%.400s/run/status.json", world_dir(k->p->world));
	list = json_load_file(path, 0, NULL);
	json_array_foreach(list, i, one) {
		if (strcmp(json_string_value(json_object_get(one, "name")), name) != 0)
			continue;
		pid = (pid_t)json_integer_value(json_object_get(one, "pid"));
		*ret_ready = strcmp(json_string_value(json_object_get(one, "state")), "ready") == 0;
	}
	json_decref(list);
	return pid;
}

static void wait_ready(struct kill *k, const char *name, pid_t before)
{
	uint64_t deadline_ms = world_deadline();
	bool ready = false;

	while (program_pid(k, name, &ready) == before || !ready)
		if (!world_poll(deadline_ms))
			world_fail(k->p->world, "%s is not started again", name);
}

/* Return: the pid that it had */
static pid_t program_kill(struct kill *k, const char *name)
{
	bool ready;
	pid_t pid = program_pid(k, name, &ready);

	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	return pid;
}

/* --- requests --- */

static void *ask_run(void *arg)
{
	struct asked *a = arg;

	product_http("kill", "GET", "/", &a->answer);
	return NULL;
}

static void ask(struct asked *a)
{
	*a = (struct asked){0};
	assert_int_equal(pthread_create(&a->thread, NULL, ask_run, a), 0);
}

/* 200 from a process that has the root filesystem alone; or what the documents allow. */
static void check_answer(struct kill *k, const struct product_answer *a, const char *killed)
{
	bool broken = a->status == 0 && strcmp(killed, "sc-activator") == 0;
	bool refused = a->status == 503 || a->status == 504;

	if (broken || refused)
		(void)printf("# %s killed: answer %d\n", killed, a->status);
	if ((a->status == 200 && a->boot_ns != 0 && !a->overlap) || broken || refused)
		return;
	world_fail(k->p->world, "%s killed: status %d, body %s", killed, a->status, a->body);
}

static bool phase_is(struct kill *k, const char *want)
{
	json_t *object = product_object(k->p, "stoppablecontainerinstances", "kill");
	const char *phase =
	        json_string_value(json_object_get(json_object_get(object, "status"), "phase"));
	bool is = phase != NULL && strcmp(phase, want) == 0;

	json_decref(object);
	return is;
}

/* --- what has to hold --- */

static void expect_within(struct kill *k, bool (*holds)(struct kill *k), const char *what,
                          uint64_t since_ms)
{
	uint64_t took_ms;

	while (!holds(k)) {
		if (clk_now_ms() - since_ms > KILL_CONVERGE_MS)
			world_fail(k->p->world, "%s: not within %d ms", what, KILL_CONVERGE_MS);
		sleep_ms(KILL_POLL_MS);
	}
	took_ms = clk_now_ms() - since_ms;
	if (took_ms > k->longest_ms)
		k->longest_ms = took_ms;
}

static bool runs(struct kill *k)
{
	struct product_answer a;

	if (!phase_is(k, "Running"))
		return false;
	product_http("kill", "GET", "/", &a);
	return a.status == 200 && a.boot_ns != 0 && !a.overlap;
}

static bool runs_when_asked(struct kill *k)
{
	struct product_answer a;

	product_http("kill", "GET", "/", &a);
	return a.status == 200 && runs(k);
}

static bool sleeps(struct kill *k)
{
	return phase_is(k, "Stopped") && product_rooted("/data/link-0") == 0;
}

static void read_hash(struct kill *k, char hash[KILL_HASH_BYTES])
{
	struct product_answer a;

	product_http("kill", "GET", "/hash", &a);
	if (a.status != 200 || strncmp(a.body, "hash=", 5) != 0)
		world_fail(k->p->world, "no hash: status %d, body %s", a.status, a.body);
	(void)snprintf(hash, KILL_HASH_BYTES, "%.20s", a.body);
}

static void expect_same_tree(struct kill *k)
{
	char hash[KILL_HASH_BYTES];

	read_hash(k, hash);
	assert_string_equal(hash, k->hash);
}

/* --- the kills --- */

static void kill_in_wake(struct kill *k, const char *name, int moment_ms)
{
	struct asked asked;
	uint64_t since_ms;
	pid_t pid;

	ask(&asked);
	sleep_ms(moment_ms);
	pid = program_kill(k, name);
	wait_ready(k, name, pid);
	since_ms = clk_now_ms();
	(void)pthread_join(asked.thread, NULL);
	check_answer(k, &asked.answer, name);
	/* a client whose connection broke asks again */
	if (asked.answer.status != 200) {
		ask(&asked);
		(void)pthread_join(asked.thread, NULL);
		check_answer(k, &asked.answer, name);
	}
	expect_within(k, runs, "running and answering", since_ms);
	expect_same_tree(k);
}

static void kill_in_stop(struct kill *k, const char *name, int moment_ms)
{
	uint64_t since_ms;
	pid_t pid;

	assert_int_equal(product_set_running(k->p, "kill", false), 200);
	sleep_ms(moment_ms);
	pid = program_kill(k, name);
	wait_ready(k, name, pid);
	since_ms = clk_now_ms();
	expect_within(k, sleeps, "stopped and no process", since_ms);
}

static void test_kill_programs(void **state)
{
	struct kill k = {.p = *state};
	struct product_answer a;

	product_apply(k.p, "kill", "localhost/boot:1", false, "\"timeout\":\"0s\"");
	product_wait_phase(k.p, "kill", "Stopped");
	product_http("kill", "POST", "/fill", &a);
	assert_int_equal(a.status, 200);
	read_hash(&k, k.hash);
	assert_int_equal(product_set_running(k.p, "kill", false), 200);
	expect_within(&k, sleeps, "stopped", clk_now_ms());
	for (size_t m = 0; m < sizeof moments_ms / sizeof moments_ms[0]; m++) {
		for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
			uint64_t begin_ms = clk_now_ms();

			kill_in_wake(&k, programs[i], moments_ms[m]);
			kill_in_stop(&k, programs[i], moments_ms[m]);
			(void)printf("# %-16s %3d ms into a wake and a stop: %llu ms for both\n",
			             programs[i], moments_ms[m],
			             (unsigned long long)(clk_now_ms() - begin_ms));
			(void)fflush(stdout);
		}
	}
	(void)printf("# longest convergence after a restart: %llu ms\n",
	             (unsigned long long)k.longest_ms);
}

/* The stop that the idle-monitor makes, with a lease at the activator. */
static void test_kill_in_idle_stop(void **state)
{
	static const char *const stoppers[] = {"sc-idle-monitor", "sc-activator", "sc-controller"};
	static const int after_ms[] = {-2, 0, 2, 5, 10};
	struct kill k = {.p = *state};
	struct product_answer a;
	uint64_t since_ms;
	pid_t pid;

	json_decref(world_merge_patch(
	        k.p->world, KILL_PATH,
	        "{\"spec\":{\"idle\":{\"timeout\":\"300ms\",\"startupGrace\":\"0s\"}}}"));
	for (size_t i = 0; i < sizeof after_ms / sizeof after_ms[0]; i++) {
		for (size_t s = 0; s < sizeof stoppers / sizeof stoppers[0]; s++) {
			product_http("kill", "POST", "/", &a);
			check_answer(&k, &a, "nothing");
			sleep_ms(300 + after_ms[i]);
			pid = program_kill(&k, stoppers[s]);
			wait_ready(&k, stoppers[s], pid);
			since_ms = clk_now_ms();
			expect_within(&k, sleeps, "stopped and no process", since_ms);
			product_http("kill", "GET", "/", &a);
			assert_int_equal(a.status, 200);
		}
	}
	expect_within(&k, sleeps, "stopped and no process", clk_now_ms());
	json_decref(world_merge_patch(k.p->world, KILL_PATH,
	                              "{\"spec\":{\"idle\":{\"timeout\":\"0s\"}}}"));
	(void)printf("# longest convergence: %llu ms\n", (unsigned long long)k.longest_ms);
}

static bool freeze(const char *uid, const char *state)
{
	char path[WORLD_PATH_BYTES];
	FILE *f;
	bool done;

	(void)snprintf(path, sizeof path, "/sys/fs/cgroup/freezer/%.100s/pod%.60s/freezer.state",
	               getenv("ENGINE_CGROUP"), uid);
	f = fopen(path, "we");
	done = f != NULL && fputs(state, f) >= 0;
	if (f != NULL)
		done = fclose(f) == 0 && done;
	return done;
}

/* Also after a failed assertion: what is frozen cannot end, nor can the namespaces it is in. */
static char frozen_uid[PRODUCT_UID_BYTES];

static int thaw(void **state)
{
	if (frozen_uid[0] != '\0')
		(void)freeze(frozen_uid, "THAWED");
	return 0;
}

static bool has_rootfs(struct kill *k)
{
	json_t *object = product_object(k->p, "stoppablecontainerinstances", "kill");
	const char *state = json_string_value(json_object_get(
	        json_object_get(json_object_get(object, "status"), "rootfs"), "state"));
	bool has = state != NULL && strcmp(state, "Ready") == 0 && !phase_is(k, "Failed");

	json_decref(object);
	return has;
}

/*
 * A process that does not end although its Pod is gone (here: frozen, which SIGKILL has to wait
 * for) keeps the root filesystem, also from an agent that started after the Pod was gone. The next
 * consumer gets it when that process has ended, not before.
 */
static void test_kill_agent_with_orphan(void **state)
{
	struct kill k = {.p = *state};
	struct asked asked;
	pid_t pid;

	expect_within(&k, runs_when_asked, "running and answering", clk_now_ms());
	product_consumer_uid(k.p, "kill", frozen_uid);
	if (!freeze(frozen_uid, "FROZEN")) {
		(void)printf("# no freezer of cgroups v1\n");
		return;
	}
	assert_int_equal(product_set_running(k.p, "kill", false), 200);
	(void)world_call(k.p->world, "DELETE", "/api/v1/namespaces/default/pods/kill",
	                 "application/json", "{\"gracePeriodSeconds\":0}", NULL);
	world_expect_gone(k.p->world, "/api/v1/namespaces/default/pods/kill");
	pid = program_kill(&k, "sc-node-agent");
	wait_ready(&k, "sc-node-agent", pid);
	expect_within(&k, has_rootfs, "rootfs taken back", clk_now_ms());
	assert_true(product_rooted("/data/link-0") > 0);
	ask(&asked);
	sleep_ms(1000);
	assert_int_equal(asked.answer.status, 0);
	assert_true(freeze(frozen_uid, "THAWED"));
	(void)pthread_join(asked.thread, NULL);
	check_answer(&k, &asked.answer, "nothing");
	assert_int_equal(asked.answer.status, 200);
}

/* The supervisor itself; `up` finds everything as it was. */
static void test_kill_supervisor(void **state)
{
	struct kill k = {.p = *state};
	struct product *p = k.p;
	char uid[PRODUCT_UID_BYTES], again[PRODUCT_UID_BYTES];
	uint64_t since_ms;

	read_hash(&k, k.hash);
	expect_within(&k, runs, "running and answering", clk_now_ms());
	product_consumer_uid(p, "kill", uid);
	world_kill(p->world->server, SIGKILL);
	world_process_start(p->world->server);
	world_connect_api(p->world);
	since_ms = clk_now_ms();
	expect_within(&k, runs, "running and answering", since_ms);
	product_consumer_uid(p, "kill", again);
	assert_string_equal(again, uid);
	expect_same_tree(&k);
	assert_int_equal(product_set_running(p, "kill", false), 200);
	expect_within(&k, sleeps, "stopped", clk_now_ms());
	expect_same_tree(&k);
	(void)printf("# longest convergence: %llu ms\n", (unsigned long long)k.longest_ms);
}

/* `down` and `up`: what slept sleeps, what ran runs again, and nothing is called failed. */
static void test_down_and_up(void **state)
{
	struct kill k = {.p = *state};
	struct product *p = k.p;
	struct product_answer a;
	uint64_t since_ms;

	product_apply(p, "stays", "localhost/boot:1", true, "\"timeout\":\"0s\"");
	product_wait_phase(p, "stays", "Running");
	read_hash(&k, k.hash);
	assert_int_equal(product_set_running(p, "kill", false), 200);
	expect_within(&k, sleeps, "stopped", clk_now_ms());
	world_kill(p->world->server, SIGTERM);
	assert_int_equal(product_rooted("/data/link-0"), 0);
	world_process_start(p->world->server);
	world_connect_api(p->world);
	since_ms = clk_now_ms();
	/* held until it runs, not refused for what has to begin again */
	do {
		product_http("stays", "GET", "/", &a);
	} while (a.status == 0 && clk_now_ms() - since_ms < KILL_CONVERGE_MS);
	if (a.status != 200)
		world_fail(p->world, "after up: status %d, body %s", a.status, a.body);
	expect_within(&k, sleeps, "stopped", clk_now_ms());
	product_http("kill", "GET", "/", &a);
	assert_int_equal(a.status, 200);
	expect_same_tree(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_kill_programs),
	        cmocka_unit_test(test_kill_in_idle_stop),
	        cmocka_unit_test_teardown(test_kill_agent_with_orphan, thaw),
	        cmocka_unit_test(test_kill_supervisor),
	        cmocka_unit_test(test_down_and_up),
	};

	return cmocka_run_group_tests(tests, product_up, product_down);
}
