/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/core/passing.h"

#include <string.h>

#include "lib/kube/object.h"

static bool is_phase(const char *text, enum phase phase)
{
	return strcmp(text, status_container_phase_name(phase)) == 0;
}

bool passing_is(const json_t *container, const struct status *s)
{
	const char *told = json_str_at(container, "", "status", "phase", NULL);

	if (s->phase == PHASE_STOPPING)
		return is_phase(told, PHASE_STOPPING);
	return s->phase == PHASE_CONSUMER_STARTING && *told != '\0' &&
	       !is_phase(told, PHASE_RUNNING) && !is_phase(told, PHASE_FAILED);
}

bool passing_is_consumer_told(const struct facts *f)
{
	const json_t *told = json_object_get(f->instance, "status");
	const char *uid = f->running ? kube_uid(f->consumer) : "";

	return strcmp(json_str_at(told, "", "consumerPodUID", NULL), uid) == 0 &&
	       (*uid == '\0' || json_int_at(told, 0, "containerGeneration", NULL) == f->generation);
}

uint64_t passing_until(struct memory *m, uint64_t now_ms)
{
	if (m->passing_since_ms == 0)
		m->passing_since_ms = now_ms;
	if (now_ms - m->passing_since_ms < PASSING_MS)
		return m->passing_since_ms + PASSING_MS;
	return passing_end(m);
}

uint64_t passing_end(struct memory *m)
{
	m->passing_since_ms = 0;
	return 0;
}
