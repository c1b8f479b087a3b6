/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_internal - what calls, lists and watches share
 */
#pragma once

#include <sys/queue.h>

#include "lib/http/client.h"
#include "lib/kube/client/client.h"

enum {
	KUBE_CALL_TIMEOUT_MS = 30000,
	KUBE_LIST_PAGE_OBJECTS = 500,
	KUBE_LIST_OBJECTS_MAX = 200000,
};

struct kube_call {
	TAILQ_ENTRY(kube_call) link;
	struct kube_client *client;
	struct http_call *http;
	kube_done_fn done;
	void *arg;
	struct kube_pages *pages; /* of a list, else NULL */
	bool is_guarded;          /* it writes something, and not a lease */
	bool is_reading;          /* in one of a list's callbacks: freed when that returns */
	bool is_cancelled;
};

struct kube_client {
	struct http_client *http;
	bool (*may_write)(void *arg); /* or NULL */
	void *may_write_arg;
	TAILQ_HEAD(, kube_call) calls;
	TAILQ_HEAD(, kube_watch) watches;
};

/** kube_call_send() - one request of a call; @body may be NULL. Return: 0, or -1 without memory */
int kube_call_send(struct kube_call *call, const char *method, const char *path, const char *type,
                   const char *body);

struct kube_call *kube_call_new(struct kube_client *c, kube_done_fn done, void *arg);
void kube_call_free(struct kube_call *call);
/** kube_call_destroy() - of one that was cancelled in its own callback */
void kube_call_destroy(struct kube_call *call);
/** kube_call_end() - the one place where done is called; frees the call */
void kube_call_end(struct kube_call *call, struct kube_result *res);

/** kube_pages_read() - bytes of a list's answer (http_request.on_data) */
int kube_pages_read(void *arg, const char *data, size_t bytes);
/** kube_pages_envelope() - the page without its items, when all of it came. New reference */
json_t *kube_pages_envelope(struct kube_pages *pages);
/**
 * kube_pages_take() - a page of a list has come
 * Return: 0 the list is whole and in res->body, 1 another request is under way, negative with
 * err set.
 */
int kube_pages_take(struct kube_call *call, struct kube_result *res, struct err *err);
void kube_pages_free(struct kube_pages *pages);
