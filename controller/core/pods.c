/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods - makes the two Pods of a container, provider and consumer, from its template
 */
#include "controller/core/pods.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "controller/core/pods_words.h"
#include "lib/api/instance.h"
#include "lib/api/names.h"
#include "lib/api/stop_signal.h"
#include "lib/base/hash.h"
#include "lib/kube/client/object.h"

/* A resource of its own: the pause process and the copy of the wrapper are tiny. */
#define SMALL_REQUESTS "{s:{s:s,s:s},s:{s:s}}"
#define SMALL_REQUESTS_ARGS "requests", "cpu", "1m", "memory", "8Mi", "limits", "memory", "32Mi"

/* Volumes and node selection stand beside the container in the short shape. */
static const json_t *pod_level(const struct resource *r)
{
	return r->pod_spec != NULL ? r->pod_spec : r->template;
}

/* At the folder of the control socket, or below it. */
static bool mounts_over_control(const json_t *container)
{
	const size_t len = strlen(SC_CONTROL_MOUNT);
	const json_t *mount;
	size_t i;

	json_array_foreach(json_object_get(container, "volumeMounts"), i, mount) {
		const char *path = json_str_at(mount, "", "mountPath", NULL);

		if (strncmp(path, SC_CONTROL_MOUNT, len) == 0 &&
		    (path[len] == '\0' || path[len] == '/'))
			return true;
	}
	return false;
}

/* The agent speaks to whoever listens on that volume: only the wrapper may. */
static bool takes_control(const json_t *containers)
{
	const json_t *one;
	size_t i;

	json_array_foreach(containers, i, one) {
		if (pods_has_named(json_object_get(one, "volumeMounts"), "name", SC_CONTROL_VOLUME))
			return true;
	}
	return false;
}

const char *pods_check_template(const struct resource *r)
{
	const json_t *pod = pod_level(r);

	if (strlen(r->name) > 63)
		return "metadata.name: at most 63 characters, since it is the value of a label";
	if (*json_str_at(r->container, "", "image", NULL) == '\0')
		return "spec.template: the first container needs an image";
	if (pods_has_named(json_object_get(pod, "volumes"), "name", SC_CONTROL_VOLUME) ||
	    pods_has_named(json_object_get(r->container, "volumeMounts"), "name",
	                   SC_CONTROL_VOLUME) ||
	    takes_control(json_object_get(pod, "containers")) ||
	    takes_control(json_object_get(pod, "initContainers")))
		return "spec.template: the volume name " SC_CONTROL_VOLUME " is reserved";
	if (mounts_over_control(r->container))
		return "spec.template: the mount path " SC_CONTROL_MOUNT " is reserved";
	return NULL;
}

static int hash_more(const char *bytes, size_t size, void *arg)
{
	uint64_t *hash = arg;

	*hash = hash_bytes(*hash, bytes, size);
	return 0;
}

static void hash_json(const json_t *value, char buf[PODS_HASH_BYTES])
{
	uint64_t hash = HASH_BEGIN;

	(void)json_dump_callback(value, hash_more, &hash,
	                         JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);
	(void)snprintf(buf, PODS_HASH_BYTES, "%016llx", (unsigned long long)hash);
}

void pods_consumer_hash(const struct resource *r, char buf[PODS_HASH_BYTES])
{
	json_t *both;

	if (!r->is_application) { /* as ever: another hash would say that the template changed */
		hash_json(r->template, buf);
		return;
	}
	both = json_pack("{s:O, s:b}", "template", r->template, "application", 1);
	hash_json(both, buf);
	json_decref(both);
}

void pods_provider_hash(const struct resource *r, char buf[PODS_HASH_BYTES])
{
	json_t *made_of = json_pack("{s:O?,s:O?,s:O?,s:O?,s:O?}", "image",
	                            json_at(r->container, "image", NULL), "pull",
	                            json_at(r->container, "imagePullPolicy", NULL), "secrets",
	                            json_at(pod_level(r), "imagePullSecrets", NULL), "account",
	                            json_at(pod_level(r), "serviceAccountName", NULL), "provider",
	                            json_at(r->object, "spec", "provider", NULL));

	hash_json(made_of, buf);
	json_decref(made_of);
}

json_t *pods_metadata(const struct resource *r, const char *name, const char *role,
                      const json_t *owner, const char *owner_kind)
{
	json_t *meta = json_pack(
	        "{s:s,s:s,s:{s:s,s:s},s:[{s:s,s:s,s:s,s:s,s:b,s:b}]}", "name", name, "namespace",
	        r->ns, "labels", SC_LABEL_MANAGED_BY, SC_MANAGED_BY, SC_LABEL_INSTANCE, r->name,
	        "ownerReferences", "apiVersion", SC_API_VERSION, "kind", owner_kind, "name",
	        kube_name(owner), "uid", kube_uid(owner), "controller", 1, "blockOwnerDeletion", 1);

	if (role != NULL)
		(void)json_object_set_new(json_object_get(meta, "labels"), SC_LABEL_ROLE,
		                          json_string(role));
	return meta;
}

bool pods_has_command(const struct resource *r, const json_t *image)
{
	json_t *args = pods_args(r->container, image);
	bool has = json_array_size(args) > 0;

	json_decref(args);
	return has;
}

static json_t *child(json_t *parent, const char *key)
{
	json_t *value = json_object_get(parent, key);

	if (!json_is_object(value)) {
		value = json_object();
		(void)json_object_set_new(parent, key, value);
	}
	return value;
}

/* The container's word comes before the Pod's. */
static const json_t *security(const struct resource *r, const char *key)
{
	const json_t *own = json_at(r->container, "securityContext", key, NULL);

	return own != NULL ? own : json_at(r->pod_spec, "securityContext", key, NULL);
}

bool pods_knows_user(const struct resource *r, const json_t *image)
{
	return instance_image_is_of(image, security(r, "runAsUser"));
}

/* Runtimes look the user up in a container's image, which is the wrapper's: the agent did. */
static void merge_user(json_t *main, const struct resource *r, const json_t *image)
{
	if (!json_is_integer(json_at(image, "uid", NULL)))
		return;
	if (security(r, "runAsUser") == NULL)
		(void)json_object_set(child(main, "securityContext"), "runAsUser",
		                      json_at(image, "uid", NULL));
	if (security(r, "runAsGroup") == NULL)
		(void)json_object_set_new(child(main, "securityContext"), "runAsGroup",
		                          json_integer(json_int_at(image, 0, "gid", NULL)));
}

static bool has_integer(const json_t *list, const json_t *value)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		if (json_equal(one, value))
			return true;
	}
	return false;
}

/* And the groups of that user. A Pod's are all its containers', so that others must not be there.
 */
static void merge_groups(json_t *spec, const json_t *image)
{
	const json_t *groups = json_at(image, "groups", NULL);
	const char *policy =
	        json_str_at(spec, "", "securityContext", "supplementalGroupsPolicy", NULL);
	json_t *all, *group;
	size_t i;

	if (json_array_size(groups) == 0 || strcmp(policy, "Strict") == 0 ||
	    json_array_size(json_object_get(spec, "containers")) > 1 ||
	    json_array_size(json_object_get(spec, "initContainers")) > 0)
		return;
	all = json_object_get(child(spec, "securityContext"), "supplementalGroups");
	if (!json_is_array(all)) {
		all = json_array();
		(void)json_object_set_new(child(spec, "securityContext"), "supplementalGroups",
		                          all);
	}
	json_array_foreach(groups, i, group) {
		if (!has_integer(all, group))
			(void)json_array_append(all, group);
	}
}

static json_t *wrapper_command(const struct resource *r, const json_t *image)
{
	json_t *command = json_pack("[s,s]", "/sc-wrapper", "run");
	int stop_signal = stop_signal_of(r->container, image);

	if (r->is_application) {
		(void)json_array_append_new(command, json_string("--process-one"));
	} else if (stop_signal != 0) {
		(void)json_array_append_new(command, json_string("--stop-signal"));
		(void)json_array_append_new(command, json_sprintf("%d", stop_signal));
	}
	(void)json_array_append_new(command, json_string("--"));
	return command;
}

/*
 * The kubelet runs it as soon as the container runs, which may be before the hand-over: the wrapper
 * waits for that, and process 1 is the wrapper whatever the root is.
 */
static void wrap_post_start(json_t *main)
{
	json_t *hook = json_at(main, "lifecycle", "postStart", "exec", NULL);
	json_t *users = json_object_get(hook, "command");
	json_t *command;

	if (json_array_size(users) == 0)
		return; /* the API server says so */
	command = json_pack("[s,s,s]", "/proc/1/exe", "exec", "--");
	(void)json_array_extend(command, users);
	(void)json_object_set_new(hook, "command", command);
}

/* Nobody is there to translate the runtime's signal, so the runtime has to know the right one. */
static void tell_stop_signal(json_t *spec, json_t *main, const json_t *image)
{
	char name[STOP_SIGNAL_NAME_BYTES];
	int number = stop_signal_of(main, image);

	if (number == 0 || json_at(main, "lifecycle", "stopSignal", NULL) != NULL)
		return;
	(void)json_object_set_new(child(main, "lifecycle"), "stopSignal",
	                          json_string(stop_signal_name(number, name)));
	/* the API server wants to know which system's signals these are */
	if (json_at(spec, "os", "name", NULL) == NULL)
		(void)json_object_set_new(child(spec, "os"), "name", json_string("linux"));
}

static json_t *main_container(const struct resource *r, const json_t *image,
                              const struct pods_config *config)
{
	json_t *main = json_deep_copy(r->container);
	json_t *args = pods_args(r->container, image);
	const char *dir = json_str_at(image, "", "workingDir", NULL);
	json_t *mounts = json_object_get(main, "volumeMounts");

	if (json_object_get(main, "name") == NULL)
		(void)json_object_set_new(main, "name", json_string("main"));
	(void)json_object_set_new(main, "image", json_string(config->wrapper_image));
	(void)json_object_del(main, "imagePullPolicy");
	if (config->wrapper_pull_policy != NULL)
		(void)json_object_set_new(main, "imagePullPolicy",
		                          json_string(config->wrapper_pull_policy));
	(void)json_object_set_new(main, "command", wrapper_command(r, image));
	(void)json_object_set_new(main, "args", args);
	pods_merge_env(main, image);
	if (*json_str_at(main, "", "workingDir", NULL) == '\0')
		(void)json_object_set_new(main, "workingDir",
		                          json_string(*dir != '\0' ? dir : "/"));
	merge_user(main, r, image);
	wrap_post_start(main);
	if (!json_is_array(mounts)) {
		mounts = json_array();
		(void)json_object_set_new(main, "volumeMounts", mounts);
	}
	(void)json_array_append_new(mounts, json_pack("{s:s,s:s}", "name", SC_CONTROL_VOLUME,
	                                              "mountPath", SC_CONTROL_MOUNT));
	return main;
}

/* Terms are alternatives, so each one gets the node; matchFields names it whatever its labels. */
static void require_node(json_t *spec, const char *node)
{
	json_t *required, *terms, *term;
	size_t i;

	if (*node == '\0')
		return;
	required = child(child(child(spec, "affinity"), "nodeAffinity"),
	                 "requiredDuringSchedulingIgnoredDuringExecution");
	terms = json_object_get(required, "nodeSelectorTerms");
	if (json_array_size(terms) == 0) {
		terms = json_pack("[{}]");
		(void)json_object_set_new(required, "nodeSelectorTerms", terms);
	}
	json_array_foreach(terms, i, term) {
		json_t *fields = json_object_get(term, "matchFields");

		if (!json_is_array(fields)) {
			fields = json_array();
			(void)json_object_set_new(term, "matchFields", fields);
		}
		(void)json_array_append_new(fields,
		                            json_pack("{s:s,s:s,s:[s]}", "key", "metadata.name",
		                                      "operator", "In", "values", node));
	}
}

static void copy_key(json_t *to, const json_t *from, const char *key)
{
	const json_t *value = json_object_get(from, key);

	if (value != NULL)
		(void)json_object_set_new(to, key, json_deep_copy(value));
}

/* What the user wrote, with the main container's place still empty. */
static json_t *user_pod_spec(const struct resource *r)
{
	json_t *spec;

	if (r->pod_spec != NULL)
		return json_deep_copy(r->pod_spec);
	spec = json_pack("{s:[n]}", "containers");
	copy_key(spec, r->template, "nodeSelector");
	copy_key(spec, r->template, "tolerations");
	copy_key(spec, r->template, "volumes");
	return spec;
}

static json_t *consumer_metadata(const struct resource *r, const json_t *instance,
                                 const struct pods_start *start)
{
	json_t *meta = pods_metadata(r, start->pod_name, SC_ROLE_CONSUMER, instance,
	                             "StoppableContainerInstance");
	json_t *labels = json_object();
	json_t *annotations = json_object();
	char hash[PODS_HASH_BYTES];

	(void)json_object_update(labels, json_at(r->template, "metadata", "labels", NULL));
	(void)json_object_update(labels, json_object_get(meta, "labels")); /* ours win */
	(void)json_object_set_new(meta, "labels", labels);

	pods_consumer_hash(r, hash);
	(void)json_object_update(annotations,
	                         json_at(r->template, "metadata", "annotations", NULL));
	(void)json_object_set_new(annotations, SC_ANNOTATION_START,
	                          json_sprintf("%lld", (long long)start->count));
	(void)json_object_set_new(annotations, SC_ANNOTATION_GENERATION,
	                          json_sprintf("%lld", (long long)kube_generation(r->object)));
	(void)json_object_set_new(annotations, SC_ANNOTATION_TEMPLATE_HASH, json_string(hash));
	(void)json_object_set_new(meta, "annotations", annotations);
	return meta;
}

/*
 * Programs name what they keep after their host, so its name lives as long as the files do. The
 * Pod's own name does not: one that is started while the former ends has a number.
 */
static void name_host(json_t *spec, const char *name)
{
	/* which a host in the node's network does not have; the others are ways to say it */
	static const char *const said[] = {"hostname", "hostnameOverride", "hostNetwork"};

	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		const json_t *value = json_object_get(spec, said[i]);

		if (json_is_true(value) ||
		    (json_is_string(value) && *json_string_value(value) != '\0'))
			return;
	}
	/* a label (RFC 1123): such a name as an API server takes as a host's */
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name))
		(void)json_object_set_new(spec, "hostname", json_sprintf("%.63s", name));
}

json_t *pods_consumer(const struct resource *r, const json_t *instance,
                      const struct pods_start *start, const struct pods_config *config)
{
	const json_t *image = json_at(instance, "status", "image", NULL);
	json_t *main = main_container(r, image, config);
	json_t *spec = user_pod_spec(r);
	json_t *volumes;

	assert(json_array_size(json_object_get(main, "args")) > 0);
	(void)json_array_set_new(json_object_get(spec, "containers"), 0, main);
	merge_groups(spec, image);
	if (r->is_application)
		tell_stop_signal(spec, main, image);
	(void)json_object_set_new(spec, "restartPolicy", json_string("Always"));
	if (json_object_get(spec, "enableServiceLinks") == NULL)
		(void)json_object_set_new(spec, "enableServiceLinks", json_false());
	name_host(spec, r->name);
	volumes = json_object_get(spec, "volumes");
	if (!json_is_array(volumes)) {
		volumes = json_array();
		(void)json_object_set_new(spec, "volumes", volumes);
	}
	(void)json_array_append_new(volumes,
	                            json_pack("{s:s,s:{}}", "name", SC_CONTROL_VOLUME, "emptyDir"));
	require_node(spec, start->node);
	return json_pack("{s:s,s:s,s:o,s:o}", "apiVersion", "v1", "kind", "Pod", "metadata",
	                 consumer_metadata(r, instance, start), "spec", spec);
}

/* Pod Security level "restricted"; the wrapper is static, so any user in any image will do. */
static json_t *restricted(void)
{
	return json_pack("{s:b,s:b,s:{s:[s]},s:{s:s}}", "runAsNonRoot", 1,
	                 "allowPrivilegeEscalation", 0, "capabilities", "drop", "ALL",
	                 "seccompProfile", "type", "RuntimeDefault");
}

static json_t *provider_containers(const struct resource *r, json_t *spec,
                                   const struct pods_config *config)
{
	const json_t *resources = json_at(r->object, "spec", "provider", "resources", NULL);
	json_t *mount =
	        json_pack("{s:s,s:s}", "name", SC_INJECT_VOLUME, "mountPath", SC_INJECT_MOUNT);
	json_t *init, *main;

	init = json_pack("{s:s,s:s,s:[sss],s:o,s:[O],s:" SMALL_REQUESTS "}", "name", "sc-inject",
	                 "image", config->wrapper_image, "command", "/sc-wrapper", "copy",
	                 SC_INJECT_MOUNT "/sc-wrapper", "securityContext", restricted(),
	                 "volumeMounts", mount, "resources", SMALL_REQUESTS_ARGS);
	if (config->wrapper_pull_policy != NULL)
		(void)json_object_set_new(init, "imagePullPolicy",
		                          json_string(config->wrapper_pull_policy));
	main = json_pack("{s:s,s:O,s:[ss],s:o,s:[O],s:" SMALL_REQUESTS "}", "name", "provider",
	                 "image", json_at(r->container, "image", NULL), "command",
	                 SC_INJECT_MOUNT "/sc-wrapper", "pause", "securityContext", restricted(),
	                 "volumeMounts", mount, "resources", SMALL_REQUESTS_ARGS);
	(void)json_object_set_new(main, "workingDir", json_string("/"));
	copy_key(main, r->container, "imagePullPolicy");
	if (json_object_size(resources) > 0)
		(void)json_object_set_new(main, "resources", json_deep_copy(resources));
	json_decref(mount);
	(void)json_object_set_new(spec, "initContainers", json_pack("[o]", init));
	(void)json_object_set_new(spec, "containers", json_pack("[o]", main));
	return spec;
}

/* The root filesystem is where the provider is, so it goes where the consumer could go. */
static void place_provider(const struct resource *r, json_t *spec, const char *node)
{
	const json_t *pod = pod_level(r);
	const json_t *provider = json_at(r->object, "spec", "provider", NULL);
	const json_t *node_affinity = json_at(pod, "affinity", "nodeAffinity", NULL);
	json_t *selector = json_object();
	json_t *tolerations = json_array();

	(void)json_object_update(selector, json_at(pod, "nodeSelector", NULL));
	(void)json_object_update(selector, json_at(provider, "nodeSelector", NULL));
	if (json_object_size(selector) > 0)
		(void)json_object_set(spec, "nodeSelector", selector);
	(void)json_array_extend(tolerations, json_at(pod, "tolerations", NULL));
	(void)json_array_extend(tolerations, json_at(provider, "tolerations", NULL));
	if (json_array_size(tolerations) > 0)
		(void)json_object_set(spec, "tolerations", tolerations);
	if (node_affinity != NULL)
		(void)json_object_set_new(
		        spec, "affinity",
		        json_pack("{s:o}", "nodeAffinity", json_deep_copy(node_affinity)));
	json_decref(selector);
	json_decref(tolerations);
	require_node(spec, *node != '\0' ? node : json_str_at(r->pod_spec, "", "nodeName", NULL));
}

json_t *pods_provider(const struct resource *r, const json_t *instance, const char *node,
                      const struct pods_config *config)
{
	json_t *spec = json_pack("{s:s,s:b,s:b,s:i,s:{s:b,s:i,s:i,s:{s:s}},s:[{s:s,s:{}}]}",
	                         "restartPolicy", "Always", "automountServiceAccountToken", 0,
	                         "enableServiceLinks", 0, "terminationGracePeriodSeconds", 1,
	                         "securityContext", "runAsNonRoot", 1, "runAsUser", 65534,
	                         "runAsGroup", 65534, "seccompProfile", "type", "RuntimeDefault",
	                         "volumes", "name", SC_INJECT_VOLUME, "emptyDir");
	char name[PODS_NAME_BYTES];
	char hash[PODS_HASH_BYTES];
	json_t *meta;

	(void)provider_containers(r, spec, config);
	copy_key(spec, pod_level(r), "imagePullSecrets");
	copy_key(spec, pod_level(r), "serviceAccountName"); /* its pull secrets; no token */
	if (json_object_get(spec, "serviceAccountName") == NULL)
		copy_key(spec, pod_level(r), "serviceAccount"); /* its old name */
	copy_key(spec, pod_level(r), "schedulerName");          /* it finds the node for both */
	place_provider(r, spec, node);

	(void)snprintf(name, sizeof name, "%s-provider", r->name);
	pods_provider_hash(r, hash);
	meta = pods_metadata(r, name, SC_ROLE_PROVIDER, instance, "StoppableContainerInstance");
	(void)json_object_set_new(meta, "annotations",
	                          json_pack("{s:s}", SC_ANNOTATION_TEMPLATE_HASH, hash));
	return json_pack("{s:s,s:s,s:o,s:o}", "apiVersion", "v1", "kind", "Pod", "metadata", meta,
	                 "spec", spec);
}
