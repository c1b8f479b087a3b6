/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-loadtest wake - resume time by stage, beside Podman's own create and start
 */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "lib/config/config.h"
#include "lib/kube/client/kubeconfig.h"
#include "loadtest/commands.h"
#include "loadtest/floor.h"
#include "loadtest/loop.h"
#include "loadtest/plot.h"
#include "loadtest/sleeper.h"
#include "loadtest/stages.h"

DEFINE_CLEANUP(struct config *, config_free);
DEFINE_CLEANUP(struct kubeconfig *, kubeconfig_free);
DEFINE_CLEANUP(struct stages *, stages_free);

enum { WAKE_PER_CENT = 100 };

struct wake {
	const char *kubeconfig, *ns, *name, *host, *address, *agent_log;
	const char *podman_socket, *podman_cgroup, *image, *netns, *netns_address;
	const char *json, *csv, *png, *plot_script;
	uint64_t port, image_port, cycles, warm_up, seed;
	uint64_t pause_min_ms, pause_max_ms;
	uint64_t ratio_max_pct, handover_us_max;
	uint64_t random;
	struct event_base *base;
	struct sleeper *sleeper;
	struct floor *floor;
};

static int wake_load(struct wake *w, int argc, char **argv, struct config **ret_config,
                     struct err *err)
{
	const struct config_option options[] = {
	        {"kubeconfig", CONFIG_STR, &w->kubeconfig, NULL, 0, 0,
	         "kubeconfig file; default: $KUBECONFIG, in-cluster, ~/.kube/config"},
	        {"namespace", CONFIG_STR, &w->ns, "default", 0, 0, "of the container"},
	        {"name", CONFIG_STR, &w->name, "hello", 0, 0, "of the container"},
	        {"host", CONFIG_STR, &w->host, "hello.default.localhost", 0, 0,
	         "host name of the requests"},
	        {"address", CONFIG_STR, &w->address, "127.0.0.1", 0, 0, "IPv4 of the activator"},
	        {"port", CONFIG_U64, &w->port, "8080", 1, 65535, "of the activator"},
	        {"agentLog", CONFIG_STR, &w->agent_log, NULL, 0, 0,
	         "log file of the node agent; none: its stages are left out"},
	        {"podmanSocket", CONFIG_STR, &w->podman_socket, "/run/sc-local/podman.sock", 0, 0,
	         "of the engine's Podman"},
	        {"podmanCgroup", CONFIG_STR, &w->podman_cgroup, "", 0, 0,
	         "parent of what Podman starts; default: Podman's own, which it leaves behind"},
	        {"image", CONFIG_STR, &w->image, "localhost/hello:1", 0, 0,
	         "image that Podman starts: the container's own"},
	        {"imagePort", CONFIG_U64, &w->image_port, "8080", 1, 65535, "where it listens"},
	        {"netns", CONFIG_STR, &w->netns, NULL, 0, 0,
	         "path of a ready network namespace (required)"},
	        {"netnsAddress", CONFIG_STR, &w->netns_address, NULL, 0, 0,
	         "IPv4 in that namespace (required)"},
	        {"cycles", CONFIG_U64, &w->cycles, "40", 1, 100000,
	         "how often each is started; fewer than 30 tell little"},
	        {"warmUp", CONFIG_U64, &w->warm_up, "2", 0, 1000, "cycles before that count not"},
	        {"seed", CONFIG_U64, &w->seed, "1", 1, 0, "of order and pauses"},
	        {"pause.min", CONFIG_DURATION, &w->pause_min_ms, "300ms", 0, 60000,
	         "shortest pause before a start"},
	        {"pause.max", CONFIG_DURATION, &w->pause_max_ms, "900ms", 0, 60000,
	         "longest pause before a start"},
	        {"ratioMax", CONFIG_U64, &w->ratio_max_pct, "130", 1, 10000,
	         "first byte at p50, per cent of Podman's on its own network"},
	        {"handoverMax", CONFIG_U64, &w->handover_us_max, "2000", 1, 1000000,
	         "microseconds that a hand-over may take at p95"},
	        {"json", CONFIG_STR, &w->json, NULL, 0, 0, "write the figures to this file"},
	        {"csv", CONFIG_STR, &w->csv, NULL, 0, 0, "write every measurement to this file"},
	        {"png", CONFIG_STR, &w->png, NULL, 0, 0,
	         "draw the plot into this file (needs --csv and gnuplot)"},
	        {"plotScript", CONFIG_STR, &w->plot_script, "loadtest/wake.gp", 0, 0,
	         "gnuplot script that draws it"},
	};
	const struct config_program program = {
	        .name = "sc-loadtest wake",
	        .synopsis = "Measures how long a request takes that wakes a container.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	int r = config_load(&program, argc, argv, ret_config, err);

	if (r != 0)
		return r;
	if (w->netns == NULL || w->netns_address == NULL)
		return err_set(err, ERR_INVALID, 0, "--netns and --netns-address are required");
	if (w->pause_max_ms < w->pause_min_ms)
		return err_set(err, ERR_INVALID, 0, "--pause-max is below --pause-min");
	if (w->png != NULL && w->csv == NULL)
		return err_set(err, ERR_INVALID, 0, "--png needs --csv");
	return 0;
}

/* splitmix64: the same seed, the same run. */
static uint64_t wake_random(struct wake *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void wake_pause(struct wake *w)
{
	uint64_t span_ms = w->pause_max_ms - w->pause_min_ms + 1;

	loop_pause(w->base, w->pause_min_ms + wake_random(w) % span_ms);
}

static int wake_one(struct wake *w, enum stages_kind kind, struct stages_cycle *ret_cycle,
                    struct err *err)
{
	if (kind != STAGES_RESUME) {
		wake_pause(w);
		return floor_run(w->floor, kind, ret_cycle, err);
	}
	if (sleeper_sleep(w->sleeper, err) < 0)
		return -1;
	wake_pause(w);
	if (sleeper_wake(w->sleeper, ret_cycle, err) < 0)
		return -1;
	return sleeper_sleep(w->sleeper, err); /* nothing of ours runs beside the others */
}

/* All three, in an order of its own each time. */
static int wake_cycle(struct wake *w, struct stages *s, unsigned at, struct err *err)
{
	unsigned order[STAGES_KINDS_COUNT];
	unsigned other, swap;

	for (unsigned i = 0; i < STAGES_KINDS_COUNT; i++) {
		order[i] = i;
		other = (unsigned)(wake_random(w) % (i + 1));
		swap = order[other];
		order[other] = order[i];
		order[i] = swap;
	}
	for (unsigned i = 0; i < STAGES_KINDS_COUNT; i++) {
		if (wake_one(w, (enum stages_kind)order[i], &s->cycles[order[i]][at], err) < 0)
			return -1;
	}
	return 0;
}

static int wake_open(struct wake *w, const struct kubeconfig *conf, struct err *err)
{
	const struct sleeper_opts sleeper = {
	        conf, w->ns, w->name, w->address, (uint16_t)w->port, w->host, w->agent_log};
	const struct floor_opts floor = {w->podman_socket,        w->podman_cgroup, w->image,
	                                 (uint16_t)w->image_port, w->host,          w->netns,
	                                 w->netns_address};

	if (floor_new(w->base, &floor, &w->floor, err) < 0)
		return -1;
	return sleeper_new(w->base, &sleeper, &w->sleeper, err);
}

/* Return: 0, 1 when something does not hold, negative with err set. */
static int wake_run(struct wake *w, struct stages *s, struct err *err)
{
	struct stages_verdict v;

	for (unsigned i = 0; i < w->warm_up + w->cycles; i++) {
		unsigned at = i < w->warm_up ? 0 : i - (unsigned)w->warm_up;

		if (wake_cycle(w, s, at, err) < 0)
			return err_wrap(err, "cycle %u", i + 1);
		s->count = i < w->warm_up ? 0 : at + 1;
	}
	v = stages_judge(s, (double)w->ratio_max_pct / WAKE_PER_CENT, w->handover_us_max);
	stages_print(s, &v);
	if ((w->json != NULL && stages_write_json(s, &v, w->json, err) < 0) ||
	    (w->csv != NULL && stages_write_csv(s, w->csv, err) < 0) ||
	    (w->png != NULL && plot_draw(w->plot_script, w->csv, w->png, err) < 0))
		return -1;
	return v.ratio_holds && v.handover_holds ? 0 : 1;
}

int cmd_wake(int argc, char **argv)
{
	struct wake w = {0};
	CLEANUP(config_free_var) struct config *config = NULL;
	CLEANUP(kubeconfig_free_var) struct kubeconfig *conf = NULL;
	CLEANUP(stages_free_var) struct stages *s = NULL;
	struct err err = {0};
	int r = wake_load(&w, argc, argv, &config, &err);

	if (r > 0)
		return 0;
	if (r < 0) {
		(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
		return 2;
	}
	w.random = w.seed;
	w.base = event_base_new();
	r = w.base == NULL ? err_set(&err, ERR_NOMEM, 0, "event loop") : 0;
	if (r == 0 && kubeconfig_load(w.kubeconfig, NULL, &conf, &err) == 0 &&
	    stages_new((unsigned)w.cycles, &s, &err) == 0 && wake_open(&w, conf, &err) == 0) {
		s->seed = w.seed;
		r = wake_run(&w, s, &err);
	} else {
		r = -1;
	}
	sleeper_free(w.sleeper);
	floor_free(w.floor);
	if (w.base != NULL)
		event_base_free(w.base);
	if (r < 0)
		(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
	return r == 0 ? 0 : 1;
}
