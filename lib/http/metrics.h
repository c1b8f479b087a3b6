/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics - counters, gauges and histograms in Prometheus' text format 0.0.4
 *
 * A family is made once at start; a series is found by its label values. Cardinality is bounded:
 * past series_max a family counts into one series whose label values are "other".
 * Names follow Prometheus: sc_<part>_<what>_<base unit>[_total].
 */
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

struct metrics;
struct metric;

#define METRICS_INF ((double)INFINITY)

enum { METRICS_LABELS_MAX = 6, METRICS_SERIES_MAX = 2000 };

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* @labels: NULL-terminated label names, or NULL. Registration failure is out of memory: aborts. */
struct metric *metrics_counter(struct metrics *m, const char *name, const char *help,
                               const char *const *labels);
struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help,
                             const char *const *labels);
/* @bounds: ascending upper bounds in the base unit; the last one is METRICS_INF */
struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help,
                                 const char *const *labels, const double *bounds);

/* @values: as many as there are label names, or NULL without labels; copied */
void metric_add(struct metric *m, const char *const *values, double delta);
void metric_set(struct metric *m, const char *const *values, double value);
void metric_observe(struct metric *m, const char *const *values, double value);
void metric_remove(struct metric *m, const char *const *values);
double metric_read(const struct metric *m, const char *const *values);

/** metrics_write() - the exposition; @put is called with pieces of text */
void metrics_write(const struct metrics *m, void (*put)(void *arg, const char *text, size_t bytes),
                   void *arg);
