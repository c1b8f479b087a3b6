/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan - the API calls that one container needs now
 *
 * A pure function of what is seen. The actions of one plan don't depend on each other's answers
 * and are sent at once, in their order; the next plan for the same container is made when all of
 * them were answered, with the answers already in the cache. So a status never names a generation
 * while a call for an earlier one is under way.
 *
 *     start:   [create consumer] ──there──> [instance: status, with its UID]
 *              ──Listening──> [instance: running, status] [container: status]
 *     stop:    [delete consumer] [instance: running, status] [container: status]
 *     delete:  consumers ──gone──> instance (and provider) ──gone──> Service ──gone──> finalizer
 *
 * A status that is only on its way to the next one can wait: see defer.h.
 */
#pragma once

#include "controller/core/observe.h"
#include "controller/core/pods.h"
#include "controller/core/report.h"
#include "controller/core/service.h"
#include "controller/core/status.h"

#define PLAN_ANNOTATION_ABANDON_ROOTFS "stoppablecontainer.xtlsoft.top/abandon-rootfs"

/* Each Pod, Service and slice may have to be deleted; all else is a dozen calls. */
enum { PLAN_ACTIONS_MAX = OBSERVED_PODS_MAX + 2 * OBSERVED_SERVICES_MAX + 16 };

enum plan_verb { PLAN_UNSET, PLAN_CREATE, PLAN_PATCH, PLAN_PATCH_STATUS, PLAN_DELETE };
enum plan_on { PLAN_ON_CONTAINER, PLAN_ON_INSTANCE, PLAN_ON_POD, PLAN_ON_SERVICE, PLAN_ON_SLICE };

struct plan_action {
	enum plan_verb verb;
	enum plan_on on;
	char name[PODS_NAME_BYTES];
	char uid[MEMORY_UID_BYTES]; /* precondition of a delete */
	enum held held;             /* what a refusal holds back; HELD_UNSET: nothing */
	json_t *body;               /* owned; NULL for a delete */
};

/* How far a start has come; later ones imply the earlier. */
enum plan_stage {
	PLAN_STAGE_NONE,
	PLAN_STAGE_WANTED,
	PLAN_STAGE_CREATED,
	PLAN_STAGE_HANDED_OVER,
	PLAN_STAGE_STARTED,
	PLAN_STAGE_RUNNING,
};

struct plan_config {
	struct pods_config pods;
	struct service_target target;
	const char *url_template;
};

struct plan {
	struct plan_action actions[PLAN_ACTIONS_MAX];
	size_t actions_count;
	struct report_event events[REPORT_EVENTS_MAX];
	size_t events_count;
	uint64_t again_ms; /* look again after so long; 0: when something changes */
	enum phase phase;
	enum plan_stage stage;
	int64_t start_count;
};

/**
 * plan_make() - @memory: changed by what the plan decides (Pods to be deleted, back-off)
 * @ret_plan: free what it holds with plan_done()
 */
void plan_make(const struct observed *seen, struct memory *memory, const struct plan_config *config,
               const struct status_times *now, struct plan *ret_plan);
void plan_done(struct plan *p);

/** plan_verb_name(), plan_on_name() - for logs and traces */
const char *plan_verb_name(enum plan_verb verb);
const char *plan_on_name(enum plan_on on);
