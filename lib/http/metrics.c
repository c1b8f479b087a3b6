/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics - families and their series in memory, and their exposition
 */
#include "lib/http/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/http/metrics_process.h"

enum { METRICS_BUCKETS = 256, METRICS_NUMBER_BYTES = 40 };

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_series {
	struct metric_series *next;
	char *key;        /* the label values, each with its NUL */
	size_t key_bytes; /* 0 without labels */
	double value;     /* a histogram's sum */
	uint64_t *counts; /* a histogram's observations per bucket, +Inf last */
};

struct metric {
	struct metric *next;
	enum metric_kind kind;
	char *name;
	char *help;
	char *labels[METRICS_LABELS_MAX];
	size_t labels_count;
	double *bounds;
	size_t bounds_count; /* without the last, which is +Inf */
	size_t series_count;
	struct metric_series *other; /* takes what is past METRICS_SERIES_MAX */
	struct metric_series *buckets[METRICS_BUCKETS];
};

struct metrics {
	struct metric *first;
	struct metric **last;
};

static void *metrics_need(void *p)
{
	/* a program that cannot count its metrics at start cannot do its work either */
	if (p == NULL)
		abort();
	return p;
}

struct metrics *metrics_new(void)
{
	struct metrics *m = metrics_need(calloc(1, sizeof *m));

	m->last = &m->first;
	return m;
}

static void metric_series_free(struct metric_series *s)
{
	if (s == NULL)
		return;
	free(s->key);
	free(s->counts);
	free(s);
}

static void metric_free(struct metric *m)
{
	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		while (m->buckets[i] != NULL) {
			struct metric_series *s = m->buckets[i];

			m->buckets[i] = s->next;
			metric_series_free(s);
		}
	}
	metric_series_free(m->other);
	for (size_t i = 0; i < m->labels_count; i++)
		free(m->labels[i]);
	free(m->bounds);
	free(m->name);
	free(m->help);
	free(m);
}

void metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	while (m->first != NULL) {
		struct metric *next = m->first->next;

		metric_free(m->first);
		m->first = next;
	}
	free(m);
}

static struct metric *metric_new(struct metrics *ms, enum metric_kind kind, const char *name,
                                 const char *help, const char *const *labels)
{
	struct metric *m = metrics_need(calloc(1, sizeof *m));

	m->kind = kind;
	m->name = metrics_need(strdup(name));
	m->help = metrics_need(strdup(help));
	for (; labels != NULL && *labels != NULL; labels++) {
		assert(m->labels_count < METRICS_LABELS_MAX);
		m->labels[m->labels_count++] = metrics_need(strdup(*labels));
	}
	*ms->last = m;
	ms->last = &m->next;
	return m;
}

struct metric *metrics_counter(struct metrics *m, const char *name, const char *help,
                               const char *const *labels)
{
	return metric_new(m, METRIC_COUNTER, name, help, labels);
}

struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help,
                             const char *const *labels)
{
	return metric_new(m, METRIC_GAUGE, name, help, labels);
}

struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help,
                                 const char *const *labels, const double *bounds)
{
	struct metric *h = metric_new(m, METRIC_HISTOGRAM, name, help, labels);
	size_t bounds_count = 0;

	while (!isinf(bounds[bounds_count]))
		bounds_count++;
	assert(bounds_count > 0);
	h->bounds = metrics_need(calloc(bounds_count, sizeof *bounds));
	memcpy(h->bounds, bounds, bounds_count * sizeof *bounds);
	h->bounds_count = bounds_count;
	for (size_t i = 1; i < bounds_count; i++)
		assert(bounds[i - 1] < bounds[i]);
	return h;
}

/* Bytes of the series' key: each label value with its NUL. */
static size_t metric_key_bytes(const struct metric *m, const char *const *values)
{
	size_t bytes = 0;

	assert(m->labels_count == 0 || values != NULL);
	for (size_t i = 0; i < m->labels_count; i++)
		bytes += strlen(values[i]) + 1;
	return bytes;
}

/* FNV-1a over the key as if it were joined already. */
static size_t metric_bucket(const struct metric *m, const char *const *values)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < m->labels_count; i++) {
		const char *c = values[i];

		do
			hash = (hash ^ (unsigned char)*c) * 16777619U;
		while (*c++ != '\0');
	}
	return hash % METRICS_BUCKETS;
}

static bool metric_series_is(const struct metric *m, const struct metric_series *s,
                             const char *const *values)
{
	const char *key = s->key;

	for (size_t i = 0; i < m->labels_count; i++) {
		if (strcmp(key, values[i]) != 0)
			return false;
		key += strlen(key) + 1;
	}
	return true;
}

static struct metric_series **metric_find(struct metric *m, const char *const *values)
{
	struct metric_series **at = &m->buckets[metric_bucket(m, values)];

	while (*at != NULL && !metric_series_is(m, *at, values))
		at = &(*at)->next;
	return at;
}

static struct metric_series *metric_series_new(const struct metric *m, const char *const *values)
{
	struct metric_series *s = calloc(1, sizeof *s);
	size_t at = 0;

	if (s == NULL)
		return NULL;
	s->key_bytes = metric_key_bytes(m, values);
	s->key = malloc(s->key_bytes + 1);
	if (m->bounds_count > 0)
		s->counts = calloc(m->bounds_count + 1, sizeof *s->counts);
	if (s->key == NULL || (m->bounds_count > 0 && s->counts == NULL)) {
		metric_series_free(s);
		return NULL;
	}
	for (size_t i = 0; i < m->labels_count; i++) {
		size_t len = strlen(values[i]) + 1;

		memcpy(s->key + at, values[i], len);
		at += len;
	}
	return s;
}

static struct metric_series *metric_get_other(struct metric *m)
{
	const char *others[METRICS_LABELS_MAX];

	for (size_t i = 0; i < METRICS_LABELS_MAX; i++)
		others[i] = "other";
	if (m->other == NULL)
		m->other = metric_series_new(m, others);
	return m->other;
}

/* Return: NULL only when memory ran out; then this one observation is lost. */
static struct metric_series *metric_get(struct metric *m, const char *const *values)
{
	struct metric_series **at = metric_find(m, values);

	if (*at != NULL)
		return *at;
	if (m->series_count >= METRICS_SERIES_MAX)
		return metric_get_other(m);
	*at = metric_series_new(m, values);
	if (*at != NULL)
		m->series_count++;
	return *at;
}

void metric_add(struct metric *m, const char *const *values, double delta)
{
	struct metric_series *s;

	assert(m->kind != METRIC_HISTOGRAM);
	assert(m->kind != METRIC_COUNTER || delta >= 0);
	s = metric_get(m, values);
	if (s != NULL)
		s->value += delta;
}

void metric_set(struct metric *m, const char *const *values, double value)
{
	struct metric_series *s;

	assert(m->kind == METRIC_GAUGE);
	s = metric_get(m, values);
	if (s != NULL)
		s->value = value;
}

void metric_observe(struct metric *m, const char *const *values, double value)
{
	struct metric_series *s;
	size_t i = 0;

	assert(m->kind == METRIC_HISTOGRAM);
	s = metric_get(m, values);
	if (s == NULL)
		return;
	while (i < m->bounds_count && value > m->bounds[i])
		i++;
	s->counts[i]++;
	s->value += value;
}

void metric_remove(struct metric *m, const char *const *values)
{
	struct metric_series **at = metric_find(m, values);
	struct metric_series *s = *at;

	if (s == NULL)
		return;
	*at = s->next;
	m->series_count--;
	metric_series_free(s);
}

double metric_read(const struct metric *m, const char *const *values)
{
	const struct metric_series *s = m->buckets[metric_bucket(m, values)];

	while (s != NULL && !metric_series_is(m, s, values))
		s = s->next;
	return s != NULL ? s->value : 0;
}

/* Where the exposition goes. */
struct metrics_out {
	void (*put)(void *arg, const char *text, size_t bytes);
	void *arg;
	const struct metric *family; /* whose samples are being put */
};

static void metrics_puts(const struct metrics_out *o, const char *text)
{
	o->put(o->arg, text, strlen(text));
}

static void metrics_put_number(const struct metrics_out *o, double v)
{
	char buf[METRICS_NUMBER_BYTES];

	if (isnan(v)) {
		(void)snprintf(buf, sizeof buf, "NaN");
	} else if (isinf(v)) {
		(void)snprintf(buf, sizeof buf, v > 0 ? "+Inf" : "-Inf");
	} else {
		/* the shortest of the two that reads back the same */
		(void)snprintf(buf, sizeof buf, "%.15g", v);
		if (strtod(buf, NULL) < v || strtod(buf, NULL) > v)
			(void)snprintf(buf, sizeof buf, "%.17g", v);
	}
	metrics_puts(o, buf);
}

/* Label values escape \, " and newline; help texts \ and newline (exposition format 0.0.4). */
static void metrics_put_escaped(const struct metrics_out *o, const char *text, bool quotes)
{
	while (*text != '\0') {
		size_t plain = strcspn(text, quotes ? "\\\n\"" : "\\\n");

		o->put(o->arg, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		metrics_puts(o, *text == '\n' ? "\\n" : *text == '"' ? "\\\"" : "\\\\");
		text++;
	}
}

static void metrics_put_labels(const struct metrics_out *o, const struct metric_series *s,
                               const double *le)
{
	const struct metric *m = o->family;
	const char *key = s->key;

	if (m->labels_count == 0 && le == NULL)
		return;
	metrics_puts(o, "{");
	for (size_t i = 0; i < m->labels_count; i++) {
		metrics_puts(o, i > 0 ? "," : "");
		metrics_puts(o, m->labels[i]);
		metrics_puts(o, "=\"");
		metrics_put_escaped(o, key, true);
		metrics_puts(o, "\"");
		key += strlen(key) + 1;
	}
	if (le != NULL) {
		metrics_puts(o, m->labels_count > 0 ? ",le=\"" : "le=\"");
		metrics_put_number(o, *le);
		metrics_puts(o, "\"");
	}
	metrics_puts(o, "}");
}

static void metrics_put_sample(const struct metrics_out *o, const struct metric_series *s,
                               const char *suffix, const double *le, double value)
{
	metrics_puts(o, o->family->name);
	metrics_puts(o, suffix);
	metrics_put_labels(o, s, le);
	metrics_puts(o, " ");
	metrics_put_number(o, value);
	metrics_puts(o, "\n");
}

static void metrics_put_series(const struct metrics_out *o, const struct metric_series *s)
{
	const struct metric *m = o->family;
	uint64_t below = 0;

	if (m->kind != METRIC_HISTOGRAM) {
		metrics_put_sample(o, s, "", NULL, s->value);
		return;
	}
	for (size_t i = 0; i <= m->bounds_count; i++) {
		double le = i < m->bounds_count ? m->bounds[i] : (double)INFINITY;

		below += s->counts[i];
		metrics_put_sample(o, s, "_bucket", &le, (double)below);
	}
	metrics_put_sample(o, s, "_sum", NULL, s->value);
	metrics_put_sample(o, s, "_count", NULL, (double)below);
}

static void metrics_put_family(const struct metrics_out *o)
{
	const struct metric *m = o->family;
	static const char *const kinds[] = {
	        [METRIC_COUNTER] = "counter",
	        [METRIC_GAUGE] = "gauge",
	        [METRIC_HISTOGRAM] = "histogram",
	};

	metrics_puts(o, "# HELP ");
	metrics_puts(o, m->name);
	metrics_puts(o, " ");
	metrics_put_escaped(o, m->help, false);
	metrics_puts(o, "\n# TYPE ");
	metrics_puts(o, m->name);
	metrics_puts(o, " ");
	metrics_puts(o, kinds[m->kind]);
	metrics_puts(o, "\n");
	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		for (const struct metric_series *s = m->buckets[i]; s != NULL; s = s->next)
			metrics_put_series(o, s);
	}
	if (m->other != NULL)
		metrics_put_series(o, m->other);
}

void metrics_write(const struct metrics *m, void (*put)(void *arg, const char *text, size_t bytes),
                   void *arg)
{
	struct metrics_out o = {put, arg, NULL};

	for (o.family = m->first; o.family != NULL; o.family = o.family->next)
		metrics_put_family(&o);
	metrics_process_write(put, arg);
}
