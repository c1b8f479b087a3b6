/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/io/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activator/io/internal.h"
#include "lib/base/clk.h"
#include "lib/base/num.h"

enum { ACCEPTS_PER_TURN = 64, LISTEN_BACKLOG = 1024, UNSENT_BYTES = 64 * 1024 };

void proxy_bury(struct proxy *p)
{
	event_active(&p->reap, EV_TIMEOUT, 0);
}

void proxy_arm(struct proxy *p)
{
	const struct timeval tv = {.tv_usec = PROXY_TICK_MS * 1000};

	if (!event_pending(&p->tick, EV_TIMEOUT, NULL))
		(void)event_add(&p->tick, &tv);
}

void proxy_count(struct proxy *p, enum end_reason reason, unsigned status)
{
	p->stats.ended[reason]++;
	if (reason == END_OK && status < PROXY_STATUS_MAX)
		p->stats.answered[status]++;
}

void proxy_stage(struct proxy *p, enum proxy_stage stage, uint64_t ms)
{
	if (p->opts.on_stage)
		p->opts.on_stage(p->opts.arg, stage, ms);
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *p = arg;
	struct client *c;
	struct upstream *u;

	while ((c = TAILQ_FIRST(&p->clients[CLIENT_DEAD])))
		client_free(c);
	while ((u = TAILQ_FIRST(&p->dead))) {
		TAILQ_REMOVE(&p->dead, u, link);
		free(u);
	}
	if (p->draining && p->stats.clients_count == 0 && p->on_drained) {
		void (*done)(void *) = p->on_drained;

		p->on_drained = NULL;
		done(p->drained_arg);
	}
}

static void drain_sweep(struct proxy *p, uint64_t now_ms)
{
	struct client *c;
	struct target *t;

	while ((c = TAILQ_FIRST(&p->clients[CLIENT_IDLE])))
		client_drop(c);
	if (now_ms < p->drain_until_ms)
		return;
	TAILQ_FOREACH(t, &p->targets, link)
		while (!TAILQ_EMPTY(&t->held))
			request_fail(TAILQ_FIRST(&t->held), END_SHUTTING_DOWN, NULL);
	for (enum client_state s = CLIENT_IDLE; s < CLIENT_LINGER; s++)
		while ((c = TAILQ_FIRST(&p->clients[s])))
			client_drop(c);
}

/* The listening sockets stay readable: without a pause the loop would do nothing else. */
static void accept_pause(struct proxy *p)
{
	for (unsigned i = 0; i < p->listeners_count; i++)
		(void)event_del(&p->listeners[i].ev);
	p->accept_paused = true;
	proxy_arm(p);
}

static void accept_resume(struct proxy *p)
{
	for (unsigned i = 0; i < p->listeners_count; i++)
		(void)event_add(&p->listeners[i].ev, NULL);
	p->accept_paused = false;
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	client_serve_hungry(arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *p = arg;

	sweep_begin(p);
	upstream_sweep(p, clk_now_ms());
	if (p->draining)
		drain_sweep(p, clk_now_ms());
	if (p->accept_paused)
		accept_resume(p);
	if (p->stats.clients_count > 0 || p->stats.upstreams_count > 0)
		proxy_arm(p);
}

/* Refused ones stay for their answer; so many of them and no more. */
static uint32_t connections_hard(const struct proxy *p)
{
	return p->opts.connections_max + p->opts.connections_max / 10 + 1;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct proxy *p = l->proxy;

	for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage address;
		socklen_t bytes = sizeof address;
		struct source *source;
		int peer = accept4((int)fd, (struct sockaddr *)&address, &bytes,
		                   SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (peer < 0) {
			/* Out of descriptors: one idle connection less, or a pause. The kernel's
			   own want of memory passes, and leaves the socket readable all the same.
			 */
			if (errno == ENOBUFS || errno == ENOMEM ||
			    ((errno == EMFILE || errno == ENFILE) && !evict_one(p)))
				accept_pause(p);
			return;
		}
		if (!source_take(&p->sources, &address, p->opts.connections_of_address_max,
		                 &source)) {
			proxy_count(p, END_OF_ADDRESS, end_reason_status(END_OF_ADDRESS));
			(void)close(peer);
			continue;
		}
		if (p->stats.clients_count >= p->opts.connections_max && !evict_one(p) &&
		    p->stats.clients_count >= connections_hard(p)) {
			/* Not even a refusal: each would be one more connection for a while. */
			proxy_count(p, END_OVERLOADED, end_reason_status(END_OVERLOADED));
			source_give(&p->sources, source);
			(void)close(peer);
			continue;
		}
		client_accept(l, peer, &address, source);
	}
}

int proxy_new(struct event_base *base, const struct proxy_opts *opts, struct proxy **ret_proxy,
              struct err *err)
{
	struct proxy *p = calloc(1, sizeof *p);

	if (p == NULL)
		return err_set(err, ERR_NOMEM, 0, "proxy");
	p->base = base;
	p->opts = *opts;
	for (unsigned i = 0; i < CLIENT_STATES_COUNT; i++)
		TAILQ_INIT(&p->clients[i]);
	TAILQ_INIT(&p->dead);
	TAILQ_INIT(&p->dials);
	TAILQ_INIT(&p->parked);
	TAILQ_INIT(&p->hungry);
	(void)event_assign(&p->again, base, -1, 0, on_again, p);
	TAILQ_INIT(&p->targets);
	TAILQ_INIT(&p->holding);
	(void)event_assign(&p->tick, base, -1, 0, on_tick, p);
	(void)event_assign(&p->reap, base, -1, 0, on_reap, p);
	sweep_init(p);
	evict_init(p);
	*ret_proxy = p;
	return 0;
}

static void listeners_close(struct proxy *p)
{
	while (p->listeners_count > 0) {
		struct listener *l = &p->listeners[--p->listeners_count];

		(void)event_del(&l->ev);
		(void)close(l->fd);
	}
}

void proxy_free(struct proxy *p)
{
	struct target *t;
	struct client *c;

	if (p == NULL)
		return;
	listeners_close(p);
	p->on_drained = NULL;
	for (enum client_state s = CLIENT_IDLE; s < CLIENT_DEAD; s++)
		while ((c = TAILQ_FIRST(&p->clients[s])))
			client_drop(c);
	while ((t = TAILQ_FIRST(&p->targets)))
		target_free(t);
	on_reap(-1, 0, p);
	(void)event_del(&p->tick);
	(void)event_del(&p->again);
	(void)event_del(&p->reap);
	sweep_done(p);
	evict_done(p);
	head_buf_pool_drop();
	free(p);
}

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

static int listener_open(const char *address, struct sockaddr_storage *ss, int *ret_fd,
                         struct err *err)
{
	socklen_t bytes = address_parse(address, ss);
	int unsent = UNSENT_BYTES;
	int on = 1;
	int fd;

	if (bytes == 0)
		return err_set(err, ERR_PARSE, 0, "listen \"%s\": want ADDRESS:PORT", address);
	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, ERR_SYS, errno, "listen %s: socket", address);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	/* Inherited by what is accepted: what a client does not take waits in our buffers, which
	   are counted to the byte, and not in the kernel's, which grow to megabytes. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
	if (bind(fd, (struct sockaddr *)ss, bytes) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
		(void)err_set(err, ERR_SYS, errno, "listen %s", address);
		(void)close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

int proxy_listen(struct proxy *p, const char *address, bool is_public, unsigned *ret_port,
                 struct err *err)
{
	struct listener *l = &p->listeners[p->listeners_count];
	struct sockaddr_storage ss = {0};
	socklen_t bytes = sizeof ss;

	if (p->listeners_count == PROXY_LISTENERS_MAX)
		return err_set(err, ERR_INVALID, 0, "more than %d addresses to listen on",
		               PROXY_LISTENERS_MAX);
	if (listener_open(address, &ss, &l->fd, err) < 0)
		return -1;
	(void)event_assign(&l->ev, p->base, l->fd, EV_READ | EV_PERSIST, on_accept, l);
	l->proxy = p;
	l->is_public = is_public;
	if (!p->opts.accept_later)
		(void)event_add(&l->ev, NULL);
	(void)getsockname(l->fd, (struct sockaddr *)&ss, &bytes);
	*ret_port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
	                                           : ((struct sockaddr_in *)&ss)->sin_port);
	p->listeners_count++;
	return 0;
}

void proxy_accept(struct proxy *p)
{
	p->opts.accept_later = false;
	for (unsigned i = 0; i < p->listeners_count; i++)
		(void)event_add(&p->listeners[i].ev, NULL);
}

void proxy_drain(struct proxy *p, uint64_t bound_ms, void (*on_done)(void *arg), void *arg)
{
	p->draining = true;
	p->drain_until_ms = clk_now_ms() + bound_ms;
	p->on_drained = on_done;
	p->drained_arg = arg;
	listeners_close(p);
	drain_sweep(p, clk_now_ms());
	proxy_arm(p);
	proxy_bury(p);
}

const struct proxy_stats *proxy_stats(const struct proxy *p)
{
	return &p->stats;
}

uint32_t proxy_held_count(const struct proxy *p)
{
	return p->usage.requests_count;
}
