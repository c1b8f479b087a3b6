/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds - group, version and plural of the two kinds
 */
#include "lib/api/kinds.h"

#include "lib/api/names.h"

/* clang-format off */
const struct kube_type KUBE_STOPPABLECONTAINERS = {
	SC_GROUP, SC_VERSION_V1ALPHA1, "stoppablecontainers", "StoppableContainer", false };
const struct kube_type KUBE_STOPPABLECONTAINERINSTANCES = {
	SC_GROUP, SC_VERSION_V1ALPHA1, "stoppablecontainerinstances",
	"StoppableContainerInstance", false };
/* clang-format on */
