/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods_fixture - a container, what its image says, and the Pod that is made of both
 */
#pragma once

/* cmocka's own order of headers */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/core/pods.h"
#include "lib/kube/client/object.h"

struct fixture {
	json_t *container, *instance, *pod;
	struct resource *resource;
};

extern const char usual_image[];
extern const struct pods_config config;

int setup(void **state);
void clear(struct fixture *f);
int teardown(void **state);
json_t *parse(const char *text);
void read_spec(struct fixture *f, const char *spec_json, const char *image_json);
void consumer(struct fixture *f, const char *spec_json, const char *image_json);
void provider(struct fixture *f, const char *spec_json, const char *node);
void expect_json(const json_t *value, const char *want);
const json_t *main_of(struct fixture *f);
