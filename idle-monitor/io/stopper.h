/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stopper - carries out the stop of one container
 *
 * It asks every activator to hold new requests (POST /v1/quiesce), writes spec.running: false with
 * a JSON patch when all of them agreed, and lets them go on (POST /v1/resume) when it comes to
 * nothing. What comes next at each answer is decided in core/stop.h. Why the container is to be
 * stopped is its owner's business; how an attempt ended is given to on_outcome.
 */
#pragma once

#include <jansson.h>
#include <sys/queue.h>

#include "idle-monitor/core/note.h"
#include "idle-monitor/core/stop.h"
#include "idle-monitor/io/scrape.h"
#include "lib/kube/cache/informer.h"

struct event;
struct kube_call;
struct quiesce_call;

/* What all stoppers share; borrowed. */
struct stopper_env {
	struct kube_client *client;
	struct informer *containers; /* learns what a patch has made of the object */
	struct scrape *scrape;       /* the activators */
	struct stop_limits limits;
	bool (*may_act)(void *arg); /* leading, now */
	void *arg;
};

/* How an attempt ended. */
struct stopper_outcome {
	const json_t *object; /* as it was when the stop was decided */
	const char *text;     /* why it was to be stopped */
	enum stop_event why;  /* STOP_EV_PATCHED: it is stopped; else what ended the attempt */
};

/* Embedded in its owner; only stopper.c changes it. */
struct stopper {
	const struct stopper_env *env;
	struct stop stop;
	const json_t *object; /* referenced: what the last attempt was decided on; NULL: none yet */
	char text[NOTE_TEXT_BYTES];
	LIST_HEAD(quiesce_calls, quiesce_call) calls; /* unanswered, also those of older attempts */
	struct kube_call *patch_call;
	/* Made active when the deadline has changed or a new decision is due. Borrowed. */
	struct event *look;
	void (*on_outcome)(void *arg, const struct stopper_outcome *outcome);
	void *arg;
};

/** stopper_init() - set look, on_outcome and arg before the first stopper_start() */
void stopper_init(struct stopper *s, const struct stopper_env *env);
void stopper_done(struct stopper *s);

/**
 * stopper_start() - begin an attempt, unless one is under way or was given up a moment ago
 * @object: the version that the decision was made of; no later one is changed
 * @text: why, for people
 */
void stopper_start(struct stopper *s, const json_t *object, const char *text);
/** stopper_step() - an event that is nobody's answer: STOP_EV_DEADLINE, STOP_EV_CANCEL */
void stopper_step(struct stopper *s, enum stop_event ev);
/** stopper_forget() - end the questions to that activator; no attempt may be under way */
void stopper_forget(struct stopper *s, const struct http_client *client);

/** stopper_is_at_rest() - no attempt is under way and no answer is awaited */
bool stopper_is_at_rest(const struct stopper *s);
