/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - makes an error of a Status object or of an HTTP status
 */
#include "lib/kube/client/status.h"

#include <string.h>

#include "lib/kube/client/object.h"

/* apimachinery's metav1.StatusReason */
static const struct {
	const char *reason;
	enum err_code code;
} status_reasons[] = {
        {"AlreadyExists", ERR_EXISTS},
        {"BadRequest", ERR_INVALID},
        {"Conflict", ERR_CONFLICT},
        {"Expired", ERR_GONE},
        {"Forbidden", ERR_DENIED},
        {"Gone", ERR_GONE},
        {"InternalError", ERR_UNAVAILABLE},
        {"Invalid", ERR_INVALID},
        {"NotFound", ERR_NOT_FOUND},
        {"ServerTimeout", ERR_UNAVAILABLE},
        {"ServiceUnavailable", ERR_UNAVAILABLE},
        {"Timeout", ERR_UNAVAILABLE},
        {"TooManyRequests", ERR_UNAVAILABLE},
        {"Unauthorized", ERR_DENIED},
};

static enum err_code status_code_of_http(int http_status)
{
	switch (http_status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_CONFLICT;
	case 410:
		return ERR_GONE;
	case 408:
	case 429:
		return ERR_UNAVAILABLE;
	default:
		return http_status >= 400 && http_status < 500 ? ERR_INVALID : ERR_UNAVAILABLE;
	}
}

void kube_status_err(int http_status, const json_t *status, uint64_t *ret_retry_after_ms,
                     struct err *ret_err)
{
	const char *reason = json_str_at(status, "", "reason", NULL);
	const char *message = json_str_at(status, "", "message", NULL);
	int64_t seconds = json_int_at(status, 0, "details", "retryAfterSeconds", NULL);
	enum err_code code = status_code_of_http(http_status);

	for (size_t i = 0; i < ARRAY_LEN(status_reasons); i++) {
		if (strcmp(reason, status_reasons[i].reason) == 0)
			code = status_reasons[i].code;
	}
	if (seconds > 0 && seconds < 86400)
		*ret_retry_after_ms = (uint64_t)seconds * 1000;
	(void)err_set(ret_err, code, 0, "%s",
	              *message  ? message
	              : *reason ? reason
	                        : "the server did not say why");
	if (*message == '\0')
		(void)err_wrap(ret_err, "HTTP %d", http_status);
}
