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
