/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenant - process 1 of a container whose owner wants more than is his: static, one file
 *
 *     tenant peer SOCKET           says what a wrapper says whose process runs, in the place of
 *                                  whoever listens at SOCKET; HTTP on 8080 answers "stolen"
 *     tenant net ADDRESS SOCKET    the same, in a network namespace of its own that has ADDRESS
 *     tenant layers FOLDER         shows a root that is an overlay of the node's FOLDER, by name;
 *                                  what has that name here is an empty folder of its own. (The
 *                                  other layer, /etc, is there for whoever believes the names.)
 *
 * The last two make a user namespace, which no privilege is needed for. Prints what it reached.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATH_BYTES = 512, HTTP_PORT = 8080 };

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "tenant: %s: %s\n", #condition, strerror(errno));          \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* A user namespace, with root of it in the place of whoever this is, and others that it owns. */
static void leave(int flags)
{
	char map[64];
	unsigned uid = getuid();
	unsigned gid = getgid();

	CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	CHECK(unshare(CLONE_NEWUSER | flags) == 0);
	put("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof map, "0 %u 1", uid);
	put("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof map, "0 %u 1", gid);
	put("/proc/self/gid_map", map);
}

/* --- layers --- */

static void make_folders(const char *path)
{
	char at[PATH_BYTES];

	(void)snprintf(at, sizeof at, "%s", path);
	for (char *slash = strchr(at + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		CHECK(mkdir(at, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	CHECK(mkdir(at, 0755) == 0 || errno == EEXIST);
}

static void show_layers(const char *folder)
{
	char options[PATH_BYTES];

	leave(CLONE_NEWNS);
	CHECK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("tmpfs", "/tmp", "tmpfs", 0, NULL) == 0);
	CHECK(chroot("/tmp") == 0 && chdir("/") == 0);
	make_folders(folder);
	make_folders("/etc");
	make_folders("/root");
	(void)snprintf(options, sizeof options, "lowerdir=%s:/etc", folder);
	CHECK(mount("overlay", "/root", "overlay", 0, options) == 0);
	CHECK(chroot("/root") == 0 && chdir("/") == 0);
	(void)printf("showing %s\n", folder);
}

/* --- peer --- */

static void set_address(const char *address)
{
	struct ifreq request = {.ifr_name = "lo"};
	struct sockaddr_in in = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(inet_pton(AF_INET, address, &in.sin_addr) == 1);
	memcpy(&request.ifr_addr, &in, sizeof in);
	CHECK(fd >= 0 && ioctl(fd, SIOCSIFADDR, &request) == 0);
	request.ifr_flags = IFF_UP;
	CHECK(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
	(void)close(fd);
	(void)printf("address %s\n", address);
}

/* In a child. Where somebody has the port of the Pod, that one keeps it. */
static void serve_http(void)
{
	static const char answer[] =
	        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nstolen\n";
	const struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(HTTP_PORT)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fork() != 0)
		return;
	if (bind(listener, (const struct sockaddr *)&addr, sizeof addr) < 0)
		_exit(0);
	CHECK(listen(listener, 16) == 0);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char head[4096];

		if (recv(fd, head, sizeof head, 0) > 0)
			(void)send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
		(void)close(fd);
	}
}

static void serve_agent(const char *path)
{
	static const char hello[] = "hello 1 running 1";
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.sun_path, sizeof addr.sun_path, "%s.new", path);
	CHECK(listener >= 0 && bind(listener, (struct sockaddr *)&addr, sizeof addr) == 0);
	CHECK(listen(listener, 16) == 0 && rename(addr.sun_path, path) == 0);
	(void)printf("listening\n");
	for (;;) {
		char packet[512];
		int fd = accept(listener, NULL, NULL);

		(void)send(fd, hello, sizeof hello - 1, MSG_NOSIGNAL);
		while (recv(fd, packet, sizeof packet, 0) > 0)
			(void)printf("told something\n");
		(void)close(fd);
	}
}

int main(int argc, char **argv)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && strcmp(argv[1], "layers") == 0) {
		show_layers(argv[2]);
		for (;;)
			(void)pause();
	}
	if (argc == 4 && strcmp(argv[1], "net") == 0) {
		leave(CLONE_NEWNET);
		set_address(argv[2]);
	} else if (argc != 3 || strcmp(argv[1], "peer") != 0) {
		fputs("usage: tenant peer SOCKET | net ADDRESS SOCKET | layers FOLDER\n", stderr);
		return 2;
	}
	serve_http();
	serve_agent(argv[argc - 1]);
	return 0;
}
