/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_view - the fields of Pods and instances that the agent reads
 */
#include "agent/core/pod_view.h"

#include <string.h>

#include "lib/api/names.h"
#include "lib/base/cleanup.h"
#include "lib/kube/client/object.h"

SKIM_ONLY(kept_owner, {"apiVersion", SKIM_KEEP}, {"kind", SKIM_KEEP}, {"name", SKIM_KEEP},
          {"uid", SKIM_KEEP}, {"controller", SKIM_KEEP});
SKIM_ONLY(kept_labels, {SC_LABEL_ROLE, SKIM_KEEP});
SKIM_ONLY(kept_annotations, {SC_ANNOTATION_START, SKIM_KEEP},
          {SC_ANNOTATION_GENERATION, SKIM_KEEP});
SKIM_ONLY(kept_metadata, SKIM_IDENTITY, {"deletionTimestamp", SKIM_KEEP},
          {"labels", SKIM_INSIDE, &kept_labels}, {"annotations", SKIM_INSIDE, &kept_annotations},
          {"ownerReferences", SKIM_INSIDE, &kept_owner});
SKIM_ONLY(kept_container_spec, {"name", SKIM_KEEP}, {"workingDir", SKIM_KEEP});
SKIM_ONLY(kept_spec, {"hostNetwork", SKIM_KEEP}, {"containers", SKIM_INSIDE, &kept_container_spec});
SKIM_ONLY(kept_end, {"containerID", SKIM_KEEP}, {"exitCode", SKIM_KEEP});
SKIM_ONLY(kept_state, {"running", SKIM_KEEP}, {"terminated", SKIM_INSIDE, &kept_end});
SKIM_ONLY(kept_container, {"name", SKIM_KEEP}, {"containerID", SKIM_KEEP},
          {"state", SKIM_INSIDE, &kept_state}, {"lastState", SKIM_INSIDE, &kept_state});
SKIM_ONLY(kept_other, {"containerID", SKIM_KEEP});
SKIM_ONLY(kept_status, {"hostIP", SKIM_KEEP}, {"podIPs", SKIM_KEEP},
          {"containerStatuses", SKIM_INSIDE, &kept_container},
          {"initContainerStatuses", SKIM_INSIDE, &kept_other},
          {"ephemeralContainerStatuses", SKIM_INSIDE, &kept_other});
static const struct skim_member kept_members[] = {
        {"metadata", SKIM_INSIDE, &kept_metadata},
        {"spec", SKIM_INSIDE, &kept_spec},
        {"status", SKIM_INSIDE, &kept_status},
        {NULL},
};
const struct skim POD_VIEW = {SKIM_DROP, kept_members};

/*
 * Labels and owners are free text for whoever may create a Pod. The garbage collector deletes one
 * whose owner of a known kind is in another namespace; it leaves one of an unknown kind alone.
 */
bool pod_is_owned_by(const json_t *pod, const json_t *instance)
{
	const json_t *owner = kube_owner_controller(pod);

	return owner != NULL && kube_uid(instance)[0] != '\0' &&
	       strcmp(kube_namespace(pod), kube_namespace(instance)) == 0 &&
	       strcmp(json_str_at(owner, "", "apiVersion", NULL), SC_API_VERSION) == 0 &&
	       strcmp(json_str_at(owner, "", "kind", NULL), "StoppableContainerInstance") == 0 &&
	       strcmp(json_str_at(owner, "", "name", NULL), kube_name(instance)) == 0 &&
	       strcmp(json_str_at(owner, "", "uid", NULL), kube_uid(instance)) == 0;
}

bool pod_is_of(const json_t *pod, const json_t *instance, const char *role)
{
	return pod_is_owned_by(pod, instance) && strcmp(kube_label(pod, SC_LABEL_ROLE), role) == 0;
}

const char *pod_container_id(const json_t *pod)
{
	const json_t *status = json_array_get(json_at(pod, "status", "containerStatuses", NULL), 0);

	if (json_at(status, "state", "running", NULL) == NULL)
		return "";
	return json_str_at(status, "", "containerID", NULL);
}

/* Kubelets sort the statuses by name: the main container's need not be the first. */
static const json_t *pod_main_status(const json_t *pod)
{
	const json_t *spec = json_array_get(json_at(pod, "spec", "containers", NULL), 0);
	const char *name = json_str_at(spec, "", "name", NULL);
	const json_t *one;
	size_t i;

	json_array_foreach(json_at(pod, "status", "containerStatuses", NULL), i, one) {
		if (strcmp(json_str_at(one, "", "name", NULL), name) == 0)
			return one;
	}
	return NULL;
}

const char *pod_main_container_id(const json_t *pod)
{
	const json_t *status = pod_main_status(pod);

	if (json_at(status, "state", "running", NULL) == NULL)
		return "";
	return json_str_at(status, "", "containerID", NULL);
}

bool pod_any_other_container(const json_t *pod, bool (*is)(const void *arg, const char *id),
                             const void *arg)
{
	static const char *const lists[] = {"containerStatuses", "initContainerStatuses",
	                                    "ephemeralContainerStatuses"};
	const json_t *main_status = pod_main_status(pod);
	const json_t *one;
	size_t i;

	for (size_t list = 0; list < ARRAY_LEN(lists); list++) {
		json_array_foreach(json_at(pod, "status", lists[list], NULL), i, one) {
			const char *id = json_str_at(one, "", "containerID", NULL);

			if (one != main_status && id[0] != '\0' && is(arg, id))
				return true;
		}
	}
	return false;
}

const char *pod_working_dir(const json_t *pod)
{
	return json_str_at(json_array_get(json_at(pod, "spec", "containers", NULL), 0), "/",
	                   "workingDir", NULL);
}

bool pod_main_end(const json_t *pod, const char **ret_container_id, int *ret_exit_code)
{
	static const char *const states[] = {"state", "lastState"};
	const json_t *status = pod_main_status(pod);

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		const json_t *end = json_at(status, states[i], "terminated", NULL);

		if (end == NULL)
			continue;
		*ret_container_id = json_str_at(end, "", "containerID", NULL);
		*ret_exit_code = (int)json_int_at(end, 0, "exitCode", NULL);
		return true;
	}
	return false;
}

const char *pod_host_address(const json_t *pod)
{
	if (!json_bool_at(pod, false, "spec", "hostNetwork", NULL))
		return NULL;
	return json_str_at(pod, "", "status", "hostIP", NULL);
}

bool pod_may_have_address(const json_t *pod, const char *address)
{
	const json_t *addresses = json_at(pod, "status", "podIPs", NULL);
	const json_t *one;
	size_t i;

	json_array_foreach(addresses, i, one) {
		if (strcmp(json_str_at(one, "", "ip", NULL), address) == 0)
			return true;
	}
	return json_array_size(addresses) == 0;
}

uint64_t pod_start(const json_t *pod)
{
	return (uint64_t)kube_annotation_number(pod, SC_ANNOTATION_START);
}

uint64_t pod_generation(const json_t *pod)
{
	return (uint64_t)kube_annotation_number(pod, SC_ANNOTATION_GENERATION);
}

static bool instance_is_folder_volume(const json_t *volumes, const char *name)
{
	const json_t *volume;
	size_t i;

	json_array_foreach(volumes, i, volume) {
		if (strcmp(json_str_at(volume, "", "name", NULL), name) == 0)
			return json_object_get(volume, "hostPath") == NULL;
	}
	return false;
}

bool instance_is_application(const json_t *instance)
{
	return strcmp(json_str_at(instance, "", "spec", "processOne", NULL), "Application") == 0;
}

void instance_clear_paths(const json_t *instance, const char *ret_paths[POD_CLEAR_MAX + 1])
{
	const json_t *one;
	size_t count = 0;
	size_t i;

	json_array_foreach(json_at(instance, "spec", "clearAtStart", NULL), i, one) {
		const char *path = json_string_value(one);

		if (count < POD_CLEAR_MAX && path != NULL && path[0] == '/')
			ret_paths[count++] = path;
	}
	ret_paths[count] = NULL;
}

static const json_t *instance_container(const json_t *instance)
{
	const json_t *template = json_at(instance, "spec", "template", NULL);
	const json_t *container = json_object_get(template, "container");

	if (container != NULL)
		return container;
	return json_array_get(json_at(template, "spec", "containers", NULL), 0);
}

const json_t *instance_run_as(const json_t *instance)
{
	const json_t *own =
	        json_at(instance_container(instance), "securityContext", "runAsUser", NULL);

	return own != NULL ? own
	                   : json_at(instance, "spec", "template", "spec", "securityContext",
	                             "runAsUser", NULL);
}

void instance_mount_points(const json_t *instance, const char *ret_paths[POD_MOUNT_POINTS_MAX + 1])
{
	const json_t *template = json_at(instance, "spec", "template", NULL);
	const json_t *volumes = json_object_get(template, "volumes");
	const json_t *mount;
	size_t count = 0;
	size_t i;

	if (json_object_get(template, "container") == NULL)
		volumes = json_at(template, "spec", "volumes", NULL);
	json_array_foreach(json_object_get(instance_container(instance), "volumeMounts"), i,
	                   mount) {
		const char *path = json_str_at(mount, "", "mountPath", NULL);

		if (count < POD_MOUNT_POINTS_MAX && path[0] == '/' &&
		    json_object_get(mount, "subPath") == NULL &&
		    json_object_get(mount, "subPathExpr") == NULL &&
		    instance_is_folder_volume(volumes, json_str_at(mount, "", "name", NULL)))
			ret_paths[count++] = path;
	}
	ret_paths[count] = NULL;
}
