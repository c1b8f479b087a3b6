/* SPDX-License-Identifier: Apache-2.0 */
/* world_backend - an HTTP server as a child process, in the place of a container (world.h) */
#include "tests/world/world_internal.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct backend_child {
	const char *body;
	unsigned *served;
};

static void on_backend_request(struct evhttp_request *req, void *arg)
{
	const struct backend_child *b = arg;
	struct evbuffer *out = evbuffer_new();

	if (out == NULL || evbuffer_add(out, b->body, strlen(b->body)) < 0)
		_exit(1);
	(void)__atomic_add_fetch(b->served, 1, __ATOMIC_RELAXED);
	evhttp_send_reply(req, 200, "OK", out);
	evbuffer_free(out);
}

static void backend_run(int fd, struct backend_child *b, pid_t parent)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base != NULL ? evhttp_new(base) : NULL;

	if (http == NULL || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    evhttp_accept_socket(http, fd) < 0)
		_exit(1);
	evhttp_set_gencb(http, on_backend_request, b);
	(void)event_base_dispatch(base);
	_exit(1);
}

static int backend_listen(struct world *w, unsigned *ret_port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sin;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, len) < 0 || listen(fd, 512) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) < 0)
		world_fail(w, "backend: no socket");
	*ret_port = ntohs(sin.sin_port);
	return fd;
}

struct world_backend *world_backend_up(struct world *w, const char *body)
{
	struct world_backend *b = calloc(1, sizeof *b);
	struct backend_child child = {body, NULL};
	pid_t parent = getpid();
	int fd;

	assert_non_null(b);
	assert_true(w->backends_count < WORLD_BACKENDS_MAX);
	w->backends[w->backends_count++] = b;
	b->world = w;
	b->served = mmap(NULL, sizeof *b->served, PROT_READ | PROT_WRITE,
	                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(b->served != MAP_FAILED);
	fd = backend_listen(w, &b->port);
	child.served = b->served;
	b->pid = fork();
	if (b->pid == 0)
		backend_run(fd, &child, parent);
	(void)close(fd);
	if (b->pid < 0)
		world_fail(w, "backend: fork failed");
	return b;
}

unsigned world_backend_port(const struct world_backend *b)
{
	return b->port;
}

unsigned world_backend_served(const struct world_backend *b)
{
	return __atomic_load_n(b->served, __ATOMIC_RELAXED);
}

void world_backend_down(struct world_backend *b)
{
	if (b->pid > 0) {
		(void)kill(b->pid, SIGKILL);
		(void)waitpid(b->pid, NULL, 0);
	}
	for (size_t i = 0; i < b->world->backends_count; i++) {
		if (b->world->backends[i] == b)
			b->world->backends[i] = b->world->backends[--b->world->backends_count];
	}
	(void)munmap(b->served, sizeof *b->served);
	free(b);
}
