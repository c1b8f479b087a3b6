/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observe - reads the API objects of one container into the facts that a plan is made of
 */
#include "controller/core/observe.h"

#include <assert.h>
#include <string.h>

#include "controller/core/pods.h"
#include "lib/api/names.h"
#include "lib/kube/client/object.h"

static const char *pod_image(const json_t *pod)
{
	const json_t *containers = json_at(pod, "spec", "containers", NULL);

	return json_str_at(json_array_get(containers, 0), "", "image", NULL);
}

static bool is_owned_by(const json_t *object, const char *uid)
{
	const json_t *owner = kube_owner_controller(object);

	return owner != NULL && *uid != '\0' &&
	       strcmp(json_str_at(owner, "", "uid", NULL), uid) == 0;
}

bool facts_pod_is_ended(const json_t *pod)
{
	const char *phase = json_str_at(pod, "", "status", "phase", NULL);

	return strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0;
}

/* No process of the Pod runs any more, as the kubelet or the node agent has written. */
static bool is_exited(const json_t *pod, const json_t *instance)
{
	const json_t *statuses = json_at(pod, "status", "containerStatuses", NULL);
	const json_t *status = json_at(instance, "status", "consumer", NULL);
	const json_t *one;
	size_t i;

	if (status != NULL && strcmp(json_str_at(status, "", "podUID", NULL), kube_uid(pod)) == 0 &&
	    strcmp(json_str_at(status, "", "state", NULL), "Exited") == 0)
		return true;
	if (facts_pod_is_ended(pod))
		return true;
	if (json_array_size(statuses) == 0)
		return false;
	json_array_foreach(statuses, i, one) {
		if (json_at(one, "state", "terminated", NULL) == NULL)
			return false;
	}
	return true;
}

static int64_t start_of(const json_t *pod)
{
	return kube_annotation_number(pod, SC_ANNOTATION_START);
}

int64_t facts_pod_made_for(const json_t *pod)
{
	return kube_annotation_number(pod, SC_ANNOTATION_GENERATION);
}

static void see_provider(struct facts *f, const struct memory *memory, const json_t *pod)
{
	if (kube_is_deleting(pod) || facts_pod_is_ended(pod) ||
	    memory_is_doomed(memory, kube_uid(pod)))
		f->provider_old = pod;
	else
		f->provider = pod;
}

static void see_consumer(struct facts *f, const struct memory *memory, const json_t *pod)
{
	int64_t start = start_of(pod);

	assert(f->surplus_count < OBSERVED_PODS_MAX); /* one Pod adds one at most */
	f->pods_count++;
	if (start > f->start_count)
		f->start_count = start;
	if (kube_is_deleting(pod)) {
		f->unended_count += is_exited(pod, f->instance) ? 0 : 1;
		return;
	}
	if (facts_pod_is_ended(pod) || memory_is_doomed(memory, kube_uid(pod))) {
		if (facts_pod_is_ended(pod))
			f->ended = pod;
		f->unended_count += is_exited(pod, f->instance) ? 0 : 1;
		f->surplus[f->surplus_count++] = pod;
		return;
	}
	if (f->consumer != NULL && start_of(f->consumer) >= start) {
		f->surplus[f->surplus_count++] = pod;
		return;
	}
	if (f->consumer != NULL)
		f->surplus[f->surplus_count++] = f->consumer;
	f->consumer = pod;
}

static void see_pods(struct facts *f, const struct observed *seen, const struct memory *memory)
{
	f->plain_name_free = !memory->plain_name_taken;
	for (size_t i = 0; i < seen->pods_count; i++) {
		const json_t *pod = seen->pods[i];
		const char *role = kube_label(pod, SC_LABEL_ROLE);

		if (strcmp(kube_name(pod), f->name) == 0)
			f->plain_name_free = false;
		if (f->instance == NULL || !is_owned_by(pod, kube_uid(f->instance)))
			continue;
		if (strcmp(role, SC_ROLE_PROVIDER) == 0)
			see_provider(f, memory, pod);
		else if (strcmp(role, SC_ROLE_CONSUMER) == 0)
			see_consumer(f, memory, pod);
	}
}

static void see_instance(struct facts *f, const struct observed *seen)
{
	f->rootfs_state = "";
	if (seen->instance == NULL)
		return;
	if (!is_owned_by(seen->instance, f->uid)) {
		f->instance_foreign = true;
		return;
	}
	f->instance = seen->instance;
	f->instance_deleting = kube_is_deleting(f->instance);
	f->rootfs = json_at(f->instance, "status", "rootfs", NULL);
	f->rootfs_state = json_str_at(f->rootfs, "", "state", NULL);
	f->image = json_at(f->instance, "status", "image", NULL);
	f->start_count = json_int_at(f->instance, 0, "status", "startCount", NULL);
}

/*
 * An instance that no node has claimed may be claimed by any agent. So a claim holds only for the
 * node where the scheduler put a provider Pod: where one is now, or where our own status.nodeName
 * says that one was. That stays true when the provider is lost, since the files are there.
 */
static enum claim judge_claim(const struct facts *f)
{
	const char *node = json_str_at(f->rootfs, "", "nodeName", NULL);
	const char *placed = json_str_at(f->provider, "", "spec", "nodeName", NULL);
	const char *was_placed = json_str_at(f->provider_old, "", "spec", "nodeName", NULL);

	if (*node == '\0')
		return CLAIM_NONE;
	if (strcmp(json_str_at(f->instance, "", "status", "nodeName", NULL), node) == 0 ||
	    strcmp(placed, node) == 0 || strcmp(was_placed, node) == 0)
		return CLAIM_HOLDS;
	/* Pods and instances come by different watches: the Pod's node may be known in a moment */
	return *placed == '\0' ? CLAIM_UNPROVEN : CLAIM_REFUSED;
}

/*
 * The agent's "Ready" holds for one image: the one that was confirmed last, or that of the provider
 * whose layers it names. A new provider with the same image changes nothing. With another image the
 * root filesystem can't be used until the agent has seen that provider.
 */
static void judge_rootfs(struct facts *f)
{
	const char *wanted = facts_main_image(f);
	const char *made_from = json_str_at(f->rootfs, "", "providerPodUID", NULL);
	bool ready = strcmp(f->rootfs_state, "Ready") == 0 && f->image != NULL && *wanted != '\0';

	if (!ready || f->claim == CLAIM_UNPROVEN || f->claim == CLAIM_REFUSED)
		return;
	f->image_confirmed = f->provider != NULL && strcmp(kube_uid(f->provider), made_from) == 0 &&
	                     strcmp(pod_image(f->provider), wanted) == 0;
	f->rootfs_usable =
	        !f->node_missing && pods_knows_user(f->resource, f->image) &&
	        (f->image_confirmed ||
	         strcmp(kube_annotation(f->instance, PODS_ANNOTATION_ROOTFS_IMAGE), wanted) == 0);
}

void facts_read(const struct observed *seen, const struct memory *memory,
                const struct resource *resource, const char *invalid, struct facts *ret_facts)
{
	struct facts f = {0};
	const json_t *status;

	assert(seen->container != NULL && seen->pods_count <= OBSERVED_PODS_MAX);
	f.ns = kube_namespace(seen->container);
	f.name = kube_name(seen->container);
	f.uid = kube_uid(seen->container);
	f.generation = kube_generation(seen->container);
	f.deleting = kube_is_deleting(seen->container);
	f.resource = resource;
	f.invalid = resource == NULL ? invalid : pods_check_template(resource);
	f.invalid_reason = "TemplateInvalid";
	f.is_unsupported = f.invalid == NULL && !supported_check(resource, f.unsupported);
	f.hosts = seen->hosts_admitted;
	f.hosts_reason = seen->hosts_reason;
	f.hosts_refusal = seen->hosts_refusal;
	f.node_missing = seen->node_missing;
	f.node_silent = seen->node_silent;
	see_instance(&f, seen);
	f.running = json_bool_at(seen->container, false, "spec", "running", NULL) && !f.deleting &&
	            !f.instance_deleting;
	see_pods(&f, seen, memory);
	f.claim = judge_claim(&f);
	f.rootfs_node = f.claim == CLAIM_HOLDS ? json_str_at(f.rootfs, "", "nodeName", NULL) : "";
	judge_rootfs(&f);

	status = json_at(f.instance, "status", "consumer", NULL);
	if (f.consumer != NULL && status != NULL &&
	    strcmp(json_str_at(status, "", "podUID", NULL), kube_uid(f.consumer)) == 0)
		f.consumer_status = status;
	*ret_facts = f;
	if (f.is_unsupported) {
		ret_facts->invalid = ret_facts->unsupported;
		ret_facts->invalid_reason = "TemplateNotSupported";
	}
}

bool facts_pod_is_ready(const json_t *pod)
{
	const json_t *ready = kube_condition(pod, "Ready");

	return ready != NULL && strcmp(json_str_at(ready, "", "status", NULL), "True") == 0;
}

const char *facts_pod_waiting(const json_t *pod, const char **ret_message)
{
	static const char *const lists[] = {"initContainerStatuses", "containerStatuses"};
	const json_t *one;
	size_t i;

	for (size_t l = 0; l < 2; l++) {
		json_array_foreach(json_at(pod, "status", lists[l], NULL), i, one) {
			const json_t *waiting = json_at(one, "state", "waiting", NULL);
			const char *reason = json_str_at(waiting, "", "reason", NULL);

			if (*reason == '\0' || strcmp(reason, "PodInitializing") == 0 ||
			    strcmp(reason, "ContainerCreating") == 0)
				continue;
			*ret_message = json_str_at(waiting, "", "message", NULL);
			return reason;
		}
	}
	*ret_message = "";
	return "";
}

/* The kubelet sorts them by name, so the main container's need not be the first. */
static const json_t *main_status(const json_t *pod)
{
	const json_t *spec = json_array_get(json_at(pod, "spec", "containers", NULL), 0);
	const json_t *one;
	size_t i;

	json_array_foreach(json_at(pod, "status", "containerStatuses", NULL), i, one) {
		if (strcmp(json_str_at(one, "", "name", NULL),
		           json_str_at(spec, "", "name", NULL)) == 0)
			return one;
	}
	return NULL;
}

const json_t *facts_pod_last_end(const json_t *pod)
{
	const json_t *one = main_status(pod);
	const json_t *ended = json_at(one, "state", "terminated", NULL);

	return ended != NULL ? ended : json_at(one, "lastState", "terminated", NULL);
}

const char *facts_main_image(const struct facts *f)
{
	return f->resource == NULL ? "" : json_str_at(f->resource->container, "", "image", NULL);
}
