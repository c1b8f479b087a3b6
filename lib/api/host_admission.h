/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_admission - which container is admitted for which host of spec.activation.hosts
 *
 * Who serves a host keeps it: what a container's status names (status.activation.hosts, which the
 * controller alone writes) stays its own until it takes the host out of its spec or is deleted,
 * whatever others ask for and however old they are. A host that nobody has goes to the first that
 * asks; of several that are first seen together, to the oldest. Names below our own domains belong
 * to their namespace (host_domains.h), and an operator says which namespaces may have which
 * domains: for all of them at once, or in a Namespace for it alone.
 *
 *     ASKED ──hosts_judge(): allowed, and free──> GRANTED ──its status says so──> KEPT
 *       └──────────────<── the host is another's in status, or not allowed any more ──┘
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"

enum { HOSTS_TEXT_BYTES = 600, HOSTS_GRANT_BYTES_MAX = 8192 };

struct hosts;

struct hosts_opts {
	const char *const *domains; /* NULL-terminated, as of host_domains.h */
	const char *cluster_domain;
	/*
	 * NULL-terminated, "DOMAIN=NAMESPACE": a host that is DOMAIN or below it may be had by
	 * that namespace. "*" is any, and no namespace none. Of the domains that a host is below
	 * the longest counts.
	 */
	const char *const *allowed;
};

struct hosts *hosts_new(const struct hosts_opts *opts, struct err *err);
void hosts_free(struct hosts *h);

/** hosts_set() - a container as it is now; nothing happens when its hosts are what they were */
int hosts_set(struct hosts *h, const json_t *container, struct err *err);
void hosts_remove(struct hosts *h, const char *uid);

/**
 * hosts_grant() - the domains that @ns may have by its own Namespace, besides hosts_opts.allowed
 * @domains: "a.test, b.test", "*" for any; NULL or "": none
 * It takes nothing from anybody: of another namespace's domain that is longer only that one counts.
 *
 * Return: 1 when that is new, and the containers of @ns have to be judged; 0: it was so; negative
 * with err set: there is none now.
 */
int hosts_grant(struct hosts *h, const char *ns, const char *domains, struct err *err);

struct hosts_verdict {
	json_t *admitted;            /* list of hosts, owned; NULL: the container lists none */
	const char *reason;          /* why the first that is refused is; NULL: none is */
	char text[HOSTS_TEXT_BYTES]; /* with it */
};

/** hosts_judge() - also grants what is free; @ret_verdict: free what it holds */
void hosts_judge(struct hosts *h, const char *uid, struct hosts_verdict *ret_verdict);

/** hosts_each_refused() - once after something was freed: those that may have a host now */
void hosts_each_refused(struct hosts *h, void (*visit)(void *arg, const char *ns, const char *name),
                        void *arg);
