/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_service - the part of a plan that is about the Service and its EndpointSlices
 */
#pragma once

#include "controller/core/making.h"

/** plan_service() - add what has to be done so that they lead to the activators, or are gone */
void plan_service(struct making *m);

/** plan_service_is_gone() - none of the container's is left */
bool plan_service_is_gone(const struct making *m);
