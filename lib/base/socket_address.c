/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket_address - parses "127.0.0.1:8080" and "[::1]:8080"
 */
#include "lib/base/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/num.h"

/* "[::1]" with its brackets is a byte or two shorter than what is reserved for it. */
enum { HOST_BYTES = INET6_ADDRSTRLEN + 2 };

socklen_t socket_address_parse(const char *text, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	const char *colon = strrchr(text, ':');
	size_t bytes = colon != NULL ? (size_t)(colon - text) : 0;
	char host[HOST_BYTES];
	uint64_t port;

	if (bytes < 2 || bytes >= sizeof host ||
	    num_parse_u64(colon + 1, 0, UINT16_MAX, &port, NULL) < 0)
		return 0;
	memcpy(host, text, bytes);
	host[bytes] = '\0';
	memset(ret_address, 0, sizeof *ret_address);
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		v4.sin_port = htons((uint16_t)port);
		memcpy(ret_address, &v4, sizeof v4);
		return sizeof v4;
	}
	if (host[0] != '[' || host[bytes - 1] != ']')
		return 0;
	host[bytes - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &v6.sin6_addr) != 1)
		return 0;
	v6.sin6_port = htons((uint16_t)port);
	memcpy(ret_address, &v6, sizeof v6);
	return sizeof v6;
}
