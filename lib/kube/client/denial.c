/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denial - tells by the text of a 403 whether the same call can succeed later
 */
#include "lib/kube/client/denial.h"

#include <string.h>

bool denial_may_pass(int http_status, const char *text)
{
	/* all are a Status of reason Forbidden with the same details: only the text differs */
	return http_status == 403 &&
	       (strstr(text, " is forbidden: User \"") != NULL ||
	        strstr(text, " is forbidden: not yet ready to handle request") != NULL);
}
