/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_id - the name of one request, from the client to the container's log
 *
 * One that came with the request (X-Request-Id) is kept where it is short and plain: it goes into
 * heads, answers and logs of others. Else it is 128 random bits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { REQUEST_ID_MAX = 128, REQUEST_ID_RANDOM_BYTES = 16 };

/** request_id_is_plain() - whether a client's own is kept */
bool request_id_is_plain(const char *text, size_t bytes);

/** request_id_write() - 32 hexadecimal digits */
void request_id_write(char ret_text[2 * REQUEST_ID_RANDOM_BYTES + 1],
                      const unsigned char random[REQUEST_ID_RANDOM_BYTES]);
