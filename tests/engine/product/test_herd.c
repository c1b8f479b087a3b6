/* SPDX-License-Identifier: Apache-2.0 */
/* Many clients at once on a container that sleeps: one wake, every one is answered. */
#include "tests/engine/product/product.h"

#include <stdio.h>

enum { HERD_CLIENTS = 200, HERD_ROUNDS = 3 };

static const char wakes[] = "sc_activator_wakes_total{result=\"ok\"}";

struct herd {
	pthread_barrier_t start;
	struct product_answer answers[HERD_CLIENTS];
};

struct client {
	struct herd *herd;
	unsigned number;
	pthread_t thread;
};

static void *client_run(void *arg)
{
	struct client *c = arg;

	(void)pthread_barrier_wait(&c->herd->start);
	product_http("herd", "GET", "/", &c->herd->answers[c->number]);
	return NULL;
}

static void herd_run(struct herd *h)
{
	static struct client clients[HERD_CLIENTS];

	assert_int_equal(pthread_barrier_init(&h->start, NULL, HERD_CLIENTS), 0);
	for (unsigned i = 0; i < HERD_CLIENTS; i++) {
		clients[i] = (struct client){.herd = h, .number = i};
		assert_int_equal(pthread_create(&clients[i].thread, NULL, client_run, &clients[i]),
		                 0);
	}
	for (unsigned i = 0; i < HERD_CLIENTS; i++)
		(void)pthread_join(clients[i].thread, NULL);
	(void)pthread_barrier_destroy(&h->start);
}

static void test_herd(void **state)
{
	struct product *p = *state;
	static struct herd herd;

	product_apply(p, "herd", "localhost/boot:1", false, "\"timeout\":\"0s\"");
	product_wait_phase(p, "herd", "Stopped");
	for (unsigned round = 0; round < HERD_ROUNDS; round++) {
		double wakes_before = product_activator_metric(p, wakes);
		int64_t starts_before = product_start_count(p, "herd");
		unsigned good = 0;

		herd_run(&herd);
		for (unsigned i = 0; i < HERD_CLIENTS; i++)
			good += herd.answers[i].status == 200 && !herd.answers[i].overlap &&
			        herd.answers[i].boot_ns == herd.answers[0].boot_ns;
		assert_int_equal(good, HERD_CLIENTS);
		product_wait_phase(p, "herd", "Running");
		assert_int_equal(product_activator_metric(p, wakes) - wakes_before, 1);
		(void)printf("# round %u: %u answers 200 of one life, 1 wake\n", round, good);
		assert_int_equal(product_set_running(p, "herd", false), 200);
		product_wait_phase(p, "herd", "Stopped"); /* by then all is told */
		assert_int_equal(product_start_count(p, "herd") - starts_before, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_herd)};

	return cmocka_run_group_tests(tests, product_up, product_down);
}
