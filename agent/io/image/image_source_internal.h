/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_source_internal - what each kind of image source does
 */
#pragma once

#include "agent/io/image/image_source.h"

enum { IMAGE_TIMEOUT_MS = 30000, IMAGE_BODY_BYTES_MAX = 4 << 20 };

/* The first member of a kind's own query. */
struct image_query {
	struct image_source *source;
	image_done_fn done;
	void *arg;
};

/* The first member of a kind's own source. */
struct image_source {
	void (*free)(struct image_source *source);
	int (*start)(struct image_source *source, const struct image_question *question,
	             struct image_query **ret_query, struct err *err);
	void (*cancel)(struct image_query *query);
};
