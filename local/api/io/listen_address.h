/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen_address - "127.0.0.1:6443" or "[::1]:0"; libevent's own parser refuses port 0
 */
#pragma once

#include <sys/socket.h>

#include "lib/base/err.h"

int listen_address_parse(const char *text, struct sockaddr_storage *ret_address,
                         socklen_t *ret_bytes, struct err *err);
