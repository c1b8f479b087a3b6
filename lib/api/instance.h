/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance - a StoppableContainerInstance as the programs read it
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/text/skim.h"

/* Whose it is, and its consumer: for those who need no more of it. */
extern const struct skim INSTANCE_CONSUMER;

/* The consumer that a status is about. Borrowed from it. */
struct instance_consumer {
	const char *uid;    /* of its Pod; "": none that is wanted and lives */
	const char *state;  /* what the agent says of that Pod; "": nothing, as of none */
	int64_t generation; /* the consumer is right for the container up to this one */
	bool is_untold;     /* the controller's part, phase among it, is of an earlier time */
};

/**
 * instance_consumer() - the controller's word and the agent's, the newer one
 * The controller tells of a start when it is over, to spare a call (docs/protocols.md, "Consumer
 * start"). Until then the agent's word holds: it names the generation that the Pod was made for.
 * A number beyond what the container has come to is nobody's start, and counts for nothing.
 * @reached: the generation of the container, as the reader sees it
 */
void instance_consumer(const json_t *instance, int64_t reached,
                       struct instance_consumer *ret_consumer);

/**
 * instance_image_is_of() - whether the uid, gid and groups of @image (status.image) are that user's
 * @run_as: the template's runAsUser; NULL: the user that the image itself names
 */
bool instance_image_is_of(const json_t *image, const json_t *run_as);
