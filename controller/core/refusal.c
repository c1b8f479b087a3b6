/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/core/refusal.h"

#include <assert.h>
#include <string.h>

const char *refusal_reason(enum held what, int http_status, const char *text)
{
	static const char *const refused[HELD_N] = {
	        [HELD_CONSUMER] = "ConsumerRejected",
	        [HELD_PROVIDER] = "ProviderRejected",
	        [HELD_SERVICE] = "ServiceRejected",
	};
	static const char *const forbidden[] = {"PodForbidden", "QuotaExceeded"};
	bool is_quota = strstr(text, "exceeded quota") != NULL ||
	                strstr(text, "failed quota") != NULL; /* a limit that it asks for */

	assert(what > HELD_UNSET && what < HELD_N);
	if (http_status != 403 || what == HELD_SERVICE)
		return refused[what];
	return forbidden[is_quota];
}

bool refusal_may_pass(int http_status, const char *text)
{
	/* all are a Status of reason Forbidden with the same details: only the text differs */
	return http_status == 403 &&
	       (strstr(text, " is forbidden: User \"") != NULL ||
	        strstr(text, " is forbidden: not yet ready to handle request") != NULL);
}
