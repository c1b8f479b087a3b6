/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - tells people about one container: status.idle, Events, the log, metrics, /v1/decisions
 */
#include "idle-monitor/io/report.h"

#include <assert.h>
#include <string.h>

#include "lib/api/kinds.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

void report_init(struct report *r, const struct report_env *env)
{
	*r = (struct report){.env = env};
}

void report_done(struct report *r)
{
	kube_cancel(r->call);
	json_decref((json_t *)r->object);
}

/* A null takes the field away (RFC 7396). */
static json_t *report_wall(uint64_t wall_ms)
{
	char text[NUM_RFC3339_BYTES];

	return wall_ms != 0 ? json_string(num_format_rfc3339(wall_ms, false, text)) : json_null();
}

static json_t *report_patch(const struct report *r, const json_t *object, const struct note *note)
{
	json_t *idle = json_pack("{s:s,s:o,s:o}", "state", note_state_name(note->state), "stopAt",
	                         report_wall(note->stop_at_wall_ms), "lastActivityTime",
	                         report_wall(note->active_wall_ms));

	if (*note->source != '\0')
		(void)json_object_set_new(idle, "lastActivitySource", json_string(note->source));
	if (report_has_stop(r)) {
		(void)json_object_set_new(idle, "lastStopReason", json_string(r->stop_reason));
		(void)json_object_set_new(idle, "lastStopTime", report_wall(r->stop_wall_ms));
	}
	/* of this container, and none that has its name by now */
	return json_pack("{s:{s:s},s:{s:o}}", "metadata", "uid", kube_uid(object), "status", "idle",
	                 idle);
}

static void on_status_written(void *arg, const struct kube_result *res)
{
	struct report *r = arg;
	CLEANUP(json_decref_var) json_t *object = (json_t *)r->object;

	r->call = NULL;
	r->object = NULL;
	if (res->err == NULL) {
		/* a stop that came meanwhile stays to be written */
		if (strcmp(r->stop_reason, r->written_reason) == 0)
			r->stop_reason[0] = '\0';
		informer_learn(r->env->containers, res->body);
		return;
	}
	r->again_ms = clk_now_ms() + REPORT_RETRY_MS;
	if (res->err->code != ERR_NOT_FOUND)
		log_event(LOG_WARN, "status.failed", log_str("namespace", kube_namespace(object)),
		          log_str("name", kube_name(object)), log_err(res->err));
}

static void report_write(struct report *r, const json_t *object, const struct note *note)
{
	const struct kube_ref ref = {.type = &KUBE_STOPPABLECONTAINERS,
	                             .ns = kube_namespace(object),
	                             .name = kube_name(object),
	                             .subresource = "status"};
	json_t *patch = report_patch(r, object, note);

	assert(r->call == NULL && r->object == NULL);
	if (patch == NULL)
		return;
	memcpy(r->written_reason, r->stop_reason, sizeof r->written_reason);
	r->call = kube_patch_merge(r->env->client, &ref, patch, on_status_written, r);
	if (r->call != NULL)
		r->object = json_incref((json_t *)object);
	json_decref(patch);
}

void report_sync(struct report *r, const json_t *object, const struct note_facts *facts)
{
	struct note kept;
	struct note want;

	if (report_is_writing(r) || facts->now_ms < r->again_ms || kube_is_deleting(object))
		return;
	note_read(object, &kept);
	note_make(facts, &kept, &want);
	if (report_has_stop(r) || note_is_worth_it(&kept, &want))
		report_write(r, object, &want);
}

bool report_is_writing(const struct report *r)
{
	return r->call != NULL;
}

bool report_has_stop(const struct report *r)
{
	return r->stop_reason[0] != '\0';
}

static void report_stopped(struct report *r, const json_t *object, const char *text)
{
	metric_add(r->env->stops_total, (const char *const[]){"stopped"}, 1);
	log_event(LOG_INFO, "stop.done", log_str("namespace", kube_namespace(object)),
	          log_str("name", kube_name(object)),
	          log_str("reason", idle_reason_name(IDLE_NO_REQUEST)), log_str("text", text));
	recorder_event(r->env->recorder, object, false, "IdleStop", "%s", text);
	(void)snprintf(r->stop_reason, sizeof r->stop_reason, "%s", text);
	r->stop_wall_ms = clk_wall_ms();
}

static void report_aborted(struct report *r, const json_t *object, enum stop_event why)
{
	metric_add(r->env->stops_total, (const char *const[]){stop_event_name(why)}, 1);
	log_event(LOG_INFO, "stop.aborted", log_str("namespace", kube_namespace(object)),
	          log_str("name", kube_name(object)), log_str("why", stop_event_name(why)));
}

void report_outcome(void *arg, const struct stopper_outcome *outcome)
{
	if (outcome->why == STOP_EV_PATCHED)
		report_stopped(arg, outcome->object, outcome->text);
	else
		report_aborted(arg, outcome->object, outcome->why);
}

static json_t *report_seconds(bool known, uint64_t ms)
{
	return known ? json_real((double)ms / 1000) : json_null();
}

json_t *report_describe(const struct report_view *view, uint64_t now_ms)
{
	const struct idle_decision *d = view->decision;
	bool seen = d->last_activity_ms != 0 && d->last_activity_ms <= now_ms;

	return json_pack(
	        "{s:s,s:s,s:s,s:b,s:s,s:s,s:o,s:o,s:s,s:s}", "namespace",
	        kube_namespace(view->object), "name", kube_name(view->object), "uid",
	        kube_uid(view->object), "running", view->running, "reason",
	        idle_reason_name(d->reason), "text", idle_reason_text(d->reason),
	        "secondsUntilStop",
	        report_seconds(d->until_ms != 0, d->until_ms > now_ms ? d->until_ms - now_ms : 0),
	        "secondsSinceLastActivity", report_seconds(seen, now_ms - d->last_activity_ms),
	        "lastActivitySource", seen ? view->source : "", "stop",
	        stop_state_name(view->stop));
}
