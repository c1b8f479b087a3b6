/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_stop - the end of a Pod that is deleted: its containers, folder, cgroup, and its object
 */
#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/runner/io/runner_private.h"

static void on_kill_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pod *pod = arg;

	for (size_t i = 0; i < pod->ctrs_count; i++)
		ctr_stop(&pod->ctrs[i]);
}

void pod_delete_begin(struct pod *pod)
{
	uint64_t kill_at_ms = clk_now_ms() + pod_grace_ms(pod);
	bool again = pod->deleting;

	/* a second deletion can only make the grace shorter */
	if (again && kill_at_ms >= pod->kill_at_ms)
		return;
	pod->deleting = true;
	pod->kill_at_ms = kill_at_ms;
	if (pod->kill_timer == NULL)
		pod->kill_timer = evtimer_new(pod->runner->base, on_kill_timer, pod);
	if (pod->kill_timer != NULL)
		timer_after(pod->kill_timer, pod_grace_ms(pod) + 1);
	log_event(LOG_DEBUG, "pod.stopping", log_str("pod", kube_name(pod->object)),
	          log_u64("grace_ms", pod_grace_ms(pod)));
	for (size_t i = 0; i < pod->ctrs_count; i++)
		ctr_stop(&pod->ctrs[i]);
	pod_delete_advance(pod);
}

void pod_free(struct pod *pod)
{
	*pod->link = pod->next;
	if (pod->next != NULL)
		pod->next->link = pod->link;
	for (size_t i = 0; i < pod->ctrs_count; i++)
		ctr_done(&pod->ctrs[i]);
	if (pod->net.fd >= 0)
		network_give_back(pod->runner->network, &pod->net);
	if (pod->kill_timer != NULL)
		event_free(pod->kill_timer);
	if (pod->status_timer != NULL)
		event_free(pod->status_timer);
	if (pod->advance != NULL)
		event_free(pod->advance);
	if (pod->cleanup_timer != NULL)
		event_free(pod->cleanup_timer);
	free(pod->ctrs);
	json_decref(pod->object);
	json_decref(pod->first);
	free(pod);
}

/* Folder and cgroup may need some turns; the Pod is gone from the registry when all of it is. */
static void on_cleanup(evutil_socket_t fd, short what, void *arg)
{
	struct pod *pod = arg;
	struct runner *r = pod->runner;
	struct err err;
	int left;

	left = volume_remove(r->volumes, pod->uid, &err);
	if (left > 0) {
		timer_after(pod->cleanup_timer, 0);
		return;
	}
	if (left < 0)
		log_event(LOG_WARN, "pod.volumes_left", log_str("pod", kube_name(pod->object)),
		          log_err(&err));
	if (!pod->gone &&
	    registry_remove_pod(r->registry, kube_namespace(pod->object), kube_name(pod->object),
	                        pod->uid, &err) < 0 &&
	    err.code != ERR_NOT_FOUND && err.code != ERR_CONFLICT) {
		log_event(LOG_WARN, "pod.remove_failed", log_str("pod", kube_name(pod->object)),
		          log_err(&err));
		timer_after(pod->cleanup_timer, RUNNER_INSPECT_RETRY_MAX_MS);
		return;
	}
	pod->gone = true;
	/* the monitor process of the last container lives a moment longer */
	if (!cgroup_remove(r->opts.cgroup_root, pod->uid) &&
	    pod->cleanup_tries++ < RUNNER_REMOVE_TRIES_MAX) {
		timer_after(pod->cleanup_timer, RUNNER_REMOVE_RETRY_MS);
		return;
	}
	log_event(LOG_DEBUG, "pod.removed", log_str("pod", kube_name(pod->object)),
	          log_str("uid", pod->uid));
	pod_free(pod);
}

static void pod_cleanup_start(struct pod *pod)
{
	assert(pod->removing && pod->removals == 0 && pod->cleanup_timer == NULL);
	network_give_back(pod->runner->network, &pod->net);
	pod->cleanup_timer = evtimer_new(pod->runner->base, on_cleanup, pod);
	if (pod->cleanup_timer != NULL)
		timer_after(pod->cleanup_timer, 0);
}

static void on_container_removed(void *arg, const struct podman_result *res)
{
	struct pod *pod = arg;

	if (res->message != NULL && res->status != 404)
		log_event(LOG_WARN, "container.remove_failed",
		          log_str("pod", kube_name(pod->object)), log_str("error", res->message));
	assert(pod->removals > 0);
	if (--pod->removals == 0)
		pod_cleanup_start(pod);
}

static void container_remove(struct pod *pod, const char *id)
{
	char path[128];
	struct podman_request req = {
	        .method = "DELETE", .path = path, .done = on_container_removed, .arg = pod};

	if (*id == '\0')
		return;
	(void)snprintf(path, sizeof path, "/containers/%s?force=true&v=true", id);
	if (podman_start(pod->runner->podman, &req, NULL) != NULL)
		pod->removals++;
}

void pod_delete_advance(struct pod *pod)
{
	if (pod->removing || pod->adopting > 0)
		return;
	for (size_t i = 0; i < pod->ctrs_count; i++)
		if (pod->ctrs[i].state != POD_CTR_ST_ENDED)
			return;
	pod->removing = true;
	for (size_t i = 0; i < pod->ctrs_count; i++) {
		container_remove(pod, pod->ctrs[i].view.id);
		container_remove(pod, pod->ctrs[i].view.last.id);
	}
	if (pod->removals == 0)
		pod_cleanup_start(pod);
}
