/* SPDX-License-Identifier: Apache-2.0 */
/* How many containers are woken: of a namespace, on a node. */

#include <search.h>

#include "activator/proxy/internal.h"
#include "activator/queue/site.h"
#include "lib/base/clk.h"
#include "tests/flow/activator/fixture.h"

#define GET_OTHER "GET / HTTP/1.1\r\nHost: other\r\n\r\n"
#define GET_TWIN "GET / HTTP/1.1\r\nHost: twin\r\n\r\n"

static void rare_wakes(struct proxy_opts *opts)
{
	opts->head_timeout_ms = 30000;
	opts->response_timeout_ms = 30000;
	opts->wakes.of_namespace = (struct bucket_limit){.per_s = 1, .burst = 1};
}

static int setup_rare_wakes(void **state)
{
	return setup_with(state, rare_wakes);
}

static void rare_wakes_on_a_node(struct proxy_opts *opts)
{
	opts->head_timeout_ms = 30000;
	opts->response_timeout_ms = 30000;
	opts->wakes.of_node = (struct bucket_limit){.per_s = 1, .burst = 1};
}

static int setup_rare_wakes_on_a_node(void **state)
{
	return setup_with(state, rare_wakes_on_a_node);
}

static void test_wakes_of_a_namespace_have_a_rate(void **state)
{
	struct fixture *f = *state;
	uint64_t until;
	int fd;

	add_others(f);
	say(f, client(f), GET);
	assert_int_equal(f->wakes, 1);
	fd = client(f);
	say(f, fd, GET_TWIN);
	assert_non_null(strstr(hear(f, fd, "of late"), "Retry-After: "));
	assert_int_equal(ended(f, END_WAKE_RATE_NAMESPACE), 1);
	/* Others of what is being woken wait with the first, and other namespaces have their own.
	 */
	say(f, client(f), GET);
	say(f, client(f), GET_OTHER);
	assert_int_equal(ended(f, END_WAKE_RATE_NAMESPACE), 1);
	assert_int_equal(f->wakes, 2);
	until = clk_now_ms() + 1100;
	while (clk_now_ms() < until)
		turn(f);
	say(f, client(f), GET_TWIN);
	assert_int_equal(f->wakes, 3);
}

static void lies_on(struct target *t, const char *node)
{
	const struct target_view v = {.consumer_uid = "", .message = "", .node = node};

	target_observe(t, &v);
}

static void test_wakes_on_a_node_have_a_rate(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_others(f);
	lies_on(f->target, "n1");
	lies_on(f->others[0], "n2");
	lies_on(f->others[1], "n1");
	say(f, client(f), GET);
	assert_int_equal(f->wakes, 1);
	/* Of another namespace, and its own has started nothing. */
	fd = client(f);
	say(f, fd, GET_OTHER);
	hear(f, fd, "\"wake_rate_node\"");
	assert_non_null(strstr(text, "HTTP/1.1 503 "));
	assert_non_null(strstr(text, "Retry-After: "));
	assert_non_null(strstr(text, "application/problem+json"));
	assert_int_equal(ended(f, END_WAKE_RATE_NODE), 1);
	say(f, client(f), GET);
	say(f, client(f), GET_TWIN);
	assert_int_equal(f->wakes, 2);
	/* Its files are elsewhere by now, and then nowhere. */
	lies_on(f->others[1], "n3");
	say(f, client(f), GET_OTHER);
	assert_int_equal(f->wakes, 3);
	assert_int_equal(ended(f, END_WAKE_RATE_NODE), 1);
}

static void test_wakes_of_what_is_on_no_node_are_not_counted_there(void **state)
{
	static const char *const nowhere[] = {NULL, ""};
	char longer[SITE_NODE_BYTES_MAX + 2];
	struct fixture *f = *state;

	add_others(f);
	memset(longer, 'n', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	lies_on(f->target, longer);
	lies_on(f->others[0], nowhere[0]);
	lies_on(f->others[1], nowhere[1]);
	say(f, client(f), GET);
	say(f, client(f), GET_TWIN);
	say(f, client(f), GET_OTHER);
	assert_int_equal(f->wakes, 3);
}

static unsigned sites_seen;

static void count_site(const void *node, VISIT which, int depth)
{
	sites_seen += which == postorder || which == leaf;
}

/* A node's name is a text that somebody wrote: what is known of those that are gone is nothing. */
static void test_names_of_nodes_do_not_pile_up(void **state)
{
	struct fixture *f = *state;
	char node[16];

	add_others(f);
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(node, sizeof node, "n%u", i);
		lies_on(f->target, node);
		lies_on(f->others[1], node);
	}
	sites_seen = 0;
	twalk(f->proxy->queue.sites, count_site);
	assert_int_equal(sites_seen, 3); /* the node, and two namespaces on it */
	lies_on(f->target, "");
	lies_on(f->others[1], "");
	assert_null(f->proxy->queue.sites);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_wakes_of_a_namespace_have_a_rate,
	                                        setup_rare_wakes, teardown),
	        cmocka_unit_test_setup_teardown(test_wakes_on_a_node_have_a_rate,
	                                        setup_rare_wakes_on_a_node, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_wakes_of_what_is_on_no_node_are_not_counted_there,
	                setup_rare_wakes_on_a_node, teardown),
	        cmocka_unit_test_setup_teardown(test_names_of_nodes_do_not_pile_up, setup,
	                                        teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
