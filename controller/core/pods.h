/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods - makes the two Pods of a container, provider and consumer, from its template
 *
 * Nothing is added to the user's Pod for our sake but the wrapper's image and command and one
 * emptyDir: no capability, no hostPath, no init container.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "lib/api/resource.h"

/* On the instance: the image that its root filesystem was last seen to be made from. */
#define PODS_ANNOTATION_ROOTFS_IMAGE "stoppablecontainer.xtlsoft.top/rootfs-image"

enum { PODS_HASH_BYTES = 17, PODS_NAME_BYTES = 254 };

struct pods_config {
	const char *wrapper_image;
	const char *wrapper_pull_policy; /* NULL: the kubelet's default */
};

/** pods_check_template() - what resource_parse() does not know. Return: why not, or NULL. */
const char *pods_check_template(const struct resource *r);

/** pods_consumer_hash() - 16 hex digits; changes when the template does */
void pods_consumer_hash(const struct resource *r, char buf[PODS_HASH_BYTES]);
/** pods_provider_hash() - changes when the provider has to be made anew */
void pods_provider_hash(const struct resource *r, char buf[PODS_HASH_BYTES]);

/** pods_has_command() - image and template together name something to run */
bool pods_has_command(const struct resource *r, const json_t *image);

/** pods_knows_user() - @image tells of the user that the template names, or leaves to it */
bool pods_knows_user(const struct resource *r, const json_t *image);

struct pods_start {
	const char *pod_name;
	int64_t count;
	const char *node; /* where the root filesystem is; "" when it is not known */
};

/** pods_consumer() - @instance: with status.image; pods_has_command(). Return: new reference */
json_t *pods_consumer(const struct resource *r, const json_t *instance,
                      const struct pods_start *start, const struct pods_config *config);

/** pods_provider() - @node: where the root filesystem already is, "" when nowhere yet */
json_t *pods_provider(const struct resource *r, const json_t *instance, const char *node,
                      const struct pods_config *config);

/** pods_metadata() - name, namespace, labels and owner of what belongs to one container
 * @role: NULL for none; @owner: object that controls it. Return: new reference */
json_t *pods_metadata(const struct resource *r, const char *name, const char *role,
                      const json_t *owner, const char *owner_kind);
