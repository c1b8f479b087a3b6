/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-loadtest warm - what a request costs that passes through, beside other proxies
 *
 * Rounds are interleaved, so that what else the machine does meets all alike; the table has the
 * medians. wrk makes the load.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <jansson.h>

#include "lib/base/num.h"
#include "lib/config/config.h"
#include "loadtest/commands.h"
#include "loadtest/crowd.h"
#include "loadtest/meter.h"
#include "loadtest/wrk_output.h"

extern char **environ;

DEFINE_CLEANUP(struct config *, config_free);

enum {
	WARM_TARGETS_MAX = 8,
	WARM_ROUNDS_MAX = 99,
	WARM_OUTPUT_BYTES = 8192,
	WARM_SETTLE_MS = 1000
};

struct warm_target {
	char name[32];
	pid_t pid; /* 0: nobody's, the backend itself */
	uint16_t port;
	double us[WARM_ROUNDS_MAX]; /* processor time a request */
	double per_second[WARM_ROUNDS_MAX];
	double idle_bytes; /* memory of an idle connection */
};

struct warm {
	const char **targets;
	const char *host, *held, *held_host, *wrk, *json;
	uint64_t rounds, seconds, connections, crowd;
	struct warm_target at[WARM_TARGETS_MAX];
	unsigned count;
	struct warm_target holder;
	double held_bytes;
};

/* NAME:PID:PORT */
static int warm_target_parse(const char *text, struct warm_target *t, struct err *err)
{
	const char *pid = strchr(text, ':');
	const char *port = pid != NULL ? strchr(pid + 1, ':') : NULL;
	char digits[16];
	uint64_t value;

	if (port == NULL || (size_t)(pid - text) >= sizeof t->name)
		return err_set(err, ERR_PARSE, 0, "target \"%s\": want NAME:PID:PORT", text);
	(void)snprintf(t->name, sizeof t->name, "%.*s", (int)(pid - text), text);
	(void)snprintf(digits, sizeof digits, "%.*s", (int)(port - pid - 1), pid + 1);
	if (num_parse_u64(digits, 0, 1 << 22, &value, err) < 0)
		return err_wrap(err, "target %s: process", t->name);
	t->pid = (pid_t)value;
	if (num_parse_u64(port + 1, 1, 65535, &value, err) < 0)
		return err_wrap(err, "target %s: port", t->name);
	t->port = (uint16_t)value;
	return 0;
}

static int warm_load(struct warm *w, int argc, char **argv, struct config **ret_config,
                     struct err *err)
{
	const struct config_option options[] = {
	        {"target", CONFIG_LIST, &w->targets, NULL, 0, 0,
	         "NAME:PID:PORT of a proxy on 127.0.0.1; the first is compared with the others"},
	        {"host", CONFIG_STR, &w->host, "warm.default.localhost", 0, 0,
	         "host name of the requests"},
	        {"held", CONFIG_STR, &w->held, NULL, 0, 0,
	         "NAME:PID:PORT of a fresh activator that holds requests; none: not measured"},
	        {"heldHost", CONFIG_STR, &w->held_host, "held.default.localhost", 0, 0,
	         "host whose requests it holds"},
	        {"rounds", CONFIG_U64, &w->rounds, "3", 1, WARM_ROUNDS_MAX, "of each target"},
	        {"seconds", CONFIG_U64, &w->seconds, "8", 1, 600, "of each round"},
	        {"connections", CONFIG_U64, &w->connections, "64", 1, 10000, "of wrk"},
	        {"crowd", CONFIG_U64, &w->crowd, "1000", 1, 100000,
	         "connections for the memory of one"},
	        {"wrk", CONFIG_STR, &w->wrk, "wrk", 0, 0, "the program"},
	        {"json", CONFIG_STR, &w->json, NULL, 0, 0, "write the figures to this file"},
	};
	const struct config_program program = {
	        .name = "sc-loadtest warm",
	        .synopsis = "Measures what a request costs that passes through.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	int r = config_load(&program, argc, argv, ret_config, err);

	for (; r == 0 && w->targets != NULL && w->targets[w->count] != NULL; w->count++) {
		if (w->count == WARM_TARGETS_MAX)
			return err_set(err, ERR_INVALID, 0, "too many targets");
		r = warm_target_parse(w->targets[w->count], &w->at[w->count], err);
	}
	if (r == 0 && w->held != NULL)
		r = warm_target_parse(w->held, &w->holder, err);
	if (r == 0 && w->count == 0)
		return err_set(err, ERR_INVALID, 0, "--target is required");
	return r;
}

/* Runs wrk to its end. */
static int warm_wrk(const struct warm *w, const struct warm_target *t, uint64_t seconds,
                    struct wrk_output *ret_output, struct err *err)
{
	char connections[24], duration[24], url[64], header[300], text[WARM_OUTPUT_BYTES];
	char *argv[] = {(char *)(uintptr_t)w->wrk,
	                (char *)"-t1",
	                connections,
	                duration,
	                (char *)"-H",
	                header,
	                url,
	                NULL};
	posix_spawn_file_actions_t actions;
	size_t len = 0;
	ssize_t n;
	int out[2], r;
	pid_t pid;

	(void)snprintf(connections, sizeof connections, "-c%llu",
	               (unsigned long long)w->connections);
	(void)snprintf(duration, sizeof duration, "-d%llus", (unsigned long long)seconds);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", t->port);
	(void)snprintf(header, sizeof header, "Host: %s", w->host);
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_set(err, ERR_SYS, errno, "pipe");
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	r = posix_spawnp(&pid, w->wrk, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(out[1]);
	while (r == 0 && len < sizeof text - 1 &&
	       (n = read(out[0], text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(out[0]);
	if (r != 0)
		return err_set(err, ERR_SYS, r, "run %s", w->wrk);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	text[len] = '\0';
	return wrk_output_parse(text, ret_output, err);
}

static int warm_round(const struct warm *w, struct warm_target *t, unsigned round, struct err *err)
{
	struct wrk_output out;
	uint64_t before_ns = 0, after_ns = 0;

	if (warm_wrk(w, t, 1, &out, err) < 0)
		return err_wrap(err, "%s", t->name);
	if ((t->pid != 0 && meter_cpu_ns(t->pid, &before_ns, err) < 0) ||
	    warm_wrk(w, t, w->seconds, &out, err) < 0 ||
	    (t->pid != 0 && meter_cpu_ns(t->pid, &after_ns, err) < 0))
		return err_wrap(err, "%s", t->name);
	if (out.errors > 0)
		return err_set(err, ERR_INVALID, 0, "%s: %llu requests failed", t->name,
		               (unsigned long long)out.errors);
	t->us[round] = (double)(after_ns - before_ns) / 1000 / (double)out.requests;
	t->per_second[round] = out.per_second;
	return 0;
}

/*
 * Bytes that each connection of a crowd, idle or with a held request, adds to @t's memory. Pages of
 * the program's file that come in with the first of them are no cost of each.
 */
static int warm_crowd(const struct warm *w, const struct warm_target *t, bool is_held,
                      double *ret_bytes, struct err *err)
{
	const struct crowd_opts opts = {
	        .address = "127.0.0.1",
	        .port = t->port,
	        .host = is_held ? w->held_host : w->host,
	        .count = (unsigned)w->crowd,
	        .wants_answer = !is_held,
	};
	uint64_t before_kib, after_kib;
	struct crowd *crowd;
	int rc;

	if (meter_anon_kib(t->pid, &before_kib, err) < 0 || crowd_open(&opts, &crowd, err) < 0)
		return err_wrap(err, "%s", t->name);
	(void)poll(NULL, 0, WARM_SETTLE_MS); /* what was sent is read by then */
	rc = meter_anon_kib(t->pid, &after_kib, err);
	/* one that was not held would cost nothing */
	if (rc == 0 && crowd_answered(crowd) > 0)
		rc = err_set(err, ERR_INVALID, 0, "%s: %u connections do not stay", t->name,
		             crowd_answered(crowd));
	crowd_close(crowd);
	if (rc < 0)
		return -1;
	*ret_bytes = ((double)after_kib - (double)before_kib) * 1024 / (double)w->crowd;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values, uint64_t count)
{
	double sorted[WARM_ROUNDS_MAX];

	memcpy(sorted, values, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, by_value);
	return sorted[count / 2];
}

static void warm_print(const struct warm *w)
{
	double first_us = median(w->at[0].us, w->rounds);

	(void)printf("%llu rounds of %llu s, %llu connections; medians\n\n%-12s %12s %14s %14s "
	             "%14s\n",
	             (unsigned long long)w->rounds, (unsigned long long)w->seconds,
	             (unsigned long long)w->connections, "proxy", "requests/s", "CPU us/request",
	             "first by this", "B/idle conn.");
	for (unsigned i = 0; i < w->count; i++) {
		const struct warm_target *t = &w->at[i];
		double us = median(t->us, w->rounds);

		(void)printf("%-12s %12.0f ", t->name, median(t->per_second, w->rounds));
		if (t->pid != 0)
			(void)printf("%14.1f %14.2f %14.0f\n", us, first_us / us, t->idle_bytes);
		else
			(void)printf("%14s %14s %14s\n", "-", "-", "-");
	}
	if (w->held != NULL)
		(void)printf("\n%s: %.0f B for each of %llu held requests\n", w->holder.name,
		             w->held_bytes, (unsigned long long)w->crowd);
}

static int warm_write_json(const struct warm *w, struct err *err)
{
	json_t *list = json_array();
	json_t *j;
	int rc;

	for (unsigned i = 0; i < w->count; i++) {
		const struct warm_target *t = &w->at[i];

		(void)json_array_append_new(
		        list, json_pack("{s:s, s:f, s:f, s:f}", "name", t->name,
		                        "requests_per_second", median(t->per_second, w->rounds),
		                        "cpu_us_per_request", median(t->us, w->rounds),
		                        "bytes_per_idle_connection", t->idle_bytes));
	}
	j = json_pack("{s:I, s:I, s:I, s:f, s:o}", "rounds", (json_int_t)w->rounds, "seconds",
	              (json_int_t)w->seconds, "connections", (json_int_t)w->connections,
	              "bytes_per_held_request", w->held_bytes, "proxies", list);
	rc = j != NULL ? json_dump_file(j, w->json, JSON_INDENT(2)) : -1;
	json_decref(j);
	return rc < 0 ? err_set(err, ERR_SYS, errno, "write %s", w->json) : 0;
}

static int warm_run(struct warm *w, struct err *err)
{
	/* memory first: a proxy that has had load keeps what it grew */
	for (unsigned i = 0; i < w->count; i++) {
		if (w->at[i].pid != 0 &&
		    warm_crowd(w, &w->at[i], false, &w->at[i].idle_bytes, err) < 0)
			return -1;
	}
	if (w->held != NULL && warm_crowd(w, &w->holder, true, &w->held_bytes, err) < 0)
		return -1;
	for (unsigned round = 0; round < w->rounds; round++) {
		for (unsigned i = 0; i < w->count; i++) {
			if (warm_round(w, &w->at[i], round, err) < 0)
				return -1;
		}
	}
	warm_print(w);
	return w->json != NULL ? warm_write_json(w, err) : 0;
}

int cmd_warm(int argc, char **argv)
{
	static struct warm w;
	CLEANUP(config_free_var) struct config *config = NULL;
	struct err err = {0};
	int r = warm_load(&w, argc, argv, &config, &err);

	if (r > 0)
		return 0;
	if (r < 0) {
		(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
		return 2;
	}
	if (warm_run(&w, &err) < 0) {
		(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
		return 1;
	}
	return 0;
}
