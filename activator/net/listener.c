/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener - opens a socket to listen on, of an ADDRESS:PORT
 */
#include "activator/net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "activator/net/address.h"
#include "lib/base/socket_address.h"

enum { LISTEN_BACKLOG = 1024, UNSENT_BYTES = 64 * 1024 };

int listener_open(const char *address, struct sockaddr_storage *ret_here, struct err *err)
{
	struct sockaddr_storage ss;
	socklen_t bytes = socket_address_parse(address, &ss);
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
