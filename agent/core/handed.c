/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handed - what follows from the result of a hand-over
 */
#include "agent/core/handed.h"

enum handed_step handed_plan(const struct handed_facts *f)
{
	if (f->rc == HANDED_IN_USE)
		return HANDED_DO_PAUSE;
	if (f->rc == HANDED_NO_IMAGE)
		return HANDED_DO_NO_IMAGE;
	if (f->rc == HANDED_BAD_FILES)
		return HANDED_DO_NO_FILES;
	if (f->state != CONSUMER_WAITING || f->peer != f->meant_for)
		return HANDED_DO_FORGET;
	if (f->rc < 0)
		return f->is_temporary ? HANDED_DO_PAUSE : HANDED_DO_REFUSE;
	return HANDED_DO_GO;
}
