/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup - taking away the folders that containers ran in
 */
#pragma once

#include <stdbool.h>

/**
 * cgroup_remove() - a Pod's folders in every hierarchy; @pod_uid NULL: the whole root's
 * Return: true when none is left
 */
bool cgroup_remove(const char *cgroup_root, const char *pod_uid);
