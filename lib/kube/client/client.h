/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube client - calls to a Kubernetes API server, asynchronous
 *
 * Sources: Kubernetes API conventions and API concepts (pagination, preconditions, status
 * subresource, Status objects). Every call ends in one kube_done_fn, unless it was cancelled.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct event_base;
struct kubeconfig;
struct kube_client;
struct kube_call;

/* A resource type. Make them static const; see KUBE_PODS and friends. */
struct kube_type {
	const char *group;   /* "" for core */
	const char *version; /* "v1" */
	const char *plural;  /* "pods" */
	const char *kind;    /* "Pod" */
	bool cluster_scoped;
};

extern const struct kube_type KUBE_PODS;
extern const struct kube_type KUBE_SERVICES;
extern const struct kube_type KUBE_ENDPOINTSLICES;
extern const struct kube_type KUBE_EVENTS;
extern const struct kube_type KUBE_LEASES;
extern const struct kube_type KUBE_NODES;
extern const struct kube_type KUBE_NAMESPACES;

/* One object, or a whole type. Borrowed strings; copied by the call. */
struct kube_ref {
	const struct kube_type *type;
	const char *ns;          /* NULL: all namespaces, or cluster scoped */
	const char *name;        /* NULL for list and create */
	const char *subresource; /* NULL, "status", … */
};

struct kube_result {
	int http_status;       /* 0: no answer */
	json_t *body;          /* borrowed: the object or list; NULL on failure */
	const struct err *err; /* NULL on success; else code by the Status reason and its message */
	uint64_t retry_after_ms;
};

typedef void (*kube_done_fn)(void *arg, const struct kube_result *res);

struct kube_list_opts {
	const char *label_selector; /* or NULL */
	const char *field_selector; /* or NULL */
	uint32_t page_objects;      /* 0: 500; pages are fetched until all are there */
	/*
	 * Each item's text as it comes, borrowed, instead of a list that holds all: what the result
	 * then has is the list without items. Return 0; 1 to end the call without a word to @done;
	 * -1 when it is no JSON.
	 * @on_begin: from here on the items are those of a list; comes again when it must be asked
	 * for anew. Both are called with @done's argument.
	 */
	void (*on_begin)(void *arg);
	int (*on_item)(void *arg, const char *text, size_t bytes);
};

struct kube_delete_opts {
	const char *uid;              /* precondition, or NULL */
	const char *resource_version; /* precondition, or NULL */
	int64_t grace_period_s;       /* -1: the object's own */
};

int kube_client_new(struct event_base *base, const struct kubeconfig *conf, const char *user_agent,
                    struct kube_client **ret_client, struct err *err);
/** kube_client_free() - ends calls and watches without a word to them; safe from any callback */
void kube_client_free(struct kube_client *client);

/**
 * kube_client_guard() - whether calls that change something may still be sent
 * Asked of each when its first byte is about to be written. A leader that was paused between its
 * decision and that moment finds that it leads no more, and what it had decided ends with
 * ERR_DENIED. Leases are exempt: they carry their own precondition.
 */
void kube_client_guard(struct kube_client *client, bool (*may_write)(void *arg), void *arg);

/*
 * All of these return the call (for kube_cancel()), or NULL with @done never called when memory
 * ran out or the token file cannot be read. @done is never called from inside the function
 * itself. Bodies are borrowed.
 */
struct kube_call *kube_get(struct kube_client *c, const struct kube_ref *ref, kube_done_fn done,
                           void *arg);
/** kube_get_path() - a document that is no object, such as "/version" or "/apis/GROUP" */
struct kube_call *kube_get_path(struct kube_client *c, const char *path, kube_done_fn done,
                                void *arg);
/**
 * kube_list() - result body: one List with all pages' items and the first page's resourceVersion
 * The items come with apiVersion and kind, and without metadata.managedFields; with @on_item as the
 * server sent them. They are read one by one as the bytes arrive, so that a page is never whole in
 * memory. When the server forgets the list between two pages (410), all is asked for again in one
 * piece.
 */
struct kube_call *kube_list(struct kube_client *c, const struct kube_ref *ref,
                            const struct kube_list_opts *opts, kube_done_fn done, void *arg);
struct kube_call *kube_create(struct kube_client *c, const struct kube_ref *ref,
                              const json_t *object, kube_done_fn done, void *arg);
struct kube_call *kube_replace(struct kube_client *c, const struct kube_ref *ref,
                               const json_t *object, kube_done_fn done, void *arg);
/** kube_patch_merge() - RFC 7396 */
struct kube_call *kube_patch_merge(struct kube_client *c, const struct kube_ref *ref,
                                   const json_t *patch, kube_done_fn done, void *arg);
/** kube_patch_json() - RFC 6902 */
struct kube_call *kube_patch_json(struct kube_client *c, const struct kube_ref *ref,
                                  const json_t *patch, kube_done_fn done, void *arg);
struct kube_call *kube_delete(struct kube_client *c, const struct kube_ref *ref,
                              const struct kube_delete_opts *opts, kube_done_fn done, void *arg);
/** kube_cancel() - @done will not run; not from inside the call's own @done. NULL is allowed. */
void kube_cancel(struct kube_call *call);

/* A raw watch; informers are what programs use. */
struct kube_watch;
struct skim;
enum kube_watch_event {
	KUBE_WATCH_ADDED,
	KUBE_WATCH_MODIFIED,
	KUBE_WATCH_DELETED,
	KUBE_WATCH_BOOKMARK,
};
struct kube_watch_opts {
	const char *label_selector;
	const char *field_selector;
	const char *resource_version; /* where to start */
	const struct skim *keep; /* what of each object @on_event is given; NULL: all. Static */
	/* The server took the watch; may be NULL. */
	void (*on_open)(void *arg);
	/* @object is borrowed */
	void (*on_event)(void *arg, enum kube_watch_event event, json_t *object);
	/* The watch is over: NULL when the server ended it in order, ERR_GONE to list again, … */
	void (*on_end)(void *arg, const struct err *err);
	void *arg;
};
struct kube_watch *kube_watch_start(struct kube_client *c, const struct kube_ref *ref,
                                    const struct kube_watch_opts *opts);
/** kube_watch_stop() - no further callback; safe inside on_event and on_open, not inside on_end */
void kube_watch_stop(struct kube_watch *w);
