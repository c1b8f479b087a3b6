/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/core/kept.h"

#include "controller/core/pods.h"
#include "lib/api/names.h"

/* A table of those that are kept, or (ALL_BUT) of those that are not, or not whole. */
#define ONLY(name, ...)                                                                            \
	static const struct skim_member name##_members[] = {__VA_ARGS__, {NULL, NULL}};            \
	static const struct skim name = {false, name##_members}
#define ALL_BUT(name, ...)                                                                         \
	static const struct skim_member name##_members[] = {__VA_ARGS__, {NULL, NULL}};            \
	static const struct skim name = {true, name##_members}
#define IDENTITY                                                                                   \
	{"name", NULL}, {"namespace", NULL}, {"uid", NULL},                                        \
	{                                                                                          \
		"resourceVersion", NULL                                                            \
	}

/* ---- the container, and its instance: most of a spec is for the Pods that are made of it ---- */

ONLY(container_metadata, IDENTITY, {"generation", NULL}, {"creationTimestamp", NULL},
     {"deletionTimestamp", NULL}, {"finalizers", NULL});
ONLY(container_activation, {"url", NULL});
ALL_BUT(container_status, {"activation", &container_activation}, {"idle", NULL});
ALL_BUT(container, {"metadata", &container_metadata}, {"status", &container_status});

ONLY(owner, {"uid", NULL}, {"controller", NULL});
ONLY(instance_annotations, {PODS_ANNOTATION_ROOTFS_IMAGE, NULL},
     {PLAN_ANNOTATION_ABANDON_ROOTFS, NULL}, {SC_ANNOTATION_RESET, NULL});
ONLY(instance_metadata, IDENTITY, {"generation", NULL}, {"deletionTimestamp", NULL},
     {"finalizers", NULL}, {"annotations", &instance_annotations}, {"ownerReferences", &owner});
ALL_BUT(instance, {"metadata", &instance_metadata});

/* ---- Pods ---- */

ONLY(pod_labels, {SC_LABEL_INSTANCE, NULL}, {SC_LABEL_ROLE, NULL});
ONLY(pod_annotations, {SC_ANNOTATION_START, NULL}, {SC_ANNOTATION_GENERATION, NULL},
     {SC_ANNOTATION_TEMPLATE_HASH, NULL});
ONLY(pod_metadata, IDENTITY, {"deletionTimestamp", NULL}, {"labels", &pod_labels},
     {"annotations", &pod_annotations}, {"ownerReferences", &owner});
ONLY(pod_container, {"image", NULL});
ONLY(pod_spec, {"nodeName", NULL}, {"containers", &pod_container});
ONLY(pod_condition, {"type", NULL}, {"status", NULL}, {"message", NULL});
ONLY(pod_why, {"reason", NULL}, {"message", NULL}, {"exitCode", NULL});
ONLY(pod_state, {"waiting", &pod_why}, {"terminated", &pod_why});
ONLY(pod_container_status, {"state", &pod_state}, {"lastState", &pod_state});
ONLY(pod_status, {"phase", NULL}, {"reason", NULL}, {"message", NULL},
     {"conditions", &pod_condition}, {"initContainerStatuses", &pod_container_status},
     {"containerStatuses", &pod_container_status});
ONLY(pod, {"metadata", &pod_metadata}, {"spec", &pod_spec}, {"status", &pod_status});

/* ---- Services and EndpointSlices: what is compared with what is wanted ---- */

ONLY(service_metadata, IDENTITY, {"deletionTimestamp", NULL}, {"labels", NULL},
     {"ownerReferences", NULL});
ONLY(service_spec, {"type", NULL}, {"ports", NULL});
ONLY(service, {"metadata", &service_metadata}, {"spec", &service_spec});
ONLY(slice, {"metadata", &service_metadata}, {"addressType", NULL}, {"endpoints", NULL},
     {"ports", NULL});

ONLY(node_metadata, IDENTITY);
ONLY(node_condition, {"type", NULL}, {"status", NULL});
ONLY(node_status, {"conditions", &node_condition});
ONLY(node, {"metadata", &node_metadata}, {"status", &node_status});

/* ---- what changes are told by ---- */

/* what resource_parse() reads */
ONLY(shown_port, {"name", NULL}, {"protocol", NULL}, {"containerPort", NULL});
ONLY(shown_container, {"image", NULL}, {"ports", &shown_port});
ONLY(shown_pod_spec, {"containers", &shown_container});
ONLY(shown_template, {"container", &shown_container}, {"spec", &shown_pod_spec});
ALL_BUT(shown_spec, {"template", &shown_template}, {"provider", NULL});
ONLY(container_shown, {"metadata", &container_metadata}, {"spec", &shown_spec});

ONLY(shown_labels, {SC_LABEL_INSTANCE, NULL});
ONLY(shown_metadata, IDENTITY, {"labels", &shown_labels});
ONLY(shown, {"metadata", &shown_metadata});

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
