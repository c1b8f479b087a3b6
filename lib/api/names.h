/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names - group, labels, annotations and other words of the API, each defined once
 */
#pragma once

#define SC_GROUP "stoppablecontainer.xtlsoft.top"
#define SC_VERSION_V1ALPHA1 "v1alpha1"
#define SC_API_VERSION SC_GROUP "/" SC_VERSION_V1ALPHA1

/* Labels on what the controller makes; they win over the user's. */
#define SC_LABEL_MANAGED_BY SC_GROUP "/managed-by" /* value: SC_MANAGED_BY */
#define SC_LABEL_INSTANCE SC_GROUP "/instance"     /* value: the resource's name */
#define SC_LABEL_ROLE SC_GROUP "/role"             /* provider | consumer */
#define SC_MANAGED_BY "stoppablecontainer"
#define SC_ROLE_PROVIDER "provider"
#define SC_ROLE_CONSUMER "consumer"

/* Annotations. */
#define SC_ANNOTATION_WAKE                                                                         \
	SC_GROUP "/wake" /* on the container: who woke it last; changes with each wake */
#define SC_ANNOTATION_START SC_GROUP "/start" /* on a consumer Pod: which start made it */
/* on a consumer Pod: the container's generation that it was made for */
#define SC_ANNOTATION_GENERATION SC_GROUP "/container-generation"
/* on Pods: what they were made of */
#define SC_ANNOTATION_TEMPLATE_HASH SC_GROUP "/template-hash"

/* Finalizers, both written by the controller: on the container; on the instance for as long as the
 * node agent has files of it. */
#define SC_FINALIZER_CONTROLLER SC_GROUP "/controller"
#define SC_FINALIZER_NODE SC_GROUP "/rootfs"

/* On the instance, by the user: the digest of the image for which the kept files may be dropped. */
#define SC_ANNOTATION_RESET SC_GROUP "/reset-rootfs"
/* ... and the case in which the files may be taken as they are (agent/core/files.h). */
#define SC_ANNOTATION_ACCEPT SC_GROUP "/accept-rootfs"
/* ... and to compare them with the list that the last stop left: any value, another each time. */
#define SC_ANNOTATION_VERIFY SC_GROUP "/verify-rootfs"

/* On a Namespace, by the operator: domains whose hosts its containers may list, by comma. */
#define SC_ANNOTATION_ALLOWED_HOSTS SC_GROUP "/allowed-hosts"

/* The consumer's control volume: an emptyDir with the wrapper's socket. */
#define SC_CONTROL_VOLUME "sc-control"
#define SC_CONTROL_MOUNT "/.sc"
#define SC_CONTROL_SOCKET "wrapper.sock"

/* The provider's volume with the injected static wrapper. */
#define SC_INJECT_VOLUME "sc-inject"
#define SC_INJECT_MOUNT "/.sc-inject"

#define SC_HOST_PATH_PREFIX_DEFAULT "/var/lib/stoppablecontainer"
