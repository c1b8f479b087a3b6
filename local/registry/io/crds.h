/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crds - the CustomResourceDefinitions of a folder
 */
#pragma once

#include "local/registry.h"

/** crds_load() - every *.yaml of @dir in the names' order; err names the file */
int crds_load(struct registry *r, const char *dir, struct err *err);
