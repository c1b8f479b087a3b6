/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call - one call to the API server under way, whatever it asks for
 *
 * Below the verbs (client.c) and lists (list.c), which are made of calls. A list reads its answers
 * itself, and may need several requests; it sets the members for that.
 */
#pragma once

#include <sys/queue.h>

#include "lib/http/client.h"
#include "lib/kube/client/client.h"

enum { KUBE_CALL_TIMEOUT_MS = 30000 };

struct kube_call {
	TAILQ_ENTRY(kube_call) link;
	struct kube_client *client;
	struct http_call *http;
	kube_done_fn done;
	void *arg;
	/* As of a struct http_request; their argument is the call. */
	int (*on_data)(void *arg, const char *data, size_t bytes); /* NULL: a body is kept whole */
	void (*on_answer)(void *arg, const struct http_response *http);
	/* What on_data and on_answer keep between two of them; or NULL. */
	void *state;
	void (*state_free)(void *state);
	bool is_guarded; /* it writes something, and not a lease */
	bool is_reading; /* in one of a list's callbacks: freed when that returns */
	bool is_cancelled;
};

struct kube_client {
	struct http_client *http;
	bool (*may_write)(void *arg); /* or NULL */
	void *may_write_arg;
	TAILQ_HEAD(, kube_call) calls;
	TAILQ_HEAD(, kube_watch) watches;
};

/** kube_call_new() - one whose answer is one object. Return: NULL without memory */
struct kube_call *kube_call_new(struct kube_client *c, kube_done_fn done, void *arg);
/** kube_call_free() - one that was never sent, or whose @done is not called */
void kube_call_free(struct kube_call *call);
/** kube_call_destroy() - of one that was cancelled in its own callback */
void kube_call_destroy(struct kube_call *call);

/** kube_call_send() - one request of a call; @body may be NULL. Return: 0, or -1 without memory */
int kube_call_send(struct kube_call *call, const char *method, const char *path, const char *type,
                   const char *body);

/**
 * kube_call_result() - what an answer means
 * @body:  what was read of it; NULL: it is not JSON, for the reason @why_not
 * @why:   where @ret->err points to on failure
 */
void kube_call_result(const struct http_response *http, json_t *body, const char *why_not,
                      struct err *why, struct kube_result *ret);

/** kube_call_end() - the one place where done is called; frees the call before */
void kube_call_end(struct kube_call *call, const struct kube_result *res);
