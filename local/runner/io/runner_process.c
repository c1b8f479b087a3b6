/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_process - holds the process of a container and its monitor by pidfds
 */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/runner/io/runner_private.h"

static struct cgroup_place place_of(const struct ctr *c, const char *id)
{
	return (struct cgroup_place){c->pod->runner->opts.cgroup_root, c->pod->uid, id};
}

static void forget(int *fd, struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
	fd_close_var(fd);
	*fd = -1;
}

void ctr_process_forget(struct ctr *c)
{
	forget(&c->pid_fd, &c->exited);
	forget(&c->monitor_fd, &c->unwatched);
	c->monitor_gone = false;
}

static bool is_ended(int pid_fd)
{
	struct pollfd p = {.fd = pid_fd, .events = POLLIN};

	return pid_fd < 0 || poll(&p, 1, 0) > 0;
}

static bool hold(struct ctr *c, pid_t pid, int *fd, struct event **event, event_callback_fn on_end)
{
	*fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*fd < 0)
		return false;
	*event = event_new(c->pod->runner->base, *fd, EV_READ, on_end, c);
	if (*event != NULL && event_add(*event, NULL) == 0)
		return true;
	forget(fd, event);
	return false;
}

/* What Podman remembers of a container without monitor may be another process by now. */
static bool is_its_own(const struct ctr *c, pid_t pid)
{
	return c->state != POD_CTR_ST_UNSET || cgroup_is_of(pid, c->view.id);
}

bool ctr_process_hold(struct ctr *c, const json_t *state, event_callback_fn on_exited)
{
	pid_t pid = (pid_t)json_int_at(state, 0, "Pid", NULL);

	/* one that is held already has ended, and the runtime does not know that yet */
	if (pid <= 0 || c->pid_fd >= 0 || !hold(c, pid, &c->pid_fd, &c->exited, on_exited))
		return false;
	c->pid = pid;
	if (is_its_own(c, pid))
		return true;
	forget(&c->pid_fd, &c->exited);
	return false;
}

/* A mask of signals in /proc/PID/status, proc(5). */
static bool mask_has(const char *line, const char *name, int signal)
{
	size_t bytes = strlen(name);

	return strncmp(line, name, bytes) == 0 &&
	       (strtoull(line + bytes, NULL, 16) >> (signal - 1) & 1) != 0;
}

bool ctr_process_heeds(const struct ctr *c, int signal)
{
	CLEANUP(fclose_var) FILE *f = NULL;
	bool is_first = true;
	char path[64], line[256];

	assert(signal > 0);
	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)c->pid);
	f = is_ended(c->pid_fd) ? NULL : fopen(path, "re");
	if (f == NULL)
		return true;
	while (fgets(line, sizeof line, f) != NULL) {
		if (mask_has(line, "SigBlk:", signal) || mask_has(line, "SigIgn:", signal) ||
		    mask_has(line, "SigCgt:", signal))
			return true;
		if (strncmp(line, "NSpid:", 6) == 0)
			is_first = strstr(line, "\t1\n") != NULL; /* in its own namespace */
	}
	return !is_first;
}

/* Its command line names the container. */
static bool is_monitor(pid_t pid, const char *id)
{
	char path[64], text[4096];
	CLEANUP(fclose_var) FILE *f = NULL;
	size_t bytes;

	(void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	bytes = f != NULL ? fread(text, 1, sizeof text, f) : 0;
	return *id != '\0' && memmem(text, bytes, id, strlen(id)) != NULL;
}

bool ctr_monitor_check(struct ctr *c, const json_t *state, event_callback_fn on_unwatched)
{
	pid_t pid = (pid_t)json_int_at(state, 0, "ConmonPid", NULL);

	if (pid <= 0 || (c->monitor_fd >= 0 && !is_ended(c->monitor_fd)))
		return false;
	forget(&c->monitor_fd, &c->unwatched);
	if (!hold(c, pid, &c->monitor_fd, &c->unwatched, on_unwatched))
		return true;
	if (is_monitor(pid, c->view.id))
		return false;
	forget(&c->monitor_fd, &c->unwatched);
	return true;
}

bool ctr_outlives_monitor(struct ctr *c)
{
	forget(&c->monitor_fd, &c->unwatched);
	return !is_ended(c->pid_fd);
}

void ctr_oom_note(struct ctr *c)
{
	const struct cgroup_place place = place_of(c, c->view.id);
	uint64_t kills = 0;

	c->memory_known = cgroup_oom_kills(&place, &kills) == 0;
	c->memory_killed = kills > 0;
}

void ctr_oom_mark(struct ctr *c)
{
	const struct cgroup_place place = place_of(c, NULL);

	c->memory_known = false;
	c->pod_oom_kills = 0;
	(void)cgroup_oom_kills(&place, &c->pod_oom_kills);
}

bool ctr_oom_seen(const struct ctr *c)
{
	const struct cgroup_place place = place_of(c, NULL);
	uint64_t kills = 0;

	if (c->memory_known)
		return c->memory_killed;
	return cgroup_oom_kills(&place, &kills) == 0 && kills > c->pod_oom_kills;
}
