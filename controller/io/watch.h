/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch - the caches of all objects that the controller reads, by container
 *
 * A change of any object is reported as the key ("namespace/name") of its container.
 */
#pragma once

#include "controller/core/plan.h"
#include "lib/api/host_admission.h"
#include "lib/kube/client/client.h"

struct watch;

struct watch_opts {
	struct hosts_opts hosts;
	bool nodes;      /* see whether the rootfs's node still exists */
	bool namespaces; /* heed what they say of hosts */
	/* to be looked at in so long */
	void (*on_key)(void *arg, const char *key, uint64_t delay_ms);
	void (*on_synced)(void *arg); /* every cache holds its first list */
	void *arg;
};

enum { WATCH_KEY_BYTES = 512 };

int watch_new(struct event_base *base, struct kube_client *client, const struct watch_opts *opts,
              struct watch **ret_watch, struct err *err);
void watch_free(struct watch *w);
bool watch_is_synced(const struct watch *w);
/** watch_lost_ms() - for how long a cache may have been behind; 0: none is */
uint64_t watch_lost_ms(const struct watch *w, uint64_t now_ms);

/** watch_observe() - its objects are @ret_seen's own until watch_observed_done() */
void watch_observe(struct watch *w, const char *key, struct observed *ret_seen);
void watch_observed_done(struct observed *seen);
/** watch_learn() - what an API call answered, so that the next plan sees it */
void watch_learn(struct watch *w, enum plan_on on, const json_t *object);
/** watch_each_key() - of every container and every instance there is; some come twice */
void watch_each_key(struct watch *w, void (*visit)(void *arg, const char *key), void *arg);

/** watch_type() - the resource type that actions on @on go to */
const struct kube_type *watch_type(enum plan_on on);
