/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_host - bridge, forwarding and masquerade, by netlink and nft
 */
#include "local/host/io/network_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/route.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/num.h"

#define IP_FORWARD_FILE "/proc/sys/net/ipv4/ip_forward"

enum { OWNER_MARK_BYTES = 256, BLACKHOLE_PRIORITY = INT_MAX };

extern char **environ;

int network_subnet_parse(const char *text, struct network_subnet *ret_subnet, struct err *err)
{
	struct network_subnet s = {0};
	const char *slash = strchr(text, '/');
	struct in_addr in;
	uint64_t prefix;

	if (slash == NULL || (size_t)(slash - text) >= sizeof s.gateway_text)
		return err_set(err, ERR_PARSE, 0, "subnet \"%s\": want ADDRESS/PREFIX", text);
	(void)snprintf(s.gateway_text, sizeof s.gateway_text, "%.*s", (int)(slash - text), text);
	if (inet_pton(AF_INET, s.gateway_text, &in) != 1 ||
	    num_parse_u64(slash + 1, 8, 29, &prefix, NULL) < 0)
		return err_set(err, ERR_PARSE, 0,
		               "subnet \"%s\": want an IPv4 address and a prefix of 8 to 29", text);
	s.prefix = (unsigned)prefix;
	s.mask = ~(0xffffffffu >> prefix);
	s.gateway = ntohl(in.s_addr);
	*ret_subnet = s;
	return 0;
}

unsigned network_tag(const char *bridge)
{
	uint32_t hash = hash_text(bridge);

	return (hash ^ hash >> 16) & 0xffff;
}

struct nl_addr *network_nl_addr(uint32_t address, unsigned prefix)
{
	uint32_t wire = htonl(address);
	struct nl_addr *a = nl_addr_build(AF_INET, &wire, sizeof wire);

	if (a != NULL)
		nl_addr_set_prefixlen(a, (int)prefix);
	return a;
}

int network_link_up(struct nl_sock *sock, const char *name, int *ret_index, struct err *err)
{
	struct rtnl_link *link = NULL, *change = rtnl_link_alloc();
	int r = change ? rtnl_link_get_kernel(sock, 0, name, &link) : -NLE_NOMEM;

	if (r == 0) {
		rtnl_link_set_flags(change, IFF_UP);
		r = rtnl_link_change(sock, link, change, 0);
		if (ret_index != NULL)
			*ret_index = rtnl_link_get_ifindex(link);
	}
	rtnl_link_put(change);
	rtnl_link_put(link);
	return r < 0 ? err_set(err, ERR_SYS, 0, "link %s up: %s", name, nl_geterror(r)) : 0;
}

int network_address_add(struct nl_sock *sock, int index, uint32_t address, unsigned prefix,
                        struct err *err)
{
	struct rtnl_addr *a = rtnl_addr_alloc();
	struct nl_addr *local = network_nl_addr(address, prefix);
	int r = -NLE_NOMEM;

	if (a != NULL && local != NULL) {
		rtnl_addr_set_ifindex(a, index);
		(void)rtnl_addr_set_local(a, local);
		r = rtnl_addr_add(sock, a, 0);
	}
	nl_addr_put(local);
	rtnl_addr_put(a);
	if (r < 0 && r != -NLE_EXIST)
		return err_set(err, ERR_SYS, 0, "address: %s", nl_geterror(r));
	return 0;
}

/* nft reads @script from its standard input. */
static int nft_run(const char *script, struct err *err)
{
	char *argv[] = {(char *)"nft", (char *)"-f", (char *)"-", NULL};
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], status = -1, r;
	size_t len = strlen(script);
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return err_set(err, ERR_SYS, errno, "pipe");
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, pipe_fd[0], STDIN_FILENO);
	r = posix_spawnp(&pid, "nft", &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(pipe_fd[0]);
	/* fits a pipe whole */
	if (r == 0 && write(pipe_fd[1], script, len) != (ssize_t)len)
		log_event(LOG_WARN, "network.nft_write", log_i64("errno", errno));
	(void)close(pipe_fd[1]);
	if (r != 0)
		return err_set(err, ERR_SYS, r, "run nft");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, ERR_SYS, 0, "nft failed");
	return 0;
}

/* "table ip T" first makes it, so that deleting never fails; then it is made anew. */
static int masquerade_set(const struct network_opts *opts, const struct network_subnet *subnet,
                          bool on, struct err *err)
{
	char script[1024], rules[512] = "";
	struct in_addr net = {htonl(subnet->gateway & subnet->mask)};
	char net_text[16];

	(void)inet_ntop(AF_INET, &net, net_text, sizeof net_text);
	if (on)
		(void)snprintf(rules, sizeof rules,
		               "table ip sc_%s {\n chain postrouting {\n"
		               "  type nat hook postrouting priority 100;\n"
		               "  ip saddr %s/%u oifname != \"%s\" masquerade\n }\n}\n",
		               opts->bridge, net_text, subnet->prefix, opts->bridge);
	(void)snprintf(script, sizeof script, "table ip sc_%s\ndelete table ip sc_%s\n%s",
	               opts->bridge, opts->bridge, rules);
	return nft_run(script, err);
}

static int one_char_read(const char *path, char *ret_c)
{
	CLEANUP(fd_close_var) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, ret_c, 1) == 1 ? 0 : -1;
}

static int one_char_write(const char *path, int flags, char c)
{
	CLEANUP(fd_close_var) int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0600);

	return fd >= 0 && write(fd, &c, 1) == 1 ? 0 : -1;
}

/* The first engine to change it remembers what it was; a restart does not overwrite that. */
static void forward_on(const char *state_file)
{
	char was;

	if (one_char_read(IP_FORWARD_FILE, &was) < 0 || was == '1')
		return;
	if (one_char_write(state_file, O_CREAT | O_EXCL, was) < 0 && errno != EEXIST)
		log_event(LOG_WARN, "network.forward_state", log_str("file", state_file));
	if (one_char_write(IP_FORWARD_FILE, 0, '1') < 0)
		log_event(LOG_WARN, "network.forward", log_i64("errno", errno));
}

/* The mark of the engine on its bridge: the link's alias, of at most 255 characters. */
static void owner_mark(const struct network_opts *opts, char mark[OWNER_MARK_BYTES])
{
	char real[PATH_MAX];
	const char *dir = realpath(opts->owner, real);

	(void)snprintf(mark, OWNER_MARK_BYTES, "sc-local %.240s", dir ? dir : opts->owner);
}

enum bridge_owner { BRIDGE_NONE, BRIDGE_OURS, BRIDGE_UNMARKED, BRIDGE_FOREIGN };

/* Whose the link of that name is; @ret_mark: of a foreign one. */
static enum bridge_owner bridge_owner_of(struct nl_sock *sock, const struct network_opts *opts,
                                         char ret_mark[OWNER_MARK_BYTES])
{
	enum bridge_owner owner = BRIDGE_FOREIGN;
	struct rtnl_link *link = NULL;
	char mark[OWNER_MARK_BYTES];
	const char *alias;

	if (rtnl_link_get_kernel(sock, 0, opts->bridge, &link) < 0)
		return BRIDGE_NONE;
	owner_mark(opts, mark);
	alias = rtnl_link_get_ifalias(link);
	if (alias != NULL && strcmp(alias, mark) == 0)
		owner = BRIDGE_OURS;
	else if (alias == NULL && rtnl_link_is_bridge(link))
		owner = BRIDGE_UNMARKED; /* of a version before, or we were killed in between */
	(void)snprintf(ret_mark, OWNER_MARK_BYTES, "%s", alias != NULL ? alias : "no mark");
	rtnl_link_put(link);
	return owner;
}

static int bridge_refuse(const char *mark, struct err *err)
{
	return err_set(err, ERR_EXISTS, 0,
	               "it is there and not this engine's (%s); --bridge names another", mark);
}

int network_may_have(const struct network_opts *opts, struct err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	char mark[OWNER_MARK_BYTES];
	int r = 0;

	if (sock == NULL || nl_connect(sock, NETLINK_ROUTE) < 0)
		r = err_set(err, ERR_SYS, errno, "netlink");
	else if (bridge_owner_of(sock, opts, mark) == BRIDGE_FOREIGN)
		r = bridge_refuse(mark, err);
	nl_socket_free(sock);
	return r < 0 ? err_wrap(err, "bridge %s", opts->bridge) : 0;
}

static int bridge_mark(struct nl_sock *sock, const struct network_opts *opts, struct err *err)
{
	struct rtnl_link *link = NULL, *change = rtnl_link_alloc();
	char mark[OWNER_MARK_BYTES];
	int r = change ? rtnl_link_get_kernel(sock, 0, opts->bridge, &link) : -NLE_NOMEM;

	owner_mark(opts, mark);
	if (r == 0) {
		rtnl_link_set_ifalias(change, mark);
		r = rtnl_link_change(sock, link, change, 0);
	}
	rtnl_link_put(change);
	rtnl_link_put(link);
	return r < 0 ? err_set(err, ERR_SYS, 0, "mark: %s", nl_geterror(r)) : 0;
}

static int bridge_make(struct nl_sock *sock, const struct network_opts *opts, struct err *err)
{
	char mark[OWNER_MARK_BYTES];
	int r;

	if (strlen(opts->bridge) == 0 || strlen(opts->bridge) >= IFNAMSIZ)
		return err_set(err, ERR_INVALID, 0, "a bridge's name has 1 to %d characters",
		               IFNAMSIZ - 1);
	switch (bridge_owner_of(sock, opts, mark)) {
	case BRIDGE_OURS:
		return 0;
	case BRIDGE_FOREIGN:
		return bridge_refuse(mark, err);
	case BRIDGE_NONE:
	case BRIDGE_UNMARKED:
		break;
	}
	r = rtnl_link_bridge_add(sock, opts->bridge);
	if (r < 0 && r != -NLE_EXIST)
		return err_set(err, ERR_SYS, 0, "create: %s", nl_geterror(r));
	return bridge_mark(sock, opts, err);
}

/*
 * Beside the bridge's own route, and worse than it: without the bridge an address of a Pod leads
 * nowhere. By the default route a request would leave the machine, and a stranger would answer it.
 */
static int blackhole_set(struct nl_sock *sock, const struct network_subnet *subnet, bool on,
                         struct err *err)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *dst = network_nl_addr(subnet->gateway & subnet->mask, subnet->prefix);
	int r = -NLE_NOMEM;

	if (route != NULL && dst != NULL) {
		(void)rtnl_route_set_dst(route, dst);
		(void)rtnl_route_set_type(route, RTN_BLACKHOLE);
		rtnl_route_set_priority(route, BLACKHOLE_PRIORITY);
		r = on ? rtnl_route_add(sock, route, NLM_F_EXCL)
		       : rtnl_route_delete(sock, route, 0);
	}
	nl_addr_put(dst);
	rtnl_route_put(route);
	if (r < 0 && r != (on ? -NLE_EXIST : -NLE_OBJ_NOTFOUND))
		return err_set(err, ERR_SYS, 0, "blackhole route: %s", nl_geterror(r));
	return 0;
}

int network_host_setup(struct nl_sock *sock, const struct network_opts *opts,
                       const struct network_subnet *subnet, int *ret_bridge_index, struct err *err)
{
	if (bridge_make(sock, opts, err) < 0 || blackhole_set(sock, subnet, true, err) < 0 ||
	    network_link_up(sock, opts->bridge, ret_bridge_index, err) < 0 ||
	    network_address_add(sock, *ret_bridge_index, subnet->gateway, subnet->prefix, err) < 0)
		return -1;
	if (opts->masquerade)
		network_host_masquerade(opts, subnet);
	return 0;
}

void network_host_masquerade(const struct network_opts *opts, const struct network_subnet *subnet)
{
	struct err err;

	forward_on(opts->forward_state);
	if (masquerade_set(opts, subnet, true, &err) < 0)
		log_event(LOG_WARN, "network.no_masquerade", log_err(&err),
		          log_str("effect", "Pods reach this machine only"));
}

/* Whether another engine's bridge is in this network namespace. */
static bool others_are_there(struct nl_sock *sock)
{
	struct nl_cache *links = NULL;
	bool found = false;

	if (rtnl_link_alloc_cache(sock, AF_UNSPEC, &links) < 0)
		return true; /* not known: what may be theirs stays */
	for (struct nl_object *o = nl_cache_get_first(links); o != NULL; o = nl_cache_get_next(o)) {
		const char *alias = rtnl_link_get_ifalias((struct rtnl_link *)o);

		found |= alias != NULL && strncmp(alias, "sc-local ", 9) == 0;
	}
	nl_cache_free(links);
	return found;
}

/* Forwarding is the whole machine's: with another engine there it stays on. */
static void forward_restore(struct nl_sock *sock, const char *state_file)
{
	char was;

	if (one_char_read(state_file, &was) < 0)
		return;
	if (others_are_there(sock))
		log_event(LOG_INFO, "network.forward_stays", log_str("for", "another engine"));
	else
		(void)one_char_write(IP_FORWARD_FILE, 0, was);
	(void)unlink(state_file);
}

static int bridge_remove(struct nl_sock *sock, const struct network_opts *opts, struct err *err)
{
	struct rtnl_link *link = NULL;
	int r = rtnl_link_get_kernel(sock, 0, opts->bridge, &link);

	if (r == 0)
		r = rtnl_link_delete(sock, link);
	rtnl_link_put(link);
	return r < 0 && r != -NLE_OBJ_NOTFOUND && r != -NLE_NODEV
	               ? err_set(err, ERR_SYS, 0, "delete bridge %s: %s", opts->bridge,
	                         nl_geterror(r))
	               : 0;
}

int network_remove(const struct network_opts *opts, struct err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct network_subnet subnet;
	char mark[OWNER_MARK_BYTES];
	int r = network_subnet_parse(opts->subnet, &subnet, err);

	if (r == 0 && (sock == NULL || nl_connect(sock, NETLINK_ROUTE) < 0))
		r = err_set(err, ERR_SYS, errno, "netlink");
	if (r == 0 && bridge_owner_of(sock, opts, mark) != BRIDGE_FOREIGN) {
		r = bridge_remove(sock, opts, err);
		if (opts->masquerade)
			(void)masquerade_set(opts, &subnet, false, NULL);
	}
	if (r == 0) {
		r = blackhole_set(sock, &subnet, false, err);
		forward_restore(sock, opts->forward_state);
	}
	nl_socket_free(sock);
	return r;
}
