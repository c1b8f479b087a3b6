/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest - the StoppableContainer that "create" makes of its flags
 */
#pragma once

#include <jansson.h>

#include "cli/core/args.h"

/** manifest_of() - @ns: where it will be; @ret_object: new reference */
int manifest_of(const struct args *args, const char *ns, json_t **ret_object, struct err *err);
