/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept - which fields of each kind of object the controller's caches keep
 */
#include "controller/core/kept.h"

#include "controller/core/pods.h"
#include "lib/api/names.h"

/* ---- the container, and its instance: most of a spec is for the Pods that are made of it ---- */

SKIM_ONLY(container_metadata, SKIM_IDENTITY, {"generation", SKIM_KEEP},
          {"creationTimestamp", SKIM_KEEP}, {"deletionTimestamp", SKIM_KEEP},
          {"finalizers", SKIM_KEEP});
SKIM_ONLY(container_activation, {"url", SKIM_KEEP}, {"hosts", SKIM_KEEP});
SKIM_ALL_BUT(container_status, {"activation", SKIM_INSIDE, &container_activation},
             {"idle", SKIM_DROP});
SKIM_ALL_BUT(container, {"metadata", SKIM_INSIDE, &container_metadata},
             {"status", SKIM_INSIDE, &container_status});

SKIM_ONLY(owner, {"uid", SKIM_KEEP}, {"controller", SKIM_KEEP});
SKIM_ONLY(instance_annotations, {PODS_ANNOTATION_ROOTFS_IMAGE, SKIM_KEEP},
          {PLAN_ANNOTATION_ABANDON_ROOTFS, SKIM_KEEP}, {SC_ANNOTATION_RESET, SKIM_KEEP},
          {SC_ANNOTATION_ACCEPT, SKIM_KEEP});
SKIM_ONLY(instance_metadata, SKIM_IDENTITY, {"generation", SKIM_KEEP},
          {"deletionTimestamp", SKIM_KEEP}, {"finalizers", SKIM_KEEP},
          {"annotations", SKIM_INSIDE, &instance_annotations},
          {"ownerReferences", SKIM_INSIDE, &owner});
SKIM_ALL_BUT(instance, {"metadata", SKIM_INSIDE, &instance_metadata});

/* ---- Pods ---- */

SKIM_ONLY(pod_labels, {SC_LABEL_INSTANCE, SKIM_KEEP}, {SC_LABEL_ROLE, SKIM_KEEP});
SKIM_ONLY(pod_annotations, {SC_ANNOTATION_START, SKIM_KEEP}, {SC_ANNOTATION_GENERATION, SKIM_KEEP},
          {SC_ANNOTATION_TEMPLATE_HASH, SKIM_KEEP});
SKIM_ONLY(pod_metadata, SKIM_IDENTITY, {"deletionTimestamp", SKIM_KEEP},
          {"labels", SKIM_INSIDE, &pod_labels}, {"annotations", SKIM_INSIDE, &pod_annotations},
          {"ownerReferences", SKIM_INSIDE, &owner});
SKIM_ONLY(pod_container, {"name", SKIM_KEEP}, {"image", SKIM_KEEP});
SKIM_ONLY(pod_spec, {"nodeName", SKIM_KEEP}, {"containers", SKIM_INSIDE, &pod_container});
SKIM_ONLY(pod_condition, {"type", SKIM_KEEP}, {"status", SKIM_KEEP}, {"message", SKIM_KEEP});
SKIM_ONLY(pod_why, {"reason", SKIM_KEEP}, {"message", SKIM_KEEP}, {"exitCode", SKIM_KEEP},
          {"finishedAt", SKIM_KEEP});
SKIM_ONLY(pod_state, {"waiting", SKIM_INSIDE, &pod_why}, {"terminated", SKIM_INSIDE, &pod_why});
SKIM_ONLY(pod_container_status, {"name", SKIM_KEEP}, {"state", SKIM_INSIDE, &pod_state},
          {"lastState", SKIM_INSIDE, &pod_state});
SKIM_ONLY(pod_status, {"phase", SKIM_KEEP}, {"reason", SKIM_KEEP}, {"message", SKIM_KEEP},
          {"conditions", SKIM_INSIDE, &pod_condition},
          {"initContainerStatuses", SKIM_INSIDE, &pod_container_status},
          {"containerStatuses", SKIM_INSIDE, &pod_container_status});
SKIM_ONLY(pod, {"metadata", SKIM_INSIDE, &pod_metadata}, {"spec", SKIM_INSIDE, &pod_spec},
          {"status", SKIM_INSIDE, &pod_status});

/* ---- Services and EndpointSlices: what is compared with what is wanted ---- */

SKIM_ONLY(service_metadata, SKIM_IDENTITY, {"deletionTimestamp", SKIM_KEEP}, {"labels", SKIM_KEEP},
          {"ownerReferences", SKIM_KEEP});
SKIM_ONLY(service_spec, {"type", SKIM_KEEP}, {"ports", SKIM_KEEP});
SKIM_ONLY(service, {"metadata", SKIM_INSIDE, &service_metadata},
          {"spec", SKIM_INSIDE, &service_spec});
SKIM_ONLY(slice, {"metadata", SKIM_INSIDE, &service_metadata}, {"addressType", SKIM_KEEP},
          {"endpoints", SKIM_KEEP}, {"ports", SKIM_KEEP});

SKIM_ONLY(node_metadata, SKIM_IDENTITY);
SKIM_ONLY(node_condition, {"type", SKIM_KEEP}, {"status", SKIM_KEEP});
SKIM_ONLY(node_status, {"conditions", SKIM_INSIDE, &node_condition});
SKIM_ONLY(node, {"metadata", SKIM_INSIDE, &node_metadata}, {"status", SKIM_INSIDE, &node_status});

SKIM_ONLY(namespace_annotations, {SC_ANNOTATION_ALLOWED_HOSTS, SKIM_KEEP});
SKIM_ONLY(namespace_metadata, SKIM_IDENTITY, {"annotations", SKIM_INSIDE, &namespace_annotations});
SKIM_ONLY(namespace, {"metadata", SKIM_INSIDE, &namespace_metadata});

/* ---- what changes are told by ---- */

/* what resource_parse() reads */
SKIM_ONLY(shown_port, {"name", SKIM_KEEP}, {"protocol", SKIM_KEEP}, {"containerPort", SKIM_KEEP});
SKIM_ONLY(shown_container, {"image", SKIM_KEEP}, {"ports", SKIM_INSIDE, &shown_port});
SKIM_ONLY(shown_pod_spec, {"containers", SKIM_INSIDE, &shown_container});
SKIM_ONLY(shown_template, {"container", SKIM_INSIDE, &shown_container},
          {"spec", SKIM_INSIDE, &shown_pod_spec});
SKIM_ALL_BUT(shown_spec, {"template", SKIM_INSIDE, &shown_template}, {"provider", SKIM_DROP});
SKIM_ONLY(shown_activation, {"hosts", SKIM_KEEP});
SKIM_ONLY(shown_status, {"activation", SKIM_INSIDE, &shown_activation},
          {"observedGeneration", SKIM_KEEP});
SKIM_ONLY(container_shown, {"metadata", SKIM_INSIDE, &container_metadata},
          {"spec", SKIM_INSIDE, &shown_spec}, {"status", SKIM_INSIDE, &shown_status});

SKIM_ONLY(shown_labels, {SC_LABEL_INSTANCE, SKIM_KEEP});
SKIM_ONLY(shown_metadata, SKIM_IDENTITY, {"labels", SKIM_INSIDE, &shown_labels});
SKIM_ONLY(shown, {"metadata", SKIM_INSIDE, &shown_metadata});

const struct skim *kept_shown_of(enum plan_on on)
{
	return on == PLAN_ON_CONTAINER ? &container_shown : &shown;
}

const struct skim *kept_of(enum plan_on on)
{
	switch (on) {
	case PLAN_ON_CONTAINER:
		return &container;
	case PLAN_ON_INSTANCE:
		return &instance;
	case PLAN_ON_POD:
		return &pod;
	case PLAN_ON_SERVICE:
		return &service;
	case PLAN_ON_SLICE:
		break;
	}
	return &slice;
}

const struct skim *kept_of_node(void)
{
	return &node;
}

const struct skim *kept_of_namespace(void)
{
	return &namespace;
}
