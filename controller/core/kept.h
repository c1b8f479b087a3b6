/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept - which fields of each kind of object the controller's caches keep
 *
 * The caches keep these fields and no others, to save memory. A field that core/ begins to read has
 * to be added here. The tests of the plan see objects as the caches keep them.
 */
#pragma once

#include "controller/core/plan.h"
#include "lib/text/skim.h"

/** kept_of() - Return: static */
const struct skim *kept_of(enum plan_on on);

/** kept_shown_of() - those of them that on_change callbacks read: the owner, the hosts */
const struct skim *kept_shown_of(enum plan_on on);

/* Whether a node is there, and Ready. */
const struct skim *kept_of_node(void);

/* What hosts a namespace may have. */
const struct skim *kept_of_namespace(void);
