/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upgrade - the protocols that a container may be asked to switch to
 *
 * A tunnel is past all that is looked at here, and keeps its container awake. So only what the
 * container is known to speak is passed on: WebSocket, or what spec.activation.upgrades lists.
 * HTTP/2 and TLS never are, since the list can't have them: clients offer them unasked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "activator/core/head.h"

enum { UPGRADES_BYTES = 264 }; /* of a list */

/** upgrade_is_allowed() - @list: "a,b"; @text: an element of Upgrade, "name" or "name/version" */
bool upgrade_is_allowed(const char *list, const char *text, size_t bytes);

/** upgrade_next() - the next element of Upgrade that is allowed; @at starts as {0} */
bool upgrade_next(const struct head *h, const char *list, struct head_list *at);
