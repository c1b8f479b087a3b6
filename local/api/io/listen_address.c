/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen_address - reads the option that says where to listen: ADDRESS:PORT
 */
#include "local/api/io/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/base/num.h"

int listen_address_parse(const char *text, struct sockaddr_storage *ret_address,
                         socklen_t *ret_bytes, struct err *err)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
	const char *colon = strrchr(text, ':');
	size_t bytes = colon ? (size_t)(colon - text) : 0;
	char host[INET6_ADDRSTRLEN] = "";
	uint64_t port;

	memset(ret_address, 0, sizeof *ret_address);
	if (bytes > 2 && text[0] == '[' && text[bytes - 1] == ']') {
		text++;
		bytes -= 2;
		v6->sin6_family = AF_INET6;
	} else {
		v4->sin_family = AF_INET;
	}
	if (bytes == 0 || bytes >= sizeof host)
		return err_set(err, ERR_PARSE, 0, "listen address: want ADDRESS:PORT");
	memcpy(host, text, bytes);
	if (num_parse_u64(colon + 1, 0, UINT16_MAX, &port, err) < 0)
		return err_wrap(err, "listen port");
	*ret_bytes = v4->sin_family == AF_INET ? sizeof *v4 : sizeof *v6;
	v4->sin_port = htons((uint16_t)port); /* at the same place in both */
	if (inet_pton(ret_address->ss_family, host,
	              v4->sin_family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr) !=
	    1)
		return err_set(err, ERR_PARSE, 0, "listen address \"%s\": not an IP address", host);
	return 0;
}
