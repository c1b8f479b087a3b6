/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product - the whole product in a world of its own, as the product tests see it
 *
 * For threads: product_http(), product_set_running() and product_object() may be called in any
 * of them; they end no test, so a thread notes what it found and the test asserts after it.
 */
#pragma once

#include "tests/world/world.h"

#include <pthread.h>

enum { PRODUCT_PORT = 8080, PRODUCT_ACTIVATOR_ADMIN = 9441, PRODUCT_UID_BYTES = 64 };

struct product {
	struct world *world;
	pthread_mutex_t api; /* the world's API client is one for all threads */
};

/* What boot-server.c says of itself. */
struct product_answer {
	int status;
	uint64_t boot_ns; /* 0: the body names no life */
	bool overlap;
	char body[128];
};

/** product_up() - starts the product and makes the test's image; a cmocka setup */
int product_up(void **state);
int product_down(void **state);

/** product_run() - a program that has to succeed, with ARGs ended by NULL */
void product_run(struct product *p, const char *program, ...) __attribute__((sentinel));
/** product_local() - the path of sc-local */
const char *product_local(void);

/** product_apply() - a container; @idle such as "\"timeout\":\"5s\"", or "\"timeout\":\"0s\"" */
void product_apply(struct product *p, const char *name, const char *image, bool running,
                   const char *idle);
/** product_object() - StoppableContainer (kind "stoppablecontainers") or its instance. New, or NULL
 */
json_t *product_object(struct product *p, const char *kind, const char *name);
/** product_set_running() - as kubectl patch does. Return: HTTP status */
int product_set_running(struct product *p, const char *name, bool running);
void product_wait_phase(struct product *p, const char *name, const char *phase);
int64_t product_start_count(struct product *p, const char *name);

void product_http(const char *name, const char *method, const char *path,
                  struct product_answer *ret_answer);
double product_activator_metric(struct product *p, const char *series);

/** product_consumer_uid() - of the instance's current consumer Pod */
void product_consumer_uid(struct product *p, const char *name, char uid[PRODUCT_UID_BYTES]);
/** product_processes() - how many processes have "pod<uid>" in their cgroup's path */
unsigned product_processes(const char *uid);
/** product_rooted() - how many processes see a file of that path in their root directory */
unsigned product_rooted(const char *path);
