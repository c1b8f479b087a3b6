/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept - which fields of each kind of object the controller's caches keep
 */
#include "controller/core/kept.h"

#include "controller/core/pods.h"
#include "lib/api/names.h"

/* ---- the container, and its instance: most of a spec is for the Pods that are made of it ---- */

SKIM_ONLY(container_metadata, SKIM_IDENTITY, {"generation", NULL}, {"creationTimestamp", NULL},
          {"deletionTimestamp", NULL}, {"finalizers", NULL});
SKIM_ONLY(container_activation, {"url", NULL}, {"hosts", NULL});
SKIM_ALL_BUT(container_status, {"activation", &container_activation}, {"idle", NULL});
SKIM_ALL_BUT(container, {"metadata", &container_metadata}, {"status", &container_status});

SKIM_ONLY(owner, {"uid", NULL}, {"controller", NULL});
SKIM_ONLY(instance_annotations, {PODS_ANNOTATION_ROOTFS_IMAGE, NULL},
          {PLAN_ANNOTATION_ABANDON_ROOTFS, NULL}, {SC_ANNOTATION_RESET, NULL},
          {SC_ANNOTATION_ACCEPT, NULL});
SKIM_ONLY(instance_metadata, SKIM_IDENTITY, {"generation", NULL}, {"deletionTimestamp", NULL},
          {"finalizers", NULL}, {"annotations", &instance_annotations},
          {"ownerReferences", &owner});
SKIM_ALL_BUT(instance, {"metadata", &instance_metadata});

/* ---- Pods ---- */

SKIM_ONLY(pod_labels, {SC_LABEL_INSTANCE, NULL}, {SC_LABEL_ROLE, NULL});
SKIM_ONLY(pod_annotations, {SC_ANNOTATION_START, NULL}, {SC_ANNOTATION_GENERATION, NULL},
          {SC_ANNOTATION_TEMPLATE_HASH, NULL});
SKIM_ONLY(pod_metadata, SKIM_IDENTITY, {"deletionTimestamp", NULL}, {"labels", &pod_labels},
          {"annotations", &pod_annotations}, {"ownerReferences", &owner});
SKIM_ONLY(pod_container, {"name", NULL}, {"image", NULL});
SKIM_ONLY(pod_spec, {"nodeName", NULL}, {"containers", &pod_container});
SKIM_ONLY(pod_condition, {"type", NULL}, {"status", NULL}, {"message", NULL});
SKIM_ONLY(pod_why, {"reason", NULL}, {"message", NULL}, {"exitCode", NULL}, {"finishedAt", NULL});
SKIM_ONLY(pod_state, {"waiting", &pod_why}, {"terminated", &pod_why});
SKIM_ONLY(pod_container_status, {"name", NULL}, {"state", &pod_state}, {"lastState", &pod_state});
SKIM_ONLY(pod_status, {"phase", NULL}, {"reason", NULL}, {"message", NULL},
          {"conditions", &pod_condition}, {"initContainerStatuses", &pod_container_status},
          {"containerStatuses", &pod_container_status});
SKIM_ONLY(pod, {"metadata", &pod_metadata}, {"spec", &pod_spec}, {"status", &pod_status});

/* ---- Services and EndpointSlices: what is compared with what is wanted ---- */

SKIM_ONLY(service_metadata, SKIM_IDENTITY, {"deletionTimestamp", NULL}, {"labels", NULL},
          {"ownerReferences", NULL});
SKIM_ONLY(service_spec, {"type", NULL}, {"ports", NULL});
SKIM_ONLY(service, {"metadata", &service_metadata}, {"spec", &service_spec});
SKIM_ONLY(slice, {"metadata", &service_metadata}, {"addressType", NULL}, {"endpoints", NULL},
          {"ports", NULL});

SKIM_ONLY(node_metadata, SKIM_IDENTITY);
SKIM_ONLY(node_condition, {"type", NULL}, {"status", NULL});
SKIM_ONLY(node_status, {"conditions", &node_condition});
SKIM_ONLY(node, {"metadata", &node_metadata}, {"status", &node_status});

SKIM_ONLY(namespace_annotations, {SC_ANNOTATION_ALLOWED_HOSTS, NULL});
SKIM_ONLY(namespace_metadata, SKIM_IDENTITY, {"annotations", &namespace_annotations});
SKIM_ONLY(namespace, {"metadata", &namespace_metadata});

/* ---- what changes are told by ---- */

/* what resource_parse() reads */
SKIM_ONLY(shown_port, {"name", NULL}, {"protocol", NULL}, {"containerPort", NULL});
SKIM_ONLY(shown_container, {"image", NULL}, {"ports", &shown_port});
SKIM_ONLY(shown_pod_spec, {"containers", &shown_container});
SKIM_ONLY(shown_template, {"container", &shown_container}, {"spec", &shown_pod_spec});
SKIM_ALL_BUT(shown_spec, {"template", &shown_template}, {"provider", NULL});
SKIM_ONLY(shown_activation, {"hosts", NULL});
SKIM_ONLY(shown_status, {"activation", &shown_activation}, {"observedGeneration", NULL});
SKIM_ONLY(container_shown, {"metadata", &container_metadata}, {"spec", &shown_spec},
          {"status", &shown_status});

SKIM_ONLY(shown_labels, {SC_LABEL_INSTANCE, NULL});
SKIM_ONLY(shown_metadata, SKIM_IDENTITY, {"labels", &shown_labels});
SKIM_ONLY(shown, {"metadata", &shown_metadata});

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
