/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel - the socket on which process 1 waits for the node agent
 */
#include "wrapper/wrapper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The socket is bound under this name beside its own, and renamed once it listens. */
static const char temp_suffix[] = ".new";

int wrapper_listen(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd;

	if (len + sizeof temp_suffix > sizeof addr.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path, path, len);
	memcpy(addr.sun_path + len, temp_suffix, sizeof temp_suffix);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* left by this container's former run */
	if (unlink(addr.sun_path) < 0 && errno != ENOENT)
		goto fail;
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, 4) < 0 ||
	    rename(addr.sun_path, path) < 0)
		goto fail;
	return fd;
fail:
	(void)close(fd);
	return -1;
}

void wrapper_send(int fd, enum proto_kind kind, int number, const char *text)
{
	char packet[PROTO_TEXT_BYTES_MAX];
	const struct proto_message m = {kind, number, text};
	size_t bytes = proto_format(packet, &m);

	if (fd >= 0 && send(fd, packet, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}
