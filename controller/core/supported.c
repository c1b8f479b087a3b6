/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supported - finds what of a Pod template cannot be honoured, before any Pod is made
 */
#include "controller/core/supported.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/kube/client/object.h"

/* Which values of a field are refused; slot 0 is illegal. */
enum refused { REFUSED_UNSET, REFUSED_ANY, REFUSED_TRUE, REFUSED_FALSE, REFUSED_OTHER_THAN };

struct rule {
	const char *keys[2]; /* the path, NULL after its last */
	enum refused refused;
	const char *allowed; /* REFUSED_OTHER_THAN */
	const char *why;
};

static const char restarts[] = "a process that ends is started again until spec.running is false";

static const struct rule pod_rules[] = {
        {{"hostPID"},
         REFUSED_TRUE,
         NULL,
         "processes could outlive the container and use its root filesystem beside the next one"},
        {{"shareProcessNamespace"},
         REFUSED_TRUE,
         NULL,
         "processes could outlive the container and use its root filesystem beside the next one"},
        {{"hostUsers"},
         REFUSED_FALSE,
         NULL,
         "the kept root filesystem has the node's user IDs, not those of a user namespace"},
        {{"restartPolicy"}, REFUSED_OTHER_THAN, "Always", restarts},
        {{"activeDeadlineSeconds"}, REFUSED_ANY, NULL, restarts},
        {{"ephemeralContainers"}, REFUSED_ANY, NULL, "a Pod cannot be created with them"},
        {{"os", "name"}, REFUSED_OTHER_THAN, "linux", "nodes run Linux"},
        {{"securityContext", "windowsOptions"}, REFUSED_ANY, NULL, "nodes run Linux"},
};

static const struct rule container_rules[] = {
        {{"restartPolicy"}, REFUSED_OTHER_THAN, "Always", restarts},
        {{"restartPolicyRules"}, REFUSED_ANY, NULL, restarts},
        {{"securityContext", "windowsOptions"}, REFUSED_ANY, NULL, "nodes run Linux"},
        {{"securityContext", "procMount"},
         REFUSED_OTHER_THAN,
         "Default",
         "it needs a user namespace, and the kept root filesystem is in none"},
};

static const json_t *value_at(const json_t *from, const struct rule *rule)
{
	for (size_t i = 0; i < ARRAY_LEN(rule->keys) && rule->keys[i] != NULL; i++)
		from = json_object_get(from, rule->keys[i]);
	return from;
}

static bool is_refused(const struct rule *rule, const json_t *value)
{
	switch (rule->refused) {
	case REFUSED_ANY:
		return value != NULL && !json_is_null(value) &&
		       !(json_is_array(value) && json_array_size(value) == 0);
	case REFUSED_TRUE:
		return json_is_true(value);
	case REFUSED_FALSE:
		return json_is_false(value);
	case REFUSED_OTHER_THAN:
		return json_is_string(value) && *json_string_value(value) != '\0' &&
		       strcmp(json_string_value(value), rule->allowed) != 0;
	case REFUSED_UNSET:
		break;
	}
	return false;
}

static bool check_rules(const json_t *from, const char *base, const struct rule *rules,
                        size_t count, char buf[SUPPORTED_TEXT_BYTES])
{
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &rules[i];

		if (!is_refused(rule, value_at(from, rule)))
			continue;
		(void)snprintf(buf, SUPPORTED_TEXT_BYTES, "%s.%s%s%s: %s", base, rule->keys[0],
		               rule->keys[1] != NULL ? "." : "",
		               rule->keys[1] != NULL ? rule->keys[1] : "", rule->why);
		return false;
	}
	return true;
}

/* Only what is mounted goes with the container into its root filesystem, and /dev is. */
static bool check_devices(const json_t *container, const char *base, char buf[SUPPORTED_TEXT_BYTES])
{
	const json_t *device;
	size_t i;

	json_array_foreach(json_object_get(container, "volumeDevices"), i, device) {
		const char *path = json_str_at(device, "", "devicePath", NULL);

		if (strncmp(path, "/dev/", 5) == 0 && strstr(path, "/..") == NULL)
			continue;
		(void)snprintf(
		        buf, SUPPORTED_TEXT_BYTES,
		        "%s.volumeDevices[%zu].devicePath: want a path below /dev, since only "
		        "what is mounted comes with the root filesystem",
		        base, i);
		return false;
	}
	return true;
}

/* While it waits the wrapper is process 1, and then the user's program: neither is sure to be. */
static bool check_process_one(const struct resource *r, const char *base,
                              char buf[SUPPORTED_TEXT_BYTES])
{
	if (!r->is_application ||
	    json_at(r->container, "lifecycle", "postStart", "exec", NULL) == NULL)
		return true;
	(void)snprintf(buf, SUPPORTED_TEXT_BYTES,
	               "%s.lifecycle.postStart.exec: with spec.processOne: Application there is no "
	               "wrapper that it could wait with for the files",
	               base);
	return false;
}

bool supported_check(const struct resource *r, char buf[SUPPORTED_TEXT_BYTES])
{
	const char *base = r->pod_spec != NULL ? "spec.template.spec.containers[0]"
	                                       : "spec.template.container";

	return check_rules(r->pod_spec, "spec.template.spec", pod_rules, ARRAY_LEN(pod_rules),
	                   buf) &&
	       check_rules(r->container, base, container_rules, ARRAY_LEN(container_rules), buf) &&
	       check_devices(r->container, base, buf) && check_process_one(r, base, buf);
}
