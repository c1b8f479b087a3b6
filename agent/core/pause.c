/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause - waits between tries that double up to a limit
 */
#include "agent/core/pause.h"

#include <errno.h>

#include "lib/base/cleanup.h"

uint64_t pause_next(struct pause *p, const struct pause_limit *limit, uint64_t now_ms)
{
	if (limit->forget_ms != 0 && now_ms >= p->at_ms + p->ms + limit->forget_ms)
		p->ms = 0;
	p->ms = p->ms == 0 ? limit->first_ms : p->ms * 2;
	if (p->ms > limit->max_ms)
		p->ms = limit->max_ms;
	p->at_ms = now_ms;
	return p->ms;
}

void pause_over(struct pause *p)
{
	*p = (struct pause){0};
}

bool pause_helps_with(int sys_errno)
{
	static const int temporary[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN, EINTR};

	for (size_t i = 0; i < ARRAY_LEN(temporary); i++) {
		if (sys_errno == temporary[i])
			return true;
	}
	return false;
}

bool pause_helps(const struct err *err)
{
	return err->code == ERR_NOMEM || (err->code == ERR_SYS && pause_helps_with(err->sys_errno));
}
