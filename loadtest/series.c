/* SPDX-License-Identifier: Apache-2.0 */
/*
 * series - the figures that are measured of starts on a cluster, and their limits
 */
#include "loadtest/series.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/histogram.h"

enum { SERIES_PER_CENT = 100 };

#define SERIES_TEXT(id, text) text,
static const char *const series_kind_names[] = {SERIES_KINDS(SERIES_TEXT)};
static const char *const series_stage_names[] = {SERIES_STAGES(SERIES_TEXT)};

void series_start_init(struct series_start *s)
{
	for (unsigned i = 0; i < SERIES_STAGES_COUNT; i++)
		s->us[i] = SERIES_NONE;
}

void series_start_last(struct series_start *all, const struct series_start *one)
{
	for (unsigned i = 0; i < SERIES_STAGES_COUNT; i++) {
		if (one->us[i] > all->us[i])
			all->us[i] = one->us[i];
	}
}

int series_new(unsigned count_max, struct series **ret_series, struct err *err)
{
	struct series *s = calloc(1, sizeof *s);

	if (s != NULL)
		s->count_max = count_max;
	for (unsigned k = 0; s != NULL && k < SERIES_KINDS_COUNT; k++) {
		s->starts[k] = calloc(count_max, sizeof *s->starts[k]);
		if (s->starts[k] == NULL) {
			series_free(s);
			s = NULL;
		}
	}
	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "series");
	*ret_series = s;
	return 0;
}

void series_free(struct series *s)
{
	if (s == NULL)
		return;
	for (unsigned k = 0; k < SERIES_KINDS_COUNT; k++)
		free(s->starts[k]);
	free(s);
}

void series_add(struct series *s, enum series_kind kind, const struct series_start *start)
{
	assert(kind < SERIES_KINDS_COUNT);
	if (s->counts[kind] < s->count_max)
		s->starts[kind][s->counts[kind]++] = *start;
}

static void series_fill(const struct series *s, unsigned kind, unsigned stage, struct histogram *h)
{
	assert(kind < SERIES_KINDS_COUNT && stage < SERIES_STAGES_COUNT);
	histogram_init(h);
	for (unsigned i = 0; i < s->counts[kind]; i++) {
		int64_t us = s->starts[kind][i].us[stage];

		if (us >= 0)
			histogram_add(h, (uint64_t)us);
	}
}

uint64_t series_at(const struct series *s, enum series_kind kind, enum series_stage stage,
                   unsigned per_mille)
{
	struct histogram h;

	series_fill(s, kind, stage, &h);
	return histogram_at(&h, per_mille);
}

static double ratio(uint64_t value, uint64_t by)
{
	return by > 0 ? (double)value / (double)by : 0;
}

static bool within(double value, uint64_t limit_pct)
{
	return value > 0 && value * SERIES_PER_CENT <= (double)limit_pct;
}

struct series_verdict series_judge(const struct series *s, const struct series_limits *limits)
{
	uint64_t wake50 = series_at(s, SERIES_WAKE, SERIES_FIRST_BYTE, SERIES_P50);
	uint64_t wake95 = series_at(s, SERIES_WAKE, SERIES_FIRST_BYTE, SERIES_P95);
	struct series_verdict v = {
	        .wake_p50 = ratio(wake50, series_at(s, SERIES_BARE, SERIES_ANSWERS, SERIES_P50)),
	        .wake_p95 = ratio(wake95, series_at(s, SERIES_BARE, SERIES_ANSWERS, SERIES_P95)),
	        .stop_p50 = ratio(series_at(s, SERIES_STOP, SERIES_AFTER_END, SERIES_P50), wake50),
	        .stop_p95 = ratio(series_at(s, SERIES_STOP, SERIES_AFTER_END, SERIES_P95), wake95),
	        .many_p50 = ratio(series_at(s, SERIES_WAKE_MANY, SERIES_FIRST_BYTE, SERIES_P50),
	                          series_at(s, SERIES_BARE_MANY, SERIES_ANSWERS, SERIES_P50)),
	};

	v.wake_holds = within(v.wake_p50, limits->p50_pct) && within(v.wake_p95, limits->p95_pct);
	v.stop_holds = within(v.stop_p50, SERIES_PER_CENT) && within(v.stop_p95, SERIES_PER_CENT);
	v.many_holds = within(v.many_p50, limits->many_pct);
	return v;
}

static double ms(uint64_t us)
{
	return (double)us / 1000;
}

static const char *word(bool holds)
{
	return holds ? "holds" : "FAILS";
}

void series_print(const struct series *s, const struct series_verdict *v)
{
	struct histogram h;

	(void)printf("%u cycles, %u at once, seed %llu; milliseconds since the request or the "
	             "create call\n\n%-18s %-13s %5s %8s %8s %8s %8s\n",
	             s->counts[SERIES_WAKE], s->many, (unsigned long long)s->seed, "start", "stage",
	             "n", "min", "p50", "p95", "max");
	for (unsigned k = 0; k < SERIES_KINDS_COUNT; k++) {
		for (unsigned i = 0; i < SERIES_STAGES_COUNT; i++) {
			series_fill(s, k, i, &h);
			if (h.count > 0)
				(void)printf("%-18s %-13s %5llu %8.1f %8.1f %8.1f %8.1f\n",
				             series_kind_names[k], series_stage_names[i],
				             (unsigned long long)h.count, ms(h.min_us),
				             ms(histogram_at(&h, SERIES_P50)),
				             ms(histogram_at(&h, SERIES_P95)), ms(h.max_us));
		}
	}
	(void)printf("\nwake, first byte by a bare Pod's answering port: %.2f at p50, %.2f at p95: "
	             "%s\n"
	             "wake in a stop, from the application's end to the first byte, by a wake: "
	             "%.2f at p50, %.2f at p95: %s\n"
	             "%u at once, the last first byte by the last bare Pod's port at p50: %.2f: "
	             "%s\n",
	             v->wake_p50, v->wake_p95, word(v->wake_holds), v->stop_p50, v->stop_p95,
	             word(v->stop_holds), s->many, v->many_p50, word(v->many_holds));
}

static json_t *series_summary(const struct histogram *h)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)h->count, "min_us",
	                 (json_int_t)h->min_us, "p50_us", (json_int_t)histogram_at(h, SERIES_P50),
	                 "p95_us", (json_int_t)histogram_at(h, SERIES_P95), "max_us",
	                 (json_int_t)h->max_us);
}

static json_t *series_starts(const struct series *s)
{
	json_t *starts = json_object();
	struct histogram h;

	for (unsigned k = 0; k < SERIES_KINDS_COUNT; k++) {
		json_t *stages = json_object();

		for (unsigned i = 0; i < SERIES_STAGES_COUNT; i++) {
			series_fill(s, k, i, &h);
			if (h.count > 0)
				(void)json_object_set_new(stages, series_stage_names[i],
				                          series_summary(&h));
		}
		(void)json_object_set_new(starts, series_kind_names[k], stages);
	}
	return starts;
}

int series_write_json(const struct series *s, const struct series_verdict *v, const char *path,
                      struct err *err)
{
	json_t *j = json_pack("{s:I, s:I, s:o, s:{s:f, s:f, s:b}, s:{s:f, s:f, s:b}, s:{s:f, s:b}}",
	                      "seed", (json_int_t)s->seed, "many", (json_int_t)s->many, "starts",
	                      series_starts(s), "wake_by_bare", "p50", v->wake_p50, "p95",
	                      v->wake_p95, "holds", v->wake_holds, "after_end_by_wake", "p50",
	                      v->stop_p50, "p95", v->stop_p95, "holds", v->stop_holds,
	                      "last_by_last_bare", "p50", v->many_p50, "holds", v->many_holds);
	int rc = j != NULL ? json_dump_file(j, path, JSON_INDENT(2)) : -1;

	json_decref(j);
	return rc < 0 ? err_set(err, ERR_SYS, errno, "write %s", path) : 0;
}

static bool series_write_start(FILE *f, unsigned cycle, const char *kind,
                               const struct series_start *start)
{
	for (unsigned i = 0; i < SERIES_STAGES_COUNT; i++) {
		if (start->us[i] != SERIES_NONE &&
		    fprintf(f, "%u,%s,%s,%lld\n", cycle, kind, series_stage_names[i],
		            (long long)start->us[i]) < 0)
			return false;
	}
	return true;
}

int series_write_csv(const struct series *s, const char *path, struct err *err)
{
	FILE *f = fopen(path, "we");
	bool is_bad = f == NULL || fputs("cycle,start,stage,us\n", f) < 0;

	for (unsigned k = 0; k < SERIES_KINDS_COUNT; k++) {
		for (unsigned c = 0; !is_bad && c < s->counts[k]; c++)
			is_bad = !series_write_start(f, c + 1, series_kind_names[k],
			                             &s->starts[k][c]);
	}
	if (f != NULL && fclose(f) != 0)
		is_bad = true;
	return is_bad ? err_set(err, ERR_SYS, errno, "write %s", path) : 0;
}
