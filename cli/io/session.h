/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - calls to the API server, one after the other, each waited for
 *
 * A plugin does one thing and ends, so a verb reads from top to bottom: each call here turns the
 * event loop until its answer is there. An interrupt ends any of them; main() then ends with
 * session_interrupted().
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/core/args.h"
#include "lib/base/err.h"
#include "lib/kube/client/client.h"

struct session;

/** session_new() - reads the kubeconfig; @args is borrowed */
int session_new(const struct args *args, struct session **ret_session, struct err *err);
void session_free(struct session *s);

const struct args *session_args(const struct session *s);
/** session_namespace() - the one that is asked for, else the context's */
const char *session_namespace(const struct session *s);
/** session_interrupted() - the signal's number, 0 when there was none */
int session_interrupted(const struct session *s);

/** session_ref() - that object in session_namespace() */
struct kube_ref session_ref(const struct session *s, const struct kube_type *type,
                            const char *name);

/* Bodies are new references. */
int session_get(struct session *s, const struct kube_type *type, const char *name, json_t **ret,
                struct err *err);
int session_get_path(struct session *s, const char *path, json_t **ret, struct err *err);
int session_list(struct session *s, const struct kube_ref *ref, const struct kube_list_opts *opts,
                 json_t **ret, struct err *err);
int session_create(struct session *s, const struct kube_type *type, const json_t *object,
                   json_t **ret, struct err *err);
/** session_patch() - a merge patch */
int session_patch(struct session *s, const struct kube_ref *ref, const json_t *patch, json_t **ret,
                  struct err *err);
int session_delete(struct session *s, const struct kube_type *type, const char *name,
                   const struct kube_delete_opts *opts, struct err *err);

/** session_pause() - Return: 0; negative when it was interrupted */
int session_pause(struct session *s, uint64_t ms, struct err *err);

/*
 * Following: a list, and then what changes, for as long as the callbacks return 0. A watch that
 * ends is opened again at the same resourceVersion; when the server answers 410 all is listed
 * again.
 */
struct session_follow {
	const struct kube_type *type;
	const char *ns; /* NULL: all */
	const char *label_selector;
	const char *field_selector;
	uint64_t deadline_ms; /* monotonic; 0: none */
	/* Return: 0 to go on, 1 to end it, negative with err set to end it failed. */
	int (*on_list)(void *arg, const json_t *items, struct err *err);
	int (*on_event)(void *arg, enum kube_watch_event event, json_t *object, struct err *err);
	void *arg;
};

/** session_follow() - Return: 0 a callback ended it; negative: ERR_TIMEOUT at the deadline, … */
int session_follow(struct session *s, const struct session_follow *follow, struct err *err);
