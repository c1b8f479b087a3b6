/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reset - whether a container's kept files may be dropped, and for which image
 */
#pragma once

#include <jansson.h>

#include "lib/base/err.h"

enum { RESET_DIGEST_BYTES = 160 };

/**
 * reset_check() - @instance: of the container
 * @digest: the image's to begin anew with, as the agent names it
 */
int reset_check(const json_t *instance, char digest[RESET_DIGEST_BYTES], struct err *err);
