/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stages - what is measured of a start, by whom it is made, and how it is printed
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

/* Who makes the start. */
#define STAGES_KINDS(X)                                                                            \
	X(RESUME, "resume")               /* a request wakes our sleeping container */             \
	X(PODMAN_NETNS, "podman-netns")   /* Podman, in a network namespace that is there */       \
	X(PODMAN_BRIDGE, "podman-bridge") /* Podman, on its own default network */

#define STAGES_KIND_ENUM(id, text) STAGES_##id,
enum stages_kind { STAGES_KINDS(STAGES_KIND_ENUM) STAGES_KINDS_COUNT };

/* Each since the request was sent, or since Podman was asked to create. */
#define STAGES_ALL(X)                                                                              \
	X(PATCHED, "patched")         /* watch: spec.running is true */                            \
	X(POD_CREATED, "pod created") /* watch: the consumer Pod is there */                       \
	X(CREATED, "created")         /* Podman has answered the create call */                    \
	X(CONTAINER, "container up")  /* agent: the wrapper, process 1, has said hello */          \
	X(HANDED_OVER, "handed over") /* agent: the root file system is in place */                \
	X(STARTED, "started")         /* agent: executed; Podman has answered the start call */    \
	X(LISTENING, "port answers")  /* watch: consumer.state is Listening */                     \
	X(FIRST_BYTE, "first byte")   /* client: the first byte of the answer */

#define STAGES_ENUM(id, text) STAGES_##id,
enum stages_stage { STAGES_ALL(STAGES_ENUM) STAGES_COUNT };

enum { STAGES_NONE = -1 };

/* One start; microseconds, STAGES_NONE where a stage was not seen. */
struct stages_cycle {
	int64_t us[STAGES_COUNT];
	int64_t handover_us; /* status.consumer.handoverMicroseconds */
};

void stages_cycle_init(struct stages_cycle *c);

/* All starts of a run, in the order of the cycles. */
struct stages {
	struct stages_cycle *cycles[STAGES_KINDS_COUNT];
	unsigned count;
	uint64_t seed;
};

/** stages_new() - room for @count_max cycles of each kind */
int stages_new(unsigned count_max, struct stages **ret_stages, struct err *err);
void stages_free(struct stages *s);

/* What must hold. */
struct stages_verdict {
	double ratio_bridge; /* first byte at p50, ours by Podman's */
	double ratio_netns;
	uint64_t handover_p50_us;
	uint64_t handover_p95_us; /* the machine is shared: one in twenty may wait for others */
	bool ratio_holds;
	bool handover_holds;
};

struct stages_verdict stages_judge(const struct stages *s, double ratio_max,
                                   uint64_t handover_us_max);

void stages_print(const struct stages *s, const struct stages_verdict *v);
int stages_write_json(const struct stages *s, const struct stages_verdict *v, const char *path,
                      struct err *err);
/** stages_write_csv() - cycle,kind,stage,us: one line each */
int stages_write_csv(const struct stages *s, const char *path, struct err *err);
