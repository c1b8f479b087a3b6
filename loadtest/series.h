/* SPDX-License-Identifier: Apache-2.0 */
/*
 * series - the figures that are measured of starts on a cluster, and their limits
 *
 * Several kinds of starts, each by stage, in microseconds since it was asked for: since the request
 * to the activator, or since the call that creates a bare Pod.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define SERIES_KINDS(X)                                                                            \
	X(BARE, "bare Pod")               /* what the cluster does without us */                   \
	X(WAKE, "wake")                   /* a request for a container that sleeps */              \
	X(STOP, "wake in a stop")         /* a request while the application still ends */         \
	X(BARE_MANY, "last of bare Pods") /* of several at once, the last at each stage */         \
	X(WAKE_MANY, "last of wakes")

#define SERIES_STAGES(X)                                                                           \
	X(PATCHED, "patched")         /* watch: spec.running is true */                            \
	X(CREATED, "Pod created")     /* watch: the Pod is there; bare: the call is answered */    \
	X(CONTAINER, "container up")  /* agent: the wrapper, process 1, has said hello */          \
	X(ENDED, "old one ended")     /* beacon: the application of before has ended */            \
	X(HANDED_OVER, "handed over") /* agent: the root file system is in place */                \
	X(STARTED, "started")         /* agent: the application was executed */                    \
	X(ANSWERS, "port answers")    /* beacon: the application listens */                        \
	X(RELEASED, "released")       /* activator: the held request goes */                       \
	X(FIRST_BYTE, "first byte")   /* client: of the answer */                                  \
	X(AFTER_END, "end to byte")   /* from the application's end to the first byte */

#define SERIES_KIND_ENUM(id, text) SERIES_##id,
enum series_kind { SERIES_KINDS(SERIES_KIND_ENUM) SERIES_KINDS_COUNT };
#define SERIES_STAGE_ENUM(id, text) SERIES_##id,
enum series_stage { SERIES_STAGES(SERIES_STAGE_ENUM) SERIES_STAGES_COUNT };

enum { SERIES_NONE = -1, SERIES_P50 = 500, SERIES_P95 = 950 };

struct series_start {
	int64_t us[SERIES_STAGES_COUNT]; /* SERIES_NONE: not seen */
};

void series_start_init(struct series_start *s);
/** series_start_last() - @all takes, stage by stage, the later of its own and @one's */
void series_start_last(struct series_start *all, const struct series_start *one);

struct series {
	struct series_start *starts[SERIES_KINDS_COUNT];
	unsigned counts[SERIES_KINDS_COUNT];
	unsigned count_max;
	unsigned many; /* how many are "several" */
	uint64_t seed;
};

int series_new(unsigned count_max, struct series **ret_series, struct err *err);
void series_free(struct series *s);
/** series_add() - at most count_max of a kind */
void series_add(struct series *s, enum series_kind kind, const struct series_start *start);
/** series_at() - microseconds that @per_mille of the starts do not exceed; 0: none has that stage
 */
uint64_t series_at(const struct series *s, enum series_kind kind, enum series_stage stage,
                   unsigned per_mille);

/* Per cent that may not be exceeded. */
struct series_limits {
	uint64_t p50_pct;
	uint64_t p95_pct;
	uint64_t many_pct;
};

/* Each is a measured value by what it is held against; 0 without both. */
struct series_verdict {
	double wake_p50;
	double wake_p95;
	double stop_p50; /* from the application's end to the first byte, by a wake */
	double stop_p95;
	double many_p50; /* the last of several */
	bool wake_holds;
	bool stop_holds;
	bool many_holds;
};

struct series_verdict series_judge(const struct series *s, const struct series_limits *limits);

void series_print(const struct series *s, const struct series_verdict *v);
int series_write_json(const struct series *s, const struct series_verdict *v, const char *path,
                      struct err *err);
/** series_write_csv() - cycle,start,stage,us: one line each */
int series_write_csv(const struct series *s, const char *path, struct err *err);
