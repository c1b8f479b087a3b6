/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network - network namespaces of Pods, made ahead, with an address each
 */
#include "local/runner/io/network.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "local/runner/io/network_watch.h"

/* Refilling waits so long after a take, so that it is not in the way of the Pod that took. */
enum { REFILL_AFTER_MS = 250, REFILL_RETRY_MS = 5000 };

/* What somebody took away is made anew so long after, all of it at once. */
enum { MEND_AFTER_MS = 100, MEND_RETRY_MS = 2000 };

/* A namespace that a Pod has. */
struct given {
	int fd;           /* the Pod's */
	uint32_t address; /* host order */
};

struct retired {
	uint32_t address; /* host order */
	uint64_t until_ms;
};

struct network {
	struct network_opts opts;
	struct network_subnet subnet;
	struct nl_sock *sock; /* in our own namespace */
	int own_ns_fd;
	int bridge_index;
	struct event *refill_timer;
	struct event *mend_timer;
	struct network_watch *watch;
	char table[IFNAMSIZ + 4];
	struct given *given;
	size_t given_count;
	size_t given_size;
	struct network_ns pool[NETWORK_POOL_MAX];
	unsigned pool_used;
	unsigned char *in_use;   /* a bit an address, by its host part */
	struct retired *retired; /* in order of time */
	size_t retired_count;
	size_t retired_size;
	uint32_t next; /* host part to try first */
};

static int nl_failed(struct err *err, int code, const char *what)
{
	return err_set(err, ERR_SYS, 0, "%s: %s", what, nl_geterror(code));
}

static void ns_name(struct network_ns *ns, uint32_t address)
{
	struct in_addr in = {htonl(address)};

	(void)snprintf(ns->path, sizeof ns->path, "/proc/%d/fd/%d", (int)getpid(), ns->fd);
	(void)inet_ntop(AF_INET, &in, ns->address, sizeof ns->address);
}

static bool bit_get(const struct network *n, uint32_t host)
{
	return (n->in_use[host / 8] & 1u << host % 8) != 0;
}

static void bit_set(struct network *n, uint32_t host, bool on)
{
	if (on)
		n->in_use[host / 8] |= (unsigned char)(1u << host % 8);
	else
		n->in_use[host / 8] &= (unsigned char)~(1u << host % 8);
}

static void retired_expire(struct network *n, uint64_t now_ms)
{
	size_t gone = 0;

	while (gone < n->retired_count && n->retired[gone].until_ms <= now_ms)
		bit_set(n, n->retired[gone++].address & ~n->subnet.mask, false);
	if (gone == 0)
		return;
	n->retired_count -= gone;
	memmove(n->retired, n->retired + gone, n->retired_count * sizeof *n->retired);
}

/* Round robin, so that an address rests as long as it can. */
static int address_take(struct network *n, uint32_t *ret_address, struct err *err)
{
	uint32_t hosts = ~n->subnet.mask;

	retired_expire(n, clk_now_ms());
	for (uint32_t i = 0; i < hosts; i++) {
		uint32_t host = n->next++ & hosts;

		if (host == 0 || host == hosts || bit_get(n, host))
			continue;
		bit_set(n, host, true);
		*ret_address = (n->subnet.gateway & n->subnet.mask) | host;
		return 0;
	}
	return err_set(err, ERR_UNAVAILABLE, 0, "no free address in %s", n->opts.subnet);
}

static void address_retire(struct network *n, uint32_t address)
{
	struct retired *bigger;
	size_t size;

	if (n->retired_count == n->retired_size) {
		size = n->retired_size ? n->retired_size * 2 : 64;
		bigger = realloc(n->retired, size * sizeof *bigger);
		if (bigger == NULL)
			return; /* stays in use: never given out twice */
		n->retired = bigger;
		n->retired_size = size;
	}
	n->retired[n->retired_count++] =
	        (struct retired){address, clk_now_ms() + NETWORK_REUSE_AFTER_MS};
}

void network_rest(struct network *n, const char *address)
{
	struct in_addr in;
	uint32_t host;

	if (inet_pton(AF_INET, address, &in) != 1 ||
	    ((ntohl(in.s_addr) ^ n->subnet.gateway) & n->subnet.mask) != 0)
		return;
	host = ntohl(in.s_addr) & ~n->subnet.mask;
	if (bit_get(n, host))
		return;
	bit_set(n, host, true);
	address_retire(n, ntohl(in.s_addr));
	if (n->next <= host)
		n->next = host + 1;
}

/* It is in use again. */
static void retired_drop(struct network *n, uint32_t address)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->retired_count; i++) {
		if (n->retired[i].address != address)
			n->retired[kept++] = n->retired[i];
	}
	n->retired_count = kept;
}

static void neighbour_drop(struct network *n, uint32_t address)
{
	struct rtnl_neigh *neigh = rtnl_neigh_alloc();
	struct nl_addr *dst = network_nl_addr(address, 32);

	if (neigh != NULL && dst != NULL) {
		rtnl_neigh_set_ifindex(neigh, n->bridge_index);
		(void)rtnl_neigh_set_dst(neigh, dst);
		(void)rtnl_neigh_delete(n->sock, neigh, 0); /* usually there is none */
	}
	nl_addr_put(dst);
	rtnl_neigh_put(neigh);
}

/*
 * A netlink socket in the namespace *@fd, or with -1 in a new one, which *@fd is then; we are in
 * our own again when this returns.
 */
static int ns_enter(struct network *n, int *fd, struct nl_sock **ret_sock, struct err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	bool is_new = *fd < 0;
	int r = 0, e;

	if (sock == NULL)
		return err_set(err, ERR_NOMEM, 0, "netlink socket");
	if ((is_new ? unshare(CLONE_NEWNET) : setns(*fd, CLONE_NEWNET)) < 0) {
		e = errno;
		nl_socket_free(sock);
		return err_set(err, ERR_SYS, e, "%s network namespace", is_new ? "new" : "enter a");
	}
	if (is_new)
		*fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		r = err_set(err, ERR_SYS, errno, "open the new network namespace");
	else if ((e = nl_connect(sock, NETLINK_ROUTE)) < 0)
		r = nl_failed(err, e, "netlink in the new namespace");
	if (setns(n->own_ns_fd, CLONE_NEWNET) < 0) {
		log_event(LOG_ERROR, "network.lost_own_namespace", log_i64("errno", errno));
		abort(); /* everything that follows would be in the wrong namespace */
	}
	if (r < 0) {
		nl_socket_free(sock);
		return -1;
	}
	*ret_sock = sock;
	return 0;
}

static void veth_name(const struct network *n, uint32_t address, char name[IFNAMSIZ])
{
	(void)snprintf(name, IFNAMSIZ, "v%04x%08x", network_tag(n->opts.bridge), address);
}

static int veth_add(struct network *n, int ns_fd, uint32_t address, struct err *err)
{
	struct rtnl_link *link = rtnl_link_veth_alloc();
	struct rtnl_link *peer = link ? rtnl_link_veth_get_peer(link) : NULL;
	char name[IFNAMSIZ];
	int r;

	if (peer == NULL)
		return err_set(err, ERR_NOMEM, 0, "veth");
	veth_name(n, address, name);
	rtnl_link_set_name(link, name);
	rtnl_link_set_master(link, n->bridge_index);
	rtnl_link_set_flags(link, IFF_UP);
	rtnl_link_set_name(peer, "eth0");
	rtnl_link_set_ns_fd(peer, ns_fd);
	rtnl_link_put(peer);
	r = rtnl_link_add(n->sock, link, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_link_put(link);
	return r < 0 ? nl_failed(err, r, name) : 0;
}

static int default_route_add(struct nl_sock *sock, int index, uint32_t gateway, struct err *err)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr *dst = network_nl_addr(0, 0), *via = network_nl_addr(gateway, 32);
	int r = -NLE_NOMEM;

	if (route != NULL && hop != NULL && dst != NULL && via != NULL) {
		(void)rtnl_route_set_dst(route, dst);
		rtnl_route_nh_set_ifindex(hop, index);
		rtnl_route_nh_set_gateway(hop, via);
		rtnl_route_add_nexthop(route, hop); /* the route owns it from here */
		hop = NULL;
		r = rtnl_route_add(sock, route, NLM_F_EXCL);
	}
	if (hop != NULL)
		rtnl_route_nh_free(hop);
	nl_addr_put(dst);
	nl_addr_put(via);
	rtnl_route_put(route);
	return r < 0 ? nl_failed(err, r, "default route") : 0;
}

/* A veth pair between the bridge and the namespace *@fd (-1: a new one), address and route. */
static int ns_connect(struct network *n, int *fd, uint32_t address, struct err *err)
{
	struct nl_sock *sock = NULL;
	int index, r = -1;

	if (ns_enter(n, fd, &sock, err) < 0)
		return -1;
	if (veth_add(n, *fd, address, err) == 0 && network_link_up(sock, "lo", NULL, err) == 0 &&
	    network_link_up(sock, "eth0", &index, err) == 0 &&
	    network_address_add(sock, index, address, n->subnet.prefix, err) == 0 &&
	    default_route_add(sock, index, n->subnet.gateway, err) == 0)
		r = 0;
	/* an address that somebody dialled before has a failed entry that lasts a second */
	neighbour_drop(n, address);
	nl_socket_free(sock);
	return r;
}

static int ns_make(struct network *n, struct network_ns *ret_ns, struct err *err)
{
	struct network_ns ns = {.fd = -1};
	uint32_t address;
	int r;

	if (address_take(n, &address, err) < 0)
		return -1;
	r = ns_connect(n, &ns.fd, address, err);
	if (r == 0) {
		ns_name(&ns, address);
		*ret_ns = ns;
	} else {
		bit_set(n, address & ~n->subnet.mask, false);
		if (ns.fd >= 0)
			(void)close(ns.fd);
	}
	return r;
}

static void refill_arm(struct network *n, unsigned after_ms)
{
	struct timeval tv = clk_timeval(after_ms);

	if (n->pool_used < n->opts.pool_count && !evtimer_pending(n->refill_timer, NULL))
		(void)evtimer_add(n->refill_timer, &tv);
}

/* One namespace a turn: the loop is never held up for longer. */
static void on_refill(evutil_socket_t fd, short what, void *arg)
{
	struct network *n = arg;
	struct err err;

	if (ns_make(n, &n->pool[n->pool_used], &err) < 0) {
		log_event(LOG_WARN, "network.refill_failed", log_err(&err));
		refill_arm(n, REFILL_RETRY_MS);
		return;
	}
	n->pool_used++;
	refill_arm(n, 0);
}

static uint32_t address_of(const struct network_ns *ns)
{
	struct in_addr in = {0};

	(void)inet_pton(AF_INET, ns->address, &in);
	return ntohl(in.s_addr);
}

static int given_reserve(struct network *n, struct err *err)
{
	size_t size = n->given_size ? n->given_size * 2 : 16;
	struct given *bigger;

	if (n->given_count < n->given_size)
		return 0;
	bigger = realloc(n->given, size * sizeof *bigger);
	if (bigger == NULL)
		return err_set(err, ERR_NOMEM, 0, "Pod networks");
	n->given = bigger;
	n->given_size = size;
	return 0;
}

static void given_add(struct network *n, const struct network_ns *ns)
{
	n->given[n->given_count++] = (struct given){ns->fd, address_of(ns)};
}

static void given_drop(struct network *n, int fd)
{
	for (size_t i = 0; i < n->given_count; i++) {
		if (n->given[i].fd == fd) {
			n->given[i] = n->given[--n->given_count];
			return;
		}
	}
}

int network_take(struct network *n, struct network_ns *ret_ns, struct err *err)
{
	if (given_reserve(n, err) < 0 || (n->pool_used == 0 && ns_make(n, ret_ns, err) < 0))
		return err_wrap(err, "Pod network");
	if (n->pool_used > 0) {
		*ret_ns = n->pool[0];
		n->pool_used--;
		memmove(n->pool, n->pool + 1, n->pool_used * sizeof n->pool[0]);
	}
	given_add(n, ret_ns);
	refill_arm(n, REFILL_AFTER_MS);
	return 0;
}

int network_adopt(struct network *n, pid_t pid, const char *address, struct network_ns *ret_ns,
                  struct err *err)
{
	struct network_ns ns = {.fd = -1};
	struct in_addr in;
	char path[64];

	if (inet_pton(AF_INET, address, &in) != 1 ||
	    ((ntohl(in.s_addr) ^ n->subnet.gateway) & n->subnet.mask) != 0)
		return err_set(err, ERR_INVALID, 0, "address %s is not of %s", address,
		               n->opts.subnet);
	if (given_reserve(n, err) < 0)
		return -1;
	(void)snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	ns.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ns.fd < 0)
		return err_set(err, ERR_SYS, errno, "open %s", path);
	ns_name(&ns, ntohl(in.s_addr));
	retired_drop(n, ntohl(in.s_addr));
	bit_set(n, ntohl(in.s_addr) & ~n->subnet.mask, true);
	given_add(n, &ns);
	*ret_ns = ns;
	return 0;
}

void network_give_back(struct network *n, struct network_ns *ns)
{
	if (ns->fd < 0)
		return;
	given_drop(n, ns->fd);
	(void)close(ns->fd);
	ns->fd = -1;
	address_retire(n, address_of(ns));
}

/* ---- what somebody took away ---- */

/* Its end of the cable is on the bridge again: put there, or made anew with the other end. */
static int given_mend(struct network *n, const struct given *g, struct err *err)
{
	struct rtnl_link *link = NULL, *change;
	char name[IFNAMSIZ];
	int fd = g->fd, r;

	veth_name(n, g->address, name);
	if (rtnl_link_get_kernel(n->sock, 0, name, &link) < 0) {
		log_event(LOG_WARN, "network.link_lost", log_str("name", name),
		          log_str("effect", "made anew; its open connections are gone"));
		return ns_connect(n, &fd, g->address, err);
	}
	change = rtnl_link_get_master(link) != n->bridge_index ? rtnl_link_alloc() : NULL;
	r = 0;
	if (change != NULL) {
		rtnl_link_set_master(change, n->bridge_index);
		r = rtnl_link_change(n->sock, link, change, 0);
	}
	rtnl_link_put(change);
	rtnl_link_put(link);
	return r < 0 ? nl_failed(err, r, name) : 0;
}

/* Those that nobody has are not worth mending, and no loss as long as they are as they were. */
static void pool_mend(struct network *n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n->pool_used; i++) {
		struct network_ns *ns = &n->pool[i];
		struct rtnl_link *link = NULL;
		char name[IFNAMSIZ];

		veth_name(n, address_of(ns), name);
		if (rtnl_link_get_kernel(n->sock, 0, name, &link) == 0 &&
		    rtnl_link_get_master(link) == n->bridge_index) {
			n->pool[kept++] = *ns;
		} else {
			(void)close(ns->fd);
			address_retire(n, address_of(ns));
		}
		rtnl_link_put(link);
	}
	n->pool_used = kept;
	refill_arm(n, REFILL_AFTER_MS);
}

static void mend_arm(struct network *n, unsigned after_ms)
{
	struct timeval tv = clk_timeval(after_ms);

	(void)evtimer_add(n->mend_timer, &tv);
}

static void on_mend(evutil_socket_t fd, short what, void *arg)
{
	struct network *n = arg;
	int was = n->bridge_index;
	struct err err;
	int r = network_host_setup(n->sock, &n->opts, &n->subnet, &n->bridge_index, &err);

	if (r == 0 && n->bridge_index != was)
		log_event(LOG_WARN, "network.bridge_lost", log_str("bridge", n->opts.bridge),
		          log_str("effect", "made anew"));
	for (size_t i = 0; r == 0 && i < n->given_count; i++)
		r = given_mend(n, &n->given[i], &err);
	pool_mend(n);
	if (r == 0)
		return;
	log_event(LOG_ERROR, "network.mend_failed", log_err(&err));
	mend_arm(n, MEND_RETRY_MS);
}

static bool is_given(const struct network *n, const char *link)
{
	char name[IFNAMSIZ];

	for (size_t i = 0; i < n->given_count; i++) {
		veth_name(n, n->given[i].address, name);
		if (strcmp(name, link) == 0)
			return true;
	}
	return false;
}

static void on_link_gone(void *arg, const char *name)
{
	struct network *n = arg;

	if (name == NULL || strcmp(name, n->opts.bridge) == 0 || is_given(n, name))
		mend_arm(n, MEND_AFTER_MS);
}

static void on_table_gone(void *arg)
{
	struct network *n = arg;

	log_event(LOG_WARN, "network.rules_lost", log_str("table", n->table),
	          log_str("effect", "made anew"));
	network_host_masquerade(&n->opts, &n->subnet);
}

static int watch_start(struct network *n, struct event_base *base, struct err *err)
{
	const struct network_watch_opts opts = {
	        .table = n->table,
	        .on_link_gone = on_link_gone,
	        .on_table_gone = on_table_gone,
	        .arg = n,
	};

	if (!n->opts.masquerade)
		n->table[0] = '\0'; /* a name that no table has */
	else
		(void)snprintf(n->table, sizeof n->table, "sc_%s", n->opts.bridge);
	return network_watch_open(base, &opts, &n->watch, err);
}

const char *network_gateway(const struct network *n)
{
	return n->subnet.gateway_text;
}

int network_open(struct event_base *base, const struct network_opts *opts,
                 struct network **ret_network, struct err *err)
{
	CLEANUP(network_close_var) struct network *n = calloc(1, sizeof *n);

	if (n == NULL)
		return err_set(err, ERR_NOMEM, 0, "network");
	n->opts = *opts;
	n->own_ns_fd = -1;
	n->next = 2;
	if (n->opts.pool_count > NETWORK_POOL_MAX)
		n->opts.pool_count = NETWORK_POOL_MAX;
	if (network_subnet_parse(opts->subnet, &n->subnet, err) < 0)
		return -1;
	n->in_use = calloc(1, (size_t)(~n->subnet.mask) / 8 + 1);
	n->sock = nl_socket_alloc();
	n->refill_timer = evtimer_new(base, on_refill, n);
	n->mend_timer = evtimer_new(base, on_mend, n);
	if (n->in_use == NULL || n->sock == NULL || n->refill_timer == NULL ||
	    n->mend_timer == NULL)
		return err_set(err, ERR_NOMEM, 0, "network");
	bit_set(n, n->subnet.gateway & ~n->subnet.mask, true);
	n->own_ns_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (n->own_ns_fd < 0)
		return err_set(err, ERR_SYS, errno, "open our network namespace");
	if (nl_connect(n->sock, NETLINK_ROUTE) < 0)
		return err_set(err, ERR_SYS, errno, "netlink");
	if (network_host_setup(n->sock, &n->opts, &n->subnet, &n->bridge_index, err) < 0)
		return err_wrap(err, "bridge %s", opts->bridge);
	if (watch_start(n, base, err) < 0)
		return -1;
	refill_arm(n, 0);
	*ret_network = TAKE_PTR(n);
	return 0;
}

void network_close(struct network *n)
{
	if (n == NULL)
		return;
	for (unsigned i = 0; i < n->pool_used; i++)
		(void)close(n->pool[i].fd);
	network_watch_close(n->watch);
	if (n->refill_timer != NULL)
		event_free(n->refill_timer);
	if (n->mend_timer != NULL)
		event_free(n->mend_timer);
	if (n->own_ns_fd >= 0)
		(void)close(n->own_ns_fd);
	nl_socket_free(n->sock);
	free(n->given);
	free(n->in_use);
	free(n->retired);
	free(n);
}
