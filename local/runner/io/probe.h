/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - asks a container, again and again, whether it has started, is ready, is alive
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"

struct event_base;
struct podman;
struct prober;

enum probe_kind { PROBE_STARTUP, PROBE_READINESS, PROBE_LIVENESS, PROBE_KINDS_COUNT };

struct prober_opts {
	struct event_base *base;
	struct podman *podman;
	enum probe_kind kind;
	const json_t *container; /* of the spec; outlives the prober */
	const char *address;     /* the Pod's */
	const char *id;          /* for exec */
	/* The verdict changed. The prober may be freed from inside. */
	void (*on_verdict)(void *arg, enum probe_kind kind, bool ok);
	void *arg;
};

/**
 * prober_new() - begins at once; the first run is after the initial delay
 * Return: 0, *ret_prober NULL when the container has no such probe; negative: cannot be done.
 */
int prober_new(const struct prober_opts *opts, struct prober **ret_prober, struct err *err);
void prober_free(struct prober *p); /* NULL is fine */
DEFINE_CLEANUP(struct prober *, prober_free);
