/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - an image's layer and what is kept over it, on a tmpfs of the test's own mount namespace
 */
#pragma once

#include "agent/io/mounts/overlay.h"
#include "lib/base/err.h"

#define T "/run/t"

/* The layer is T/layer, the mount T/merged. */
extern const struct overlay_paths paths;

int tree_setup(void **state);
int tree_teardown(void **state);

/** tree_mount() - the layer with what is kept */
void tree_mount(void);

/** tree_must() - the test fails with what @err says when @rc is negative */
void tree_must(int rc, const struct err *err);
