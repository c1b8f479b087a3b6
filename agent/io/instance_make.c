/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_make - the steps that make, mount or remove an instance's root filesystem
 *
 * Each begins a task or a question to the container runtime, one at a time; at its end the instance
 * is looked at again.
 */
#include "agent/io/instance.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/core/pod_view.h"
#include "agent/core/rootfs_plan.h"
#include "agent/io/image/image_source.h"
#include "agent/io/task.h"
#include "lib/api/instance.h"
#include "lib/api/names.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"

static void instance_ready(struct instance *inst, const struct rootfs_made *made)
{
	const struct rootfs_place p = instance_place(inst, NULL);
	char target[PATH_MAX];
	struct err err;

	assert(inst->root_fd < 0);
	if (rootfs_target(&p, target, &err) == 0)
		inst->root_fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (inst->root_fd < 0) {
		instance_fail(inst, "MountFailed", "the mount is not there");
		return;
	}
	instance_set_state(inst, INSTANCE_READY);
	inst->reason[0] = '\0';
	inst->message[0] = '\0';
	pause_over(&inst->pause);
	memcpy(inst->digest, made->digest, sizeof inst->digest);
	instance_files_made(inst, made);
	instance_log(inst, LOG_INFO, "rootfs.ready");
	instance_report(inst);
}

DEFINE_CLEANUP(json_t *, json_decref);

static void instance_provider_is_seen(struct instance *inst)
{
	memcpy(inst->provider_uid, inst->provider_asked, sizeof inst->provider_uid);
	memcpy(inst->provider_container, inst->container_asked, sizeof inst->provider_container);
}

static void on_made_by_provider(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;
	const struct rootfs_made *made = data;

	assert(inst->task != NULL);
	inst->task = NULL;
	instance_provider_is_seen(inst);
	if (rc < 0) {
		instance_fail(inst, made->reason[0] ? made->reason : "MountFailed", err->text);
	} else {
		json_decref(inst->image);
		inst->image = TAKE_PTR(inst->image_asked);
		image_status_user(inst->image, &made->user);
		instance_ready(inst, made);
	}
	instance_look_soon(inst);
	instance_dropped_made(inst, made);
}

static void on_made_by_record(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;
	const struct rootfs_made *made = data;

	assert(inst->task != NULL);
	inst->task = NULL;
	inst->record_failed_for_now = rc < 0 && rootfs_is_temporary(made->reason);
	if (rc == 0)
		instance_ready(inst, made);
	else if (strcmp(made->reason, "ImageGone") != 0)
		instance_fail(inst, made->reason[0] ? made->reason : "MountFailed", err->text);
	else if (inst->state != INSTANCE_FAILED) /* a provider brings the layers back */
		instance_fail(inst, "ImageGone", err->text);
	instance_look_soon(inst);
	instance_dropped_made(inst, made);
}

static void instance_make(struct instance *inst, bool by_provider)
{
	const char *mount_points[POD_MOUNT_POINTS_MAX + 1];
	struct rootfs_wanted w = {
	        .place = instance_place(inst, NULL),
	        .provider_pod = by_provider ? inst->provider_asked : NULL,
	        .provider_container = inst->container_asked,
	        .image_digest = inst->digest_asked,
	        .image_user = inst->user_asked,
	        .reset_digest = kube_annotation(inst->object, SC_ANNOTATION_RESET),
	        .mount_points = mount_points,
	};
	const struct task_opts opts = {
	        rootfs_make, by_provider ? on_made_by_provider : on_made_by_record, &w, inst};
	struct err err;

	assert(inst->task == NULL && inst->query == NULL);
	instance_mount_points(inst->object, mount_points);
	instance_files_want(inst, &w);
	instance_unmount(inst);
	if (task_start(inst->agent->base, &opts, &inst->task, &err) < 0) {
		inst->record_failed_for_now = !by_provider;
		instance_fail(inst, "MountFailed", err.text);
	}
}

void instance_make_by_record(struct instance *inst)
{
	inst->record_is_tried = true;
	instance_make(inst, false);
}

/* The overlay is of that image, and its layers are still there: not collected and unpacked anew. */
static bool instance_has_image(const struct instance *inst, const char *digest)
{
	const struct rootfs_place p = instance_place(inst, NULL);

	return inst->root_fd >= 0 && strcmp(inst->digest, digest) == 0 && rootfs_has_layers(&p);
}

static void on_instance_image(void *arg, const struct image_answer *answer, const struct err *err)
{
	struct instance *inst = arg;
	const json_t *run_as = instance_run_as(inst->object);

	assert(inst->query != NULL && inst->task == NULL);
	inst->query = NULL;
	if (answer == NULL) {
		instance_provider_is_seen(inst);
		instance_fail(inst, "MountFailed", err->text);
		instance_look_soon(inst);
		return;
	}
	json_decref(inst->image_asked);
	inst->image_asked = image_status(answer->config, run_as);
	(void)snprintf(inst->digest_asked, sizeof inst->digest_asked, "%s", answer->digest);
	(void)image_user(answer->config, run_as, inst->user_asked);
	if (instance_has_image(inst, answer->digest) &&
	    image_status_is_whole(inst->image, run_as)) {
		/* the same image in a new container: nothing to do, and no consumer notices */
		instance_provider_is_seen(inst);
		instance_set_state(inst, INSTANCE_READY);
		instance_report(inst);
		instance_look_soon(inst);
		return;
	}
	instance_make(inst, true);
}

void instance_make_by_provider(struct instance *inst)
{
	CLEANUP(json_decref_var) json_t *provider = instance_take_provider(inst);
	const struct image_question question = {pod_container_id(provider), on_instance_image,
	                                        inst};
	struct err err;

	assert(inst->query == NULL && inst->task == NULL);
	(void)snprintf(inst->provider_asked, sizeof inst->provider_asked, "%s", kube_uid(provider));
	(void)snprintf(inst->container_asked, sizeof inst->container_asked, "%s",
	               question.container_id);
	/* its image decides from now on: a record of an older one is not mounted again */
	inst->record_is_tried = true;
	inst->record_failed_for_now = false;
	if (image_query_start(inst->agent->images, &question, &inst->query, &err) < 0)
		instance_fail(inst, "MountFailed", err.text);
}

/* The controller takes the finalizer away when it reads this. */
static void instance_removed(struct instance *inst)
{
	instance_set_state(inst, INSTANCE_REMOVED);
	inst->reason[0] = '\0';
	inst->message[0] = '\0';
	instance_log(inst, LOG_INFO, "rootfs.removed");
	instance_report(inst);
}

static void on_instance_removed(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;

	(void)data;
	assert(inst->task != NULL);
	inst->task = NULL;
	if (rc == 0) {
		instance_removed(inst);
	} else {
		if (rc < 0)
			log_event(LOG_WARN, "rootfs.remove_failed",
			          log_str("instance", kube_name(inst->object)), log_err(err));
		instance_pause(inst);
	}
	instance_look_soon(inst);
}

void instance_remove(struct instance *inst)
{
	struct rootfs_place place = instance_place(inst, NULL);
	const struct task_opts opts = {rootfs_remove, on_instance_removed, &place, inst};
	struct err err;

	assert(inst->task == NULL && inst->handing == NULL);
	if (inst->prefix == NULL) { /* nothing was ever made there */
		instance_removed(inst);
		return;
	}
	instance_verify_stop(inst);
	instance_dropped_stop(inst);
	if (inst->root_fd >= 0)
		(void)close(inst->root_fd);
	inst->root_fd = -1;
	if (task_start(inst->agent->base, &opts, &inst->task, &err) < 0)
		instance_pause(inst);
}
