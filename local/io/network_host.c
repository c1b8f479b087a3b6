/* SPDX-License-Identifier: Apache-2.0 */
#include "local/io/network_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/num.h"

#define IP_FORWARD_FILE "/proc/sys/net/ipv4/ip_forward"

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

void network_ns_name(struct network_ns *ns, uint32_t address)
{
	struct in_addr in = {htonl(address)};

	(void)snprintf(ns->path, sizeof ns->path, "/proc/%d/fd/%d", (int)getpid(), ns->fd);
	(void)inet_ntop(AF_INET, &in, ns->address, sizeof ns->address);
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

static int bridge_make(struct nl_sock *sock, const char *name, struct err *err)
{
	int r;

	if (strlen(name) == 0 || strlen(name) >= IFNAMSIZ)
		return err_set(err, ERR_INVALID, 0, "a bridge's name has 1 to %d characters",
		               IFNAMSIZ - 1);
	r = rtnl_link_bridge_add(sock, name);
	if (r < 0 && r != -NLE_EXIST)
		return err_set(err, ERR_SYS, 0, "create: %s", nl_geterror(r));
	return 0;
}

int network_host_setup(struct nl_sock *sock, const struct network_opts *opts,
                       const struct network_subnet *subnet, int *ret_bridge_index, struct err *err)
{
	struct err soft;

	if (bridge_make(sock, opts->bridge, err) < 0 ||
	    network_link_up(sock, opts->bridge, ret_bridge_index, err) < 0 ||
	    network_address_add(sock, *ret_bridge_index, subnet->gateway, subnet->prefix, err) < 0)
		return -1;
	if (opts->masquerade) {
		forward_on(opts->forward_state);
		if (masquerade_set(opts, subnet, true, &soft) < 0)
			log_event(LOG_WARN, "network.no_masquerade", log_err(&soft),
			          log_str("effect", "Pods reach this machine only"));
	}
	return 0;
}

int network_remove(const struct network_opts *opts, struct err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct network_subnet subnet;
	struct rtnl_link *link = NULL;
	char was;
	int r = 0;

	if (sock == NULL || nl_connect(sock, NETLINK_ROUTE) < 0)
		r = err_set(err, ERR_SYS, errno, "netlink");
	else if (rtnl_link_get_kernel(sock, 0, opts->bridge, &link) == 0 &&
	         rtnl_link_delete(sock, link) < 0)
		r = err_set(err, ERR_SYS, 0, "delete bridge %s", opts->bridge);
	rtnl_link_put(link);
	nl_socket_free(sock);
	if (opts->masquerade && network_subnet_parse(opts->subnet, &subnet, NULL) == 0)
		(void)masquerade_set(opts, &subnet, false, NULL);
	if (one_char_read(opts->forward_state, &was) == 0) {
		(void)one_char_write(IP_FORWARD_FILE, 0, was);
		(void)unlink(opts->forward_state);
	}
	return r;
}
