/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts - starts Pods and our containers on a cluster, and notes when what happened
 */
#include "loadtest/starts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/base/cleanup.h"
#include "lib/base/clk.h"
#include "lib/base/num.h"
#include "lib/kube/cache/informer.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/object.h"
#include "loadtest/logtail.h"
#include "loadtest/loop.h"
#include "loadtest/probe.h"
#include "loadtest/tally.h"

DEFINE_CLEANUP(json_t *, json_decref);

enum {
	STARTS_TIMEOUT_MS = 120000,
	STARTS_PORT = 8080,
	STARTS_SOURCES = STARTS_ACTIVATORS_MAX + 1,
	STARTS_BARE_GRACE_S = 5,
};

/* One that is under way. */
struct start {
	struct starts *owner;
	char name[64]; /* of the bare Pod, or of the container */
	char host[192];
	char address[INET_ADDRSTRLEN]; /* a bare Pod's, when its beacon has come */
	char pod_uid[64];              /* a container's, when its consumer was seen */
	bool is_bare;
	bool is_answered; /* the create call, or the patch */
	struct err err;
	struct probe probe;
	struct series_start result;
};

struct starts {
	struct event_base *base;
	struct starts_opts opts;
	struct kube_client *client;
	struct informer *containers;
	struct informer *pods;
	struct event *beacon;
	int beacon_fd;
	struct logtail logs[STARTS_SOURCES]; /* the agent's, then the activators' */
	uint64_t begin_us;
	uint64_t begin_wall_ms;
	unsigned bare_count; /* made so far: a name is used once */
	struct start now[STARTS_MAX];
	unsigned now_count;
	struct tally_use *use;
	struct tally *tally; /* of the start that is under way */
};

static void start_note(struct start *st, enum series_stage stage, int64_t at_us)
{
	int64_t us = at_us - (int64_t)st->owner->begin_us;

	if (st->result.us[stage] == SERIES_NONE)
		st->result.us[stage] = us > 0 ? us : 0;
}

static struct start *starts_find(struct starts *s, const char *name)
{
	for (unsigned i = 0; i < s->now_count; i++) {
		if (strcmp(s->now[i].name, name) == 0)
			return &s->now[i];
	}
	return NULL;
}

/* ---- what is seen ---- */

static void start_probe(struct start *st, const char *address, uint16_t port)
{
	st->probe = (struct probe){.base = st->owner->base,
	                           .address = address,
	                           .port = port,
	                           .host = st->host,
	                           .fd = -1};
	if (probe_start(&st->probe, &st->err) < 0)
		st->probe.is_failed = true;
}

/* "listening NAME US", see sc-beacon */
static void starts_hear(struct starts *s, char *text, const struct sockaddr_in *from)
{
	char *rest = text, *what = strsep(&rest, " "), *name = strsep(&rest, " ");
	struct start *st = name != NULL ? starts_find(s, name) : NULL;
	uint64_t at_us;

	if (st == NULL || rest == NULL || num_parse_u64(rest, 0, INT64_MAX, &at_us, NULL) < 0 ||
	    at_us < s->begin_us)
		return;
	if (strcmp(what, "ended") == 0)
		start_note(st, SERIES_ENDED, (int64_t)at_us);
	if (strcmp(what, "listening") != 0 || st->result.us[SERIES_ANSWERS] != SERIES_NONE)
		return;
	start_note(st, SERIES_ANSWERS, (int64_t)at_us);
	if (st->is_bare && inet_ntop(AF_INET, &from->sin_addr, st->address, sizeof st->address))
		start_probe(st, st->address, STARTS_PORT);
}

static void on_beacon(evutil_socket_t fd, short what, void *arg)
{
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	char text[256];
	ssize_t n;

	while ((n = recvfrom(fd, text, sizeof text - 1, MSG_DONTWAIT, (struct sockaddr *)&from,
	                     &len)) > 0) {
		text[n] = '\0';
		starts_hear(arg, text, &from);
		len = sizeof from;
	}
}

static void on_container(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct starts *s = arg;
	struct start *st = new_object != NULL ? starts_find(s, kube_name(new_object)) : NULL;

	(void)old_object;
	if (st != NULL && json_bool_at(new_object, false, "spec", "running", NULL))
		start_note(st, SERIES_PATCHED, (int64_t)clk_now_us());
}

static bool pod_is_consumer(const json_t *pod)
{
	return strcmp(kube_label(pod, SC_LABEL_ROLE), SC_ROLE_CONSUMER) == 0;
}

static void on_pod(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct starts *s = arg;
	struct start *st;

	if (old_object != NULL || !pod_is_consumer(new_object))
		return;
	st = starts_find(s, kube_label(new_object, SC_LABEL_INSTANCE));
	if (st == NULL || st->pod_uid[0] != '\0')
		return;
	start_note(st, SERIES_CREATED, (int64_t)clk_now_us());
	(void)snprintf(st->pod_uid, sizeof st->pod_uid, "%s", kube_uid(new_object));
}

/* ---- what the logs tell afterwards ---- */

static const struct {
	const char *event;
	const char *state;
	enum series_stage stage;
} starts_lines[] = {
        {" event=consumer.state ", " state=\"Waiting\"", SERIES_CONTAINER},
        {" event=consumer.state ", " state=\"HandedOver\"", SERIES_HANDED_OVER},
        {" event=consumer.state ", " state=\"Started\"", SERIES_STARTED},
        {" event=target.state ", " to=\"ready\"", SERIES_RELEASED},
};

static void on_log_line(void *arg, uint64_t wall_ms, const char *line)
{
	struct starts *s = arg;
	int64_t at_us;
	char name[80];

	if (wall_ms < s->begin_wall_ms)
		return;
	at_us = (int64_t)s->begin_us + (int64_t)(wall_ms - s->begin_wall_ms) * 1000;
	for (unsigned i = 0; i < ARRAY_LEN(starts_lines); i++) {
		if (strstr(line, starts_lines[i].event) == NULL ||
		    strstr(line, starts_lines[i].state) == NULL)
			continue;
		for (unsigned n = 0; n < s->now_count; n++) {
			struct start *st = &s->now[n];

			(void)snprintf(name, sizeof name, " name=\"%s\"", st->name);
			if (strstr(line, name) != NULL ||
			    (st->pod_uid[0] != '\0' && strstr(line, st->pod_uid) != NULL))
				start_note(st, starts_lines[i].stage, at_us);
		}
	}
}

/* ---- bare Pods ---- */

static void on_created(void *arg, const struct kube_result *res)
{
	struct start *st = arg;

	start_note(st, SERIES_CREATED, (int64_t)clk_now_us());
	st->is_answered = true;
	if (res->err != NULL)
		st->err = *res->err;
}

static void on_answered(void *arg, const struct kube_result *res)
{
	struct start *st = arg;

	st->is_answered = true;
	st->err = res->err != NULL ? *res->err : (struct err){0};
}

/* Everything that a container's consumer has in the load test's manifest, and nothing else. */
static json_t *starts_pod(const struct starts *s, const char *name)
{
	char beacon[64];
	json_t *env, *container, *spec;

	(void)snprintf(beacon, sizeof beacon, "%s:%u", s->opts.beacon, s->opts.beacon_port);
	env = json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "BEACON", "value", beacon, "name",
	                "BEACON_NAME", "value", name);
	container = json_pack("{s:s, s:s, s:o, s:[{s:i}], s:{s:{s:s, s:s}, s:{s:s}}}", "name",
	                      "main", "image", s->opts.image, "env", env, "ports", "containerPort",
	                      STARTS_PORT, "resources", "requests", "cpu", "10m", "memory", "16Mi",
	                      "limits", "memory", "64Mi");
	spec = json_pack("{s:i, s:[o]}", "terminationGracePeriodSeconds", STARTS_BARE_GRACE_S,
	                 "containers", container);
	if (s->opts.node != NULL)
		(void)json_object_set_new(
		        spec, "nodeSelector",
		        json_pack("{s:s}", "kubernetes.io/hostname", s->opts.node));
	return json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", "v1", "kind", "Pod", "metadata",
	                 "name", name, "spec", spec);
}

static bool starts_are_over(const void *arg)
{
	const struct starts *s = arg;
	bool is_over = true;

	for (unsigned i = 0; i < s->now_count; i++) {
		const struct start *st = &s->now[i];

		if (st->err.code != ERR_NONE || st->probe.is_failed)
			return true;
		is_over = is_over && st->probe.first_byte_us != 0 &&
		          st->result.us[SERIES_ANSWERS] != SERIES_NONE;
	}
	return is_over;
}

static int start_finish(struct start *st, struct err *err)
{
	probe_stop(&st->probe);
	if (st->err.code != ERR_NONE) {
		*err = st->err;
		return err_wrap(err, "%s", st->name);
	}
	if (st->probe.is_failed || st->probe.status != 200)
		return err_set(err, ERR_INVALID, 0, "%s: status %d", st->name, st->probe.status);
	start_note(st, SERIES_FIRST_BYTE, (int64_t)st->probe.first_byte_us);
	return 0;
}

static int starts_finish(struct starts *s, const char *what, struct err *err)
{
	int rc = loop_until(s->base,
	                    &(struct loop_goal){starts_are_over, s, STARTS_TIMEOUT_MS, what}, err);

	for (unsigned i = 0; i < s->now_count; i++) {
		if (rc == 0)
			rc = start_finish(&s->now[i], err);
		else
			probe_stop(&s->now[i].probe);
	}
	if (rc == 0 && s->tally != NULL)
		rc = tally_end(s->tally, s->use, err);
	tally_free(s->tally);
	s->tally = NULL;
	return rc;
}

static bool starts_are_gone(const void *arg)
{
	const struct starts *s = arg;

	for (unsigned i = 0; i < s->now_count; i++) {
		if (!s->now[i].is_answered || informer_has(s->pods, s->opts.ns, s->now[i].name))
			return false;
	}
	return true;
}

static int starts_remove_bare(struct starts *s, struct err *err)
{
	const struct kube_delete_opts opts = {.grace_period_s = -1};
	int rc = 0;

	for (unsigned i = 0; i < s->now_count; i++) {
		const struct kube_ref ref = {&KUBE_PODS, s->opts.ns, s->now[i].name, NULL};

		s->now[i].is_answered = false;
		if (kube_delete(s->client, &ref, &opts, on_answered, &s->now[i]) == NULL)
			return err_set(err, ERR_NOMEM, 0, "delete");
	}
	rc = loop_until(
	        s->base,
	        &(struct loop_goal){starts_are_gone, s, STARTS_TIMEOUT_MS, "bare Pods' end"}, err);
	return rc;
}

void starts_count_use(struct starts *s, struct tally_use *use)
{
	s->use = use;
}

static int starts_begin(struct starts *s, unsigned count, struct err *err)
{
	memset(s->now, 0, sizeof s->now);
	for (unsigned i = 0; i < count; i++) {
		s->now[i].owner = s;
		s->now[i].probe.fd = -1;
		series_start_init(&s->now[i].result);
	}
	for (unsigned i = 0; i < STARTS_SOURCES; i++)
		logtail_skip(&s->logs[i]);
	s->now_count = count;
	return s->use != NULL ? tally_begin(&s->tally, err) : 0;
}

int starts_bare(struct starts *s, unsigned count, struct series_start *ret_last, struct err *err)
{
	const struct kube_ref ref = {.type = &KUBE_PODS, .ns = s->opts.ns};
	json_t *pods[STARTS_MAX];
	struct err later = {0};
	int rc = 0;

	if (starts_begin(s, count, err) < 0)
		return -1;
	for (unsigned i = 0; i < count; i++) {
		struct start *st = &s->now[i];

		st->is_bare = true;
		(void)snprintf(st->name, sizeof st->name, "bare-%u", ++s->bare_count);
		(void)snprintf(st->host, sizeof st->host, "%s", st->name);
		pods[i] = starts_pod(s, st->name);
	}
	s->begin_us = clk_now_us();
	for (unsigned i = 0; i < count; i++) {
		if (rc == 0 &&
		    kube_create(s->client, &ref, pods[i], on_created, &s->now[i]) == NULL)
			rc = err_set(err, ERR_NOMEM, 0, "create");
		json_decref(pods[i]);
	}
	if (rc == 0)
		rc = starts_finish(s, "bare Pods", err);
	if (starts_remove_bare(s, &later) < 0 && rc == 0) {
		*err = later;
		rc = -1;
	}
	series_start_init(ret_last);
	for (unsigned i = 0; i < count; i++)
		series_start_last(ret_last, &s->now[i].result);
	s->now_count = 0;
	return rc;
}

/* ---- containers ---- */

int starts_wake(struct starts *s, const char *const *names, unsigned count, struct err *err)
{
	if (starts_begin(s, count, err) < 0)
		return -1;
	for (unsigned i = 0; i < count; i++) {
		struct start *st = &s->now[i];

		(void)snprintf(st->name, sizeof st->name, "%s", names[i]);
		(void)snprintf(st->host, sizeof st->host, "%s.%s", names[i], s->opts.ns);
	}
	s->begin_wall_ms = clk_wall_ms();
	s->begin_us = clk_now_us();
	for (unsigned i = 0; i < count; i++)
		start_probe(&s->now[i], s->opts.address, s->opts.port);
	return starts_finish(s, "wakes", err);
}

void starts_result(struct starts *s, struct series_start *ret_last)
{
	series_start_init(ret_last);
	for (unsigned i = 0; i < STARTS_SOURCES; i++)
		logtail_read(&s->logs[i], on_log_line, s);
	for (unsigned i = 0; i < s->now_count; i++) {
		int64_t *us = s->now[i].result.us;

		if (us[SERIES_ENDED] != SERIES_NONE)
			us[SERIES_AFTER_END] = us[SERIES_FIRST_BYTE] > us[SERIES_ENDED]
			                               ? us[SERIES_FIRST_BYTE] - us[SERIES_ENDED]
			                               : 0;
		series_start_last(ret_last, &s->now[i].result);
	}
	s->now_count = 0;
}

static int starts_say_stop(struct starts *s, const char *name, struct start *answer,
                           struct err *err)
{
	const struct kube_ref ref = {&KUBE_STOPPABLECONTAINERS, s->opts.ns, name, NULL};
	json_t *patch = json_pack("{s:{s:b}}", "spec", "running", 0);
	struct kube_call *call;

	answer->is_answered = false;
	call = kube_patch_merge(s->client, &ref, patch, on_answered, answer);
	json_decref(patch);
	return call != NULL ? 0 : err_set(err, ERR_NOMEM, 0, "patch");
}

static bool start_is_answered(const void *arg)
{
	const struct start *st = arg;

	return st->is_answered;
}

int starts_stop(struct starts *s, const char *name, struct err *err)
{
	static struct start answer;

	answer = (struct start){0};
	if (starts_say_stop(s, name, &answer, err) < 0 ||
	    loop_until(s->base,
	               &(struct loop_goal){start_is_answered, &answer, STARTS_TIMEOUT_MS, "stop"},
	               err) < 0)
		return -1;
	if (answer.err.code != ERR_NONE) {
		*err = answer.err;
		return -1;
	}
	return 0;
}

struct starts_asleep {
	struct starts *owner;
	const char *const *names;
	unsigned count;
	bool has_consumer;
};

static bool on_each_pod(void *arg, const json_t *pod)
{
	struct starts_asleep *a = arg;

	for (unsigned i = 0; i < a->count && pod_is_consumer(pod); i++) {
		if (strcmp(kube_label(pod, SC_LABEL_INSTANCE), a->names[i]) == 0)
			a->has_consumer = true;
	}
	return !a->has_consumer;
}

static bool starts_are_asleep(const void *arg)
{
	struct starts_asleep *a = (struct starts_asleep *)(uintptr_t)arg;
	struct starts *s = a->owner;

	for (unsigned i = 0; i < a->count; i++) {
		CLEANUP(json_decref_var)
		json_t *c = informer_take(s->containers, s->opts.ns, a->names[i]);

		if (json_bool_at(c, true, "spec", "running", NULL) ||
		    strcmp(json_str_at(c, "", "status", "phase", NULL), "Stopped") != 0)
			return false;
	}
	a->has_consumer = false;
	informer_foreach(s->pods, on_each_pod, a);
	return !a->has_consumer;
}

int starts_sleep(struct starts *s, const char *const *names, unsigned count, struct err *err)
{
	struct starts_asleep a = {s, names, count, false};

	for (unsigned i = 0; i < count; i++) {
		if (starts_stop(s, names[i], err) < 0)
			return -1;
	}
	return loop_until(s->base,
	                  &(struct loop_goal){starts_are_asleep, &a, STARTS_TIMEOUT_MS, "sleep"},
	                  err);
}

/* ---- life ---- */

static int starts_listen(struct starts *s, struct err *err)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(s->opts.beacon_port)};

	s->beacon_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (inet_pton(AF_INET, s->opts.beacon, &sin.sin_addr) != 1)
		return err_set(err, ERR_INVALID, 0, "\"%s\" is no IPv4 address", s->opts.beacon);
	if (s->beacon_fd < 0 || bind(s->beacon_fd, (const struct sockaddr *)&sin, sizeof sin) < 0)
		return err_set(err, ERR_SYS, errno, "listen at %s:%u", s->opts.beacon,
		               s->opts.beacon_port);
	s->beacon = event_new(s->base, s->beacon_fd, EV_READ | EV_PERSIST, on_beacon, s);
	return s->beacon != NULL && event_add(s->beacon, NULL) == 0
	               ? 0
	               : err_set(err, ERR_NOMEM, 0, "beacon");
}

static int starts_watch(struct starts *s, const struct kube_type *type,
                        void (*on_change)(void *, const json_t *, const json_t *),
                        struct informer **ret_informer, struct err *err)
{
	const struct informer_opts opts = {
	        .ref = {.type = type, .ns = s->opts.ns}, .on_change = on_change, .arg = s};

	return informer_new(s->base, s->client, &opts, ret_informer, err);
}

static bool starts_is_synced(const void *arg)
{
	const struct starts *s = arg;

	return informer_is_synced(s->containers) && informer_is_synced(s->pods);
}

int starts_new(struct event_base *base, const struct starts_opts *opts, struct starts **ret_starts,
               struct err *err)
{
	struct starts *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "starts");
	s->base = base;
	s->opts = *opts;
	s->beacon_fd = -1;
	s->logs[0].path = opts->agent_log;
	for (unsigned i = 0; i < STARTS_ACTIVATORS_MAX && opts->activator_logs != NULL &&
	                     opts->activator_logs[i] != NULL;
	     i++)
		s->logs[i + 1].path = opts->activator_logs[i];
	if (starts_listen(s, err) < 0 ||
	    kube_client_new(base, opts->kubeconfig, "sc-loadtest/" SC_VERSION, &s->client, err) <
	            0 ||
	    starts_watch(s, &KUBE_STOPPABLECONTAINERS, on_container, &s->containers, err) < 0 ||
	    starts_watch(s, &KUBE_PODS, on_pod, &s->pods, err) < 0 ||
	    loop_until(base, &(struct loop_goal){starts_is_synced, s, STARTS_TIMEOUT_MS, "watches"},
	               err) < 0) {
		starts_free(s);
		return -1;
	}
	*ret_starts = s;
	return 0;
}

void starts_free(struct starts *s)
{
	if (s == NULL)
		return;
	if (s->pods != NULL)
		informer_free(s->pods);
	if (s->containers != NULL)
		informer_free(s->containers);
	if (s->client != NULL)
		kube_client_free(s->client);
	if (s->beacon != NULL)
		event_free(s->beacon);
	if (s->beacon_fd >= 0)
		(void)close(s->beacon_fd);
	free(s);
}
