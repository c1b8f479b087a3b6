/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop_signal - the stop signal of a Pod template, by name and by number
 */
#include "lib/api/stop_signal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"

/* As images count them: the kernel's own first two are the C library's. */
enum {
	SIGNAL_RTMIN = 34,
	SIGNAL_RTMAX = 64,
	SIGNAL_RTMIN_STEPS = 15, /* the farther ones are counted from the end */
};

/* "", "+3": how far from RTMIN or RTMAX. Return: the signal, 0 when it is none. */
static int real_time(int base, char sign, const char *rest)
{
	uint64_t steps = 0;
	int number;

	if (*rest != '\0' &&
	    (*rest != sign || num_parse_u64(rest + 1, 0, SIGNAL_RTMAX, &steps, NULL) < 0))
		return 0;
	number = sign == '+' ? base + (int)steps : base - (int)steps;
	return number >= SIGNAL_RTMIN && number <= SIGNAL_RTMAX ? number : 0;
}

int stop_signal_parse(const char *text)
{
	uint64_t number;

	if (num_parse_u64(text, 1, SIGNAL_RTMAX, &number, NULL) == 0)
		return (int)number;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	if (strncasecmp(text, "RTMIN", 5) == 0)
		return real_time(SIGNAL_RTMIN, '+', text + 5);
	if (strncasecmp(text, "RTMAX", 5) == 0)
		return real_time(SIGNAL_RTMAX, '-', text + 5);
	for (int i = 1; i < SIGNAL_RTMIN; i++) {
		const char *name = sigabbrev_np(i);

		if (name != NULL && strcasecmp(text, name) == 0)
			return i;
	}
	return 0;
}

const char *stop_signal_name(int number, char buf[STOP_SIGNAL_NAME_BYTES])
{
	const char *name = sigabbrev_np(number);

	if (number == SIGNAL_RTMIN || number == SIGNAL_RTMAX)
		name = number == SIGNAL_RTMIN ? "RTMIN" : "RTMAX";
	if (name != NULL)
		(void)snprintf(buf, STOP_SIGNAL_NAME_BYTES, "SIG%s", name);
	else if (number - SIGNAL_RTMIN <= SIGNAL_RTMIN_STEPS)
		(void)snprintf(buf, STOP_SIGNAL_NAME_BYTES, "SIGRTMIN+%d", number - SIGNAL_RTMIN);
	else
		(void)snprintf(buf, STOP_SIGNAL_NAME_BYTES, "SIGRTMAX-%d", SIGNAL_RTMAX - number);
	return buf;
}

int stop_signal_of(const json_t *container, const json_t *image)
{
	const char *of_image = json_str_at(image, "", "stopSignal", NULL);

	return stop_signal_parse(json_str_at(container, of_image, "lifecycle", "stopSignal", NULL));
}
