/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_adopt - takes over the containers that an earlier process left running
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "local/runner/core/pod_spec.h"
#include "local/runner/io/runner_private.h"

static const char *label(const json_t *found, const char *name)
{
	return json_str_at(found, "", "Labels", name, NULL);
}

static unsigned attempt_of(const json_t *found)
{
	uint64_t attempt = 0;

	(void)num_parse_u64(label(found, POD_LABEL_ATTEMPT), 0, UINT32_MAX, &attempt, NULL);
	return (unsigned)attempt;
}

static bool is_of(const json_t *found, const struct ctr *c)
{
	return strcmp(label(found, POD_LABEL_UID), c->pod->uid) == 0 &&
	       strcmp(label(found, POD_LABEL_CONTAINER),
	              json_str_at(c->view.container, "", "name", NULL)) == 0;
}

static const json_t *newest_of(const json_t *list, const struct ctr *c)
{
	const json_t *newest = NULL;
	json_t *found;
	size_t i;

	json_array_foreach(list, i, found) {
		if (is_of(found, c) && (newest == NULL || attempt_of(found) > attempt_of(newest)))
			newest = found;
	}
	return newest;
}

static void remove_by_id(struct ctr *c, const json_t *found)
{
	ctr_remove_dead(c, json_str_at(found, "", "Id", NULL));
}

/* Podman does not keep it, the status of the Pod does. */
static bool status_says_oom_killed(const struct ctr *c, const char *id)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_at(c->pod->object, "status", "containerStatuses", NULL), i, one) {
		const json_t *end = json_at(one, "lastState", "terminated", NULL);

		if (strstr(json_str_at(end, "", "containerID", NULL), id) != NULL)
			return strcmp(json_str_at(end, "", "reason", NULL), "OOMKilled") == 0;
	}
	return false;
}

/* The status has the run before; its container is kept for `logs --previous`. */
static void last_run_adopt(struct ctr *c, const json_t *found)
{
	struct pod_ctr_end *last = &c->view.last;

	last->is_set = true;
	(void)snprintf(last->id, sizeof last->id, "%s", json_str_at(found, "", "Id", NULL));
	last->exit_code = (int)json_int_at(found, 0, "ExitCode", NULL);
	last->oom_killed = status_says_oom_killed(c, last->id);
	last->finished_wall_ms = (uint64_t)json_int_at(found, 0, "ExitedAt", NULL) * 1000;
	last->started_wall_ms = (uint64_t)json_int_at(found, 0, "StartedAt", NULL) * 1000;
}

/* It may have ended while nobody looked: what was killed before it is on its label. */
static void oom_recall(struct ctr *c, const json_t *found)
{
	if (num_parse_u64(label(found, POD_LABEL_OOM_KILLS), 0, UINT64_MAX, &c->pod_oom_kills,
	                  NULL) < 0 &&
	    attempt_of(found) > 0)
		ctr_oom_mark(c); /* made by an earlier version: it may have been another run's */
}

static void ctr_adopt(struct ctr *c)
{
	const json_t *list = c->pod->runner->found;
	const json_t *newest = newest_of(list, c);
	unsigned newest_attempt;
	json_t *found;
	size_t i;

	if (newest == NULL) {
		ctr_set_state(c, c->pod->over ? POD_CTR_ST_ENDED : POD_CTR_ST_IDLE);
		return;
	}
	newest_attempt = attempt_of(newest);
	c->view.restarts = newest_attempt;
	oom_recall(c, newest);
	json_array_foreach(list, i, found) {
		if (!is_of(found, c) || found == newest)
			continue;
		if (attempt_of(found) + 1 == newest_attempt)
			last_run_adopt(c, found);
		else
			remove_by_id(c, found);
	}
	(void)snprintf(c->view.id, sizeof c->view.id, "%s", json_str_at(newest, "", "Id", NULL));
	if (strcmp(json_str_at(newest, "", "State", NULL), "created") == 0) {
		/* made, but never started: begin anew, the name is freed on the way */
		c->view.id[0] = '\0';
		ctr_set_state(c, POD_CTR_ST_IDLE);
		return;
	}
	log_event(LOG_INFO, "container.adopted", log_str("pod", kube_name(c->pod->object)),
	          log_str("id", c->view.id));
	c->pod->adopting++;
	ctr_look(c, 0);
}

void pod_adopt(struct pod *pod)
{
	for (size_t i = 0; i < pod->ctrs_count; i++)
		ctr_adopt(&pod->ctrs[i]);
}

struct known {
	json_t *uids; /* a set */
	struct runner *runner;
};

static bool known_add(void *arg, const json_t *object)
{
	struct known *k = arg;

	(void)json_object_set_new(k->uids, kube_uid(object), json_true());
	return true;
}

static void on_unknown_removed(void *arg, const struct podman_result *res)
{
	(void)arg;
	if (res->message != NULL && res->status != 404)
		log_event(LOG_WARN, "container.remove_failed", log_str("error", res->message));
}

static void unknown_folder(void *arg, const char *uid)
{
	struct known *k = arg;
	struct err err;
	int r = 1;

	if (json_object_get(k->uids, uid) != NULL)
		return;
	while (r > 0) /* at start: nothing waits for us yet */
		r = volume_remove(k->runner->volumes, uid, &err);
	if (r < 0)
		log_event(LOG_WARN, "pod.volumes_left", log_str("uid", uid), log_err(&err));
	(void)cgroup_remove(k->runner->opts.cgroup_root, uid);
}

int runner_remove_unknown(struct runner *r, struct err *err)
{
	struct known k = {json_object(), r};
	char path[128];
	struct podman_request req = {.method = "DELETE", .path = path, .done = on_unknown_removed};
	json_t *found;
	size_t i;

	if (k.uids == NULL)
		return err_set(err, ERR_NOMEM, 0, "Pods");
	if (registry_foreach(r->registry, &(struct registry_ref){&KUBE_PODS}, known_add, &k, err) <
	    0) {
		json_decref(k.uids);
		return -1;
	}
	json_array_foreach(r->found, i, found) {
		if (json_object_get(k.uids, label(found, POD_LABEL_UID)) != NULL)
			continue;
		(void)snprintf(path, sizeof path, "/containers/%s?force=true&v=true",
		               json_str_at(found, "", "Id", NULL));
		(void)podman_start(r->podman, &req, NULL);
	}
	volume_foreach_uid(r->volumes, unknown_folder, &k);
	json_decref(k.uids);
	return 0;
}
