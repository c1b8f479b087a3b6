/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api - answers the idle-monitor on the admin port: which containers are in use, and a promise to
 * let no request through for some seconds before a stop (quiesce)
 */
#include "activator/cluster/api.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clk.h"

enum { LEASE_SECONDS_MAX = 60 };

static json_t *age(bool known, uint64_t since_ms, uint64_t now_ms)
{
	return known ? json_real((double)(now_ms - since_ms) / 1000.0) : json_null();
}

static bool is_untouched(const struct target_activity *a)
{
	return !a->has_last_request && !a->has_last_byte && a->in_flight_count == 0 &&
	       a->held_count == 0 && a->upgraded_count == 0;
}

static void add_target(void *arg, struct target *t)
{
	struct target_activity a;
	uint64_t now_ms = clk_now_ms();

	target_activity(t, &a);
	if (is_untouched(&a)) /* as most of many are, and it is asked each second */
		return;
	(void)json_array_append_new(
	        arg, json_pack("{s:s,s:s,s:s,s:i,s:i,s:o,s:i,s:o,s:s}", "namespace", target_ns(t),
	                       "name", target_name(t), "uid", target_uid(t), "requestsInFlight",
	                       (int)a.in_flight_count, "requestsHeld", (int)a.held_count,
	                       "secondsSinceLastRequest",
	                       age(a.has_last_request, a.last_request_ms, now_ms), "openUpgraded",
	                       (int)a.upgraded_count, "secondsSinceLastByte",
	                       age(a.has_last_byte, a.last_byte_ms, now_ms), "lastClient",
	                       a.last_client));
}

static void reply_json(void *reply, int status, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);

	admin_reply(reply, text ? status : 500, text);
	free(text);
	json_decref(body);
}

static void on_activity(const struct api *api, void *reply)
{
	uint64_t now_ms = clk_now_ms();
	json_t *targets = json_array();

	cluster_foreach(api->cluster, add_target, targets);
	reply_json(reply, 200,
	           json_pack("{s:s,s:f,s:f,s:o}", "instance", api->instance, "uptimeSeconds",
	                     (double)(now_ms - api->start_ms) / 1000.0, "watchLostSeconds",
	                     (double)cluster_lost_ms(api->cluster, now_ms) / 1000.0, "targets",
	                     targets));
}

static void on_lease(const struct api *api, const struct admin_request *req, bool quiesce)
{
	json_t *body = json_loadb(req->body, req->body_bytes, 0, NULL);
	const char *uid = json_string_value(json_object_get(body, "uid"));
	double seconds = json_number_value(json_object_get(body, "leaseSeconds"));
	struct target *t = uid ? cluster_find(api->cluster, uid) : NULL;
	struct target_activity a;

	json_decref(body);
	if (uid == NULL || (quiesce && !(seconds > 0 && seconds <= LEASE_SECONDS_MAX))) {
		admin_reply(req->reply, 400,
		            "{\"error\": \"want uid, and leaseSeconds of 60 at most\"}");
	} else if (t == NULL) {
		/* A replica that does not know it yet can't promise to hold its requests. */
		admin_reply(req->reply, 404, "{\"error\": \"unknown container\"}");
	} else if (!quiesce) {
		target_resume(t);
		admin_reply(req->reply, 200, "{\"quiesced\": false}");
	} else if (target_quiesce(t, (uint64_t)(seconds * 1000))) {
		admin_reply(req->reply, 200, "{\"quiesced\": true}");
	} else {
		target_activity(t, &a);
		reply_json(req->reply, 409,
		           json_pack("{s:b,s:i}", "quiesced", 0, "requestsInFlight",
		                     (int)(a.in_flight_count + a.held_count)));
	}
}

bool api_on_request(void *arg, const struct admin_request *req)
{
	const struct api *api = arg;
	bool get = strcmp(req->method, "GET") == 0;
	bool post = strcmp(req->method, "POST") == 0;

	if (get && strcmp(req->path, "/v1/activity") == 0)
		on_activity(api, req->reply);
	else if (post && strcmp(req->path, "/v1/quiesce") == 0)
		on_lease(api, req, true);
	else if (post && strcmp(req->path, "/v1/resume") == 0)
		on_lease(api, req, false);
	else
		return false;
	return true;
}
