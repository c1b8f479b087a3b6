/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_probe - a probe's settings and what its answers add up to
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

enum pod_probe_how { POD_PROBE_NONE, POD_PROBE_HTTP, POD_PROBE_TCP, POD_PROBE_EXEC };

enum pod_probe_verdict {
	POD_PROBE_SAME,      /* nothing changes */
	POD_PROBE_SUCCEEDED, /* now counts as successful */
	POD_PROBE_FAILED,    /* now counts as failed */
};

struct pod_probe {
	enum pod_probe_how how;
	uint64_t initial_delay_ms;
	uint64_t period_ms;
	uint64_t timeout_ms;
	unsigned success_threshold;
	unsigned failure_threshold;
	uint16_t port;
	const char *host; /* borrowed from the spec; NULL: the Pod's address */
	const char *path;
	const json_t *headers;
	const json_t *command;
	unsigned successes; /* in a row */
	unsigned failures;
};

/**
 * pod_probe_parse() - @probe: a Probe of @container, or NULL
 * Return: 0; negative for what is not supported (gRPC, https) or a port that has no such name.
 */
int pod_probe_parse(const json_t *container, const json_t *probe, struct pod_probe *ret_probe,
                    struct err *err);

/** pod_probe_feed() - one answer */
enum pod_probe_verdict pod_probe_feed(struct pod_probe *p, bool ok);
