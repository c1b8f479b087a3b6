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

/* The consumer that a status describes. Borrowed from it. */
struct instance_consumer {
	const char *uid;    /* of its Pod; "": none that is wanted and lives */
	const char *state;  /* of that Pod, by the agent; "": unknown, or there is no Pod */
	int64_t generation; /* the consumer is right for the container up to this one */
	bool is_status_old; /* the controller's part, phase among it, is older than the consumer */
};

/**
 * instance_consumer() - by the controller's fields or the agent's, whichever are newer
 * The controller writes its fields only when a start is over, which saves a call
 * (docs/protocols.md, "Consumer start"). Until then the agent's fields count: they name the
 * generation that the Pod was made for. A generation that the container has not reached yet is
 * ignored.
 * @reached: the generation of the container, as the reader sees it
 */
void instance_consumer(const json_t *instance, int64_t reached,
                       struct instance_consumer *ret_consumer);

/**
 * instance_image_is_of() - whether the uid, gid and groups of @image (status.image) are that user's
 * @run_as: the template's runAsUser; NULL: the user that the image itself names
 */
bool instance_image_is_of(const json_t *image, const json_t *run_as);
