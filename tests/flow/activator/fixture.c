/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/flow/activator/fixture.h"

#include <arpa/inet.h>
#include <event2/event.h>

#include "lib/base/clk.h"

static struct fixture fixture;
char text[TEXT_MAX];

void turn(struct fixture *f)
{
	struct timeval tv = {.tv_usec = 1000};
	(void)event_base_loopexit(f->base, &tv);
	(void)event_base_loop(f->base, EVLOOP_ONCE);
}

int keep(struct fixture *f, int fd)
{
	assert_true(fd >= 0);
	assert_true(f->fds_count < FDS_MAX);
	f->fds[f->fds_count++] = fd;
	return fd;
}

static struct target *route(void *arg, const char *host, bool is_public,
                            enum end_reason *ret_reason)
{
	struct fixture *f = arg;

	*ret_reason = END_UNKNOWN_HOST;
	if (strcmp(host, "twin") == 0)
		return f->others[0];
	if (strcmp(host, "other") == 0)
		return f->others[1];
	return strcmp(host, "app") == 0 ? f->target : NULL;
}

static void ask_wake(void *arg, struct target *t)
{
	((struct fixture *)arg)->wakes++;
}

void observe(struct fixture *f, bool running, bool ready, const char *message)
{
	struct target_view v = {
	        .wake = {.generation = f->generation,
	                 .running = running,
	                 .failed = message != NULL,
	                 .consumer_generation = ready ? f->generation : f->generation - 1,
	                 .consumer_listening = ready},
	        .consumer_uid = ready ? "pod-1" : "",
	        .address = ready ? (struct sockaddr *)&f->backend_address : NULL,
	        .address_bytes = ready ? sizeof f->backend_address : 0,
	        .message = message ? message : "WaitingForPort: nothing listens on port 8080",
	        .node = "node-1",
	};

	target_observe(f->target, &v);
}

void answer_wake(struct fixture *f)
{
	f->generation++;
	observe(f, true, false, NULL);
	target_wake_done(f->target, f->generation);
}

void make_ready(struct fixture *f)
{
	f->generation++;
	observe(f, true, true, NULL);
}

static const struct target_limits limits = {
        .held = {300, 1 << 21}, .hold_timeout_ms = 8000, .upgrades = "websocket,x"};

void add_others(struct fixture *f)
{
	static const char *const namespaces[] = {"default", "elsewhere"};
	const struct target_view asleep = {.consumer_uid = "", .message = ""};

	for (unsigned i = 0; i < 2; i++) {
		const struct target_opts opts = {.ns = namespaces[i],
		                                 .name = i == 0 ? "twin" : "other",
		                                 .uid = i == 0 ? "u-twin" : "u-other",
		                                 .ask_wake = ask_wake,
		                                 .arg = f};

		f->others[i] = target_new(f->proxy, &opts);
		target_set_limits(f->others[i], &limits);
		target_observe(f->others[i], &asleep);
	}
}

int setup(void **state)
{
	return setup_with(state, NULL);
}

int setup_with(void **state, void (*change)(struct proxy_opts *opts))
{
	static const char *const loopback[] = {"127.0.0.0/8", NULL};
	struct fixture *f = &fixture;
	struct proxy_opts opts = {.connections_max = 500,
	                          .held = {400, 1 << 22},
	                          .idle_timeout_ms = 75000,
	                          .head_timeout_ms = 500,
	                          .response_timeout_ms = 1000,
	                          .route = route,
	                          .arg = f};
	const struct target_opts topts = {
	        .ns = "default", .name = "app", .uid = "u", .ask_wake = ask_wake, .arg = f};
	socklen_t bytes = sizeof f->backend_address;
	struct err err;

	assert_int_equal(trust_parse(loopback, &opts.details, &err), 0);
	if (change)
		change(&opts);
	memset(f, 0, sizeof *f);
	f->generation = 1;
	f->base = event_base_new();
	assert_int_equal(proxy_new(f->base, &opts, &f->proxy, &err), 0);
	assert_int_equal(proxy_listen(f->proxy, "127.0.0.1:0", false, &f->port, &err), 0);
	f->target = target_new(f->proxy, &topts);
	target_set_limits(f->target, &limits);
	f->backend = keep(f, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	f->backend_address = (struct sockaddr_in){.sin_family = AF_INET};
	f->backend_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(f->backend, (struct sockaddr *)&f->backend_address, bytes), 0);
	assert_int_equal(listen(f->backend, 512), 0);
	(void)getsockname(f->backend, (struct sockaddr *)&f->backend_address, &bytes);
	*state = f;
	return 0;
}

int teardown(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < f->fds_count; i++)
		(void)close(f->fds[i]);
	proxy_free(f->proxy);
	event_base_free(f->base);
	return 0;
}

int client(struct fixture *f)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
	int fd = keep(f, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)connect(fd, (struct sockaddr *)&in, sizeof in);
	turn(f);
	return fd;
}

void say(struct fixture *f, int fd, const char *what)
{
	assert_int_equal(send(fd, what, strlen(what), MSG_NOSIGNAL), strlen(what));
	turn(f);
}

int take(struct fixture *f)
{
	uint64_t until = clk_now_ms() + DEADLINE_MS;
	int fd;

	do {
		turn(f);
		fd = accept4(f->backend, NULL, NULL, SOCK_NONBLOCK);
	} while (fd < 0 && clk_now_ms() < until);
	return keep(f, fd);
}

const char *hear(struct fixture *f, int fd, const char *want)
{
	uint64_t until = clk_now_ms() + DEADLINE_MS;
	size_t bytes = 0;

	text[0] = '\0';
	while (strstr(text, want) == NULL) {
		ssize_t n = recv(fd, text + bytes, sizeof text - 1 - bytes, 0);

		if (n > 0)
			bytes += (size_t)n;
		text[bytes] = '\0';
		if (n == 0 || clk_now_ms() > until)
			fail_msg("waited for \"%s\", heard \"%.2000s\"", want, text);
		if (n < 0)
			turn(f);
	}
	return text;
}

void hear_end(struct fixture *f, int fd)
{
	uint64_t until = clk_now_ms() + DEADLINE_MS;
	char buf[4096];
	ssize_t n;

	do {
		turn(f);
		n = recv(fd, buf, sizeof buf, 0);
	} while ((n > 0 || (n < 0 && errno == EAGAIN)) && clk_now_ms() < until);
	assert_true(n == 0 || errno == ECONNRESET);
}

uint64_t ended(const struct fixture *f, enum end_reason reason)
{
	return proxy_stats(f->proxy)->ended[reason];
}
