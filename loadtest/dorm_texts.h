/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dorm texts - what a user, a kubelet and a node agent write of one container
 *
 * Each a new reference; NULL when memory ran out.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

/** dorm_container() - a manifest of the usual length, asleep */
json_t *dorm_container(const char *name);
/** dorm_pod_status() - patch of a Pod's status: running, as a kubelet says it */
json_t *dorm_pod_status(const json_t *pod);
/** dorm_rootfs_status() - patch of an instance's status: prepared from that provider */
json_t *dorm_rootfs_status(const json_t *pod);
/** dorm_consumer_status() - likewise: that consumer listens on @port of 127.0.0.1 */
json_t *dorm_consumer_status(const json_t *pod, uint16_t port);
