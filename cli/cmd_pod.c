/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec, logs, cp - kubectl's own verbs on the Pod that runs the container
 *
 * This program finds the Pod and the main container, and becomes kubectl. So what kubectl can do
 * (terminals, WebSockets, resizing) is done by kubectl, and its exit code is ours.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/core/kubectl.h"
#include "cli/io/await.h"
#include "lib/base/clk.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

enum { NAME_BYTES = 254, SEEN_MAX_MS = 20000, SEEN_LOOK_MS = 100 };

/* A Pod and the container in it, as found. */
struct found {
	char pod[NAME_BYTES];
	char container[NAME_BYTES];
};

/* Start it and wait until it is ready. @object: replaced by what it is then */
static int pod_wake(struct session *s, json_t **object, struct err *err)
{
	static const struct goal ready = {GOAL_CONDITION, "Ready", "True"};
	const struct await what = {kube_name(*object), kube_uid(*object),
	                           session_args(s)->timeout_ms, &ready};
	json_t *awake = NULL;

	if (sc_set_running(s, what.name, true, NULL, err) < 0 ||
	    await_goal(s, &what, &awake, err) < 0)
		return -1;
	json_decref(*object);
	*object = awake;
	return 0;
}

static int pod_asleep(const struct session *s, const json_t *object, struct err *err)
{
	const char *name = kube_name(object);
	enum verb verb = session_args(s)->verb;

	if (json_bool_at(object, false, "spec", "running", NULL))
		return err_set(err, ERR_INVALID, 0,
		               "%s has no Pod yet; wait for it: kubectl sc wait %s --for=Ready",
		               name, name);
	if (verb == VERB_LOGS)
		return err_set(err, ERR_INVALID, 0,
		               "%s sleeps, and its log went with its Pod; see what happened: "
		               "kubectl sc events %s",
		               name, name);
	return err_set(err, ERR_INVALID, 0,
	               "%s sleeps; wake it first: kubectl sc start %s --wait, or give --start to "
	               "%s",
	               name, name, verb_info(verb)->name);
}

static bool is_awake(const json_t *object)
{
	return json_bool_at(object, false, "spec", "running", NULL) &&
	       *json_str_at(object, "", "status", "consumerPodName", NULL) != '\0';
}

static bool is_container_running(const json_t *pod, const char *name)
{
	static const char *const lists[] = {"containerStatuses", "initContainerStatuses"};
	const json_t *one;
	size_t i;

	for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
		json_array_foreach(json_at(pod, "status", lists[l], NULL), i, one) {
			if (strcmp(json_str_at(one, "", "name", NULL), name) == 0)
				return json_at(one, "state", "running", NULL) != NULL;
		}
	}
	return false;
}

/*
 * A container is Ready when its port answers, and the kubelet may learn a moment later that it was
 * started. Until then it answers kubectl with "container not found".
 */
static int pod_await_kubelet(struct session *s, const struct found *found, struct err *err)
{
	uint64_t end_ms = clk_now_ms() + SEEN_MAX_MS;
	bool is_first = true;

	for (;;) {
		CLEANUP(json_decref_var) json_t *pod = NULL;

		if (session_get(s, &KUBE_PODS, found->pod, &pod, err) < 0)
			return err_wrap(err, "Pod %s", found->pod);
		/* when it is late, kubectl says what is wrong */
		if (is_container_running(pod, found->container) || clk_now_ms() >= end_ms)
			return 0;
		if (is_first && session_args(s)->verbosity > 0)
			fprintf(stderr, "kubectl-sc: the kubelet does not know yet that %s runs\n",
			        found->container);
		is_first = false;
		if (session_pause(s, SEEN_LOOK_MS, err) < 0)
			return -1;
	}
}

/* The container in it: the one that is asked for, or the main one. */
static int pod_find_container(struct session *s, struct found *found, struct err *err)
{
	const char *asked = session_args(s)->container;
	CLEANUP(json_decref_var) json_t *pod = NULL;
	const json_t *first;

	if (asked == NULL && session_get(s, &KUBE_PODS, found->pod, &pod, err) < 0)
		return err_wrap(err, "Pod %s", found->pod);
	first = json_array_get(json_at(pod, "spec", "containers", NULL), 0);
	(void)snprintf(found->container, sizeof found->container, "%s",
	               asked != NULL ? asked : json_str_at(first, "", "name", NULL));
	return 0;
}

static int pod_find(struct session *s, const char *name, struct found *ret, struct err *err)
{
	const struct args *args = session_args(s);
	CLEANUP(json_decref_var) json_t *object = NULL;
	bool is_woken = false;

	if (sc_get(s, name, &object, err) < 0)
		return -1;
	if (args->start && !is_awake(object)) {
		if (pod_wake(s, &object, err) < 0)
			return -1;
		is_woken = true;
	}
	if (!is_awake(object))
		return pod_asleep(s, object, err);
	(void)snprintf(ret->pod, sizeof ret->pod, "%s",
	               json_str_at(object, "", "status", "consumerPodName", NULL));
	if (pod_find_container(s, ret, err) < 0)
		return -1;
	return is_woken ? pod_await_kubelet(s, ret, err) : 0;
}

/* Does not return when it succeeds. */
static int become(const struct session *s, const struct kubectl *k, struct err *err)
{
	size_t count = 0;
	char **argv;

	while (k->command != NULL && k->command[count] != NULL)
		count++;
	assert(k->argc > 0 && k->argv[k->argc] == NULL);
	argv = calloc(k->argc + count + 1, sizeof *argv);
	if (argv == NULL)
		return err_set(err, ERR_NOMEM, 0, "kubectl");
	/* execvp() does not write to them */
	for (size_t i = 0; i < k->argc; i++)
		argv[i] = (char *)(uintptr_t)k->argv[i];
	for (size_t i = 0; i < count; i++)
		argv[k->argc + i] = k->command[i];
	for (size_t i = 0; session_args(s)->verbosity > 0 && argv[i] != NULL; i++)
		fprintf(stderr, "%s%s%s", i > 0 ? " " : "kubectl-sc: ", argv[i],
		        argv[i + 1] == NULL ? "\n" : "");
	(void)fflush(stdout);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)execvp(argv[0], argv);
	free(argv);
	if (errno == ENOENT)
		return err_set(err, ERR_INVALID, 0,
		               "kubectl is not in PATH, and %s needs it; install it, or add its "
		               "folder to PATH",
		               verb_info(session_args(s)->verb)->name);
	return err_set(err, ERR_SYS, errno, "run kubectl");
}

int cmd_exec(struct session *s, struct err *err)
{
	const struct args *args = session_args(s);
	struct found found;
	struct kubectl k;

	if (pod_find(s, args->operands[0], &found, err) < 0)
		return -1;
	kubectl_exec(args, &(struct kubectl_pod){session_namespace(s), found.pod, found.container},
	             &k);
	return become(s, &k, err);
}

int cmd_logs(struct session *s, struct err *err)
{
	const struct args *args = session_args(s);
	struct kubectl_pod pod = {session_namespace(s), NULL, NULL};
	struct found found;
	struct kubectl k;

	if (pod_find(s, args->operands[0], &found, err) < 0)
		return -1;
	pod.name = found.pod;
	pod.container = found.container;
	if (kubectl_logs(args, &pod, &k, err) < 0)
		return -1;
	return become(s, &k, err);
}

int cmd_cp(struct session *s, struct err *err)
{
	const struct args *args = session_args(s);
	struct kubectl_pod pod = {session_namespace(s), NULL, NULL};
	struct kubectl_cp cp;
	struct found found;
	struct kubectl k;
	char name[NAME_BYTES];

	if (kubectl_cp_parse(args->operands[0], args->operands[1], &cp, err) < 0)
		return -1;
	(void)snprintf(name, sizeof name, "%.*s", (int)cp.name_bytes, cp.name);
	if (pod_find(s, name, &found, err) < 0)
		return -1;
	pod.name = found.pod;
	pod.container = found.container;
	if (kubectl_cp(args, &pod, &cp, &k, err) < 0)
		return -1;
	return become(s, &k, err);
}
