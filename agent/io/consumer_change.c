/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer_change - a consumer's state changes: by the table, into the log, into the status
 */
#include "agent/io/consumer_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "agent/io/link.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"

void consumer_feed(struct consumer *c, enum consumer_event ev)
{
	enum consumer_state next = consumer_state_next(c->state, ev);
	bool is_brief = consumer_state_is_brief(c->state, next, consumer_port(c) != 0);

	assert(next > CONSUMER_UNSET && next < CONSUMER_STATES_COUNT);
	if (next == c->state)
		return;
	c->state = next;
	log_event(next == CONSUMER_FAILED ? LOG_WARN : LOG_INFO, "consumer.state",
	          log_str("namespace", kube_namespace(c->inst->object)),
	          log_str("instance", kube_name(c->inst->object)), log_str("pod_uid", c->pod_uid),
	          log_str("state", consumer_state_text(next)), log_str("reason", c->reason),
	          log_str("message", c->message), log_str("address", c->address),
	          log_i64("exit_code", c->exit_code), log_u64("handover_us", c->handover_us));
	if (is_brief)
		instance_report_later(c->inst);
	else
		instance_report(c->inst);
}

void consumer_explain(struct consumer *c, const char *reason, const char *fmt, ...)
{
	va_list ap;

	(void)snprintf(c->reason, sizeof c->reason, "%s", reason);
	va_start(ap, fmt);
	(void)vsnprintf(c->message, sizeof c->message, fmt, ap);
	va_end(ap);
}

void consumer_refuse(struct consumer *c, const char *reason, const char *why)
{
	consumer_explain(c, reason, "%s", why);
	link_send(c->link, PROTO_REFUSE, why);
	consumer_feed(c, CONSUMER_EV_FAILED);
}
