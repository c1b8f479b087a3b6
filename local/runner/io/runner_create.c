/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_create - the way of a container to its process: image, create, start
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/runner/core/pod_image.h"
#include "local/runner/core/pod_spec.h"
#include "local/runner/io/image_tree.h"
#include "local/runner/io/pulls.h"
#include "local/runner/io/runner_private.h"

enum {
	PULL_TIMEOUT_MS = 20 * 60 * 1000,
	CONFIG_RETRY_MS = 2000,
};

static void ctr_create(struct ctr *c);
static void ctr_create_checked(struct ctr *c);

static void on_started(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;

	c->call = NULL;
	log_event(LOG_DEBUG, "pod.started", log_str("pod", kube_name(c->pod->object)),
	          log_str("container", ctr_name(c)),
	          log_u64("start_us", clk_now_us() - c->begun_us),
	          log_u64("since_seen_us", clk_now_us() - c->pod->seen_us));
	if (res->message != NULL && res->status >= 400) {
		ctr_start_failed(c, res->message);
		return;
	}
	c->look_again_ms = 0;
	ctr_look(c, 0);
}

static void ctr_start_checked(struct ctr *c)
{
	char path[128];
	struct podman_request req = {.method = "POST", .path = path, .done = on_started, .arg = c};

	ctr_oom_mark(c);
	c->begun_us = clk_now_us();
	c->view.started_wall_ms = clk_wall_ms();
	(void)snprintf(path, sizeof path, "/containers/%s/start", c->view.id);
	ctr_call(c, &req);
}

static void on_tree_known(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;
	struct err err;

	c->call = NULL;
	if (res->message != NULL)
		ctr_start_failed(c, res->message);
	else if (image_tree_check(json_at(res->json, "GraphDriver", NULL), &err) < 0)
		ctr_start_failed(c, err.text);
	else
		ctr_start_checked(c);
}

/* The wrapper's image is ours; every other tree is looked at first. */
void ctr_start_call(struct ctr *c)
{
	char path[128];
	struct podman_request req = {
	        .method = "GET", .path = path, .done = on_tree_known, .arg = c};

	if (strcmp(json_str_at(c->view.container, "", "image", NULL),
	           c->pod->runner->opts.wrapper_image) == 0) {
		ctr_start_checked(c);
		return;
	}
	(void)snprintf(path, sizeof path, "/containers/%s/json", c->view.id);
	ctr_call(c, &req);
}

static void pull_failed(struct ctr *c, const char *error)
{
	const char *image = json_str_at(c->view.container, "", "image", NULL);
	bool first = c->pull_backoff.delay_ms == 0;
	char text[POD_CTR_MESSAGE_BYTES];
	uint64_t delay_ms = pod_backoff_next(&c->pull_backoff, 0);

	if (delay_ms == 0)
		delay_ms = pod_backoff_next(&c->pull_backoff, 0);
	if (first)
		(void)snprintf(text, sizeof text, "failed to pull image \"%s\": %s", image, error);
	else
		(void)snprintf(text, sizeof text, "Back-off pulling image \"%s\": %s", image,
		               error);
	ctr_wait(c, first ? "ErrImagePull" : "ImagePullBackOff", text, delay_ms);
}

static void pull_name(const struct ctr *c, char name[POD_IMAGE_NAME_BYTES_MAX])
{
	(void)pod_image_normalize(json_str_at(c->view.container, "", "image", NULL), name,
	                          POD_IMAGE_NAME_BYTES_MAX);
}

static void on_pulled(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;
	const char *dir = c->pod->runner->opts.pulls_dir;
	CLEANUP(free_var) char *error = NULL;
	char name[POD_IMAGE_NAME_BYTES_MAX];

	c->call = NULL;
	pull_name(c, name);
	error = res->message != NULL ? strdup(res->message) : podman_stream_error(res->text);
	if (error != NULL) {
		pulls_end(dir, name);
		pull_failed(c, error);
		return;
	}
	/* no start waits for it: it may be minutes of writing */
	pulls_settle(dir, name);
	c->pulled = true;
	c->pull_backoff.delay_ms = 0;
	ctr_create(c);
}

/* Names are of the characters of image names: nothing in them needs escaping. */
static void pull_noted(struct ctr *c, const char *name)
{
	char path[POD_IMAGE_NAME_BYTES_MAX + 64];
	struct podman_request req = {
	        .method = "POST",
	        .path = path,
	        .timeout_ms = PULL_TIMEOUT_MS,
	        .done = on_pulled,
	        .arg = c,
	};

	(void)snprintf(path, sizeof path, "/images/pull?reference=%s&policy=always", name);
	ctr_call(c, &req);
}

static void on_image_before(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;
	char name[POD_IMAGE_NAME_BYTES_MAX];
	struct err err;

	c->call = NULL;
	pull_name(c, name);
	if (pulls_begin(c->pod->runner->opts.pulls_dir, name,
	                json_str_at(res->json, "", "Id", NULL), &err) < 0)
		pull_failed(c, err.text);
	else
		pull_noted(c, name);
}

static void ctr_pull(struct ctr *c)
{
	char name[POD_IMAGE_NAME_BYTES_MAX], path[POD_IMAGE_NAME_BYTES_MAX + 32];
	struct podman_request req = {
	        .method = "GET", .path = path, .done = on_image_before, .arg = c};

	pull_name(c, name);
	(void)snprintf(path, sizeof path, "/images/%s/json", name);
	ctr_set_state(c, POD_CTR_ST_PULLING);
	ctr_call(c, &req);
}

static void on_name_freed(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;

	(void)res;
	c->call = NULL;
	ctr_wait(c, "ContainerCreating", "", 0);
}

/* A process that was killed between two calls left a container of this very name. */
static void name_free(struct ctr *c)
{
	char path[640];
	struct podman_request req = {
	        .method = "DELETE", .path = path, .done = on_name_freed, .arg = c};

	c->name_freed = true;
	(void)snprintf(path, sizeof path, "/containers/k8s_%s_%s_%s_%s_%u?force=true&v=true",
	               ctr_name(c), kube_name(c->pod->object), kube_namespace(c->pod->object),
	               c->pod->uid, c->view.restarts);
	ctr_call(c, &req);
}

static void create_refused(struct ctr *c, const struct podman_result *res)
{
	const char *image = json_str_at(c->view.container, "", "image", NULL);
	bool no_image = strstr(res->message, "image not known") != NULL ||
	                strstr(res->message, "no such image") != NULL;
	char text[POD_CTR_MESSAGE_BYTES];

	if (no_image && pod_image_pull_policy(c->view.container) == POD_IMAGE_NEVER) {
		(void)snprintf(text, sizeof text,
		               "Container image \"%s\" is not present with pull policy of Never",
		               image);
		ctr_wait(c, "ErrImageNeverPull", text, POD_BACKOFF_FIRST_MS);
	} else if (no_image && !c->pulled) {
		ctr_pull(c);
	} else if (strstr(res->message, "already in use") != NULL && !c->name_freed) {
		name_free(c);
	} else {
		uint64_t delay_ms = pod_backoff_next(&c->pull_backoff, 0);

		ctr_wait(c, "CreateContainerError", res->message,
		         delay_ms ? delay_ms : RUNNER_INSPECT_RETRY_MAX_MS);
	}
}

static void on_created(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;

	c->call = NULL;
	log_event(LOG_DEBUG, "pod.created", log_str("pod", kube_name(c->pod->object)),
	          log_str("container", ctr_name(c)),
	          log_u64("create_us", clk_now_us() - c->begun_us),
	          log_u64("since_seen_us", clk_now_us() - c->pod->seen_us));
	if (res->message == NULL)
		(void)snprintf(c->view.id, sizeof c->view.id, "%s",
		               json_str_at(res->json, "", "Id", NULL));
	if (c->pod->deleting) {
		ctr_wait(c, "ContainerCreating", "", 0);
	} else if (res->message != NULL) {
		create_refused(c, res);
	} else {
		c->name_freed = false;
		ctr_set_state(c, POD_CTR_ST_STARTING);
		ctr_start_call(c);
	}
}

/* A short name is looked up by Podman itself; once pulled it has its full name. */
static int ctr_spec(struct ctr *c, json_t **ret_spec, struct err *err)
{
	struct pod *pod = c->pod;
	struct runner *r = pod->runner;
	char image[POD_IMAGE_NAME_BYTES_MAX], cgroup[256];
	struct pod_spec_input in = {
	        .env = pod_env_source_of(pod),
	        .container = c->view.container,
	        .image = json_str_at(c->view.container, "", "image", NULL),
	        .netns_path = pod->net.path,
	        .cgroup_parent = cgroup,
	        .attempt = c->view.restarts,
	        .nofile_max = r->nofile_max,
	        .nproc_max = r->nproc_max,
	        .log_bytes_max = r->opts.log_bytes_max,
	};

	if (c->pulled && pod_image_normalize(in.image, image, sizeof image))
		in.image = image;
	ctr_oom_mark(c);
	in.oom_kills = c->pod_oom_kills;
	(void)snprintf(cgroup, sizeof cgroup, "/%s/pod%s", r->opts.cgroup_root, pod->uid);
	if (volume_mounts_open(r->volumes, &in.env, c->view.container, &c->mounts, err) < 0)
		return -1;
	in.mount_sources = c->mounts.paths;
	return pod_spec_make(&in, ret_spec, err);
}

static void on_image_user(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;
	const char *user = json_str_at(res->json, "", "User", NULL);
	struct err err;

	c->call = NULL;
	/* an image that is not there yet is looked at when it is */
	c->user_checked = res->message == NULL;
	if (c->user_checked && pod_spec_non_root(c->pod->first, c->view.container, user, &err) < 0)
		ctr_wait(c, "CreateContainerConfigError", err.text, POD_BACKOFF_FIRST_MS);
	else
		ctr_create_checked(c);
}

/* runAsNonRoot without a runAsUser hangs on the image's user. */
static void ctr_create(struct ctr *c)
{
	char path[POD_IMAGE_NAME_BYTES_MAX + 32];
	struct podman_request req = {
	        .method = "GET", .path = path, .done = on_image_user, .arg = c};
	struct err err;
	int r = pod_spec_non_root(c->pod->first, c->view.container, NULL, &err);

	if (r < 0) {
		ctr_wait(c, "CreateContainerConfigError", err.text, POD_BACKOFF_MAX_MS);
	} else if (r == 0 || c->user_checked) {
		ctr_create_checked(c);
	} else {
		(void)snprintf(path, sizeof path, "/images/%s/json",
		               json_str_at(c->view.container, "", "image", NULL));
		ctr_call(c, &req);
	}
}

static void ctr_create_checked(struct ctr *c)
{
	json_t *spec = NULL;
	struct podman_request req = {
	        .method = "POST", .path = "/containers/create", .done = on_created, .arg = c};
	struct err err;

	c->begun_us = clk_now_us();
	volume_mounts_close(&c->mounts);
	if (ctr_spec(c, &spec, &err) < 0) {
		ctr_wait(c, "CreateContainerConfigError", err.text, CONFIG_RETRY_MS);
		return;
	}
	req.json = spec;
	ctr_set_state(c, POD_CTR_ST_CREATING);
	ctr_call(c, &req);
	json_decref(spec);
}

void ctr_begin(struct ctr *c)
{
	const char *image = json_str_at(c->view.container, "", "image", NULL);
	char name[POD_IMAGE_NAME_BYTES_MAX];
	struct err err;

	if (!pod_image_normalize(image, name, sizeof name)) {
		(void)snprintf(c->view.message, sizeof c->view.message,
		               "Failed to apply default image tag \"%s\": couldn't parse image "
		               "name: invalid reference format",
		               image);
		ctr_wait(c, "InvalidImageName", c->view.message, POD_BACKOFF_MAX_MS);
		return;
	}
	if (pod_network_ensure(c->pod, &err) < 0) {
		ctr_wait(c, "FailedCreatePodSandBox", err.text, CONFIG_RETRY_MS);
		return;
	}
	if (pod_image_pull_policy(c->view.container) == POD_IMAGE_ALWAYS && !c->pulled)
		ctr_pull(c);
	else
		ctr_create(c);
}
