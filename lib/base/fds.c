/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fds - raises the limit of descriptors, and gives a child the one that we began with
 */
#include "lib/base/fds.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "lib/base/log.h"

static struct rlimit fds_found; /* at start */
static bool fds_is_raised;

void fds_raise(void)
{
	struct rlimit limit;

	if (fds_is_raised || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	fds_found = limit;
	limit.rlim_cur = limit.rlim_max < FDS_RAISED_MAX ? limit.rlim_max : FDS_RAISED_MAX;
	if (limit.rlim_cur < fds_found.rlim_cur)
		limit.rlim_cur = fds_found.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_event(LOG_WARN, "fds.not_raised", log_i64("errno", errno),
		          log_u64("limit", fds_found.rlim_cur));
	else
		fds_is_raised = true;
	log_event(LOG_INFO, "fds.limit", log_u64("limit", fds_limit()),
	          log_u64("was", fds_found.rlim_cur), log_u64("for_clients", fds_for_clients()));
}

void fds_restore(void)
{
	if (fds_is_raised)
		(void)setrlimit(RLIMIT_NOFILE, &fds_found);
}

uint64_t fds_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

uint64_t fds_for_clients(void)
{
	uint64_t limit = fds_limit();

	return limit > FDS_OWN + FDS_RESERVE ? limit - FDS_OWN - FDS_RESERVE : 0;
}
