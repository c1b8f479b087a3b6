/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - what the fault tests run in their container: static, one file
 *
 *     probe serve         HTTP on $PORT (8080); SIGTERM ends it, after $STOP_MS. An answer is
 *                         "life=ID overlap=0|1 marker=TEXT": ID of this process, overlap=1 when
 *                         another process lived on the same root file system, what is in
 *                         /keep/marker. /slow/MS answers later, /oom takes memory until killed
 *     probe make FILES    in /keep a tree of everything a file system can have, FILES small files
 *                         beside it; and changes to /lower, which the image brings
 *     probe some          the part of it that tar keeps
 *     probe hash DIR      everything of every file but its times of access and change, not what
 *                         is mounted below; prints "hash=… files=… bytes=…"
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* The digits that @text begins with. */
static unsigned number_of(const char *text)
{
	unsigned n = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (unsigned)(*text - '0');
	return n;
}

enum { BUFFER_BYTES = 1 << 16, NAMES_BYTES = 1 << 14, FOLDER_FILES = 500, LINKS_MAX = 4096 };

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "probe: %s: %s\n", #condition, strerror(errno));           \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* --- make --- */

static void put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(fchmod(fd, mode) == 0);
	(void)close(fd);
}

static void at_time(const char *path, time_t seconds, long nanoseconds)
{
	const struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};

	CHECK(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0);
}

static void make_nodes(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/keep/socket"};
	char text[4000];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0);
	(void)close(fd);
	CHECK(mkfifo("/keep/fifo", 0620) == 0);
	CHECK(symlink("nowhere/at all", "/keep/dangling") == 0);
	memset(text, 'l', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	CHECK(symlink(text, "/keep/long-link") == 0);
	at_time("/keep/long-link", 1000000000, 123456789);
	CHECK(lchown("/keep/dangling", 1234, 4321) == 0);
}

static void make_modes(void)
{
	static const char acl[] = "\2\0\0\0\1\0\7\0\377\377\377\377\2\0\5\0\322\4\0\0"
	                          "\4\0\4\0\377\377\377\377\20\0\5\0\377\377\377\377"
	                          "\40\0\0\0\377\377\377\377";
	static const char capability[20] = {1, 0, 0, 2, 0, 4};

	put("/keep/setuid", "s", 0644);
	CHECK(chown("/keep/setuid", 1000, 1001) == 0 && chmod("/keep/setuid", 06755) == 0);
	put("/keep/none", "", 0);
	put("/keep/attributes", "a", 0640);
	CHECK(setxattr("/keep/attributes", "user.one", "1\0002", 3, 0) == 0);
	CHECK(setxattr("/keep/attributes", "user.empty", "", 0, 0) == 0);
	CHECK(setxattr("/keep/attributes", "system.posix_acl_access", acl, sizeof acl - 1, 0) == 0);
	put("/keep/capable", "c", 0755);
	CHECK(setxattr("/keep/capable", "security.capability", capability, sizeof capability, 0) ==
	      0);
	CHECK(mkdir("/keep/sticky", 0700) == 0 && chmod("/keep/sticky", 03777) == 0);
	CHECK(setxattr("/keep/sticky", "user.folder", "x", 1, 0) == 0);
	put("/keep/before", "1969", 0600);
	at_time("/keep/before", -86400, 1);
	put("/keep/\303(\377 not UTF-8\n", "name", 0600);
	put("/keep/marker", getenv("MARKER") != NULL ? getenv("MARKER") : "none", 0644);
}

static void make_sparse(void)
{
	int fd = open("/keep/sparse", O_RDWR | O_CREAT, 0600);

	CHECK(fd >= 0 && ftruncate(fd, (off_t)1 << 30) == 0);
	for (off_t at = 1 << 20; at < (off_t)1 << 30; at = at * 5 + 4096)
		CHECK(pwrite(fd, "data", 4, at) == 4);
	(void)close(fd);
}

static void make_links(void)
{
	char path[64];

	put("/keep/linked", "many names", 0600);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(path, sizeof path, "/keep/sticky/link-%d", i);
		CHECK(link("/keep/linked", path) == 0);
	}
}

static void make_deep(void)
{
	char name[256];

	memset(name, 'd', 255);
	name[255] = '\0';
	CHECK(chdir("/keep") == 0);
	for (int i = 0; i < 60; i++) {
		CHECK(mkdir(name, 0755) == 0 && chdir(name) == 0);
	}
	put("bottom", "deep", 0600);
	CHECK(chdir("/") == 0);
}

/* What the image brings is removed, replaced, written to and renamed. */
static void change_lower(void)
{
	int fd;

	CHECK(unlink("/lower/gone") == 0);
	CHECK(unlink("/lower/gone-folder/file") == 0 && rmdir("/lower/gone-folder") == 0);
	CHECK(unlink("/lower/opaque/file") == 0 && rmdir("/lower/opaque") == 0);
	CHECK(mkdir("/lower/opaque", 0751) == 0);
	put("/lower/opaque/new", "new", 0600);
	fd = open("/lower/appended", O_WRONLY | O_APPEND);
	CHECK(fd >= 0 && write(fd, "more", 4) == 4);
	(void)close(fd);
	CHECK(chmod("/lower/mode", 04711) == 0);
	at_time("/lower/times", 1234567890, 987654321);
	CHECK(rename("/lower/renamed", "/lower/to") == 0);
	fd = open("/lower/link-a", O_WRONLY | O_APPEND);
	CHECK(fd >= 0 && write(fd, "by a", 4) == 4);
	(void)close(fd);
	CHECK(unlink("/lower/becomes-folder") == 0 && mkdir("/lower/becomes-folder", 0700) == 0);
}

static void make_many(unsigned count)
{
	char path[64];
	char text[64];

	for (unsigned i = 0; i < count; i++) {
		const struct timespec times[2] = {{i, i}, {i, i}};
		int fd;

		if (i % FOLDER_FILES == 0) {
			(void)snprintf(path, sizeof path, "/keep/many-%u", i / FOLDER_FILES);
			CHECK(mkdir(path, 0755) == 0);
		}
		(void)snprintf(path, sizeof path, "/keep/many-%u/%u", i / FOLDER_FILES, i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600 + i % 64);
		CHECK(fd >= 0);
		(void)snprintf(text, sizeof text, "file %u", i);
		CHECK(write(fd, text, strlen(text)) > 0 && futimens(fd, times) == 0);
		if (i % 64 == 0)
			CHECK(fchown(fd, i, i + 1) == 0);
		(void)close(fd);
	}
}

static int make_some(void)
{
	(void)umask(0);
	CHECK(mkdir("/keep", 0755) == 0);
	make_modes();
	make_sparse();
	make_links();
	change_lower();
	return 0;
}

static int make(unsigned count)
{
	(void)make_some();
	make_nodes();
	make_deep();
	make_many(count);
	return 0;
}

/* --- hash --- */

struct hashing {
	uint64_t value;
	unsigned long files;
	unsigned long bytes;
	dev_t dev;
	ino_t links[LINKS_MAX];
	unsigned links_count;
};

static char buffer[BUFFER_BYTES];

static void mix(struct hashing *h, const void *data, size_t bytes)
{
	const unsigned char *at = data;

	while (bytes-- > 0)
		h->value = (h->value ^ *at++) * 0x100000001b3u;
}

static void mix_number(struct hashing *h, uint64_t number)
{
	mix(h, &number, sizeof number);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What the kernel notes of an overlay for itself alone: where something came from. */
static int is_note(const char *attribute)
{
	return strcmp(attribute, "trusted.overlay.origin") == 0 ||
	       strcmp(attribute, "trusted.overlay.impure") == 0 ||
	       strcmp(attribute, "trusted.overlay.nlink") == 0 ||
	       strcmp(attribute, "trusted.overlay.uuid") == 0;
}

/* Of the open file @fd; when that is -1, of what can't be opened. */
static void mix_attributes(struct hashing *h, int dir, const char *name, int fd)
{
	char path[512];
	char names[NAMES_BYTES];
	char *list[256];
	size_t count = 0;
	ssize_t bytes;

	if (fd < 0)
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir, name);
	bytes = fd >= 0 ? flistxattr(fd, names, sizeof names)
	                : llistxattr(path, names, sizeof names);
	CHECK(bytes >= 0);
	for (char *at = names; at < names + bytes && count < 256; at += strlen(at) + 1) {
		if (!is_note(at))
			list[count++] = at;
	}
	qsort(list, count, sizeof *list, by_text);
	for (size_t i = 0; i < count; i++) {
		bytes = fd >= 0 ? fgetxattr(fd, list[i], buffer, sizeof buffer)
		                : lgetxattr(path, list[i], buffer, sizeof buffer);
		CHECK(bytes >= 0);
		mix(h, list[i], strlen(list[i]) + 1);
		mix_number(h, (uint64_t)bytes);
		mix(h, buffer, (size_t)bytes);
	}
}

/* Contents, and where its holes are. */
static void mix_contents(struct hashing *h, int fd, const struct stat *st)
{
	int is_whole = (off_t)st->st_blocks * 512 >= st->st_size;
	off_t at = 0;
	ssize_t n;

	while (at < st->st_size) {
		off_t data = is_whole ? at : lseek(fd, at, SEEK_DATA);
		off_t hole = st->st_size;

		if (data < 0)
			break;
		if (!is_whole)
			hole = lseek(fd, data, SEEK_HOLE);
		CHECK(hole > data);
		mix_number(h, (uint64_t)data);
		mix_number(h, (uint64_t)hole);
		for (at = data; at < hole; at += n) {
			size_t want = sizeof buffer;

			if ((off_t)want > hole - at)
				want = (size_t)(hole - at);
			n = pread(fd, buffer, want, at);
			CHECK(n > 0);
			mix(h, buffer, (size_t)n);
			h->bytes += (unsigned long)n;
		}
	}
}

/* Names of one file are told apart from equal files: by the place of the first of them. */
static void mix_link(struct hashing *h, const struct stat *st)
{
	unsigned i = 0;

	if (S_ISCHR(st->st_mode)) /* whiteouts: how many share one is the kernel's affair */
		return;
	mix_number(h, st->st_nlink);
	if (st->st_nlink < 2)
		return;
	while (i < h->links_count && h->links[i] != st->st_ino)
		i++;
	CHECK(i < LINKS_MAX);
	if (i == h->links_count)
		h->links[h->links_count++] = st->st_ino;
	mix_number(h, i);
}

static void hash_folder(struct hashing *h, int dir);

static void hash_entry(struct hashing *h, int dir, const char *name)
{
	struct stat st;
	ssize_t n;
	int fd = -1;

	CHECK(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
	if (S_ISDIR(st.st_mode) && st.st_dev != h->dev)
		return;
	mix(h, name, strlen(name) + 1);
	if (S_ISREG(st.st_mode) && st.st_dev != h->dev) /* a file that is mounted */
		return;
	h->files++;
	mix_number(h, st.st_mode);
	mix_number(h, (uint64_t)st.st_uid << 32 | st.st_gid);
	mix_number(h, (uint64_t)st.st_mtim.tv_sec);
	mix_number(h, (uint64_t)st.st_mtim.tv_nsec);
	mix_number(h, st.st_rdev);
	if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)) {
		fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NOATIME);
		CHECK(fd >= 0);
	}
	mix_attributes(h, dir, name, fd);
	if (S_ISDIR(st.st_mode)) {
		hash_folder(h, fd);
		return;
	}
	mix_link(h, &st);
	mix_number(h, (uint64_t)st.st_size);
	if (S_ISREG(st.st_mode)) {
		mix_contents(h, fd, &st);
		(void)close(fd);
	} else if (S_ISLNK(st.st_mode)) {
		n = readlinkat(dir, name, buffer, sizeof buffer);
		CHECK(n >= 0);
		mix(h, buffer, (size_t)n);
	}
}

/* Closes @dir. */
static void hash_folder(struct hashing *h, int dir)
{
	DIR *stream = fdopendir(dir);
	const struct dirent *e;
	char **names = NULL;
	size_t count = 0;
	size_t room = 0;

	CHECK(stream != NULL);
	while ((e = readdir(stream)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (count == room) {
			room = room * 2 + 64;
			names = realloc(names, room * sizeof *names);
			CHECK(names != NULL);
		}
		names[count] = strdup(e->d_name);
		CHECK(names[count++] != NULL);
	}
	if (count > 0)
		qsort(names, count, sizeof *names, by_text);
	for (size_t i = 0; i < count; i++) {
		hash_entry(h, dir, names[i]);
		free(names[i]);
	}
	free(names);
	mix_number(h, count);
	(void)closedir(stream);
}

static int hash(const char *path)
{
	static struct hashing h = {.value = 0xcbf29ce484222325u};
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	struct stat st;

	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	h.dev = st.st_dev;
	hash_folder(&h, fd);
	printf("hash=%016llx files=%lu bytes=%lu\n", (unsigned long long)h.value, h.files, h.bytes);
	return 0;
}

/* --- serve --- */

static unsigned stop_ms;

static void wait_ms(unsigned ms)
{
	const struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)nanosleep(&ts, NULL);
}

static void on_term(int sig)
{
	(void)sig;
	wait_ms(stop_ms);
	_exit(0);
}

static void take_memory(void)
{
	const size_t step = 1 << 20;

	for (;;) {
		char *more = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		                  -1, 0);

		if (more != MAP_FAILED)
			memset(more, 1, step);
	}
}

static void answer(int fd, const char *life)
{
	char head[8192];
	char body[512];
	char marker[128] = "none";
	size_t bytes = 0;
	ssize_t n = 0;
	int file = open("/keep/marker", O_RDONLY);

	while (bytes < sizeof head - 1 &&
	       (n = read(fd, head + bytes, sizeof head - 1 - bytes)) > 0) {
		bytes += (size_t)n;
		head[bytes] = '\0';
		if (strstr(head, "\r\n\r\n") != NULL)
			break;
	}
	if (n <= 0)
		return;
	if (strncmp(head, "GET /slow/", 10) == 0)
		wait_ms(number_of(head + 10));
	if (file >= 0) {
		n = read(file, marker, sizeof marker - 1);
		marker[n > 0 ? n : 0] = '\0';
	}
	n = snprintf(body, sizeof body, "%s marker=%s\n", life, marker);
	bytes = (size_t)snprintf(
	        head, sizeof head,
	        "HTTP/1.1 200 OK\r\nContent-Length: %zd\r\nConnection: close\r\n\r\n%s", n, body);
	(void)!write(fd, head, bytes);
	(void)shutdown(fd, SHUT_WR);
	(void)!read(fd, head, sizeof head);
}

static int serve(void)
{
	const char *port = getenv("PORT");
	const char *stop = getenv("STOP_MS");
	struct sockaddr_in addr = {
	        .sin_family = AF_INET,
	        .sin_port = htons((uint16_t)(port != NULL ? number_of(port) : 8080))};
	int lock = open("/.life", O_RDWR | O_CREAT, 0600);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	char life[64];
	uint64_t number;

	stop_ms = stop != NULL ? number_of(stop) : 0;
	CHECK(lock >= 0 && getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number);
	(void)snprintf(life, sizeof life, "life=%016llx overlap=%d", (unsigned long long)number,
	               flock(lock, LOCK_EX | LOCK_NB) != 0);
	(void)signal(SIGTERM, on_term);
	(void)signal(SIGCHLD, SIG_IGN);
	CHECK(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == 0);
	CHECK(bind(listener, (struct sockaddr *)&addr, sizeof addr) == 0);
	CHECK(listen(listener, 1024) == 0);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char first[9];

		if (fd < 0)
			continue;
		if (recv(fd, first, sizeof first, MSG_PEEK) == (ssize_t)sizeof first &&
		    memcmp(first, "GET /oom ", sizeof first) == 0)
			take_memory();
		if (fork() == 0) {
			(void)signal(SIGTERM, SIG_DFL);
			(void)close(lock);
			answer(fd, life);
			_exit(0);
		}
		(void)close(fd);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return serve();
	if (argc == 2 && strcmp(argv[1], "some") == 0)
		return make_some();
	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make(number_of(argv[2]));
	if (argc == 3 && strcmp(argv[1], "hash") == 0)
		return hash(argv[2]);
	fputs("usage: probe serve | make FILES | some | hash DIR\n", stderr);
	return 2;
}
