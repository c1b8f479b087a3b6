/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds - the two kinds of this project, as the Kubernetes client names them
 */
#pragma once

#include "lib/kube/client/client.h"

extern const struct kube_type KUBE_STOPPABLECONTAINERS;
extern const struct kube_type KUBE_STOPPABLECONTAINERINSTANCES;
