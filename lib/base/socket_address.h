/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket_address - "127.0.0.1:8080" and "[::1]:8080", as they stand in settings
 *
 * evutil_parse_sockaddr_port() of libevent is not used for it: it refuses port 0, which means any
 * free port.
 */
#pragma once

#include <sys/socket.h>

/** socket_address_parse() - Return: bytes of @ret_address; 0: it is none */
socklen_t socket_address_parse(const char *text, struct sockaddr_storage *ret_address);
