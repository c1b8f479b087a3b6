/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory - what is known of a container that no object tells: refusals, back-offs, deletions sent
 *
 * It is kept per container while the controller runs. A restart loses it without harm: a call that
 * was refused is then tried once more.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MEMORY_DOOMED_MAX = 8,
	MEMORY_UID_BYTES = 64,
	MEMORY_TEXT_BYTES = 400,
	MEMORY_BACKOFF_FIRST_MS = 1000,
	MEMORY_BACKOFF_MAX_MS = 60000,
	/* long enough for two tries of the kubelet, which come after 10 to 15 s each */
	MEMORY_TROUBLE_MAX_MS = 30000,
	/* an API server that was started has read roles and policies after a few seconds */
	MEMORY_DENIED_MAX_MS = 10000,
};

/* What is not tried again for a while after it failed; slot 0 is illegal. */
enum held { HELD_UNSET, HELD_CONSUMER, HELD_PROVIDER, HELD_SERVICE, HELD_COUNT };

struct hold_back {
	int64_t generation; /* of the container; the next one is tried at once; 0: none held */
	uint64_t until_ms;
	unsigned count;     /* in a row */
	const char *reason; /* CamelCase, static */
	char text[MEMORY_TEXT_BYTES];
};

/* A Pod that the container runtime cannot start now, but may be able to soon. */
struct trouble {
	char uid[MEMORY_UID_BYTES]; /* of the Pod; "": none */
	uint64_t until_ms;          /* from then on it is a failure */
};

struct memory {
	struct hold_back held[HELD_COUNT];
	struct trouble trouble[HELD_COUNT];   /* of HELD_CONSUMER and HELD_PROVIDER */
	uint64_t denied_since_ms[HELD_COUNT]; /* by a refusal that may pass; 0: by none */
	/*
	 * UIDs of Pods whose delete call was sent. One stays here until the Pod is gone: also a
	 * call whose answer is lost may still arrive. Such a Pod is never named as the current
	 * consumer again.
	 */
	char doomed[MEMORY_DOOMED_MAX][MEMORY_UID_BYTES];
	bool plain_name_taken; /* a Pod that is not ours has the container's name */
	/* Since when a write waits, and that of Running does (defer.h); 0: none does. */
	uint64_t waiting_since_ms, running_since_ms;
	bool others_start; /* set before each plan: other containers are on their way up */
};

/* What went wrong, for which generation of the container, and when. */
struct memory_attempt {
	enum held what;
	int64_t generation;
	uint64_t now_ms;
};

/** memory_is_held() - not to be tried at @now_ms for that generation */
bool memory_is_held(const struct memory *m, enum held what, int64_t generation, uint64_t now_ms);

/** memory_hold() - the API server refused it: not again before a back-off of 1 s doubling to 60 s
 */
void memory_hold(struct memory *m, const struct memory_attempt *attempt, const char *reason,
                 const char *text);
/** memory_hold_ended() - a Pod ended for good: the first one is replaced at once, then as above */
void memory_hold_ended(struct memory *m, const struct memory_attempt *attempt, const char *text);
void memory_release(struct memory *m, enum held what);

/** memory_trouble() - Pod @uid cannot be started now; "": no Pod is in that state */
void memory_trouble(struct memory *m, enum held what, const char *uid, uint64_t now_ms);
/** memory_is_lasting() - Pod @uid has been in trouble for MEMORY_TROUBLE_MAX_MS */
bool memory_is_lasting(const struct memory *m, enum held what, const char *uid, uint64_t now_ms);

/**
 * memory_denied() - the API server refused it in a way that may pass
 * Return: whether it has done so for MEMORY_DENIED_MAX_MS, so that the status has to say it.
 */
bool memory_denied(struct memory *m, enum held what, uint64_t now_ms);
/** memory_allowed() - the API server gave any other answer */
void memory_allowed(struct memory *m, enum held what);

/**
 * memory_doom() - @uid's delete call is sent now
 * Return: false when too many are under way: send it later.
 */
bool memory_doom(struct memory *m, const char *uid);
bool memory_is_doomed(const struct memory *m, const char *uid);
/** memory_is_blank() - nothing is remembered; it may be freed */
bool memory_is_blank(const struct memory *m);
/** memory_forget_gone() - drop the doomed that are not among @pods */
void memory_forget_gone(struct memory *m, const json_t *const *pods, size_t pods_count);
