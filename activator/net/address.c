/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address - a peer's socket address as text, as bytes, and its port
 */
#include "activator/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* By hand, since each request has one: inet_ntop(3) prints it by printf(3). */
static void v4_text(const unsigned char bytes[4], char *to)
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned n = bytes[i];

		if (i > 0)
			*to++ = '.';
		if (n >= 100)
			*to++ = (char)('0' + n / 100);
		if (n >= 10)
			*to++ = (char)('0' + n / 10 % 10);
		*to++ = (char)('0' + n % 10);
	}
	*to = '\0';
}

void address_text(const struct sockaddr *sa, char ret_text[ADDRESS_TEXT_BYTES])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

	ret_text[0] = '\0';
	if (sa->sa_family == AF_INET)
		v4_text((const unsigned char *)&in->sin_addr, ret_text);
	else if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		v4_text(&in6->sin6_addr.s6_addr[12], ret_text);
	else if (sa->sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, ret_text, ADDRESS_TEXT_BYTES);
}

void address_bytes(const struct sockaddr *sa, unsigned char ret_bytes[ADDRESS_BYTES])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

	memset(ret_bytes, 0, ADDRESS_BYTES);
	if (sa->sa_family == AF_INET6) {
		memcpy(ret_bytes, &in6->sin6_addr, ADDRESS_BYTES);
	} else if (sa->sa_family == AF_INET) {
		memset(ret_bytes + 10, 0xff, 2);
		memcpy(ret_bytes + 12, &in->sin_addr, 4);
	}
}

unsigned address_port(const struct sockaddr_storage *ss)
{
	if (ss->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)ss)->sin6_port);
	return ss->ss_family == AF_INET ? ntohs(((const struct sockaddr_in *)ss)->sin_port) : 0;
}
