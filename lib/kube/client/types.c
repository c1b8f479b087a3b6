/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types - group, version and plural of Kubernetes' own types that we use
 */
#include "lib/kube/client/client.h"

/* clang-format off */
const struct kube_type KUBE_PODS = { "", "v1", "pods", "Pod", false };
const struct kube_type KUBE_SERVICES = { "", "v1", "services", "Service", false };
const struct kube_type KUBE_ENDPOINTSLICES = {
	"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", false };
const struct kube_type KUBE_EVENTS = { "", "v1", "events", "Event", false };
const struct kube_type KUBE_LEASES = {
	"coordination.k8s.io", "v1", "leases", "Lease", false };
const struct kube_type KUBE_NODES = { "", "v1", "nodes", "Node", true };
const struct kube_type KUBE_NAMESPACES = { "", "v1", "namespaces", "Namespace", true };
/* clang-format on */
