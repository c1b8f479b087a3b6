/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site - a node where containers have their files, and a namespace's part of it
 *
 * A site lives as long as a container is at it, so there are never more than twice as many as
 * containers, however many names of nodes a status has told.
 */
#pragma once

#include "activator/core/bucket.h"

struct queue;

enum { SITE_NODE_BYTES_MAX = 253 }; /* a longer one is no Node's name */

struct site {
	char *node;
	char *ns;           /* "": of all namespaces, the node itself */
	struct site *whole; /* that one; NULL in it */
	unsigned users_count;
	struct bucket wakes;
};

/** site_join() - one more is at it, made when it is the first. Return: NULL without memory */
struct site *site_join(struct queue *q, const char *node, const char *ns);
void site_leave(struct queue *q, struct site *site); /* NULL: nothing */
