/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sleeper - one of our containers, woken by a request and put to sleep by hand
 */
#include "loadtest/sleeper.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/kube/cache/informer.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/object.h"
#include "loadtest/logtail.h"
#include "loadtest/loop.h"
#include "loadtest/probe.h"

DEFINE_CLEANUP(json_t *, json_decref);

enum { SLEEPER_TIMEOUT_MS = 60000 };

struct sleeper {
	struct event_base *base;
	struct sleeper_opts opts;
	struct kube_client *client;
	struct informer *containers;
	struct informer *instances;
	struct informer *pods;
	bool is_patched; /* the answer to our own patch came */
	struct err patch_err;
	bool has_consumer;
	/* this cycle */
	uint64_t begin_us;
	uint64_t begin_wall_us;
	struct stages_cycle *cycle;
	char pod_uid[64];
	struct probe probe;
	struct logtail log;
};

static bool sleeper_is_it(const struct sleeper *s, const json_t *object)
{
	return object != NULL && strcmp(kube_name(object), s->opts.name) == 0;
}

static void sleeper_note(struct sleeper *s, enum stages_stage stage)
{
	if (s->cycle != NULL && s->cycle->us[stage] == STAGES_NONE)
		s->cycle->us[stage] = (int64_t)(clk_now_us() - s->begin_us);
}

/* ---- the watches ---- */

static void on_container(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct sleeper *s = arg;

	(void)old_object;
	if (sleeper_is_it(s, new_object) &&
	    json_bool_at(new_object, false, "spec", "running", NULL))
		sleeper_note(s, STAGES_PATCHED);
}

static bool sleeper_is_consumer(const struct sleeper *s, const json_t *pod)
{
	return strcmp(kube_label(pod, SC_LABEL_INSTANCE), s->opts.name) == 0 &&
	       strcmp(kube_label(pod, SC_LABEL_ROLE), SC_ROLE_CONSUMER) == 0;
}

static void on_pod(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct sleeper *s = arg;

	if (old_object != NULL || s->cycle == NULL || !sleeper_is_consumer(s, new_object))
		return;
	sleeper_note(s, STAGES_POD_CREATED);
	(void)snprintf(s->pod_uid, sizeof s->pod_uid, "%s", kube_uid(new_object));
}

static void on_instance(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct sleeper *s = arg;
	const json_t *consumer = json_at(new_object, "status", "consumer", NULL);

	(void)old_object;
	if (!sleeper_is_it(s, new_object) || s->cycle == NULL || s->pod_uid[0] == '\0' ||
	    strcmp(json_str_at(consumer, "", "podUID", NULL), s->pod_uid) != 0 ||
	    strcmp(json_str_at(consumer, "", "state", NULL), "Listening") != 0)
		return;
	sleeper_note(s, STAGES_LISTENING);
	s->cycle->handover_us = json_int_at(consumer, STAGES_NONE, "handoverMicroseconds", NULL);
}

static bool sleeper_is_synced(const void *arg)
{
	const struct sleeper *s = arg;

	return informer_is_synced(s->containers) && informer_is_synced(s->instances) &&
	       informer_is_synced(s->pods);
}

static int sleeper_watch(struct sleeper *s, const struct kube_type *type,
                         void (*on_change)(void *, const json_t *, const json_t *),
                         struct informer **ret_informer, struct err *err)
{
	const struct informer_opts opts = {
	        .ref = {.type = type, .ns = s->opts.ns}, .on_change = on_change, .arg = s};

	return informer_new(s->base, s->client, &opts, ret_informer, err);
}

/* ---- to sleep ---- */

static void on_sleep_patched(void *arg, const struct kube_result *res)
{
	struct sleeper *s = arg;

	s->is_patched = true;
	s->patch_err = res->err != NULL ? *res->err : (struct err){0};
}

static bool on_each_pod(void *arg, const json_t *pod)
{
	struct sleeper *s = arg;

	s->has_consumer = s->has_consumer || sleeper_is_consumer(s, pod);
	return true;
}

static bool sleeper_is_asleep(const void *arg)
{
	struct sleeper *s = (struct sleeper *)(uintptr_t)arg;
	CLEANUP(json_decref_var)
	json_t *c = informer_take(s->containers, s->opts.ns, s->opts.name);

	s->has_consumer = false;
	informer_foreach(s->pods, on_each_pod, s);
	return s->is_patched && !s->has_consumer &&
	       !json_bool_at(c, true, "spec", "running", NULL) &&
	       strcmp(json_str_at(c, "", "status", "phase", NULL), "Stopped") == 0;
}

int sleeper_sleep(struct sleeper *s, struct err *err)
{
	const struct kube_ref ref = {&KUBE_STOPPABLECONTAINERS, s->opts.ns, s->opts.name, NULL};
	json_t *patch = json_pack("{s:{s:b}}", "spec", "running", 0);
	struct kube_call *call;

	s->is_patched = false;
	call = kube_patch_merge(s->client, &ref, patch, on_sleep_patched, s);
	json_decref(patch);
	if (call == NULL)
		return err_set(err, ERR_NOMEM, 0, "patch");
	if (loop_until(s->base,
	               &(struct loop_goal){sleeper_is_asleep, s, SLEEPER_TIMEOUT_MS, "sleep"},
	               err) < 0)
		return s->patch_err.code != ERR_NONE ? err_wrap(err, "%s", s->patch_err.text) : -1;
	return 0;
}

/* ---- the agent's log ---- */

static void on_log_line(void *arg, uint64_t wall_ms, const char *line)
{
	static const struct {
		const char *text;
		enum stages_stage stage;
	} states[] = {
	        {" state=\"Waiting\"", STAGES_CONTAINER},
	        {" state=\"HandedOver\"", STAGES_HANDED_OVER},
	        {" state=\"Started\"", STAGES_STARTED},
	};
	struct sleeper *s = arg;
	int64_t us = (int64_t)(wall_ms * 1000) - (int64_t)s->begin_wall_us;

	if (strstr(line, " event=consumer.state ") == NULL || strstr(line, s->pod_uid) == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (strstr(line, states[i].text) != NULL)
			s->cycle->us[states[i].stage] = us > 0 ? us : 0;
	}
}

/* ---- awake ---- */

static bool sleeper_is_awake(const void *arg)
{
	const struct sleeper *s = arg;

	return s->probe.is_failed ||
	       (s->probe.first_byte_us != 0 && s->cycle->us[STAGES_LISTENING] != STAGES_NONE &&
	        s->cycle->us[STAGES_PATCHED] != STAGES_NONE);
}

static uint64_t wall_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int sleeper_wake(struct sleeper *s, struct stages_cycle *ret_cycle, struct err *err)
{
	int rc;

	stages_cycle_init(ret_cycle);
	logtail_skip(&s->log);
	s->pod_uid[0] = '\0';
	s->cycle = ret_cycle;
	s->probe = (struct probe){.base = s->base,
	                          .address = s->opts.address,
	                          .port = s->opts.port,
	                          .host = s->opts.host,
	                          .fd = -1};
	s->begin_wall_us = wall_us();
	s->begin_us = clk_now_us();
	rc = probe_start(&s->probe, err);
	if (rc == 0)
		rc = loop_until(
		        s->base,
		        &(struct loop_goal){sleeper_is_awake, s, SLEEPER_TIMEOUT_MS, "wake"}, err);
	if (rc == 0 && s->probe.status != 200)
		rc = err_set(err, ERR_INVALID, 0, "wake: status %d", s->probe.status);
	probe_stop(&s->probe);
	if (rc == 0) {
		ret_cycle->us[STAGES_FIRST_BYTE] = (int64_t)(s->probe.first_byte_us - s->begin_us);
		logtail_read(&s->log, on_log_line, s);
	}
	s->cycle = NULL;
	return rc;
}

/* ---- life ---- */

int sleeper_new(struct event_base *base, const struct sleeper_opts *opts,
                struct sleeper **ret_sleeper, struct err *err)
{
	struct sleeper *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "sleeper");
	s->base = base;
	s->opts = *opts;
	s->log.path = opts->agent_log;
	if (kube_client_new(base, opts->kubeconfig, "sc-loadtest/" SC_VERSION, &s->client, err) <
	            0 ||
	    sleeper_watch(s, &KUBE_STOPPABLECONTAINERS, on_container, &s->containers, err) < 0 ||
	    sleeper_watch(s, &KUBE_STOPPABLECONTAINERINSTANCES, on_instance, &s->instances, err) <
	            0 ||
	    sleeper_watch(s, &KUBE_PODS, on_pod, &s->pods, err) < 0 ||
	    loop_until(base,
	               &(struct loop_goal){sleeper_is_synced, s, SLEEPER_TIMEOUT_MS, "watches"},
	               err) < 0) {
		sleeper_free(s);
		return -1;
	}
	*ret_sleeper = s;
	return 0;
}

void sleeper_free(struct sleeper *s)
{
	if (s == NULL)
		return;
	if (s->pods != NULL)
		informer_free(s->pods);
	if (s->instances != NULL)
		informer_free(s->instances);
	if (s->containers != NULL)
		informer_free(s->containers);
	if (s->client != NULL)
		kube_client_free(s->client);
	free(s);
}
