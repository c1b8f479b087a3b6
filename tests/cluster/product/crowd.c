/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd - a Pod with thousands of connections that are of no use to anybody: static, one file
 *
 *     crowd COUNT BYTES ADDRESS:PORT…   COUNT connections to each, opened anew when they are cut;
 *                                       on each the first BYTES of a head that never ends
 *
 * Prints "there" when each of them has said what it has to say, or was cut, once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PLACES_MAX = 30000, TARGETS_MAX = 32, OPENED_IN_A_TURN = 40, TURN_MS = 10 };

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "crowd: %s: %s\n", #condition, strerror(errno));           \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static struct pollfd fds[PLACES_MAX];
static size_t sent_bytes[PLACES_MAX];
static bool was_there[PLACES_MAX];
static struct sockaddr_in targets[TARGETS_MAX];
static char *head;
static size_t head_bytes;
static unsigned places_count, targets_count, there_count;

static unsigned number_of(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	CHECK(*text != '\0' && *end == '\0' && n <= 1000000);
	return (unsigned)n;
}

static void add_target(char *text)
{
	char *colon = strchr(text, ':');
	struct sockaddr_in *in = &targets[targets_count++];

	CHECK(targets_count <= TARGETS_MAX && colon != NULL);
	*colon = '\0';
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)number_of(colon + 1));
	CHECK(inet_pton(AF_INET, text, &in->sin_addr) == 1);
}

static void make_head(size_t bytes)
{
	static const char begin[] = "GET / HTTP/1.1\r\nHost: nobody.example\r\nA: ";

	head_bytes = bytes;
	head = malloc(bytes + sizeof begin);
	CHECK(head != NULL);
	memset(head, 'a', bytes + sizeof begin);
	memcpy(head, begin, sizeof begin - 1);
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void come(unsigned i)
{
	const struct sockaddr_in *to = &targets[i % targets_count];

	sent_bytes[i] = 0;
	fds[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(fds[i].fd >= 0);
	fds[i].events = POLLIN | POLLOUT;
	(void)connect(fds[i].fd, (const struct sockaddr *)to, sizeof *to);
}

static void count(unsigned i)
{
	there_count += !was_there[i];
	was_there[i] = true;
}

static void leave(unsigned i)
{
	count(i);
	(void)close(fds[i].fd);
	fds[i].fd = -1;
}

/* What is said to it is thrown away. */
static void look(unsigned i)
{
	static char answer[4096];
	ssize_t n;

	if (fds[i].revents & (POLLERR | POLLHUP)) {
		leave(i);
		return;
	}
	if (fds[i].revents & POLLOUT) {
		n = send(fds[i].fd, head + sent_bytes[i], head_bytes - sent_bytes[i], MSG_NOSIGNAL);
		if (n > 0)
			sent_bytes[i] += (size_t)n;
		if (sent_bytes[i] == head_bytes) {
			fds[i].events = POLLIN;
			count(i);
		}
	}
	if (fds[i].revents & POLLIN && recv(fds[i].fd, answer, sizeof answer, 0) == 0)
		leave(i);
}

int main(int argc, char **argv)
{
	bool told = false;
	unsigned next = 0;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4) {
		fputs("usage: crowd COUNT BYTES ADDRESS:PORT…\n", stderr);
		return 2;
	}
	for (int i = 3; i < argc; i++)
		add_target(argv[i]);
	places_count = number_of(argv[1]) * targets_count;
	CHECK(places_count <= PLACES_MAX);
	make_head(number_of(argv[2]));
	raise_descriptors();
	for (unsigned i = 0; i < places_count; i++)
		fds[i].fd = -1;
	for (;;) {
		unsigned opened = 0;

		(void)poll(fds, places_count, TURN_MS);
		for (unsigned i = 0; i < places_count; i++) {
			if (fds[i].fd >= 0)
				look(i);
		}
		/* in turn, else the first of them would come again before the last ones came */
		for (unsigned n = 0; n < places_count && opened < OPENED_IN_A_TURN; n++) {
			next = (next + 1) % places_count;
			if (fds[next].fd < 0) {
				come(next);
				opened++;
			}
		}
		if (there_count == places_count && !told)
			(void)printf("there\n");
		told = told || there_count == places_count;
		(void)poll(NULL, 0, TURN_MS); /* others want the processor as well */
	}
}
