/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal - the reason in the status when the API server refuses an object that was to be made
 */
#include "controller/core/refusal.h"

#include <assert.h>
#include <string.h>

const char *refusal_reason(enum held what, int http_status, const char *text)
{
	static const char *const refused[HELD_COUNT] = {
	        [HELD_CONSUMER] = "ConsumerRejected",
	        [HELD_PROVIDER] = "ProviderRejected",
	        [HELD_SERVICE] = "ServiceRejected",
	};
	/* "failed quota": the quota asks for a limit that the Pod does not have */
	bool is_quota =
	        strstr(text, "exceeded quota") != NULL || strstr(text, "failed quota") != NULL;

	assert(what > HELD_UNSET && what < HELD_COUNT);
	if (http_status != 403 || what == HELD_SERVICE)
		return refused[what];
	return is_quota ? "QuotaExceeded" : "PodForbidden";
}
