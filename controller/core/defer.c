/* SPDX-License-Identifier: Apache-2.0 */
/*
 * defer - which writes of one container can wait because nobody needs them yet
 */
#include "controller/core/defer.h"

#include <assert.h>
#include <string.h>

#include "lib/api/instance.h"
#include "lib/kube/client/object.h"

/* What the container's status shows, as far as it matters here. */
enum shown {
	SHOWN_NOTHING, /* it is new */
	SHOWN_QUIET,   /* Stopped, or a phase on the way to a first start */
	SHOWN_STOPPING,
	SHOWN_RUNNING,
	SHOWN_FAILED,
	SHOWN_COUNT
};

enum wait {
	WAIT_NOT,
	WAIT_LONG,  /* DEFER_MS, twice that while others start */
	WAIT_CROWD, /* only while others start, DEFER_CROWD_MS at most */
};

struct defer_rule {
	enum wait container_status;
	bool instance;         /* both patches of the instance wait, WAIT_LONG */
	bool is_on_the_way;    /* the next phase is near: one write for both */
	bool unless_explained; /* not when the agent says why it does not come up */
};

/* Requests wait for Running; nobody needs a phase before it. */
#define STARTING                                                                                   \
	{                                                                                          \
		WAIT_LONG, true, true, true                                                        \
	}
/* Running for the first time: held requests are answered already, by what the agent wrote. */
#define JUST_UP                                                                                    \
	{                                                                                          \
		WAIT_CROWD, true, false, false                                                     \
	}
/* Running, and that is to be seen at once: the container is new or had failed. */
#define UP                                                                                         \
	{                                                                                          \
		WAIT_NOT, true, false, false                                                       \
	}
/* That it stops is written already; the next to be written is Stopped. */
#define ENDING                                                                                     \
	{                                                                                          \
		WAIT_LONG, true, true, false                                                       \
	}

/* A row: the phase now; a column: the phase that is shown. An empty place: all is written now. */
/* clang-format off */
static const struct defer_rule defer_rules[PHASES_COUNT][SHOWN_COUNT] = {
	[PHASE_CONSUMER_STARTING] = {
		[SHOWN_QUIET]    = STARTING,
		[SHOWN_STOPPING] = STARTING,
	},
	[PHASE_RUNNING] = {
		[SHOWN_NOTHING]  = UP,
		[SHOWN_QUIET]    = JUST_UP,
		[SHOWN_STOPPING] = JUST_UP,
		[SHOWN_RUNNING]  = UP,
		[SHOWN_FAILED]   = UP,
	},
	[PHASE_STOPPING] = {
		[SHOWN_STOPPING] = ENDING,
	},
};
/* clang-format on */

static bool is_phase(const char *text, enum phase phase)
{
	return strcmp(text, status_container_phase_name(phase)) == 0;
}

static enum shown what_is_shown(const json_t *container)
{
	const char *phase = json_str_at(container, "", "status", "phase", NULL);

	if (*phase == '\0')
		return SHOWN_NOTHING;
	if (is_phase(phase, PHASE_STOPPING))
		return SHOWN_STOPPING;
	if (is_phase(phase, PHASE_RUNNING))
		return SHOWN_RUNNING;
	return is_phase(phase, PHASE_FAILED) ? SHOWN_FAILED : SHOWN_QUIET;
}

/* The table's rule, unless nobody knows how long the phase will last. */
static struct defer_rule find_rule(const struct defer_view *v, const struct memory *memory)
{
	const struct defer_rule rule = defer_rules[v->status->phase][what_is_shown(v->container)];
	bool is_in_trouble = memory->trouble[HELD_CONSUMER].uid[0] != '\0';
	bool is_explained = *json_str_at(v->facts->consumer_status, "", "message", NULL) != '\0';

	if ((rule.is_on_the_way && is_in_trouble) || (rule.unless_explained && is_explained))
		return (struct defer_rule){WAIT_NOT, false, false, false};
	return rule;
}

/* The activators read in the instance which Pod its consumer is, and for which generation. */
static bool is_consumer_known(const struct facts *f)
{
	const char *uid = f->running ? kube_uid(f->consumer) : "";
	struct instance_consumer read;

	instance_consumer(f->instance, f->generation, &read);
	if (*read.uid == '\0') /* the agent will write both with its own status */
		return *uid == '\0' || (facts_pod_made_for(f->consumer) == f->generation &&
		                        f->generation > read.generation);
	return strcmp(read.uid, uid) == 0 && read.generation == f->generation;
}

/* Nothing but spec.running: the agent sees the Pod, so it knows that already. */
static bool is_running_alone(const json_t *patch)
{
	return patch == NULL || (json_object_size(patch) == 1 &&
	                         json_object_size(json_object_get(patch, "spec")) == 1 &&
	                         json_at(patch, "spec", "running", NULL) != NULL);
}

/* Whether WAIT_CROWD holds still. */
static bool is_crowded(bool can_wait, struct memory *memory, uint64_t now_ms)
{
	if (!can_wait || !memory->others_start) {
		memory->running_since_ms = 0;
		return false;
	}
	if (memory->running_since_ms == 0)
		memory->running_since_ms = now_ms;
	return now_ms - memory->running_since_ms < DEFER_CROWD_MS;
}

static void drop(json_t **patch)
{
	json_decref(*patch);
	*patch = NULL;
}

/* When the patches that wait since memory->waiting_since_ms are to be sent. */
static uint64_t wait_end(struct memory *memory, uint64_t now_ms)
{
	if (memory->waiting_since_ms == 0)
		memory->waiting_since_ms = now_ms;
	return memory->waiting_since_ms + (memory->others_start ? 2 * DEFER_MS : DEFER_MS);
}

uint64_t defer_patches(const struct defer_view *v, struct memory *memory,
                       struct defer_patches *patches)
{
	const struct defer_rule rule = find_rule(v, memory);
	const char *instance_phase = json_str_at(v->facts->instance, "", "status", "phase", NULL);
	bool is_crowd = is_crowded(rule.container_status == WAIT_CROWD, memory, v->now_ms);
	bool instance = rule.instance && is_running_alone(patches->instance) &&
	                !is_phase(instance_phase, PHASE_FAILED);
	bool instance_status = instance && is_consumer_known(v->facts);
	bool container_status = rule.container_status == WAIT_LONG ? instance : is_crowd;
	uint64_t until_ms;

	assert(v->status->phase > PHASE_UNSET && v->status->phase < PHASES_COUNT);
	if ((!container_status || patches->container_status == NULL) &&
	    (!instance || patches->instance == NULL) &&
	    (!instance_status || patches->instance_status == NULL)) {
		/* else DEFER_MS are over, and each further change is written */
		if (!rule.is_on_the_way)
			memory->waiting_since_ms = 0;
		return 0;
	}
	until_ms = wait_end(memory, v->now_ms);
	if (v->now_ms >= until_ms) {
		/* the instance's status names its generation, so it comes after the spec */
		if (patches->instance != NULL && v->status->phase == PHASE_RUNNING)
			drop(&patches->instance_status);
		return 0;
	}
	if (container_status)
		drop(&patches->container_status);
	if (instance)
		drop(&patches->instance);
	if (instance_status)
		drop(&patches->instance_status);
	if (is_crowd && v->now_ms + DEFER_LOOK_MS < until_ms)
		return v->now_ms + DEFER_LOOK_MS;
	return until_ms;
}
