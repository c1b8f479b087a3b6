/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrk_output - the figures in what wrk prints
 */
#include "loadtest/wrk_output.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/num.h"

/* The number that ends before @end; @text begins before it. */
static uint64_t number_before(const char *text, const char *end)
{
	char digits[24] = "";
	const char *begin = end;
	uint64_t value = 0;

	while (begin > text && isdigit((unsigned char)begin[-1]))
		begin--;
	(void)snprintf(digits, sizeof digits, "%.*s", (int)(end - begin), begin);
	return num_parse_u64(digits, 0, UINT64_MAX, &value, NULL) == 0 ? value : 0;
}

static uint64_t number_after(const char *text, const char *label)
{
	const char *at = strstr(text, label);
	const char *end;

	if (at == NULL)
		return 0;
	at += strlen(label);
	at += strspn(at, " ");
	end = at + strspn(at, "0123456789");
	return number_before(at, end);
}

/* "  254119 requests in 8.10s, 38.77MB read", "Requests/sec:  31373.09" */
int wrk_output_parse(const char *text, struct wrk_output *ret_output, struct err *err)
{
	const char *requests = strstr(text, " requests in ");
	const char *rate = strstr(text, "Requests/sec:");
	const char *errors = strstr(text, "Socket errors: ");

	if (requests == NULL || rate == NULL)
		return err_set(err, ERR_PARSE, 0, "wrk said: %.200s", text);
	ret_output->requests = number_before(text, requests);
	ret_output->per_second = strtod(rate + strlen("Requests/sec:"), NULL);
	ret_output->errors = number_after(text, "Non-2xx or 3xx responses:");
	if (errors != NULL)
		ret_output->errors +=
		        number_after(errors, "connect ") + number_after(errors, "read ") +
		        number_after(errors, "write ") + number_after(errors, "timeout ");
	return ret_output->requests > 0 ? 0 : err_set(err, ERR_PARSE, 0, "wrk: no request");
}
