/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer_port - where a consumer's process can be reached: its address, and when its port listens
 */
#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "agent/core/pod_view.h"
#include "agent/io/consumer_internal.h"
#include "agent/io/link.h"
#include "agent/io/mounts/proc.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"

/* After so long without the wanted port the status names those that do listen. */
enum {
	CONSUMER_PORT_PATIENCE_MS = 3000,
	/* and again, when they are others by then, after a pause that grows */
	CONSUMER_PORTS_FIRST_MS = 1000,
	CONSUMER_PORTS_MAX_MS = 30000,
	/* after a look that failed */
	CONSUMER_POLL_FIRST_MS = 100,
	CONSUMER_POLL_MAX_MS = 1000,
};

static void consumer_poll_in(struct consumer *c, uint64_t ms)
{
	const struct timeval tv = clk_timeval(ms);

	(void)evtimer_add(c->poll, &tv);
}

void consumer_stop_polling(struct consumer *c)
{
	(void)evtimer_del(c->poll);
	netns_close(&c->netns);
}

static void consumer_report_ports(struct consumer *c, const struct ports *p)
{
	char text[sizeof c->message];

	(void)ports_message(p, text, sizeof text);
	if (strcmp(text, c->message) == 0)
		return;
	consumer_explain(c, "", "%s", text);
	instance_report(c->inst);
}

/* The Pod's processes, looked up once a poll, and only when there is a socket to ask about. */
struct owner {
	const struct consumer *c;
	size_t pids_count;
	pid_t pids[PROC_PIDS_MAX];
};

static bool consumer_owns(void *arg, uint32_t inode)
{
	struct owner *o = arg;

	if (o->pids_count == 0)
		o->pids_count = proc_of_pod(o->c->inst->agent->config->cgroup_roots, o->c->pod_uid,
		                            o->pids);
	return proc_has_socket(o->pids, o->pids_count, inode);
}

static bool consumer_is_pods_address(const void *arg, const char *address)
{
	return pod_may_have_address(arg, address);
}

static int consumer_find_address(struct consumer *c, struct err *err)
{
	const struct netns_wanted wanted = {consumer_is_pods_address, c->pod};

	if (!c->is_on_host)
		return netns_address(&c->netns, &wanted, c->address, err);
	(void)snprintf(c->address, sizeof c->address, "%s", c->host_address);
	return 0;
}

static int consumer_look(struct consumer *c, struct ports *p, struct err *err)
{
	const struct link_peer *peer = link_peer(c->link);

	assert(peer != NULL && (c->netns.diag_fd < 0) == (c->netns.route_fd < 0));
	if (c->netns.diag_fd < 0 && netns_open(peer->net_ns_fd, &c->netns, err) < 0)
		return -1;
	if (c->address[0] == '\0' && consumer_find_address(c, err) < 0)
		return -1;
	return p->wanted != 0 ? netns_ports(&c->netns, p, true, err) : 0;
}

/* Whatever it was, it may pass; what is left of an answer goes with the sockets. */
static void consumer_look_failed(struct consumer *c, const struct err *err)
{
	static const struct pause_limit limit = {CONSUMER_POLL_FIRST_MS, CONSUMER_POLL_MAX_MS, 0};

	netns_close(&c->netns);
	if (c->poll_pause.ms == 0)
		log_event(LOG_WARN, "consumer.netlink_failed", log_str("pod_uid", c->pod_uid),
		          log_err(err));
	consumer_poll_in(c, pause_next(&c->poll_pause, &limit, clk_now_ms()));
}

/* What listens instead: all of it, which is not asked for often. */
static void consumer_report_others(struct consumer *c, struct ports *p, uint64_t now_ms)
{
	static const struct pause_limit limit = {CONSUMER_PORTS_FIRST_MS, CONSUMER_PORTS_MAX_MS, 0};
	struct err err;

	if (now_ms < c->ports_pause.at_ms + c->ports_pause.ms)
		return;
	(void)pause_next(&c->ports_pause, &limit, now_ms);
	if (netns_ports(&c->netns, p, false, &err) < 0)
		netns_close(&c->netns); /* some of it is known; the next look opens it anew */
	consumer_report_ports(c, p);
}

void consumer_poll(struct consumer *c)
{
	uint64_t begin_us = clk_now_us();
	uint64_t now_ms = clk_now_ms();
	uint64_t waited_ms = now_ms - c->started_ms;
	struct owner owner = {.c = c};
	struct ports p = {.wanted = consumer_port(c),
	                  .is_own = c->is_on_host ? consumer_owns : NULL,
	                  .own_arg = &owner};
	struct err err;

	if (link_peer(c->link) == NULL)
		return;
	if (consumer_look(c, &p, &err) < 0) {
		consumer_look_failed(c, &err);
		return;
	}
	pause_over(&c->poll_pause);
	if (p.is_wanted_open && c->address[0] != '\0') {
		c->message[0] = '\0';
		consumer_stop_polling(c);
		consumer_feed(c, CONSUMER_EV_PORT);
		return;
	}
	if (p.wanted == 0 && c->address[0] != '\0') {
		consumer_stop_polling(c);
		instance_report(c->inst);
		return;
	}
	if (p.wanted != 0 && waited_ms >= CONSUMER_PORT_PATIENCE_MS)
		consumer_report_others(c, &p, now_ms);
	consumer_poll_in(c, ports_delay_ms(waited_ms, clk_now_us() - begin_us));
}

void on_consumer_poll(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	consumer_poll(arg);
}

/*
 * A wake does not wait for the Pod's status. Who has an address that is another's by then (a
 * container may be given the capability to change it) gets no request from then on.
 */
void consumer_check_address(struct consumer *c)
{
	if (c->is_on_host || c->address[0] == '\0' || pod_may_have_address(c->pod, c->address))
		return;
	log_event(LOG_WARN, "consumer.address_refused", log_str("pod_uid", c->pod_uid),
	          log_str("address", c->address));
	consumer_explain(c, "", "%s is none of the Pod's addresses", c->address);
	c->address[0] = '\0';
	if (c->state != CONSUMER_STARTED && c->state != CONSUMER_LISTENING)
		return;
	consumer_feed(c, CONSUMER_EV_ASTRAY);
	instance_report(c->inst); /* also where the state stays */
	consumer_poll_in(c, 0);
}

void consumer_open_netns(struct consumer *c)
{
	struct ports none = {.wanted = 0};
	struct err err;

	consumer_stop_polling(c);
	c->address[0] = '\0';
	c->started_ms = clk_now_ms();
	pause_over(&c->ports_pause);
	pause_over(&c->poll_pause);
	if (link_peer(c->link) != NULL && consumer_look(c, &none, &err) < 0)
		consumer_look_failed(c, &err);
}
