/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept - which fields of each kind of object the controller's caches keep
 *
 * The caches keep this and no more. Whatever core/ reads anew of an object has to be named here;
 * the tests of the plan see objects as the caches do.
 */
#pragma once

#include "controller/core/plan.h"
#include "lib/text/skim.h"

/** kept_of() - Return: static */
const struct skim *kept_of(enum plan_on on);

/** kept_shown_of() - what of that tells whose object it is, and which hosts it claims */
const struct skim *kept_shown_of(enum plan_on on);

/* Whether a node is there, and Ready. */
const struct skim *kept_of_node(void);

/* What hosts a namespace may have. */
const struct skim *kept_of_namespace(void);
