/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_spec - what a container of a Pod is for Podman: the body of its create call
 */
#include "local/runner/core/pod_spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/api/stop_signal.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"

enum {
	CPU_PERIOD_US = 100000,
	CPU_QUOTA_US_MIN = 1000,
	CPU_SHARES_MIN = 2,
	STOP_TIMEOUT_S = 10,
};

const json_t *pod_spec_security(const json_t *pod, const json_t *container, const char *field)
{
	const json_t *own = json_at(container, "securityContext", field, NULL);

	return own ? own : json_at(pod, "spec", "securityContext", field, NULL);
}

int pod_spec_non_root(const json_t *pod, const json_t *container, const char *image_user,
                      struct err *err)
{
	const json_t *uid = pod_spec_security(pod, container, "runAsUser");
	uint64_t number;
	char user[64];

	if (!json_is_true(pod_spec_security(pod, container, "runAsNonRoot")))
		return 0;
	if (uid != NULL)
		return json_integer_value(uid) != 0
		               ? 0
		               : err_set(err, ERR_INVALID, 0,
		                         "container's runAsUser breaks non-root policy");
	if (image_user == NULL)
		return 1;
	(void)snprintf(user, sizeof user, "%.*s", (int)strcspn(image_user, ":"), image_user);
	if (*user == '\0')
		return err_set(err, ERR_INVALID, 0,
		               "container has runAsNonRoot and image will run as root");
	if (num_parse_u64(user, 0, UINT32_MAX, &number, NULL) < 0)
		return err_set(err, ERR_INVALID, 0,
		               "container has runAsNonRoot and image has non-numeric user (%s), "
		               "cannot verify user is non-root",
		               user);
	return number != 0 ? 0
	                   : err_set(err, ERR_INVALID, 0,
	                             "container has runAsNonRoot and image will run as root");
}

int pod_spec_check(const json_t *pod, struct err *err)
{
	static const char *const host[] = {"hostNetwork", "hostPID", "hostIPC",
	                                   "shareProcessNamespace"};
	const json_t *container;
	size_t i;

	for (i = 0; i < ARRAY_LEN(host); i++)
		if (json_bool_at(pod, false, "spec", host[i], NULL))
			return err_set(err, ERR_INVALID, 0, "spec.%s is not supported here",
			               host[i]);
	json_array_foreach(json_at(pod, "spec", "containers", NULL), i, container) {
		if (json_is_object(json_at(container, "lifecycle", "postStart", NULL)))
			return err_set(err, ERR_INVALID, 0,
			               "spec.containers[%zu].lifecycle.postStart is not supported "
			               "here",
			               i);
	}
	return 0;
}

/* Return: new array with $(NAME) expanded; NULL when there is none */
static json_t *expand_list(const json_t *list, const json_t *env)
{
	json_t *out = NULL;
	json_t *item;
	size_t i;

	if (json_array_size(list) == 0)
		return NULL;
	out = json_array();
	json_array_foreach(list, i, item)
		json_array_append_new(out, pod_env_expand(json_string_value(item) ?: "", env));
	return out;
}

/* Kubernetes: a request that is absent is as large as the limit. */
static int quantity(const json_t *container, const char *kind, const char *resource,
                    uint64_t *ret_milli, struct err *err)
{
	const json_t *value = json_at(container, "resources", kind, resource, NULL);
	char number[32];
	const char *text = json_string_value(value);

	*ret_milli = 0;
	if (value == NULL)
		return 0;
	if (text == NULL) {
		(void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT,
		               json_integer_value(value));
		text = number;
	}
	if (num_parse_quantity_milli(text, ret_milli, err) < 0)
		return err_wrap(err, "resources.%s.%s", kind, resource);
	return 0;
}

static int put_resources(json_t *spec, const json_t *container, struct err *err)
{
	uint64_t cpu_limit, cpu_request, memory_limit;
	json_t *cpu = json_object(), *limits = json_object();
	uint64_t shares, quota;

	json_object_set_new(spec, "resource_limits", limits);
	json_object_set_new(limits, "cpu", cpu);
	if (quantity(container, "limits", "cpu", &cpu_limit, err) < 0 ||
	    quantity(container, "requests", "cpu", &cpu_request, err) < 0 ||
	    quantity(container, "limits", "memory", &memory_limit, err) < 0)
		return -1;
	if (cpu_request == 0)
		cpu_request = cpu_limit;
	shares = cpu_request * 1024 / 1000;
	json_object_set_new(
	        cpu, "shares",
	        json_integer((json_int_t)(shares < CPU_SHARES_MIN ? CPU_SHARES_MIN : shares)));
	if (cpu_limit > 0) {
		quota = cpu_limit * CPU_PERIOD_US / 1000;
		quota = quota < CPU_QUOTA_US_MIN ? CPU_QUOTA_US_MIN : quota;
		json_object_set_new(cpu, "quota", json_integer((json_int_t)quota));
		json_object_set_new(cpu, "period", json_integer(CPU_PERIOD_US));
	}
	/* "swap" is memory and swap together: as in Kubernetes, a container has none */
	if (memory_limit >= 1000)
		json_object_set_new(limits, "memory",
		                    json_pack("{s:I, s:I}", "limit",
		                              (json_int_t)(memory_limit / 1000), "swap",
		                              (json_int_t)(memory_limit / 1000)));
	return 0;
}

static int put_seccomp(json_t *spec, const json_t *pod, const json_t *container, struct err *err)
{
	const json_t *profile = pod_spec_security(pod, container, "seccompProfile");
	const char *type = json_str_at(profile, "RuntimeDefault", "type", NULL);

	if (strcmp(type, "Unconfined") == 0)
		json_object_set_new(spec, "seccomp_profile_path", json_string("unconfined"));
	else if (strcmp(type, "RuntimeDefault") != 0)
		return err_set(err, ERR_INVALID, 0, "seccompProfile.type %s is not supported here",
		               type);
	return 0;
}

/* Podman wants "CAP_" in front, Kubernetes none; both know ALL. */
static void put_capabilities(json_t *spec, const json_t *container)
{
	static const char *const lists[][2] = {{"add", "cap_add"}, {"drop", "cap_drop"}};
	char name[64];
	json_t *item;
	size_t i;

	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		const json_t *from =
		        json_at(container, "securityContext", "capabilities", lists[k][0], NULL);
		json_t *to = json_array();

		json_array_foreach(from, i, item) {
			const char *cap = json_string_value(item) ?: "";
			bool plain = strcasecmp(cap, "ALL") == 0 || strncmp(cap, "CAP_", 4) == 0;

			(void)snprintf(name, sizeof name, "%s%s", plain ? "" : "CAP_", cap);
			json_array_append_new(to, json_string(name));
		}
		if (json_array_size(to) > 0)
			json_object_set_new(spec, lists[k][1], to);
		else
			json_decref(to);
	}
}

/* Podman's own default is the image's. */
static void put_stop_signal(json_t *spec, const json_t *container)
{
	int number = stop_signal_of(container, NULL);

	if (number != 0)
		json_object_set_new(spec, "stop_signal", json_integer(number));
}

static void put_user(json_t *spec, const json_t *pod, const json_t *container)
{
	const json_t *uid = pod_spec_security(pod, container, "runAsUser");
	const json_t *gid = pod_spec_security(pod, container, "runAsGroup");
	const json_t *extra = json_at(pod, "spec", "securityContext", "supplementalGroups", NULL);
	const json_t *fs_group = json_at(pod, "spec", "securityContext", "fsGroup", NULL);
	json_t *groups = json_array();
	json_t *group;
	char text[64];
	size_t i;

	if (uid != NULL || gid != NULL) {
		(void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(uid));
		if (gid != NULL)
			(void)snprintf(text + strlen(text), sizeof text - strlen(text),
			               ":%" JSON_INTEGER_FORMAT, json_integer_value(gid));
		json_object_set_new(spec, "user", json_string(text));
	}
	json_array_foreach(extra, i, group) {
		(void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT,
		               json_integer_value(group));
		json_array_append_new(groups, json_string(text));
	}
	if (fs_group != NULL) {
		(void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT,
		               json_integer_value(fs_group));
		json_array_append_new(groups, json_string(text));
	}
	json_object_set_new(spec, "groups", groups);
}

static int put_security(json_t *spec, const json_t *pod, const json_t *container, struct err *err)
{
	const json_t *context = json_object_get(container, "securityContext");

	put_user(spec, pod, container);
	put_capabilities(spec, container);
	if (json_bool_at(context, false, "readOnlyRootFilesystem", NULL))
		json_object_set_new(spec, "read_only_filesystem", json_true());
	if (!json_bool_at(context, true, "allowPrivilegeEscalation", NULL))
		json_object_set_new(spec, "no_new_privileges", json_true());
	if (json_bool_at(context, false, "privileged", NULL))
		json_object_set_new(spec, "privileged", json_true());
	return put_seccomp(spec, pod, container, err);
}

static const char *propagation(const json_t *mount)
{
	const char *wanted = json_str_at(mount, "None", "mountPropagation", NULL);

	if (strcmp(wanted, "Bidirectional") == 0)
		return "rshared";
	return strcmp(wanted, "HostToContainer") == 0 ? "rslave" : "rprivate";
}

static void put_mounts(json_t *spec, const struct pod_spec_input *in)
{
	json_t *mounts = json_array();
	json_t *mount;
	size_t i;

	json_array_foreach(json_object_get(in->container, "volumeMounts"), i, mount) {
		json_array_append_new(
		        mounts,
		        json_pack("{s:s, s:s, s:s, s:[s,s,s]}", "type", "bind", "source",
		                  in->mount_sources[i], "destination",
		                  json_str_at(mount, "", "mountPath", NULL), "options", "rbind",
		                  json_bool_at(mount, false, "readOnly", NULL) ? "ro" : "rw",
		                  propagation(mount)));
	}
	json_object_set_new(spec, "mounts", mounts);
}

static void put_identity(json_t *spec, const struct pod_spec_input *in)
{
	const json_t *pod = in->env.pod;
	const char *container = json_str_at(in->container, "", "name", NULL);
	const char *hostname = json_str_at(pod, kube_name(pod), "spec", "hostname", NULL);
	char kills[24];
	char text[640];

	(void)snprintf(text, sizeof text, "k8s_%s_%s_%s_%s_%u", container, kube_name(pod),
	               kube_namespace(pod), kube_uid(pod), in->attempt);
	json_object_set_new(spec, "name", json_string(text));
	/* sethostname(2): 64 bytes; the kubelet cuts at 63 */
	(void)snprintf(text, sizeof text, "%.63s", hostname);
	json_object_set_new(spec, "hostname", json_string(text));
	(void)snprintf(text, sizeof text, "%.63s:%s", hostname, in->env.pod_ip);
	json_object_set_new(spec, "hostadd", json_pack("[s]", text));
	(void)snprintf(text, sizeof text, "%u", in->attempt);
	(void)snprintf(kills, sizeof kills, "%" PRIu64, in->oom_kills);
	json_object_set_new(spec, "labels",
	                    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", POD_LABEL_UID,
	                              kube_uid(pod), POD_LABEL_NAME, kube_name(pod),
	                              POD_LABEL_NAMESPACE, kube_namespace(pod), POD_LABEL_CONTAINER,
	                              container, POD_LABEL_ATTEMPT, text, POD_LABEL_ADDRESS,
	                              in->env.pod_ip, POD_LABEL_OOM_KILLS, kills));
}

/* What every container of this engine has alike. */
static json_t *spec_base(const struct pod_spec_input *in)
{
	json_int_t nofile = (json_int_t)in->nofile_max, nproc = (json_int_t)in->nproc_max;

	return json_pack("{s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:b, s:i, s:s,"
	                 " s:[{s:s, s:I, s:I}, {s:s, s:I, s:I}], s:{s:s, s:I}}",
	                 "image", in->image, "netns", "nsmode", "path", "value", in->netns_path,
	                 "cgroup_parent", in->cgroup_parent, "cgroups_mode", "enabled",
	                 "image_volume_mode", "ignore", "create_working_dir", 1, "stop_timeout",
	                 STOP_TIMEOUT_S, "restart_policy", "no", "r_limits", "type", "NOFILE",
	                 "hard", nofile, "soft", nofile, "type", "NPROC", "hard", nproc, "soft",
	                 nproc, "log_configuration", "driver", "k8s-file", "size",
	                 (json_int_t)in->log_bytes_max);
}

int pod_spec_make(const struct pod_spec_input *in, json_t **ret_spec, struct err *err)
{
	json_t *env = NULL, *spec = NULL, *list;
	const char *work_dir = json_str_at(in->container, "", "workingDir", NULL);
	int r = -1;

	if (pod_env_make(&in->env, in->container, &env, err) < 0)
		return -1;
	spec = spec_base(in);
	if (spec == NULL) {
		(void)err_set(err, ERR_NOMEM, 0, "container");
		goto out;
	}
	json_object_set(spec, "env", env);
	/* Kubernetes: command alone drops the image's arguments, as libpod's entrypoint does */
	if ((list = expand_list(json_object_get(in->container, "command"), env)) != NULL)
		json_object_set_new(spec, "entrypoint", list);
	if ((list = expand_list(json_object_get(in->container, "args"), env)) != NULL)
		json_object_set_new(spec, "command", list);
	if (*work_dir != '\0')
		json_object_set_new(spec, "work_dir", json_string(work_dir));
	put_stop_signal(spec, in->container);
	put_identity(spec, in);
	put_mounts(spec, in);
	if (put_resources(spec, in->container, err) < 0 ||
	    put_security(spec, in->env.pod, in->container, err) < 0)
		goto out;
	*ret_spec = TAKE_PTR(spec);
	r = 0;
out:
	json_decref(env);
	json_decref(spec);
	return r;
}
