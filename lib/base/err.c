/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err - fills an error in, and puts context before its text
 */
#include "lib/base/err.h"

#include <stdarg.h>
#include <string.h>

int err_set(struct err *e, enum err_code code, int sys_errno, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	if (e == NULL)
		return -1;
	e->code = code;
	e->sys_errno = sys_errno;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	if (sys_errno != 0) {
		len = strlen(e->text);
		(void)snprintf(e->text + len, sizeof e->text - len, ": %s", strerror(sys_errno));
	}
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char inner[sizeof e->text];
	va_list ap;
	size_t len;

	if (e == NULL)
		return -1;
	memcpy(inner, e->text, sizeof inner);
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	(void)snprintf(e->text + len, sizeof e->text - len, ": %s", inner);
	return -1;
}

const char *err_code_name(enum err_code code)
{
	static const char *const names[] = {
	        [ERR_NONE] = "none",           [ERR_SYS] = "system",
	        [ERR_NOMEM] = "out_of_memory", [ERR_PARSE] = "parse",
	        [ERR_INVALID] = "invalid",     [ERR_NOT_FOUND] = "not_found",
	        [ERR_EXISTS] = "exists",       [ERR_CONFLICT] = "conflict",
	        [ERR_GONE] = "gone",           [ERR_DENIED] = "denied",
	        [ERR_TIMEOUT] = "timeout",     [ERR_UNAVAILABLE] = "unavailable",
	};

	return (size_t)code < ARRAY_LEN(names) ? names[code] : "unknown";
}
