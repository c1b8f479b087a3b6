/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: see listener.h. */
#include "activator/net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "activator/net/address.h"
#include "lib/base/num.h"

enum { LISTEN_BACKLOG = 1024, UNSENT_BYTES = 64 * 1024 };

/* "127.0.0.1:0", "[::1]:8080"; libevent's own parser refuses port 0. Return: 0 if malformed */
static socklen_t address_parse(const char *address, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	const char *colon = strrchr(address, ':');
	size_t bytes = colon ? (size_t)(colon - address) : 0;
	char host[ADDRESS_TEXT_BYTES];
	uint64_t port;

	if (bytes < 2 || bytes >= sizeof host ||
	    num_parse_u64(colon + 1, 0, 65535, &port, NULL) < 0)
		return 0;
	memcpy(host, address, bytes);
	host[bytes] = '\0';
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		return sizeof *in;
	}
	if (host[0] != '[' || host[bytes - 1] != ']')
		return 0;
	host[bytes - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &in6->sin6_addr) != 1)
		return 0;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	return sizeof *in6;
}

int listener_open(const char *address, struct sockaddr_storage *ret_here, struct err *err)
{
	struct sockaddr_storage ss = {0};
	socklen_t bytes = address_parse(address, &ss);
	int unsent = UNSENT_BYTES;
	int on = 1;
	int fd;

	if (bytes == 0)
		return err_set(err, ERR_PARSE, 0, "listen \"%s\": want ADDRESS:PORT", address);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, ERR_SYS, errno, "listen %s: socket", address);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	/* Inherited by what is accepted: what a client does not take waits in our buffers, which
	   are counted to the byte, and not in the kernel's, which grow to megabytes. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
	if (bind(fd, (struct sockaddr *)&ss, bytes) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
		(void)err_set(err, ERR_SYS, errno, "listen %s", address);
		(void)close(fd);
		return -1;
	}
	bytes = sizeof *ret_here;
	(void)getsockname(fd, (struct sockaddr *)ret_here, &bytes);
	return fd;
}
