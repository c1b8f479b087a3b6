/* SPDX-License-Identifier: Apache-2.0 */
/*
 * short_memory - a scenario again and again, each time with another allocation that fails
 *
 * First the first one, then the second, up to the one that is not reached any more; and all that
 * again with every one failing from there on. The rule of this project is that a failed allocation
 * is an error like others: it is told, or what it was for is left out where the header says so.
 * Nothing crashes, and nothing is leaked. What keeps the cluster's objects ends the program
 * instead, since a lost change would be lost for good: that is one outcome more, for those that say
 * so.
 *
 * Linked with --wrap: what our code and static libraries allocate is seen. Jansson's is as well,
 * by its own hooks.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

enum outcome {
	OUTCOME_TOLD,  /* it failed, and said so */
	OUTCOME_WHOLE, /* all of it is there, as without a failure */
	OUTCOME_LESS,  /* it is without something, as its header allows */
	OUTCOME_WRONG, /* it claims to be whole and is not */
	OUTCOME_ENDED, /* by abort() */
};

/** short_memory_try() - fails the running test when the scenario ends otherwise than it may */
void short_memory_try(const char *name, enum outcome (*scenario)(void));

/** short_memory_try_ending() - one that may end the program by abort() */
void short_memory_try_ending(const char *name, enum outcome (*scenario)(void));

/**
 * short_memory_json_ends() - from here on JSON finds memory or ends the program, as in the programs
 * that ask for that (lib/program/json_memory.h)
 */
void short_memory_json_ends(void);

/**
 * short_memory_same() - what was @made is what is made without a failure
 * @made: owned; NULL: it was told
 * @want: the same without one: set by the first call, and compared with by the others
 */
enum outcome short_memory_same(json_t *made, json_t **want);

/** short_memory_pause() - what a test itself allocates is no part of it, while @paused */
void short_memory_pause(bool paused);

/** short_memory_object() - @text as JSON, made while it is paused; new reference */
json_t *short_memory_object(const char *text);
