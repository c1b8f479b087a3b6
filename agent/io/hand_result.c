/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_result - the end of a hand-over: `go` to the container, a refusal, or a pause
 */
#include <assert.h>
#include <event2/event.h>

#include "agent/core/handed.h"
#include "agent/core/pause.h"
#include "agent/io/consumer.h"
#include "agent/io/hand.h"
#include "agent/io/link.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/http/metrics.h"

/* While somebody else has the root filesystem. Each try is a process that looks through cgroups. */
enum { HAND_PAUSE_FIRST_MS = 20, HAND_PAUSE_MAX_MS = 1000 };

void hand_pause(struct instance *inst)
{
	static const struct pause_limit limit = {HAND_PAUSE_FIRST_MS, HAND_PAUSE_MAX_MS, 0};
	const struct timeval tv = clk_timeval(pause_next(&inst->hand_pause, &limit, clk_now_ms()));

	(void)evtimer_add(inst->hand_retry, &tv);
}

void hand_pause_over(struct instance *inst)
{
	(void)evtimer_del(inst->hand_retry);
	pause_over(&inst->hand_pause);
}

static void hand_go(struct consumer *c, int rc, const struct hand_done *done)
{
	struct agent *agent = c->inst->agent;

	c->inst->recalled_pod[0] = '\0';
	hand_pause_over(c->inst);
	if (rc == HANDED_NOW)
		c->handover_us = done->took_us;
	metric_observe(agent->handover_seconds, NULL, (double)done->took_us / 1e6);
	metric_observe(agent->files_check_seconds, NULL, (double)done->files.took_us / 1e6);
	link_send(c->link, PROTO_GO, "");
	consumer_feed(c, CONSUMER_EV_HANDED);
}

static void hand_failed_for_now(struct consumer *c, int rc, const struct err *err)
{
	if (rc < 0)
		log_event(LOG_WARN, "consumer.hand_over_failed", log_str("pod_uid", c->pod_uid),
		          log_err(err));
	hand_pause(c->inst);
}

void on_hand_done(void *arg, int rc, const void *data, const struct err *err)
{
	struct consumer *c = arg;
	const struct hand_done *done = data;
	const struct link_peer *peer = link_peer(c->link);
	const struct handed_facts facts = {rc, rc < 0 && pause_helps(err), c->state,
	                                   c->handed_number, peer != NULL ? peer->number : 0};

	assert(c->task != NULL && c->inst->handing == c);
	c->task = NULL;
	c->inst->handing = NULL;
	switch (handed_plan(&facts)) {
	case HANDED_DO_PAUSE:
		hand_failed_for_now(c, rc, err);
		break;
	case HANDED_DO_NO_IMAGE:
		instance_image_gone(c->inst);
		break;
	case HANDED_DO_NO_FILES:
		instance_refuse_files(c->inst, done->files.reason, err->text);
		break;
	case HANDED_DO_REFUSE:
		consumer_refuse(c, "HandoverFailed", err->text);
		break;
	case HANDED_DO_GO:
		hand_go(c, rc, done);
		break;
	case HANDED_DO_FORGET:
	case HANDED_UNSET:
		break;
	}
	instance_look_soon(c->inst);
}
