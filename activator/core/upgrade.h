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

#define UPGRADES_DEFAULT "websocket"

enum {
	UPGRADES_MAX = 8,
	UPGRADE_NAME_MAX = 32,
	UPGRADES_BYTES = UPGRADES_MAX * (UPGRADE_NAME_MAX + 1)
};

/** upgrade_is_allowed() - @list: "a,b"; @text: an element of Upgrade, "name" or "name/version" */
bool upgrade_is_allowed(const char *list, const char *text, size_t bytes);
