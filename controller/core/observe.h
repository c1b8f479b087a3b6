/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observe - reads the API objects of one container into the facts that a plan is made of
 *
 * Pods are recognised by UID and owner, never by name alone: a Pod counts only when the instance of
 * this container is its controlling owner.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/core/memory.h"
#include "controller/core/supported.h"
#include "lib/api/resource.h"

enum {
	OBSERVED_PODS_MAX = 32,    /* further ones are looked at when these are gone */
	OBSERVED_SERVICES_MAX = 8, /* Services, and EndpointSlices, of one container */
};

/* The objects of one container, as the caches have them. Who fills it in owns them. */
struct observed {
	const json_t *container; /* NULL: it is gone */
	const json_t *instance;  /* NULL: none */
	const json_t *pods[OBSERVED_PODS_MAX];
	size_t pods_count;
	const json_t *services[OBSERVED_SERVICES_MAX];
	size_t services_count;
	const json_t *slices[OBSERVED_SERVICES_MAX];
	size_t slices_count;
	bool node_missing; /* status.nodeName names a Node that does not exist */
	bool node_silent;  /* or one that is not Ready */
	const json_t
	        *hosts_admitted;   /* hosts of the spec that it may have; NULL: the spec has none */
	const char *hosts_reason;  /* why one of them is not, or NULL */
	const char *hosts_refusal; /* with it: the same at length */
};

/* Whether status.rootfs.nodeName, which an agent wrote, is to be believed. */
enum claim {
	CLAIM_NONE,
	CLAIM_UNPROVEN, /* it is not known yet where the provider is */
	CLAIM_HOLDS,
	CLAIM_REFUSED, /* the provider is elsewhere, and never was there */
};

/* One reading. Everything is borrowed from struct observed. */
struct facts {
	const char *ns, *name, *uid;
	int64_t generation;
	bool running; /* a process is wanted: spec.running, and nothing is being deleted */
	bool deleting;
	const struct resource *resource; /* NULL: see invalid */
	const char *invalid;             /* why the template can't be used, or NULL */
	const char *invalid_reason;      /* with it: CamelCase, static */
	bool is_unsupported;             /* it is valid, but supported.h refuses it */
	char unsupported[SUPPORTED_TEXT_BYTES];

	const json_t *instance; /* NULL: none, or not ours */
	bool instance_foreign;  /* one of that name exists and belongs to something else */
	bool instance_deleting;
	const json_t *rootfs;     /* status.rootfs, or NULL */
	const char *rootfs_state; /* "" when the agent has not written it */
	const json_t *image;      /* status.image, or NULL */
	enum claim claim;
	const char *rootfs_node; /* where it is; "" unless the claim holds */
	bool image_confirmed;    /* it was made from the current provider and its image */
	bool rootfs_usable;      /* a consumer may be started on it */
	bool node_missing;
	bool node_silent;

	const json_t *hosts; /* these three as in struct observed: hosts_admitted */
	const char *hosts_reason, *hosts_refusal;
	const json_t *provider;        /* the one that lives, or NULL */
	const json_t *provider_old;    /* one that is being deleted or ended, or NULL */
	const json_t *consumer;        /* the current one, or NULL */
	const json_t *consumer_status; /* status.consumer, if the agent wrote it of that Pod */
	const json_t *surplus[OBSERVED_PODS_MAX]; /* to be deleted: older live ones, ended ones */
	size_t surplus_count;
	size_t pods_count;    /* consumers of any state */
	size_t unended_count; /* consumers on their way out whose process may still run */
	const json_t *ended;  /* one of the surplus that ended for good, or NULL */
	int64_t start_count;  /* of the newest start */
	bool plain_name_free; /* no Pod has the container's name */
};

/**
 * facts_read() - @resource and @invalid as resource_parse() gave them: one of them is NULL
 */
void facts_read(const struct observed *seen, const struct memory *memory,
                const struct resource *resource, const char *invalid, struct facts *ret_facts);

/** facts_pod_made_for() - the container's generation that the consumer Pod was made for; 0: unknown
 */
int64_t facts_pod_made_for(const json_t *pod);

/** facts_pod_is_ready() - the Pod's Ready condition is True */
bool facts_pod_is_ready(const json_t *pod);

/**
 * facts_pod_waiting() - why a container of the Pod waits ("ImagePullBackOff"), "" when none does
 * @ret_message: the kubelet's words, or ""
 */
const char *facts_pod_waiting(const json_t *pod, const char **ret_message);

/** facts_pod_last_end() - the main container's last "terminated", or NULL */
const json_t *facts_pod_last_end(const json_t *pod);

/** facts_main_image() - the image that the template names, "" when it can't be used */
const char *facts_main_image(const struct facts *f);

/** facts_pod_is_ended() - ended for good: the kubelet starts nothing in it again (evicted) */
bool facts_pod_is_ended(const json_t *pod);
