/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stages - what is measured of a start, by whom it is made, and how it is printed
 */
#include "loadtest/stages.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "loadtest/histogram.h"

#define STAGES_TEXT(id, text) text,
static const char *const stages_kind_names[] = {STAGES_KINDS(STAGES_TEXT)};
static const char *const stages_names[] = {STAGES_ALL(STAGES_TEXT)};

void stages_cycle_init(struct stages_cycle *c)
{
	for (unsigned i = 0; i < STAGES_COUNT; i++)
		c->us[i] = STAGES_NONE;
	c->handover_us = STAGES_NONE;
}

int stages_new(unsigned count_max, struct stages **ret_stages, struct err *err)
{
	struct stages *s = calloc(1, sizeof *s);

	for (unsigned k = 0; s != NULL && k < STAGES_KINDS_COUNT; k++) {
		s->cycles[k] = calloc(count_max, sizeof *s->cycles[k]);
		if (s->cycles[k] == NULL) {
			stages_free(s);
			s = NULL;
		}
	}
	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "cycles");
	*ret_stages = s;
	return 0;
}

void stages_free(struct stages *s)
{
	if (s == NULL)
		return;
	for (unsigned k = 0; k < STAGES_KINDS_COUNT; k++)
		free(s->cycles[k]);
	free(s);
}

static void stages_fill(const struct stages *s, unsigned kind, unsigned stage, struct histogram *h)
{
	assert(kind < STAGES_KINDS_COUNT && stage < STAGES_COUNT);
	histogram_init(h);
	for (unsigned i = 0; i < s->count; i++) {
		int64_t us = s->cycles[kind][i].us[stage];

		if (us != STAGES_NONE)
			histogram_add(h, (uint64_t)us);
	}
}

static void stages_fill_handover(const struct stages *s, struct histogram *h)
{
	histogram_init(h);
	for (unsigned i = 0; i < s->count; i++) {
		int64_t us = s->cycles[STAGES_RESUME][i].handover_us;

		if (us != STAGES_NONE)
			histogram_add(h, (uint64_t)us);
	}
}

struct stages_verdict stages_judge(const struct stages *s, double ratio_max,
                                   uint64_t handover_us_max)
{
	struct histogram h;
	double p50[STAGES_KINDS_COUNT];
	struct stages_verdict v = {0};

	for (unsigned k = 0; k < STAGES_KINDS_COUNT; k++) {
		stages_fill(s, k, STAGES_FIRST_BYTE, &h);
		p50[k] = (double)histogram_at(&h, 500);
	}
	if (p50[STAGES_PODMAN_BRIDGE] > 0)
		v.ratio_bridge = p50[STAGES_RESUME] / p50[STAGES_PODMAN_BRIDGE];
	if (p50[STAGES_PODMAN_NETNS] > 0)
		v.ratio_netns = p50[STAGES_RESUME] / p50[STAGES_PODMAN_NETNS];
	stages_fill_handover(s, &h);
	v.handover_p50_us = histogram_at(&h, 500);
	v.handover_p95_us = histogram_at(&h, 950);
	v.ratio_holds = v.ratio_bridge > 0 && v.ratio_bridge <= ratio_max;
	v.handover_holds = h.count > 0 && v.handover_p95_us <= handover_us_max;
	return v;
}

static double ms(uint64_t us)
{
	return (double)us / 1000;
}

static void stages_print_line(const char *kind, const char *name, const struct histogram *h)
{
	(void)printf("%-14s %-13s %8.2f %8.2f %8.2f %8.2f\n", kind, name, ms(h->min_us),
	             ms(histogram_at(h, 500)), ms(histogram_at(h, 950)), ms(h->max_us));
}

void stages_print(const struct stages *s, const struct stages_verdict *v)
{
	struct histogram h;

	(void)printf("%u cycles, seed %llu; milliseconds since the request\n\n", s->count,
	             (unsigned long long)s->seed);
	(void)printf("%-14s %-13s %8s %8s %8s %8s\n", "start", "stage", "min", "p50", "p95", "max");
	for (unsigned k = 0; k < STAGES_KINDS_COUNT; k++) {
		for (unsigned i = 0; i < STAGES_COUNT; i++) {
			stages_fill(s, k, i, &h);
			if (h.count > 0)
				stages_print_line(stages_kind_names[k], stages_names[i], &h);
		}
	}
	stages_fill_handover(s, &h);
	stages_print_line(stages_kind_names[STAGES_RESUME], "hand-over *", &h);
	(void)printf("\n* how long the hand-over itself took\n"
	             "first byte at p50: %.2f of Podman on its own network, "
	             "%.2f of Podman in a ready network namespace: %s\n"
	             "hand-over at p95: %.2f ms: %s\n",
	             v->ratio_bridge, v->ratio_netns, v->ratio_holds ? "holds" : "FAILS",
	             ms(v->handover_p95_us), v->handover_holds ? "holds" : "FAILS");
}

static json_t *stages_summary(const struct histogram *h)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)h->count, "min_us",
	                 (json_int_t)h->min_us, "p50_us", (json_int_t)histogram_at(h, 500),
	                 "p95_us", (json_int_t)histogram_at(h, 950), "max_us",
	                 (json_int_t)h->max_us);
}

static json_t *stages_json(const struct stages *s, const struct stages_verdict *v)
{
	json_t *starts = json_object();
	json_t *stages;
	struct histogram h;

	for (unsigned k = 0; k < STAGES_KINDS_COUNT; k++) {
		stages = json_object();
		for (unsigned i = 0; i < STAGES_COUNT; i++) {
			stages_fill(s, k, i, &h);
			if (h.count > 0)
				(void)json_object_set_new(stages, stages_names[i],
				                          stages_summary(&h));
		}
		(void)json_object_set_new(starts, stages_kind_names[k], stages);
	}
	stages_fill_handover(s, &h);
	return json_pack("{s:I, s:I, s:o, s:o, s:f, s:f, s:b, s:b}", "cycles", (json_int_t)s->count,
	                 "seed", (json_int_t)s->seed, "starts", starts, "handover",
	                 stages_summary(&h), "ratio_to_podman_bridge", v->ratio_bridge,
	                 "ratio_to_podman_netns", v->ratio_netns, "ratio_holds", v->ratio_holds,
	                 "handover_holds", v->handover_holds);
}

int stages_write_json(const struct stages *s, const struct stages_verdict *v, const char *path,
                      struct err *err)
{
	json_t *j = stages_json(s, v);
	int rc = j != NULL ? json_dump_file(j, path, JSON_INDENT(2)) : -1;

	json_decref(j);
	return rc < 0 ? err_set(err, ERR_SYS, errno, "write %s", path) : 0;
}

int stages_write_csv(const struct stages *s, const char *path, struct err *err)
{
	FILE *f = fopen(path, "we");
	bool is_bad = f == NULL || fputs("cycle,start,stage,us\n", f) < 0;

	for (unsigned k = 0; !is_bad && k < STAGES_KINDS_COUNT; k++) {
		for (unsigned c = 0; !is_bad && c < s->count; c++) {
			const struct stages_cycle *cycle = &s->cycles[k][c];

			for (unsigned i = 0; !is_bad && i < STAGES_COUNT; i++) {
				if (cycle->us[i] != STAGES_NONE)
					is_bad = fprintf(f, "%u,%s,%s,%lld\n", c + 1,
					                 stages_kind_names[k], stages_names[i],
					                 (long long)cycle->us[i]) < 0;
			}
			if (cycle->handover_us != STAGES_NONE)
				(void)fprintf(f, "%u,%s,hand-over,%lld\n", c + 1,
				              stages_kind_names[k], (long long)cycle->handover_us);
		}
	}
	if (f != NULL && fclose(f) != 0)
		is_bad = true;
	return is_bad ? err_set(err, ERR_SYS, errno, "write %s", path) : 0;
}
