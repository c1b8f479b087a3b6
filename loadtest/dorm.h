/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dorm - many sleeping containers on an API server without nodes; plays their kubelet and agent
 *
 * What a kubelet and an agent would write of a Pod is written at once, in the size that theirs
 * has, and a consumer listens on a port of ours that answers every request. So what is measured
 * is what our programs and the API server do, with as many containers as one likes.
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

struct event_base;
struct kubeconfig;
struct dorm;

struct dorm_opts {
	const struct kubeconfig *kubeconfig;
	const char *ns;
	uint16_t port; /* of the activator, on 127.0.0.1 */
};

int dorm_new(struct event_base *base, const struct dorm_opts *opts, struct dorm **ret_dorm,
             struct err *err);
void dorm_free(struct dorm *d);

/** dorm_fill() - returns when there are @count containers and each is asleep */
int dorm_fill(struct dorm *d, unsigned count, struct err *err);

/**
 * dorm_wake() - one request to container @at of them, then to sleep again
 * @ret_us: from the request to the first byte of its answer
 */
int dorm_wake(struct dorm *d, unsigned at, uint64_t *ret_us, struct err *err);
