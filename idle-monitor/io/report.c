/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - tells why a container is awake or was stopped: status, Event, log, metric, JSON
 */
#include <string.h>

#include "idle-monitor/io/target.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/object.h"

enum { REPORT_DURATION_BYTES = 32 };

static const char *report_last_client(const struct target *t)
{
	const struct scrape *s = t->env->scrape;

	if (t->decision.last_view >= scrape_count(s))
		return "";
	return scrape_last_client(s, t->decision.last_view, kube_uid(t->object));
}

void report_source(const struct target *t, char buf[NOTE_TEXT_BYTES])
{
	const char *client = report_last_client(t);

	if (t->decision.reason == IDLE_REQUESTS_IN_FLIGHT)
		(void)snprintf(buf, NOTE_TEXT_BYTES, "request in flight");
	else if (t->decision.reason == IDLE_UPGRADED_OPEN)
		(void)snprintf(buf, NOTE_TEXT_BYTES, "upgraded connection");
	else if (t->decision.last_view >= scrape_count(t->env->scrape))
		(void)snprintf(buf, NOTE_TEXT_BYTES, "start");
	else if (*client != '\0')
		(void)snprintf(buf, NOTE_TEXT_BYTES, "request from %s", client);
	else
		(void)snprintf(buf, NOTE_TEXT_BYTES, "request");
}

void report_stop_text(const struct target *t, uint64_t now_ms, char buf[NOTE_TEXT_BYTES])
{
	uint64_t last_ms = t->decision.last_activity_ms;
	uint64_t age_ms = now_ms > last_ms ? now_ms - last_ms : 0;
	const char *client = report_last_client(t);
	char age[REPORT_DURATION_BYTES];

	/* whole seconds read better, where there are any */
	(void)num_format_duration(age_ms < 1000 ? age_ms : age_ms / 1000 * 1000, age, sizeof age);
	if (t->decision.last_view >= scrape_count(t->env->scrape))
		(void)snprintf(buf, NOTE_TEXT_BYTES, "no request since its start %s ago", age);
	else if (*client != '\0')
		(void)snprintf(buf, NOTE_TEXT_BYTES, "no request for %s (last from %s)", age,
		               client);
	else
		(void)snprintf(buf, NOTE_TEXT_BYTES, "no request for %s", age);
}

static uint64_t report_time(const json_t *idle, const char *key)
{
	const char *text = json_string_value(json_object_get(idle, key));
	uint64_t wall_ms = 0;

	if (text != NULL)
		(void)num_parse_rfc3339(text, &wall_ms, NULL);
	return wall_ms;
}

void report_read_note(const json_t *object, struct note *ret_note)
{
	const json_t *idle = json_at(object, "status", "idle", NULL);

	*ret_note = (struct note){
	        .state = note_state_parse(json_str_at(idle, "", "state", NULL)),
	        .active_wall_ms = report_time(idle, "lastActivityTime"),
	        .stop_at_wall_ms = report_time(idle, "stopAt"),
	};
	(void)snprintf(ret_note->source, sizeof ret_note->source, "%s",
	               json_str_at(idle, "", "lastActivitySource", NULL));
}

/* A null takes the field away (RFC 7396). */
static json_t *report_wall(uint64_t wall_ms)
{
	char text[NUM_RFC3339_BYTES];

	return wall_ms != 0 ? json_string(num_format_rfc3339(wall_ms, false, text)) : json_null();
}

static json_t *report_patch(const struct target *t, const struct note *note)
{
	json_t *idle = json_pack("{s:s,s:o,s:o}", "state", note_state_name(note->state), "stopAt",
	                         report_wall(note->stop_at_wall_ms), "lastActivityTime",
	                         report_wall(note->active_wall_ms));

	if (*note->source != '\0')
		(void)json_object_set_new(idle, "lastActivitySource", json_string(note->source));
	if (*t->stop_reason != '\0') {
		(void)json_object_set_new(idle, "lastStopReason", json_string(t->stop_reason));
		(void)json_object_set_new(idle, "lastStopTime", report_wall(t->stop_wall_ms));
	}
	/* of this container, and none that has its name by now */
	return json_pack("{s:{s:s},s:{s:o}}", "metadata", "uid", kube_uid(t->object), "status",
	                 "idle", idle);
}

static void on_status_written(void *arg, const struct kube_result *res)
{
	struct target *t = arg;

	t->status_call = NULL;
	if (res->err == NULL) {
		if (strcmp(t->stop_reason, t->status_reason) == 0)
			t->stop_reason[0] = '\0';
		informer_learn(t->env->containers, res->body);
		return;
	}
	t->status_again_ms = clk_now_ms() + TARGET_STATUS_PAUSE_MS;
	if (res->err->code != ERR_NOT_FOUND)
		log_event(LOG_WARN, "status.failed",
		          log_str("namespace", kube_namespace(t->object)),
		          log_str("name", kube_name(t->object)), log_err(res->err));
}

static void report_write(struct target *t, const struct note *note)
{
	const struct kube_ref ref = {.type = &KUBE_STOPPABLECONTAINERS,
	                             .ns = kube_namespace(t->object),
	                             .name = kube_name(t->object),
	                             .subresource = "status"};
	json_t *patch = report_patch(t, note);

	if (patch == NULL)
		return;
	memcpy(t->status_reason, t->stop_reason, sizeof t->status_reason);
	t->status_call =
	        kube_patch(t->env->client, &ref, KUBE_PATCH_MERGE, patch, on_status_written, t);
	json_decref(patch);
}

void report_sync(struct target *t)
{
	char source[NOTE_TEXT_BYTES];
	struct note_facts facts = {
	        .decision = t->decision,
	        .running = target_is_running(t),
	        .consumer_left = t->consumer_left,
	        .source = source,
	        .now_ms = clk_now_ms(),
	        .now_wall_ms = clk_wall_ms(),
	};
	struct note kept;
	struct note want;

	/* a write of ours would change the resourceVersion that a stop's patch tests */
	if (t->status_call != NULL || stop_is_under_way(&t->stop) ||
	    facts.now_ms < t->status_again_ms || kube_is_deleting(t->object))
		return;
	/* the states of a wake and of a stop pass quickly: one write for all of them */
	if (facts.now_ms < t->passing_until_ms && *t->stop_reason == '\0')
		return;
	if (t->resource != NULL)
		facts.timeout_ms = target_config(t).timeout_ms;
	report_source(t, source);
	report_read_note(t->object, &kept);
	note_make(&facts, &kept, &want);
	if (*t->stop_reason != '\0' || note_is_worth_it(&kept, &want))
		report_write(t, &want);
}

void report_stopped(struct target *t)
{
	metric_add(t->env->stops_total, (const char *const[]){"stopped"}, 1);
	log_event(LOG_INFO, "stop.done", log_str("namespace", kube_namespace(t->object)),
	          log_str("name", kube_name(t->object)),
	          log_str("reason", idle_reason_name(IDLE_NO_REQUEST)),
	          log_str("text", t->stop_text));
	recorder_event(t->env->recorder, t->object, false, "IdleStop", "%s", t->stop_text);
	memcpy(t->stop_reason, t->stop_text, sizeof t->stop_reason);
	t->stop_wall_ms = clk_wall_ms();
}

void report_aborted(struct target *t, enum stop_event why)
{
	metric_add(t->env->stops_total, (const char *const[]){stop_event_name(why)}, 1);
	log_event(LOG_INFO, "stop.aborted", log_str("namespace", kube_namespace(t->object)),
	          log_str("name", kube_name(t->object)), log_str("why", stop_event_name(why)));
}

static json_t *report_seconds(bool known, uint64_t ms)
{
	return known ? json_real((double)ms / 1000) : json_null();
}

json_t *report_describe(const struct target *t, uint64_t now_ms)
{
	const struct idle_decision *d = &t->decision;
	bool seen = d->last_activity_ms != 0 && d->last_activity_ms <= now_ms;
	char source[NOTE_TEXT_BYTES];

	report_source(t, source);
	return json_pack(
	        "{s:s,s:s,s:s,s:b,s:s,s:s,s:o,s:o,s:s,s:s}", "namespace", kube_namespace(t->object),
	        "name", kube_name(t->object), "uid", kube_uid(t->object), "running",
	        target_is_running(t), "reason", idle_reason_name(d->reason), "text",
	        idle_reason_text(d->reason), "secondsUntilStop",
	        report_seconds(d->until_ms != 0, d->until_ms > now_ms ? d->until_ms - now_ms : 0),
	        "secondsSinceLastActivity", report_seconds(seen, now_ms - d->last_activity_ms),
	        "lastActivitySource", seen ? source : "", "stop", stop_state_name(t->stop.state));
}
