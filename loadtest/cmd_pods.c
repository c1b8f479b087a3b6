/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-loadtest pods - wakes on a cluster by stage, beside bare Pods of the same image
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/config/config.h"
#include "lib/kube/client/kubeconfig.h"
#include "loadtest/commands.h"
#include "loadtest/loop.h"
#include "loadtest/plot.h"
#include "loadtest/series.h"
#include "loadtest/starts.h"
#include "loadtest/tally.h"

DEFINE_CLEANUP(struct config *, config_free);
DEFINE_CLEANUP(struct kubeconfig *, kubeconfig_free);
DEFINE_CLEANUP(struct series *, series_free);

enum { PODS_NAME_BYTES = 64 };

struct pods {
	const char *kubeconfig, *ns, *image, *node, *address, *beacon, *agent_log;
	const char **activator_logs;
	const char *quick, *slow, *many_prefix;
	const char *json, *csv, *png, *plot_script;
	uint64_t port, beacon_port, cycles, many, many_cycles, warm_up, seed;
	uint64_t pause_min_ms, pause_max_ms, into_stop_ms;
	struct series_limits limits;
	uint64_t random;
	char many_names[STARTS_MAX][PODS_NAME_BYTES];
	const char *many_list[STARTS_MAX];
	struct event_base *base;
	struct starts *starts;
	struct tally_use bare_use, wake_use; /* of several at once */
};

static int pods_check(struct pods *p, struct err *err)
{
	if (p->address == NULL || p->beacon == NULL || p->image == NULL)
		return err_set(err, ERR_INVALID, 0, "--address, --beacon and --image are required");
	if (p->pause_max_ms < p->pause_min_ms)
		return err_set(err, ERR_INVALID, 0, "--pause-max is below --pause-min");
	if (p->png != NULL && p->csv == NULL)
		return err_set(err, ERR_INVALID, 0, "--png needs --csv");
	for (unsigned i = 0; i < p->many; i++) {
		(void)snprintf(p->many_names[i], PODS_NAME_BYTES, "%.50s-%u", p->many_prefix, i);
		p->many_list[i] = p->many_names[i];
	}
	return 0;
}

static int pods_load(struct pods *p, int argc, char **argv, struct config **ret_config,
                     struct err *err)
{
	const struct config_option options[] = {
	        {"kubeconfig", CONFIG_STR, &p->kubeconfig, NULL, 0, 0,
	         "kubeconfig file; default: $KUBECONFIG, in-cluster, ~/.kube/config"},
	        {"namespace", CONFIG_STR, &p->ns, "default", 0, 0, "of the containers and Pods"},
	        {"image", CONFIG_STR, &p->image, NULL, 0, 0,
	         "of the bare Pods: sc-beacon, as in the containers (required)"},
	        {"node", CONFIG_STR, &p->node, NULL, 0, 0,
	         "of the bare Pods: the containers' own; none: any"},
	        {"quick", CONFIG_STR, &p->quick, "quick", 0, 0,
	         "container that is woken; its application ends at once"},
	        {"slow", CONFIG_STR, &p->slow, "slow", 0, 0,
	         "container that is woken in a stop; its application takes its time"},
	        {"manyPrefix", CONFIG_STR, &p->many_prefix, "many", 0, 0,
	         "containers PREFIX-0, PREFIX-1… that are woken at once"},
	        {"many", CONFIG_U64, &p->many, "10", 1, STARTS_MAX, "how many of those there are"},
	        {"address", CONFIG_STR, &p->address, NULL, 0, 0,
	         "IPv4 of the activators' Service (required)"},
	        {"port", CONFIG_U64, &p->port, "80", 1, 65535, "of the activators' Service"},
	        {"beacon", CONFIG_STR, &p->beacon, NULL, 0, 0,
	         "own IPv4, at which applications say that they listen (required)"},
	        {"beaconPort", CONFIG_U64, &p->beacon_port, "7100", 1, 65535, "UDP port for that"},
	        {"agentLog", CONFIG_STR, &p->agent_log, NULL, 0, 0,
	         "log file of the node agent; none: its stages are left out"},
	        {"activatorLog", CONFIG_LIST, &p->activator_logs, NULL, 0, 0,
	         "log file of an activator; none: its stage is left out"},
	        {"cycles", CONFIG_U64, &p->cycles, "30", 1, 100000, "how often each is started"},
	        {"manyCycles", CONFIG_U64, &p->many_cycles, "30", 0, 100000,
	         "how often several are started at once"},
	        {"warmUp", CONFIG_U64, &p->warm_up, "2", 0, 1000, "cycles before that count not"},
	        {"seed", CONFIG_U64, &p->seed, "1", 1, 0, "of order and pauses"},
	        {"pause.min", CONFIG_DURATION, &p->pause_min_ms, "300ms", 0, 60000,
	         "shortest pause before a start"},
	        {"pause.max", CONFIG_DURATION, &p->pause_max_ms, "1300ms", 0, 60000,
	         "longest pause before a start"},
	        {"intoStop", CONFIG_DURATION, &p->into_stop_ms, "200ms", 0, 60000,
	         "how long after a stop the request comes"},
	        {"limits.p50", CONFIG_U64, &p->limits.p50_pct, "115", 1, 100000,
	         "first byte of a wake at p50, per cent of a bare Pod's port"},
	        {"limits.p95", CONFIG_U64, &p->limits.p95_pct, "130", 1, 100000, "the same at p95"},
	        {"limits.many", CONFIG_U64, &p->limits.many_pct, "115", 1, 100000,
	         "the last of several at p50"},
	        {"json", CONFIG_STR, &p->json, NULL, 0, 0, "write the figures to this file"},
	        {"csv", CONFIG_STR, &p->csv, NULL, 0, 0, "write every measurement to this file"},
	        {"png", CONFIG_STR, &p->png, NULL, 0, 0,
	         "draw the plot into this file (needs --csv and gnuplot)"},
	        {"plotScript", CONFIG_STR, &p->plot_script, "loadtest/pods.gp", 0, 0,
	         "gnuplot script that draws it"},
	};
	const struct config_program program = {
	        .name = "sc-loadtest pods",
	        .synopsis = "Measures wakes on a cluster, beside bare Pods.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	int r = config_load(&program, argc, argv, ret_config, err);

	return r != 0 ? r : pods_check(p, err);
}

/* splitmix64: the same seed, the same run. */
static uint64_t pods_random(struct pods *p)
{
	uint64_t z = p->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void pods_pause(struct pods *p)
{
	loop_pause(p->base,
	           p->pause_min_ms + pods_random(p) % (p->pause_max_ms - p->pause_min_ms + 1));
}

static int pods_wake(struct pods *p, const char *const *names, unsigned count,
                     struct series_start *ret_start, struct err *err)
{
	pods_pause(p);
	if (starts_wake(p->starts, names, count, err) < 0)
		return -1;
	loop_pause(p->base, p->pause_min_ms); /* the logs' way to the disk */
	starts_result(p->starts, ret_start);
	return starts_sleep(p->starts, names, count, err);
}

static int pods_wake_in_stop(struct pods *p, struct series_start *ret_start, struct err *err)
{
	struct series_start first;

	if (starts_wake(p->starts, &p->slow, 1, err) < 0)
		return -1;
	starts_result(p->starts, &first);
	pods_pause(p);
	if (starts_stop(p->starts, p->slow, err) < 0)
		return -1;
	loop_pause(p->base, p->into_stop_ms);
	if (starts_wake(p->starts, &p->slow, 1, err) < 0)
		return -1;
	loop_pause(p->base, p->pause_min_ms);
	starts_result(p->starts, ret_start);
	return starts_sleep(p->starts, &p->slow, 1, err);
}

static int pods_one(struct pods *p, enum series_kind kind, struct series_start *ret_start,
                    struct err *err)
{
	switch (kind) {
	case SERIES_BARE:
	case SERIES_BARE_MANY:
		pods_pause(p);
		return starts_bare(p->starts, kind == SERIES_BARE ? 1 : (unsigned)p->many,
		                   ret_start, err);
	case SERIES_STOP:
		return pods_wake_in_stop(p, ret_start, err);
	case SERIES_WAKE_MANY:
		return pods_wake(p, p->many_list, (unsigned)p->many, ret_start, err);
	case SERIES_WAKE:
	case SERIES_KINDS_COUNT:
	default:
		return pods_wake(p, &p->quick, 1, ret_start, err);
	}
}

/* Where what all programs use in that kind of start is added up; NULL: nowhere. */
static struct tally_use *pods_use(struct pods *p, enum series_kind kind)
{
	if (kind == SERIES_BARE_MANY)
		return &p->bare_use;
	return kind == SERIES_WAKE_MANY ? &p->wake_use : NULL;
}

/* All kinds, in an order of its own each time. */
static int pods_cycle(struct pods *p, struct series *s, unsigned number, struct err *err)
{
	unsigned order[SERIES_KINDS_COUNT];

	for (unsigned i = 0; i < SERIES_KINDS_COUNT; i++) {
		unsigned other = (unsigned)(pods_random(p) % (i + 1));

		order[i] = i;
		order[i] = order[other];
		order[other] = i;
	}
	for (unsigned i = 0; i < SERIES_KINDS_COUNT; i++) {
		enum series_kind kind = (enum series_kind)order[i];
		bool is_many = kind == SERIES_BARE_MANY || kind == SERIES_WAKE_MANY;
		struct series_start start;

		if (is_many && (number > p->warm_up + p->many_cycles || p->many_cycles == 0))
			continue;
		starts_count_use(p->starts, number > p->warm_up ? pods_use(p, kind) : NULL);
		if (pods_one(p, kind, &start, err) < 0)
			return -1;
		if (number > p->warm_up)
			series_add(s, kind, &start);
	}
	return 0;
}

/* Return: 0, 1 when something does not hold, negative with err set. */
static int pods_run(struct pods *p, struct series *s, struct err *err)
{
	struct series_verdict v;

	if (starts_sleep(p->starts, &p->quick, 1, err) < 0 ||
	    starts_sleep(p->starts, &p->slow, 1, err) < 0 ||
	    (p->many_cycles > 0 &&
	     starts_sleep(p->starts, p->many_list, (unsigned)p->many, err) < 0))
		return -1;
	for (unsigned i = 1; i <= p->warm_up + p->cycles; i++) {
		if (isatty(STDERR_FILENO))
			(void)fprintf(stderr, "\rcycle %u of %llu ", i,
			              (unsigned long long)(p->warm_up + p->cycles));
		if (pods_cycle(p, s, i, err) < 0)
			return err_wrap(err, "cycle %u", i);
	}
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\n");
	v = series_judge(s, &p->limits);
	series_print(s, &v);
	if (p->many_cycles > 0) {
		(void)printf("\n%-18s %8s %8s\n", "processor ms", "bare", "wakes");
		tally_print(&p->bare_use, s->counts[SERIES_BARE_MANY], &p->wake_use,
		            s->counts[SERIES_WAKE_MANY]);
	}
	if ((p->json != NULL && series_write_json(s, &v, p->json, err) < 0) ||
	    (p->csv != NULL && series_write_csv(s, p->csv, err) < 0) ||
	    (p->png != NULL && plot_draw(p->plot_script, p->csv, p->png, err) < 0))
		return -1;
	return v.wake_holds && v.stop_holds && (v.many_holds || p->many_cycles == 0) ? 0 : 1;
}

int cmd_pods(int argc, char **argv)
{
	struct pods p = {0};
	CLEANUP(config_free_var) struct config *config = NULL;
	CLEANUP(kubeconfig_free_var) struct kubeconfig *conf = NULL;
	CLEANUP(series_free_var) struct series *s = NULL;
	struct starts_opts opts;
	struct err err = {0};
	int r = pods_load(&p, argc, argv, &config, &err);

	if (r > 0)
		return 0;
	if (r < 0) {
		(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
		return 2;
	}
	p.random = p.seed;
	p.base = event_base_new();
	r = p.base == NULL ? err_set(&err, ERR_NOMEM, 0, "event loop") : 0;
	if (r == 0 && (kubeconfig_load(p.kubeconfig, NULL, &conf, &err) < 0 ||
	               series_new((unsigned)p.cycles, &s, &err) < 0))
		r = -1;
	if (r == 0) {
		opts = (struct starts_opts){conf,        p.ns,
		                            p.image,     p.node,
		                            p.address,   (uint16_t)p.port,
		                            p.beacon,    (uint16_t)p.beacon_port,
		                            p.agent_log, p.activator_logs};
		s->seed = p.seed;
		s->many = (unsigned)p.many;
		r = starts_new(p.base, &opts, &p.starts, &err);
	}
	if (r == 0)
		r = pods_run(&p, s, &err);
	starts_free(p.starts);
	if (p.base != NULL)
		event_base_free(p.base);
	if (r < 0)
		(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
	return r == 0 ? 0 : 1;
}
