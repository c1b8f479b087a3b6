/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path - the API path of an object or a type, with its query
 */
#pragma once

#include "lib/kube/client/client.h"

struct kube_query {
	const char *key;   /* "limit" */
	const char *value; /* NULL: left out; percent-encoded when written */
};

/** kube_path() - @query: ended by a NULL key, or NULL. Return: to be freed, NULL out of memory */
char *kube_path(const struct kube_ref *ref, const struct kube_query *query);
