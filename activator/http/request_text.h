/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_text - a request's id, and its path as the access log shows it
 */
#pragma once

#include <stddef.h>

#include "activator/core/head.h"
#include "activator/core/request_id.h"

enum { REQUEST_HOST_BYTES = 264, REQUEST_PATH_BYTES = 257 };

/** request_id_of() - the client's own, else a new one; @h: NULL when there is no whole head */
void request_id_of(const struct head *h, char ret_id[REQUEST_ID_MAX + 1]);

/** request_path_text() - up to the query, which may have secrets, and cut where it is long */
void request_path_text(const char *target, size_t bytes, char ret_path[REQUEST_PATH_BYTES]);
