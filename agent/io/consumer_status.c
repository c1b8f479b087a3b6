/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer_status - a consumer as the instance's status has it
 */
#include "agent/io/consumer_internal.h"

#include "agent/io/link.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"

bool consumer_is_alive(const struct consumer *c)
{
	return link_peer(c->link) != NULL;
}

uint16_t consumer_port(const struct consumer *c)
{
	int64_t port = json_int_at(c->inst->object, 0, "spec", "activationPort", NULL);

	return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

json_t *consumer_status(const struct consumer *c)
{
	char at[NUM_RFC3339_BYTES];
	json_t *j = json_pack("{s:s, s:I, s:s, s:s, s:o, s:s, s:i, s:i, s:I}", "podUID", c->pod_uid,
	                      "containerGeneration", (json_int_t)c->generation, "state",
	                      consumer_state_text(c->state), "reason", c->reason, "message",
	                      json_text(c->message), "address", c->address, "port",
	                      (int)consumer_port(c), "exitCode", c->exit_code,
	                      "handoverMicroseconds", (json_int_t)c->handover_us);

	if (c->started_wall_ms != 0)
		(void)json_object_set_new(
		        j, "startedAt",
		        json_string(num_format_rfc3339(c->started_wall_ms, true, at)));
	else
		(void)json_object_set_new(j, "startedAt", json_null());
	return j;
}
