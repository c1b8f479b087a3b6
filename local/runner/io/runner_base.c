/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_base - what the files of the runner share of a Pod: its network, values, and marks
 *
 * The lowest file of the runner. What is above it tells a Pod of a change by a mark
 * (pod_status_soon(), pod_advance_soon()), which runner_pod.c follows in a turn of the loop of its
 * own.
 */
#include <event2/event.h>
#include <string.h>

#include "lib/kube/client/object.h"
#include "local/runner/io/runner_private.h"

static const struct kube_type type_configmaps = {"", "v1", "configmaps", "ConfigMap", false};
static const struct kube_type type_secrets = {"", "v1", "secrets", "Secret", false};

/* A status waits so long for others to join it, and while a create call is under way: the write to
 * the disk is then beside the start and not before it. */
enum { STATUS_DELAY_MS = 1, PODMAN_RETRY_MS = 200, GRACE_S_DEFAULT = 30 };

static json_t *find_values(void *arg, const char *kind, const char *name)
{
	const struct pod *pod = arg;
	const struct registry_ref ref = {
	        .type = strcmp(kind, "Secret") == 0 ? &type_secrets : &type_configmaps,
	        .ns = kube_namespace(pod->object),
	        .name = name,
	};
	json_t *object = NULL;

	if (registry_get(pod->runner->registry, &ref, &object, NULL) < 0)
		return NULL;
	return object;
}

struct pod_env_source pod_env_source_of(const struct pod *pod)
{
	return (struct pod_env_source){
	        .pod = pod->first,
	        .pod_ip = pod->net.address,
	        .host_ip = network_gateway(pod->runner->network),
	        .node_name = pod->runner->opts.node_name,
	        .find = find_values,
	        .arg = (void *)(uintptr_t)pod,
	};
}

struct pod *pod_find(struct runner *r, const char *uid)
{
	for (struct pod *pod = r->pods; pod != NULL; pod = pod->next)
		if (strcmp(pod->uid, uid) == 0)
			return pod;
	return NULL;
}

void pod_status_soon(struct pod *pod)
{
	if (pod->status_timer != NULL && !evtimer_pending(pod->status_timer, NULL))
		timer_after(pod->status_timer, STATUS_DELAY_MS);
}

void pod_advance_soon(struct pod *pod)
{
	event_active(pod->advance, EV_TIMEOUT, 0);
}

int pod_network_ensure(struct pod *pod, struct err *err)
{
	return pod->net.fd >= 0 ? 0 : network_take(pod->runner->network, &pod->net, err);
}

uint64_t pod_grace_ms(const struct pod *pod)
{
	int64_t spec = json_int_at(pod->object, GRACE_S_DEFAULT, "spec",
	                           "terminationGracePeriodSeconds", NULL);
	int64_t grace =
	        json_int_at(pod->object, spec, "metadata", "deletionGracePeriodSeconds", NULL);

	return pod->gone || grace < 0 ? 0 : (uint64_t)grace * 1000;
}

void runner_try_later(struct runner *r)
{
	timer_after(r->timer, PODMAN_RETRY_MS);
}
