/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-beacon - an HTTP server that tells when its port is open
 *
 * usage: sc-beacon PORT [END_MS]
 * Listens, then sends one datagram to $BEACON (IPv4:PORT): "listening NAME US", with $BEACON_NAME
 * and the monotonic clock in microseconds. So nobody has to poll to find out, and the moment is the
 * same for every way to start it. At SIGTERM it says "terminating NAME US", goes on answering for
 * END_MS, says "ended NAME US" and ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char beacon_answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                    "Content-Length: 3\r\nConnection: close\r\n\r\nok\n";

static volatile sig_atomic_t beacon_is_told;

static void on_term(int number)
{
	(void)number;
	beacon_is_told = 1;
}

static int64_t beacon_now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void beacon_say(const char *what)
{
	const char *to = getenv("BEACON"), *name = getenv("BEACON_NAME");
	struct sockaddr_in sin = {.sin_family = AF_INET};
	char address[32] = "", text[256];
	char *colon;
	int fd, n;

	(void)snprintf(address, sizeof address, "%s", to != NULL ? to : "");
	colon = strchr(address, ':');
	if (colon == NULL)
		return;
	*colon = '\0';
	sin.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	n = snprintf(text, sizeof text, "%s %s %lld", what, name != NULL ? name : "",
	             (long long)beacon_now_us());
	if (fd >= 0 && n < (int)sizeof text && inet_pton(AF_INET, address, &sin.sin_addr) == 1)
		(void)sendto(fd, text, (size_t)n, 0, (struct sockaddr *)&sin, sizeof sin);
	if (fd >= 0)
		(void)close(fd);
}

static int beacon_listen(uint16_t port)
{
	const struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
	    bind(fd, (const struct sockaddr *)&sin, sizeof sin) == 0 && listen(fd, 128) == 0)
		return fd;
	perror("sc-beacon");
	return -1;
}

/* One request after the other: who measures sends them whole, and in one piece. */
static void beacon_serve(int fd)
{
	char request[4096];
	const struct timeval limit = {1, 0};
	int peer = accept(fd, NULL, NULL);

	if (peer < 0)
		return;
	(void)setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (recv(peer, request, sizeof request, 0) > 0)
		(void)send(peer, beacon_answer, sizeof beacon_answer - 1, MSG_NOSIGNAL);
	(void)close(peer);
}

int main(int argc, char **argv)
{
	const struct sigaction term = {.sa_handler = on_term};
	const struct timespec ever = {3600, 0};
	uint16_t port = (uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 8080);
	int64_t stay_us = argc > 2 ? (int64_t)strtoul(argv[2], NULL, 10) * 1000 : 0;
	int64_t end_us = INT64_MAX;
	struct timespec left = ever;
	struct pollfd p = {.events = POLLIN};
	sigset_t blocked, before;

	/* blocked but while it waits, so that none comes between the look and the wait */
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &blocked, &before);
	(void)sigaction(SIGTERM, &term, NULL);
	p.fd = beacon_listen(port);
	if (p.fd < 0)
		return 1;
	beacon_say("listening");
	while (beacon_now_us() < end_us) {
		if (ppoll(&p, 1, &left, &before) > 0)
			beacon_serve(p.fd);
		if (beacon_is_told && end_us == INT64_MAX) {
			beacon_say("terminating");
			end_us = beacon_now_us() + stay_us;
		}
		if (end_us != INT64_MAX) {
			int64_t rest_us = end_us - beacon_now_us();

			left = (struct timespec){0};
			if (rest_us > 0)
				left = (struct timespec){rest_us / 1000000,
				                         rest_us % 1000000 * 1000};
		}
	}
	beacon_say("ended");
	return 0;
}
