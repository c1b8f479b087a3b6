/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource - a StoppableContainer as the programs read it
 *
 * A plain value, parsed once per change from the object; defaults of the CRD are applied again, so
 * that an object that was stored before a default existed reads the same.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum {
	RESOURCE_UPGRADES_MAX = 8,
	RESOURCE_UPGRADE_BYTES = 32,
	RESOURCE_UPGRADES_BYTES = RESOURCE_UPGRADES_MAX * (RESOURCE_UPGRADE_BYTES + 1),
};

struct resource_activation {
	bool enabled;  /* spec.activation.enabled, and there is a port */
	uint16_t port; /* resolved: number, name, or the first containerPort; 0: none */
	/* Each "set": the manifest says it; else the activator's own default holds. */
	bool hold_timeout_set, pending_requests_set, pending_bytes_set;
	uint64_t hold_timeout_ms;
	uint32_t pending_requests_max;
	size_t pending_bytes_max;
	uint32_t concurrency_max;               /* 0: no limit */
	char upgrades[RESOURCE_UPGRADES_BYTES]; /* "a,b", lower case: what Upgrade may name */
	const char *service_name;               /* borrowed from the object */
	const char **hosts;      /* NULL-terminated, owned: spec.activation.hosts, lower case */
	uint64_t hosts_admitted; /* bit i: hosts[i] leads here, as status.activation.hosts says */
	bool hosts_judged;       /* false: by a controller that admits none; all bits are set */
};

struct resource_idle {
	bool timeout_set;    /* spec.idle.timeout present */
	uint64_t timeout_ms; /* 0: never */
	uint64_t startup_grace_ms;
	bool startup_grace_set;
	bool signal_http; /* spec.idle.signals.http */
};

struct resource {
	const json_t *object; /* referenced */
	const char *ns;       /* borrowed from object, like all strings */
	const char *name;
	const char *uid;
	int64_t generation;
	bool deleting;
	bool running; /* spec.running */
	const char *host_path_prefix;
	bool is_application;     /* spec.processOne: the user's process is process 1 itself */
	const json_t *template;  /* spec.template */
	const json_t *container; /* the main container: template.container or
	                            template.spec.containers[0] */
	const json_t *pod_spec;  /* template.spec in the long shape, NULL in the short one */
	struct resource_activation activation;
	struct resource_idle idle;
};

/**
 * resource_parse() - @object is referenced by the result; free it with resource_free()
 * Return: 0; negative with err naming the field path when the object cannot be used. Without memory
 * the program ends: the change would be lost for good, and the object looked wrong.
 */
int resource_parse(const json_t *object, struct resource **ret_resource, struct err *err);
void resource_free(struct resource *r);

enum { RESOURCE_HOSTS_MAX = 64, RESOURCE_HOST_BYTES = 254 };

/** resource_host() - a host of spec.activation.hosts, lower case. Return: whether it is one */
bool resource_host(const char *text, char ret_host[RESOURCE_HOST_BYTES]);

/**
 * resource_hosts_unjudged() - the controller has seen this very spec, and said nothing of its hosts
 * That was one from before there was status.activation.hosts.
 */
bool resource_hosts_unjudged(const json_t *object);

#include "lib/api/host_claims.h"
