/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_watch - hears by netlink that somebody takes the bridge or the rules away
 */
#include "local/runner/io/network_watch.h"

#include <event2/event.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"

/* A start of many Pods at once, with a message of 1.5 KiB a change of a link. */
enum { WATCH_BUFFER_BYTES = 256 << 10 };

/* What makes the table anew tells of its end as well; only what stays away for so long counts. */
enum { TABLE_PATIENCE_MS = 200 };

struct network_watch {
	struct network_watch_opts opts;
	struct nl_sock *links;
	struct nl_sock *tables;
	struct event *links_ev;
	struct event *tables_ev;
	struct event *table_timer;
	bool table_gone;
};

static int on_link_message(struct nl_msg *msg, void *arg)
{
	struct network_watch *w = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	const struct nlattr *name;

	if (head->nlmsg_type != RTM_DELLINK)
		return NL_OK;
	name = nlmsg_find_attr(head, sizeof(struct ifinfomsg), IFLA_IFNAME);
	/* the bridge tells of a port that leaves it in its own family */
	if (name != NULL && ((struct ifinfomsg *)nlmsg_data(head))->ifi_family == AF_UNSPEC)
		w->opts.on_link_gone(w->opts.arg, nla_get_string((struct nlattr *)name));
	return NL_OK;
}

static void table_is(struct network_watch *w, bool gone)
{
	struct timeval tv = clk_timeval(TABLE_PATIENCE_MS);

	w->table_gone = gone;
	if (gone)
		(void)evtimer_add(w->table_timer, &tv);
}

static int on_table_message(struct nl_msg *msg, void *arg)
{
	struct network_watch *w = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	unsigned type = head->nlmsg_type & 0xff;
	const struct nlattr *name;

	if (head->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    (type != NFT_MSG_DELTABLE && type != NFT_MSG_NEWTABLE))
		return NL_OK;
	name = nlmsg_find_attr(head, sizeof(struct nfgenmsg), NFTA_TABLE_NAME);
	if (name != NULL && strcmp(nla_get_string((struct nlattr *)name), w->opts.table) == 0)
		table_is(w, type == NFT_MSG_DELTABLE);
	return NL_OK;
}

static void on_links(evutil_socket_t fd, short what, void *arg)
{
	struct network_watch *w = arg;
	int r = nl_recvmsgs_default(w->links);

	if (r >= 0)
		return;
	/* messages were lost (ENOBUFS), or cannot be read */
	log_event(LOG_INFO, "network.events_lost", log_str("error", nl_geterror(r)),
	          log_str("effect", "all links are looked at"));
	w->opts.on_link_gone(w->opts.arg, NULL);
}

static void on_tables(evutil_socket_t fd, short what, void *arg)
{
	struct network_watch *w = arg;

	if (nl_recvmsgs_default(w->tables) < 0)
		table_is(w, true); /* made anew, it is as it should be in any case */
}

static void on_table_timer(evutil_socket_t fd, short what, void *arg)
{
	struct network_watch *w = arg;

	if (w->table_gone)
		w->opts.on_table_gone(w->opts.arg);
	w->table_gone = false;
}

static int sock_open(struct nl_sock *sock, int protocol, int group, nl_recvmsg_msg_cb_t on_message,
                     void *arg)
{
	int r = sock != NULL ? nl_connect(sock, protocol) : -NLE_NOMEM;

	if (r < 0)
		return r;
	nl_socket_disable_seq_check(sock); /* events have no number */
	(void)nl_socket_set_buffer_size(sock, WATCH_BUFFER_BYTES, 0);
	(void)nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, arg);
	r = nl_socket_add_membership(sock, group);
	return r < 0 ? r : nl_socket_set_nonblocking(sock);
}

int network_watch_open(struct event_base *base, const struct network_watch_opts *opts,
                       struct network_watch **ret_watch, struct err *err)
{
	CLEANUP(network_watch_close_var) struct network_watch *w = calloc(1, sizeof *w);
	int r;

	if (w == NULL)
		return err_set(err, ERR_NOMEM, 0, "network watch");
	w->opts = *opts;
	w->links = nl_socket_alloc();
	w->tables = nl_socket_alloc();
	r = sock_open(w->links, NETLINK_ROUTE, RTNLGRP_LINK, on_link_message, w);
	if (r == 0)
		r = sock_open(w->tables, NETLINK_NETFILTER, NFNLGRP_NFTABLES, on_table_message, w);
	if (r < 0)
		return err_set(err, ERR_SYS, 0, "network watch: %s", nl_geterror(r));
	w->table_timer = evtimer_new(base, on_table_timer, w);
	w->links_ev =
	        event_new(base, nl_socket_get_fd(w->links), EV_READ | EV_PERSIST, on_links, w);
	w->tables_ev =
	        event_new(base, nl_socket_get_fd(w->tables), EV_READ | EV_PERSIST, on_tables, w);
	if (w->table_timer == NULL || w->links_ev == NULL || w->tables_ev == NULL ||
	    event_add(w->links_ev, NULL) < 0 || event_add(w->tables_ev, NULL) < 0)
		return err_set(err, ERR_NOMEM, 0, "network watch");
	*ret_watch = TAKE_PTR(w);
	return 0;
}

void network_watch_close(struct network_watch *w)
{
	if (w == NULL)
		return;
	if (w->links_ev != NULL)
		event_free(w->links_ev);
	if (w->tables_ev != NULL)
		event_free(w->tables_ev);
	if (w->table_timer != NULL)
		event_free(w->table_timer);
	nl_socket_free(w->links);
	nl_socket_free(w->tables);
	free(w);
}
