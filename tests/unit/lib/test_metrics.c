/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/http/metrics.h"

struct fixture {
	struct metrics *m;
	char text[1 << 20];
	size_t len;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->m = metrics_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	metrics_free(f->m);
	free(f);
	return 0;
}

static void put(void *arg, const char *text, size_t bytes)
{
	struct fixture *f = arg;

	assert_true(f->len + bytes < sizeof f->text);
	memcpy(f->text + f->len, text, bytes);
	f->len += bytes;
	f->text[f->len] = '\0';
}

static const char *expose(struct fixture *f)
{
	f->len = 0;
	metrics_write(f->m, put, f);
	return f->text;
}

/* The families that a test made come first; those of the process follow. */
static void assert_exposed(struct fixture *f, const char *want)
{
	const char *text = expose(f);

	if (strncmp(text, want, strlen(want)) != 0)
		assert_string_equal(text, want);
}

static void test_metrics_counter_and_gauge(void **state)
{
	struct fixture *f = *state;
	static const char *const labels[] = {"host", "code", NULL};
	struct metric *c = metrics_counter(f->m, "sc_x_requests_total", "Requests.", labels);
	struct metric *g = metrics_gauge(f->m, "sc_x_held_count", "Held.", NULL);

	metric_add(c, (const char *[]){"a", "200"}, 1);
	metric_add(c, (const char *[]){"a", "200"}, 2);
	metric_set(g, NULL, 7);
	metric_add(g, NULL, -2.5);
	assert_exposed(f, "# HELP sc_x_requests_total Requests.\n"
	                  "# TYPE sc_x_requests_total counter\n"
	                  "sc_x_requests_total{host=\"a\",code=\"200\"} 3\n"
	                  "# HELP sc_x_held_count Held.\n"
	                  "# TYPE sc_x_held_count gauge\n"
	                  "sc_x_held_count 4.5\n");
	assert_true(metric_read(c, (const char *[]){"a", "200"}) == 3);
	assert_true(metric_read(c, (const char *[]){"a", "404"}) == 0);
}

static void test_metrics_label_values_are_escaped(void **state)
{
	struct fixture *f = *state;
	static const char *const labels[] = {"host", NULL};
	struct metric *c = metrics_counter(f->m, "sc_x_total", "Back\\slash\nand line.", labels);

	metric_add(c, (const char *[]){"a\"b\\c\nd"}, 1);
	assert_exposed(f, "# HELP sc_x_total Back\\\\slash\\nand line.\n"
	                  "# TYPE sc_x_total counter\n"
	                  "sc_x_total{host=\"a\\\"b\\\\c\\nd\"} 1\n");
}

static void test_metrics_histogram_buckets_are_cumulative(void **state)
{
	struct fixture *f = *state;
	static const double bounds[] = {0.1, 1, 2.5, METRICS_INF};
	static const char *const labels[] = {"stage", NULL};
	struct metric *h = metrics_histogram(f->m, "sc_x_seconds", "Time.", labels, bounds);
	const char *const wake[] = {"wake"};

	metric_observe(h, wake, 0.1); /* a bound belongs to its bucket */
	metric_observe(h, wake, 0.5);
	metric_observe(h, wake, 9);
	assert_exposed(f, "# HELP sc_x_seconds Time.\n"
	                  "# TYPE sc_x_seconds histogram\n"
	                  "sc_x_seconds_bucket{stage=\"wake\",le=\"0.1\"} 1\n"
	                  "sc_x_seconds_bucket{stage=\"wake\",le=\"1\"} 2\n"
	                  "sc_x_seconds_bucket{stage=\"wake\",le=\"2.5\"} 2\n"
	                  "sc_x_seconds_bucket{stage=\"wake\",le=\"+Inf\"} 3\n"
	                  "sc_x_seconds_sum{stage=\"wake\"} 9.6\n"
	                  "sc_x_seconds_count{stage=\"wake\"} 3\n");
}

static void test_metrics_values_with_equal_concatenation_differ(void **state)
{
	struct fixture *f = *state;
	static const char *const labels[] = {"a", "b", NULL};
	struct metric *c = metrics_counter(f->m, "sc_x_total", "X.", labels);

	metric_add(c, (const char *[]){"ab", ""}, 1);
	metric_add(c, (const char *[]){"a", "b"}, 2);
	assert_true(metric_read(c, (const char *[]){"ab", ""}) == 1);
	assert_true(metric_read(c, (const char *[]){"a", "b"}) == 2);
}

static void test_metrics_past_the_limit_count_into_other(void **state)
{
	struct fixture *f = *state;
	static const char *const labels[] = {"host", NULL};
	struct metric *c = metrics_counter(f->m, "sc_x_total", "X.", labels);
	char host[16];

	for (int i = 0; i < METRICS_SERIES_MAX + 5; i++) {
		(void)snprintf(host, sizeof host, "h%d", i);
		metric_add(c, (const char *[]){host}, 1);
	}
	assert_non_null(strstr(expose(f), "\nsc_x_total{host=\"other\"} 5\n"));
	assert_null(strstr(f->text, "\"h2000\""));
}

static void test_metrics_removed_series_makes_room(void **state)
{
	struct fixture *f = *state;
	static const char *const labels[] = {"host", NULL};
	struct metric *g = metrics_gauge(f->m, "sc_x_count", "X.", labels);

	metric_set(g, (const char *[]){"a"}, 1);
	metric_remove(g, (const char *[]){"a"});
	metric_remove(g, (const char *[]){"never"});
	assert_null(strstr(expose(f), "host=\"a\""));
}

static void test_metrics_tell_of_the_process(void **state)
{
	static const char *const names[] = {
	        "\nprocess_cpu_seconds_total ",     "\nprocess_open_fds ",
	        "\nprocess_resident_memory_bytes ", "\nprocess_start_time_seconds ",
	        "\nsc_build_info{version=\"",       "# TYPE process_open_fds gauge\n",
	};
	const char *text = expose(*state);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_non_null(strstr(text, names[i]));
	assert_true(strtod(strstr(text, names[2]) + strlen(names[2]), NULL) > 4096);
	assert_true(strtod(strstr(text, names[1]) + strlen(names[1]), NULL) >= 3);
	/* 2024-01-01 */
	assert_true(strtod(strstr(text, names[3]) + strlen(names[3]), NULL) > 1704067200);
}

static double open_fds(struct fixture *f)
{
	static const char name[] = "\nprocess_open_fds ";
	const char *at = strstr(expose(f), name);

	assert_non_null(at);
	return strtod(at + strlen(name), NULL);
}

static void test_metrics_count_each_open_file(void **state)
{
	struct fixture *f = *state;
	double before = open_fds(f);
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = dup(STDERR_FILENO);
	assert_true(open_fds(f) == before + 3);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	assert_true(open_fds(f) == before);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_metrics_counter_and_gauge),
	        TEST(test_metrics_label_values_are_escaped),
	        TEST(test_metrics_histogram_buckets_are_cumulative),
	        TEST(test_metrics_values_with_equal_concatenation_differ),
	        TEST(test_metrics_past_the_limit_count_into_other),
	        TEST(test_metrics_removed_series_makes_room),
	        TEST(test_metrics_tell_of_the_process),
	        TEST(test_metrics_count_each_open_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
