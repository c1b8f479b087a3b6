/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_status - what is known of a Pod's containers, as the Pod's status
 *
 * The reasons and rules are the kubelet's: a restart policy other than Always ends in Succeeded
 * or Failed, Ready needs all containers and every readiness gate.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pod_ctr_phase { POD_CTR_WAITING, POD_CTR_RUNNING, POD_CTR_TERMINATED };

enum { POD_CTR_ID_BYTES = 80, POD_CTR_MESSAGE_BYTES = 320 };

/* One run of a container that has ended. */
struct pod_ctr_end {
	bool is_set;
	char id[POD_CTR_ID_BYTES];
	int exit_code;
	bool oom_killed;
	char reason[48]; /* "" : Completed or Error by the code */
	char message[POD_CTR_MESSAGE_BYTES];
	uint64_t started_wall_ms;
	uint64_t finished_wall_ms;
};

struct pod_ctr_view {
	const json_t *container; /* of the spec */
	bool init;
	enum pod_ctr_phase phase;
	char reason[48]; /* while it waits */
	char message[POD_CTR_MESSAGE_BYTES];
	char id[POD_CTR_ID_BYTES];
	char image_id[640];
	uint64_t started_wall_ms;
	struct pod_ctr_end end;  /* the current run's, when TERMINATED */
	struct pod_ctr_end last; /* the run before */
	unsigned restarts;
	bool started; /* its startup probe has succeeded, or there is none */
	bool ready;
};

struct pod_view {
	const json_t *pod;
	const struct pod_ctr_view *const *containers; /* init containers first */
	size_t containers_count;
	const char *pod_ip; /* "" while there is none */
	const char *host_ip;
	uint64_t start_wall_ms;
	const char *failed_reason; /* not NULL: the Pod as a whole is refused or failed */
	const char *failed_message;
};

/** pod_ctr_should_restart() - by the restart policy, for a run that ended with @exit_code */
bool pod_ctr_should_restart(const json_t *pod, bool init, int exit_code);

/** pod_status_phase() - Pending, Running, Succeeded or Failed */
const char *pod_status_phase(const struct pod_view *view);

/** pod_status_make() - a whole status; conditions of other writers are kept. New reference */
json_t *pod_status_make(const struct pod_view *view, uint64_t now_wall_ms);

/** pod_status_qos() - Guaranteed, Burstable or BestEffort */
const char *pod_status_qos(const json_t *pod);
