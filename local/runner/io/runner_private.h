/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_private - what the files of the runner share
 *
 * From above to below; a file calls those below it only:
 *
 * runner.c          opens step by step, watches the registry, keeps the Node
 * runner_pulls.c    images whose pull was broken off
 * runner_image.c    the wrapper's image
 * runner_node.c     the Node object
 * runner_log.c      GET .../log
 * runner_pod.c      a Pod: what is next, and its status
 * runner_stop.c     how a Pod ends
 * runner_adopt.c    what an earlier process left running
 * runner_run.c      a container that runs, and how that ends
 * runner_create.c   a container's way to its process: image, create, start
 * runner_ctr_stop.c how a container is stopped
 * runner_ctr.c      a container's state, its restart, the calls about it
 * runner_process.c  a container's process and its monitor, held by descriptors
 * runner_base.c     a Pod's network and values, and the marks for what it has to do
 */
#pragma once

#include <sys/types.h>

#include "local/host/io/cgroup.h"
#include "local/registry.h"
#include "local/runner.h"
#include "local/runner/core/pod_ctr.h"
#include "local/runner/core/pod_env.h"
#include "local/runner/core/pod_status.h"
#include "local/runner/io/network.h"
#include "local/runner/io/podman.h"
#include "local/runner/io/probe.h"
#include "local/runner/io/pulls.h"
#include "local/runner/io/timer.h"
#include "local/runner/io/volume.h"

struct event;

enum {
	RUNNER_INSPECT_RETRY_MS = 10,
	RUNNER_INSPECT_RETRY_MAX_MS = 1000,
	RUNNER_REMOVE_RETRY_MS = 100,
	RUNNER_REMOVE_TRIES_MAX = 50,
	RUNNER_LOG_PATH_BYTES = 512,
};

struct pod;

struct ctr {
	struct pod *pod;
	struct pod_ctr_view view; /* what the status says */
	enum pod_ctr_state state; /* changed by ctr_set_state() only */
	struct pod_backoff restart_backoff;
	struct pod_backoff pull_backoff;
	bool pulled;       /* in this Pod's life; Always pulls once a start */
	bool user_checked; /* runAsNonRoot holds for the image's user */
	bool name_freed;   /* a container of this name was in the way and is gone */
	struct podman_call *call;
	struct volume_mounts mounts; /* open until the container has started */
	int pid_fd;                  /* -1, or the process 1 */
	pid_t pid;                   /* its number, while pid_fd is there */
	struct event *exited;        /* on pid_fd */
	int monitor_fd;              /* -1, or conmon, which alone learns the exit code */
	struct event *unwatched;     /* on monitor_fd */
	bool monitor_gone;           /* before the last question was asked */
	bool memory_known;           /* memory_killed is */
	bool memory_killed;          /* seen in the container's own cgroup at its end */
	uint64_t pod_oom_kills;      /* before it began */
	struct event *backoff_timer; /* in BACKOFF: until it is begun again */
	struct event *look_timer;    /* until Podman is asked what became of it */
	struct event *grace_timer;   /* it was asked to end; kills it */
	uint64_t look_again_ms;
	uint64_t running_since_ms;
	uint64_t begun_us;
	int stop_signal; /* the image's */
	bool stop_sent;
	char log_path[RUNNER_LOG_PATH_BYTES];
	char last_log_path[RUNNER_LOG_PATH_BYTES];
	struct prober *probers[PROBE_KINDS_COUNT];
	struct podman_call *hook; /* preStop */
	struct event *stop_timer; /* until its stop signal can be sent */
};

struct pod {
	struct runner *runner;
	struct pod *next;
	struct pod **link;
	json_t *object; /* as the registry has it now */
	json_t *first;  /* as it was when it was seen first: what the containers are made from */
	char uid[64];
	struct ctr *ctrs; /* init containers first */
	size_t ctrs_count;
	struct network_ns net;
	uint64_t start_wall_ms;
	uint64_t seen_us;
	unsigned adopting; /* containers that are being looked at */
	bool volumes_made;
	bool over; /* Succeeded or Failed: nothing is started any more */
	char failed_reason[48];
	char failed_message[320];
	bool deleting;
	bool gone; /* not in the registry any more */
	uint64_t kill_at_ms;
	struct event *kill_timer;
	struct event *status_timer;
	struct event *advance; /* marked by pod_advance_soon() */
	bool removing;         /* containers are being deleted */
	unsigned removals;     /* answers that are awaited */
	struct event *cleanup_timer;
	unsigned cleanup_tries;
};

struct runner {
	struct runner_opts opts;
	struct event_base *base;
	struct registry *registry;
	struct podman *podman;
	struct network *network;
	char forward_state[512];
	struct volume_store *volumes;
	struct registry_watch *watch;
	struct event *timer; /* until Podman answers; then the Node's heartbeat */
	struct podman_call *call;
	struct pull pull; /* that is looked after at the start */
	void (*after_pulls)(struct runner *r);
	json_t *found; /* containers of an earlier process, as listed */
	struct pod *pods;
	const char *not_ready;
	uint64_t nofile_max;
	uint64_t nproc_max;
	struct pod_log_source log_source;
	struct pod_log *logs;
};

/* runner_base.c */
struct pod *pod_find(struct runner *r, const char *uid);
struct pod_env_source pod_env_source_of(const struct pod *pod);
int pod_network_ensure(struct pod *pod, struct err *err);
/** pod_grace_ms() - how long its containers may take to end */
uint64_t pod_grace_ms(const struct pod *pod);
/* Marks: what they ask for is done in a turn of the loop of its own. */
void pod_status_soon(struct pod *pod);
void pod_advance_soon(struct pod *pod);
/** runner_try_later() - the opening goes on after a moment */
void runner_try_later(struct runner *r);

/* runner_process.c */
/**
 * ctr_process_hold() - @on_exited is called when it has ended, with @c
 * Return: false when no such process runs
 */
bool ctr_process_hold(struct ctr *c, const json_t *state, event_callback_fn on_exited);
void ctr_process_forget(struct ctr *c);
/**
 * ctr_process_heeds() - false: it is process 1, has no handler for @signal, and so is not sent it
 *                       (pid_namespaces(7)), unless it waits for it in sigwaitinfo(2)
 */
bool ctr_process_heeds(const struct ctr *c, int signal);
/**
 * ctr_monitor_check() - @on_unwatched is called when the monitor has ended, with @c
 * Return: true when nobody will tell how the process ended
 */
bool ctr_monitor_check(struct ctr *c, const json_t *state, event_callback_fn on_unwatched);
/** ctr_outlives_monitor() - after its end, which is forgotten: does the process still run? */
bool ctr_outlives_monitor(struct ctr *c);
/** ctr_oom_mark() - before a run, so that ctr_oom_seen() tells whether memory was its end */
void ctr_oom_mark(struct ctr *c);
/** ctr_oom_note() - at its end, as long as its cgroup is there */
void ctr_oom_note(struct ctr *c);
bool ctr_oom_seen(const struct ctr *c);

/* runner_ctr.c */
const char *ctr_name(const struct ctr *c);
void ctr_set_state(struct ctr *c, enum pod_ctr_state state);
/** ctr_call() - one call at a time; one that cannot even begin is tried again like one that failed
 */
void ctr_call(struct ctr *c, const struct podman_request *req);
/** ctr_look() - ask Podman what became of it, in a turn of its own; @delay_ms 0: the next one */
void ctr_look(struct ctr *c, uint64_t delay_ms);
void ctr_remove_dead(struct ctr *c, const char *id);
void ctr_waiting_set(struct ctr *c, const char *reason, const char *message);
/** ctr_wait() - it waits for @reason and tries again after @delay_ms */
void ctr_wait(struct ctr *c, const char *reason, const char *message, uint64_t delay_ms);
/** ctr_give_up() - one without a process, that is not begun any more */
void ctr_give_up(struct ctr *c);
/** ctr_ended() - view.end is set; restarts it or not */
void ctr_ended(struct ctr *c);
/** ctr_start_failed() - the runtime refused it: counts as a run that failed */
void ctr_start_failed(struct ctr *c, const char *message);
void ctr_probers_stop(struct ctr *c);
void ctr_done(struct ctr *c);

/* runner_ctr_stop.c */
void ctr_stop(struct ctr *c);

/* runner_create.c */
void ctr_begin(struct ctr *c);
void ctr_start_call(struct ctr *c);

/* runner_run.c */
void ctr_init(struct pod *pod, struct ctr *c, const json_t *container, bool init);

/* runner_adopt.c */
/** pod_adopt() - takes over what the earlier process had of this Pod */
void pod_adopt(struct pod *pod);
/**
 * runner_remove_unknown() - containers and folders of Pods that are not in the registry
 * Nothing when the registry cannot be read: every Pod would be unknown.
 */
int runner_remove_unknown(struct runner *r, struct err *err);

/* runner_stop.c */
void pod_delete_begin(struct pod *pod);
void pod_delete_advance(struct pod *pod);
void pod_free(struct pod *pod);

/* runner_pod.c */
void pod_on_change(struct runner *r, const json_t *old_object, const json_t *new_object);

/* runner_pulls.c */
/** runner_pulls() - the first step of opening; then @done */
void runner_pulls(struct runner *r, void (*done)(struct runner *r));

/* runner_node.c */
void runner_node_update(struct runner *r);

/* runner_image.c */
/** runner_wrapper_image() - make it when it is missing or of another binary; then @r goes on */
void runner_wrapper_image(struct runner *r, void (*done)(struct runner *r));

/* runner_log.c */
void runner_log_source_init(struct runner *r);
/** runner_logs_end() - ends every log that is open */
void runner_logs_end(struct runner *r);
