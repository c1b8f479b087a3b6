/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot-server - what the product tests run in their containers: static, one process, no library
 *
 * Every answer names the life that gives it: "boot=<ns since the machine's start> overlap=<0|1>".
 * overlap is 1 when another process had the lock on a file of the same root filesystem, that is,
 * when two sets of processes shared it. SIGTERM ends it at once.
 *     POST /fill   makes some hundred files, hard links, symbolic links, extended attributes
 *     GET  /hash   a hash of all of that: names, types, modes, links, contents, attributes
 */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 8080, HEAD_BYTES_MAX = 16384, FILES = 300, LINK_EVERY = 7, XATTR_EVERY = 5 };

static char head[HEAD_BYTES_MAX];

/* --- the files --- */

static uint64_t mix(uint64_t hash, const void *data, size_t bytes)
{
	const unsigned char *at = data;

	while (bytes-- > 0)
		hash = (hash ^ *at++) * 0x100000001b3u;
	return hash;
}

static void fill_one(unsigned i)
{
	char path[64], other[64], text[4096];
	int fd;

	(void)snprintf(path, sizeof path, "/data/%u/file-%u", i % 10, i);
	memset(text, 'a' + (int)(i % 26), sizeof text);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600 + (int)(i % 8));
	if (fd < 0 || write(fd, text, i * 13 % sizeof text) < 0)
		abort();
	if (i % XATTR_EVERY == 0 && fsetxattr(fd, "user.number", path, strlen(path), 0) < 0)
		abort();
	(void)close(fd);
	(void)snprintf(other, sizeof other, "/data/link-%u", i);
	if (i % LINK_EVERY == 0 && link(path, other) < 0)
		abort();
	if (i % LINK_EVERY == 1 && symlink(path, other) < 0)
		abort();
}

static void fill(void)
{
	char path[64];

	(void)mkdir("/data", 0755);
	for (unsigned i = 0; i < 10; i++) {
		(void)snprintf(path, sizeof path, "/data/%u", i);
		(void)mkdir(path, 0755);
	}
	for (unsigned i = 0; i < FILES; i++)
		fill_one(i);
	sync();
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static uint64_t hash_file(uint64_t hash, const char *path, const struct stat *st)
{
	char text[8192];
	ssize_t n = 0;
	int fd;

	if (S_ISLNK(st->st_mode)) {
		n = readlink(path, text, sizeof text);
	} else {
		fd = open(path, O_RDONLY);
		n = fd < 0 ? -1 : read(fd, text, sizeof text);
		(void)close(fd);
	}
	hash = mix(hash, text, n > 0 ? (size_t)n : 0);
	n = lgetxattr(path, "user.number", text, sizeof text);
	return mix(hash, text, n > 0 ? (size_t)n : 0);
}

static uint64_t hash_tree(uint64_t hash, const char *dir)
{
	struct dirent **list;
	int count = scandir(dir, &list, NULL, by_name);
	char path[512];
	struct stat st;

	for (int i = 0; i < count; i++) {
		const char *name = list[i]->d_name;

		(void)snprintf(path, sizeof path, "%s/%s", dir, name);
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && lstat(path, &st) == 0) {
			hash = mix(hash, path, strlen(path));
			hash = mix(hash, &st.st_mode, sizeof st.st_mode);
			if (S_ISDIR(st.st_mode))
				hash = hash_tree(hash, path);
			else
				hash = hash_file(mix(hash, &st.st_nlink, sizeof st.st_nlink), path,
				                 &st);
		}
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return hash;
}

/* --- the server --- */

/* Return: bytes of the head with what came of the body, 0 when there was none */
static size_t read_request(int fd)
{
	size_t bytes = 0, want = 0;
	ssize_t n;

	while (bytes < sizeof head - 1 &&
	       (n = read(fd, head + bytes, sizeof head - 1 - bytes)) > 0) {
		const char *end, *length;

		bytes += (size_t)n;
		head[bytes] = '\0';
		end = strstr(head, "\r\n\r\n");
		if (end == NULL)
			continue;
		length = strcasestr(head, "\r\ncontent-length:");
		want = length != NULL ? strtoul(length + 17, NULL, 10) : 0;
		if (bytes >= (size_t)(end + 4 - head) + want)
			return bytes;
	}
	return 0;
}

static void serve(int fd, const char *identity)
{
	char body[256], answer[512];
	int len, bytes;

	while (read_request(fd) > 0) {
		if (strncmp(head, "POST /fill", 10) == 0)
			fill();
		if (strncmp(head, "GET /hash", 9) == 0)
			len = snprintf(body, sizeof body, "hash=%016llx\n",
			               (unsigned long long)hash_tree(0xcbf29ce484222325u, "/data"));
		else
			len = snprintf(body, sizeof body, "%s\n", identity);
		bytes = snprintf(
		        answer, sizeof answer,
		        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len,
		        body);
		if (write(fd, answer, (size_t)bytes) != bytes)
			break;
		break;
	}
	(void)shutdown(fd, SHUT_WR);
	(void)close(fd);
}

int main(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int lock = open("/lock", O_RDWR | O_CREAT, 0600);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	struct timespec now;
	char identity[128];

	(void)signal(SIGPIPE, SIG_IGN);
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	(void)snprintf(identity, sizeof identity, "boot=%lld overlap=%d",
	               (long long)now.tv_sec * 1000000000 + now.tv_nsec,
	               lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof any) < 0 || listen(fd, 512) < 0)
		return 1;
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0)
			serve(client, identity);
	}
}
