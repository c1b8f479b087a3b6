/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input - what the tests of bad input do with the product: images, manifests, what a user sees
 */
#pragma once

#include "tests/world/world.h"

#define INPUT_API "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default"

enum { INPUT_HTTP_PORT = 8080 };

/** input_image() - import an image; the shell @snippet changes its tree */
void input_image(struct world *w, const char *name, const char *snippet);

/** input_run() - the exit code of a program whose output goes to stderr */
int input_run(const char *const argv[]);

/* A manifest: JSON members that are added where they belong, or NULL. */
struct input_manifest {
	const char *name;
	const char *image;
	const char *container;  /* of the container */
	const char *template;   /* beside it */
	const char *activation; /* of spec.activation */
	const char *spec;       /* beside the template */
	const char *prefix;     /* hostPathPrefix; NULL: the world's */
};
void input_apply(struct world *w, const struct input_manifest *m);

/** input_condition() - wait until the condition has the reason, and @text in its message */
void input_condition(struct world *w, const char *name, const char *type, const char *reason,
                     const char *text);
/** input_event() - wait for an Event of that reason about it */
void input_event(struct world *w, const char *name, const char *reason);
/**
 * input_answer() - what curl gets from http://HOST:8080/
 * Return: milliseconds until the answer.
 */
uint64_t input_answer(const char *host, int status, const char *text);
/** input_answer_soon() - the same, as soon as it answers so */
void input_answer_soon(const char *host, int status, const char *text);
void input_patch(struct world *w, const char *name, const char *spec);
