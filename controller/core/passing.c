/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/core/passing.h"

#include <string.h>

#include "lib/api/instance.h"
#include "lib/kube/client/object.h"

static bool is_phase(const char *text, enum phase phase)
{
	return strcmp(text, status_container_phase_name(phase)) == 0;
}

/*
 * More follows soon. Not so when the container ran or had failed: that this is over is told at
 * once, as is a failure, and each phase that can last.
 */
static bool is_passing(const struct facts *f, const struct memory *memory, const json_t *container,
                       const struct status *s)
{
	const char *told = json_str_at(container, "", "status", "phase", NULL);

	if (memory->trouble[HELD_CONSUMER].uid[0] != '\0')
		return false; /* nobody knows how long it takes */
	if (s->phase == PHASE_STOPPING)
		return is_phase(told, PHASE_STOPPING);
	if (*json_str_at(f->said, "", "message", NULL) != '\0')
		return false; /* why it has not come up yet: who asks for it is told that */
	return s->phase == PHASE_CONSUMER_STARTING && *told != '\0' &&
	       !is_phase(told, PHASE_RUNNING) && !is_phase(told, PHASE_FAILED);
}

/* By this the activators know which process a word of the agent is about, and that it is new. */
static bool is_consumer_known(const struct facts *f)
{
	const char *uid = f->running ? kube_uid(f->consumer) : "";
	struct instance_consumer read;

	instance_consumer(f->instance, f->generation, &read);
	if (*read.uid == '\0') /* when the agent's own word will be the newer one */
		return *uid == '\0' || (facts_pod_made_for(f->consumer) == f->generation &&
		                        f->generation > read.generation);
	return strcmp(read.uid, uid) == 0 && read.generation == f->generation;
}

/* It runs and its requests are answered, while those of others wait for what the calls cost. */
static bool is_crowded(struct memory *memory, const json_t *container, const struct status *s,
                       uint64_t now_ms)
{
	const char *told = json_str_at(container, "", "status", "phase", NULL);

	if (s->phase != PHASE_RUNNING || *told == '\0' || is_phase(told, PHASE_RUNNING) ||
	    is_phase(told, PHASE_FAILED) || !memory->others_start) {
		memory->running_since_ms = 0;
		return false;
	}
	if (memory->running_since_ms == 0)
		memory->running_since_ms = now_ms;
	return now_ms - memory->running_since_ms < PASSING_CROWD_MS;
}

/* Nothing but the container's wish, which the Pod shows already. */
static bool is_running_alone(const json_t *patch)
{
	return patch == NULL || (json_object_size(patch) == 1 &&
	                         json_object_size(json_object_get(patch, "spec")) == 1 &&
	                         json_at(patch, "spec", "running", NULL) != NULL);
}

static void drop(json_t **patch)
{
	json_decref(*patch);
	*patch = NULL;
}

uint64_t passing_hold(const struct facts *f, const json_t *container, const struct status *s,
                      struct memory *memory, uint64_t now_ms, struct passing_news *news)
{
	const uint64_t limit_ms = memory->others_start ? 2 * PASSING_MS : PASSING_MS;
	const char *instance_told = json_str_at(f->instance, "", "status", "phase", NULL);
	bool passes = is_passing(f, memory, container, s);
	bool crowded = is_crowded(memory, container, s, now_ms);
	bool copy = (passes || s->phase == PHASE_RUNNING) && is_running_alone(news->instance) &&
	            !is_phase(instance_told, PHASE_FAILED);
	bool copy_status = copy && is_consumer_known(f);
	bool own = crowded || (passes && copy);
	uint64_t until_ms;

	if ((!own || news->container_status == NULL) && (!copy || news->instance == NULL) &&
	    (!copy_status || news->instance_status == NULL)) {
		if (!passes) /* else what lasts so long already is told as it comes */
			memory->passing_since_ms = 0;
		return 0;
	}
	if (memory->passing_since_ms == 0)
		memory->passing_since_ms = now_ms;
	until_ms = memory->passing_since_ms + limit_ms;
	if (now_ms >= until_ms) {
		/* the status comes after the spec, since it tells that generation */
		if (news->instance != NULL && s->phase == PHASE_RUNNING)
			drop(&news->instance_status);
		return 0;
	}
	if (own)
		drop(&news->container_status);
	if (copy)
		drop(&news->instance);
	if (copy_status)
		drop(&news->instance_status);
	return crowded && now_ms + PASSING_LOOK_MS < until_ms ? now_ms + PASSING_LOOK_MS : until_ms;
}
