/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-loadtest scale - fills an API server with containers that sleep, and wakes one at a time
 */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "lib/config/config.h"
#include "lib/kube/client/kubeconfig.h"
#include "loadtest/commands.h"
#include "loadtest/dorm.h"

DEFINE_CLEANUP(struct config *, config_free);

enum { SCALE_WORLDS = 2, SCALE_PER_CENT = 100 };

struct scale {
	const char *kubeconfig, *few_kubeconfig, *ns;
	uint64_t port, few_port, count, few, wakes, ratio_max_pct;
	struct event_base *base;
};

/* One API server with its programs. */
struct scale_world {
	struct kubeconfig *conf;
	struct dorm *dorm;
	unsigned count;
	uint64_t *same_us;    /* of the same few containers again and again */
	uint64_t *another_us; /* of another each time */
};

static int scale_load(struct scale *s, int argc, char **argv, struct config **ret_config,
                      struct err *err)
{
	const struct config_option options[] = {
	        {"kubeconfig", CONFIG_STR, &s->kubeconfig, NULL, 0, 0,
	         "of the API server that gets many containers"},
	        {"namespace", CONFIG_STR, &s->ns, "default", 0, 0, "of the containers"},
	        {"port", CONFIG_U64, &s->port, "8080", 1, 65535, "of its activator, on 127.0.0.1"},
	        {"count", CONFIG_U64, &s->count, "10000", 1, 99999, "how many are many"},
	        {"fewKubeconfig", CONFIG_STR, &s->few_kubeconfig, NULL, 0, 0,
	         "of another API server that gets few, with programs of its own, to compare with; "
	         "none: the few are woken before there are many"},
	        {"fewPort", CONFIG_U64, &s->few_port, "8081", 1, 65535,
	         "of that one's activator, on 127.0.0.1"},
	        {"few", CONFIG_U64, &s->few, "10", 1, 99999, "how many are few"},
	        {"wakes", CONFIG_U64, &s->wakes, "200", 0, 100000,
	         "wakes among few, and among many as often of as many containers, and of another "
	         "each time; 0: only fill"},
	        {"ratioMax", CONFIG_U64, &s->ratio_max_pct, "110", 1, 10000,
	         "median among many, per cent of the median among few, unless the two halves of "
	         "the few differ by more"},
	};
	const struct config_program program = {
	        .name = "sc-loadtest scale",
	        .synopsis = "Wakes one among many sleepers, and one among few.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};

	return config_load(&program, argc, argv, ret_config, err);
}

static int scale_open(struct scale *s, struct scale_world *w, const char *kubeconfig, uint64_t port,
                      struct err *err)
{
	struct dorm_opts opts = {.ns = s->ns, .port = (uint16_t)port};

	w->same_us = calloc(s->wakes + 1, sizeof *w->same_us);
	w->another_us = calloc(s->wakes + 1, sizeof *w->another_us);
	if (w->same_us == NULL || w->another_us == NULL)
		return err_set(err, ERR_NOMEM, 0, "figures");
	if (kubeconfig_load(kubeconfig, NULL, &w->conf, err) < 0)
		return -1;
	opts.kubeconfig = w->conf;
	return dorm_new(s->base, &opts, &w->dorm, err);
}

static void scale_close(struct scale_world *w)
{
	dorm_free(w->dorm);
	kubeconfig_free(w->conf);
	free(w->same_us);
	free(w->another_us);
}

static int scale_fill(struct scale_world *w, uint64_t count, struct err *err)
{
	w->count = (unsigned)count;
	return dorm_fill(w->dorm, w->count, err);
}

/* As many containers among many as among few: what differs is only how many sleep beside them. */
static int scale_wake(const struct scale *s, struct scale_world *w, uint64_t i, uint64_t *took_us,
                      struct err *err)
{
	uint64_t step = w->count > s->few ? w->count / s->few : 1;

	return dorm_wake(w->dorm, (unsigned)(i % s->few * step % w->count), &took_us[i], err);
}

/* What is read of it lies in no processor's cache. A step that no count here is a multiple of. */
static int scale_wake_another(struct scale_world *w, uint64_t i, struct err *err)
{
	return dorm_wake(w->dorm, (unsigned)(i * 7919 % w->count), &w->another_us[i], err);
}

static int scale_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts them. */
static double scale_median(uint64_t *took_us, uint64_t count)
{
	qsort(took_us, count, sizeof *took_us, scale_compare);
	return (double)took_us[count / 2];
}

/* What the machine makes of one and the same: the first half of @took_us by the second, or back. */
static double scale_noise(const uint64_t *took_us, uint64_t count)
{
	uint64_t half = count / 2;
	uint64_t *copy = calloc(count + 1, sizeof *copy);
	double first, second;

	if (copy == NULL || half == 0) {
		free(copy);
		return 1;
	}
	memcpy(copy, took_us, count * sizeof *copy);
	first = scale_median(copy, half);
	second = scale_median(copy + half, count - half);
	free(copy);
	return first > second ? first / second : second / first;
}

/* Return: 0, 1 when the ratio does not hold. */
static int scale_judge(const struct scale *s, uint64_t *few_us, const struct scale_world *w)
{
	uint64_t *many_us = w->same_us;
	double another = scale_median(w->another_us, s->wakes);
	double noise = scale_noise(few_us, s->wakes);
	double few = scale_median(few_us, s->wakes), many = scale_median(many_us, s->wakes);
	double ratio = many / few, max = (double)s->ratio_max_pct / SCALE_PER_CENT;
	bool holds = ratio <= (noise > max ? noise : max);

	(void)printf("wakes %llu: among %llu p50 %.2f ms p95 %.2f ms, "
	             "among %llu p50 %.2f ms p95 %.2f ms, ratio %.3f, "
	             "the two halves of the few %.3f: %s\n"
	             "another container each time: among %llu p50 %.2f ms p95 %.2f ms\n",
	             (unsigned long long)s->wakes, (unsigned long long)s->few, few / 1e3,
	             (double)few_us[s->wakes * 95 / 100] / 1e3, (unsigned long long)s->count,
	             many / 1e3, (double)many_us[s->wakes * 95 / 100] / 1e3, ratio, noise,
	             holds ? "holds" : "FAILS", (unsigned long long)s->count, another / 1e3,
	             (double)w->another_us[s->wakes * 95 / 100] / 1e3);
	return holds ? 0 : 1;
}

/* One after the other: the few of the same API server first. */
static int scale_run_one(struct scale *s, struct scale_world *w, struct err *err)
{
	uint64_t *few_us = calloc(s->wakes + 1, sizeof *few_us);
	int r = few_us != NULL ? scale_fill(w, s->wakes > 0 ? s->few : s->count, err)
	                       : err_set(err, ERR_NOMEM, 0, "figures");

	for (uint64_t i = 0; r == 0 && i < s->wakes; i++)
		r = scale_wake(s, w, i, few_us, err);
	if (r == 0)
		r = scale_fill(w, s->count, err);
	for (uint64_t i = 0; r == 0 && i < s->wakes; i++) {
		r = scale_wake(s, w, i, w->same_us, err);
		if (r == 0)
			r = scale_wake_another(w, i, err);
	}
	if (r == 0 && s->wakes > 0)
		r = scale_judge(s, few_us, w);
	free(few_us);
	return r;
}

/* By turns, so that whatever else the machine does meets both alike. */
static int scale_run_both(struct scale *s, struct scale_world *many, struct scale_world *few,
                          struct err *err)
{
	int r = scale_fill(few, s->few, err);

	if (r == 0)
		r = scale_fill(many, s->count, err);
	for (uint64_t i = 0; r == 0 && i < 3 * s->wakes; i++) {
		uint64_t number = i / 3;

		switch ((number + i) % 3) { /* each comes first as often as the others */
		case 0:
			r = scale_wake(s, few, number, few->same_us, err);
			break;
		case 1:
			r = scale_wake(s, many, number, many->same_us, err);
			break;
		default:
			r = scale_wake_another(many, number, err);
			break;
		}
	}
	return r == 0 && s->wakes > 0 ? scale_judge(s, few->same_us, many) : r;
}

int cmd_scale(int argc, char **argv)
{
	struct scale s = {0};
	struct scale_world worlds[SCALE_WORLDS] = {0};
	CLEANUP(config_free_var) struct config *config = NULL;
	struct err err = {0};
	int r = scale_load(&s, argc, argv, &config, &err);

	if (r > 0)
		return 0;
	if (r < 0) {
		(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
		return 2;
	}
	s.base = event_base_new();
	r = s.base == NULL ? err_set(&err, ERR_NOMEM, 0, "event loop")
	                   : scale_open(&s, &worlds[0], s.kubeconfig, s.port, &err);
	if (r == 0 && s.few_kubeconfig != NULL)
		r = scale_open(&s, &worlds[1], s.few_kubeconfig, s.few_port, &err);
	if (r == 0)
		r = s.few_kubeconfig != NULL ? scale_run_both(&s, &worlds[0], &worlds[1], &err)
		                             : scale_run_one(&s, &worlds[0], &err);
	for (size_t i = 0; i < SCALE_WORLDS; i++)
		scale_close(&worlds[i]);
	if (s.base != NULL)
		event_base_free(s.base);
	if (r < 0)
		(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
	return r == 0 ? 0 : 1;
}
