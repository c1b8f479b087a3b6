/* SPDX-License-Identifier: Apache-2.0 */
/*
 * phrase - the sentences about a container that people read
 */
#include "idle-monitor/core/phrase.h"

#include <stdio.h>

#include "lib/base/num.h"

enum { PHRASE_DURATION_BYTES = 32 };

void phrase_activity(const struct idle_decision *d, const char *client, char buf[NOTE_TEXT_BYTES])
{
	if (d->reason == IDLE_REQUESTS_IN_FLIGHT)
		(void)snprintf(buf, NOTE_TEXT_BYTES, "request in flight");
	else if (d->reason == IDLE_UPGRADED_OPEN)
		(void)snprintf(buf, NOTE_TEXT_BYTES, "upgraded connection");
	else if (client == NULL)
		(void)snprintf(buf, NOTE_TEXT_BYTES, "start");
	else if (*client != '\0')
		(void)snprintf(buf, NOTE_TEXT_BYTES, "request from %s", client);
	else
		(void)snprintf(buf, NOTE_TEXT_BYTES, "request");
}

void phrase_stop(const struct idle_decision *d, const char *client, uint64_t now_ms,
                 char buf[NOTE_TEXT_BYTES])
{
	uint64_t age_ms = now_ms > d->last_activity_ms ? now_ms - d->last_activity_ms : 0;
	char age[PHRASE_DURATION_BYTES];

	/* whole seconds read better, where there are any */
	(void)num_format_duration(age_ms < 1000 ? age_ms : age_ms / 1000 * 1000, age, sizeof age);
	if (client == NULL)
		(void)snprintf(buf, NOTE_TEXT_BYTES, "no request since its start %s ago", age);
	else if (*client != '\0')
		(void)snprintf(buf, NOTE_TEXT_BYTES, "no request for %s (last from %s)", age,
		               client);
	else
		(void)snprintf(buf, NOTE_TEXT_BYTES, "no request for %s", age);
}
