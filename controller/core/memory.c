/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory - what is known of a container that no object tells: refusals, back-offs, deletions sent
 */
#include "controller/core/memory.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/kube/client/object.h"

bool memory_is_held(const struct memory *m, enum held what, int64_t generation, uint64_t now_ms)
{
	const struct hold_back *h = &m->held[what];

	return h->generation != 0 && h->generation == generation && now_ms < h->until_ms;
}

static uint64_t backoff_ms(unsigned steps)
{
	uint64_t ms = MEMORY_BACKOFF_FIRST_MS;

	while (steps-- > 0 && ms < MEMORY_BACKOFF_MAX_MS)
		ms *= 2;
	return ms < MEMORY_BACKOFF_MAX_MS ? ms : MEMORY_BACKOFF_MAX_MS;
}

/* Return: what is held; the caller sets for how long */
static struct hold_back *hold(struct memory *m, const struct memory_attempt *attempt,
                              const char *reason, const char *text)
{
	struct hold_back *h = &m->held[attempt->what];

	assert(attempt->what > HELD_UNSET && attempt->what < HELD_COUNT);
	if (h->generation != attempt->generation || h->reason != reason)
		h->count = 0;
	h->generation = attempt->generation;
	h->reason = reason;
	h->count++;
	(void)snprintf(h->text, sizeof h->text, "%s", text);
	return h;
}

void memory_hold(struct memory *m, const struct memory_attempt *attempt, const char *reason,
                 const char *text)
{
	struct hold_back *h = hold(m, attempt, reason, text);

	h->until_ms = attempt->now_ms + backoff_ms(h->count - 1);
}

void memory_hold_ended(struct memory *m, const struct memory_attempt *attempt, const char *text)
{
	struct hold_back *h = hold(m, attempt, "PodEnded", text);

	h->until_ms = attempt->now_ms + (h->count < 2 ? 0 : backoff_ms(h->count - 2));
}

void memory_release(struct memory *m, enum held what)
{
	assert(what > HELD_UNSET && what < HELD_COUNT);
	m->held[what] = (struct hold_back){0};
}

void memory_trouble(struct memory *m, enum held what, const char *uid, uint64_t now_ms)
{
	struct trouble *t = &m->trouble[what];

	assert(what > HELD_UNSET && what < HELD_COUNT);
	if (strcmp(t->uid, uid) == 0)
		return;
	(void)snprintf(t->uid, sizeof t->uid, "%s", uid);
	t->until_ms = now_ms + MEMORY_TROUBLE_MAX_MS;
}

bool memory_is_lasting(const struct memory *m, enum held what, const char *uid, uint64_t now_ms)
{
	const struct trouble *t = &m->trouble[what];

	return t->uid[0] != '\0' && strcmp(t->uid, uid) == 0 && now_ms >= t->until_ms;
}

bool memory_denied(struct memory *m, enum held what, uint64_t now_ms)
{
	uint64_t *since_ms = &m->denied_since_ms[what];

	assert(what > HELD_UNSET && what < HELD_COUNT);
	if (*since_ms == 0)
		*since_ms = now_ms;
	return now_ms - *since_ms >= MEMORY_DENIED_MAX_MS;
}

void memory_allowed(struct memory *m, enum held what)
{
	assert(what > HELD_UNSET && what < HELD_COUNT);
	m->denied_since_ms[what] = 0;
}

bool memory_doom(struct memory *m, const char *uid)
{
	char *free_slot = NULL;

	for (size_t i = 0; i < MEMORY_DOOMED_MAX; i++) {
		if (strcmp(m->doomed[i], uid) == 0)
			return true;
		if (free_slot == NULL && m->doomed[i][0] == '\0')
			free_slot = m->doomed[i];
	}
	if (free_slot == NULL || strlen(uid) >= MEMORY_UID_BYTES)
		return false;
	(void)snprintf(free_slot, MEMORY_UID_BYTES, "%s", uid);
	return true;
}

bool memory_is_doomed(const struct memory *m, const char *uid)
{
	for (size_t i = 0; i < MEMORY_DOOMED_MAX; i++)
		if (m->doomed[i][0] != '\0' && strcmp(m->doomed[i], uid) == 0)
			return true;
	return false;
}

bool memory_is_blank(const struct memory *m)
{
	for (size_t i = HELD_UNSET + 1; i < HELD_COUNT; i++)
		if (m->held[i].generation != 0 || m->trouble[i].uid[0] != '\0' ||
		    m->denied_since_ms[i] != 0)
			return false;
	for (size_t i = 0; i < MEMORY_DOOMED_MAX; i++)
		if (m->doomed[i][0] != '\0')
			return false;
	return !m->plain_name_taken && m->waiting_since_ms == 0;
}

static bool is_among(const json_t *const *pods, size_t pods_count, const char *uid)
{
	for (size_t i = 0; i < pods_count; i++)
		if (strcmp(kube_uid(pods[i]), uid) == 0)
			return true;
	return false;
}

void memory_forget_gone(struct memory *m, const json_t *const *pods, size_t pods_count)
{
	for (size_t i = 0; i < MEMORY_DOOMED_MAX; i++)
		if (m->doomed[i][0] != '\0' && !is_among(pods, pods_count, m->doomed[i]))
			m->doomed[i][0] = '\0';
}
