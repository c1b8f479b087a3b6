/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_env - the environment variables of a container, from its Pod, ConfigMaps and Secrets
 */
#include "local/runner/core/pod_env.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/kube/client/object.h"

bool pod_env_base64(const char *base64, char *buf, size_t size, size_t *ret_bytes)
{
	return base64_data_bytes(base64) <= size && base64_decode(base64, buf, ret_bytes);
}

struct text {
	char buf[POD_ENV_VALUE_BYTES_MAX];
	size_t len;
	bool full;
};

static void text_put(struct text *t, const char *from, size_t len)
{
	if (t->len + len >= sizeof t->buf) {
		t->full = true;
		return;
	}
	memcpy(t->buf + t->len, from, len);
	t->len += len;
}

/* One "$(NAME)" at @at: puts its value. Return: bytes eaten, 0 when it is not a reference. */
static size_t expand_reference(struct text *out, const char *at, const json_t *env)
{
	const char *end = strchr(at, ')');
	const char *value;
	char name[256];

	if (at[1] != '(' || end == NULL || (size_t)(end - at - 2) >= sizeof name)
		return 0;
	(void)snprintf(name, sizeof name, "%.*s", (int)(end - at - 2), at + 2);
	value = json_string_value(json_object_get(env, name));
	if (value == NULL)
		return 0;
	text_put(out, value, strlen(value));
	return (size_t)(end - at) + 1;
}

json_t *pod_env_expand(const char *text, const json_t *env)
{
	struct text out;

	out.len = 0;
	out.full = false;
	for (const char *c = text; *c != '\0';) {
		size_t eaten = *c == '$' ? expand_reference(&out, c, env) : 0;

		if (eaten == 0) {
			text_put(&out, c, 1);
			eaten = c[0] == '$' && c[1] == '$' ? 2 : 1;
		}
		c += eaten;
	}
	return out.full ? NULL : json_stringn(out.buf, out.len);
}

/* metadata.labels['key'] and metadata.annotations['key'] */
static const char *field_subscript(const json_t *pod, const char *path)
{
	static const char *const maps[] = {"labels", "annotations"};
	char prefix[32], key[256];

	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		int n = snprintf(prefix, sizeof prefix, "metadata.%s['", maps[i]);
		size_t len = strlen(path);

		if (strncmp(path, prefix, (size_t)n) != 0 || len < (size_t)n + 2 ||
		    strcmp(path + len - 2, "']") != 0)
			continue;
		(void)snprintf(key, sizeof key, "%.*s", (int)(len - (size_t)n - 2), path + n);
		return json_str_at(pod, "", "metadata", maps[i], key, NULL);
	}
	return NULL;
}

/* The downward API. Return: borrowed; NULL for a path that it does not have. */
static const char *field_value(const struct pod_env_source *src, const char *path)
{
	const struct {
		const char *path;
		const char *value;
	} fields[] = {
	        {"metadata.name", kube_name(src->pod)},
	        {"metadata.namespace", kube_namespace(src->pod)},
	        {"metadata.uid", kube_uid(src->pod)},
	        {"spec.nodeName", src->node_name},
	        {"spec.serviceAccountName",
	         json_str_at(src->pod, "default", "spec", "serviceAccountName", NULL)},
	        {"status.podIP", src->pod_ip},
	        {"status.podIPs", src->pod_ip},
	        {"status.hostIP", src->host_ip},
	        {"status.hostIPs", src->host_ip},
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(path, fields[i].path) == 0)
			return fields[i].value ? fields[i].value : "";
	return field_subscript(src->pod, path);
}

/* One key of a ConfigMap or Secret as a string. Return: new reference, NULL when it is missing */
static json_t *map_value(const json_t *object, bool secret, const char *key)
{
	const char *text = json_str_at(object, NULL, "data", key, NULL);
	char plain[POD_ENV_VALUE_BYTES_MAX];
	size_t bytes;

	if (text == NULL || !secret)
		return text ? json_string(text) : NULL;
	/* NULL for what is not UTF-8 */
	return pod_env_base64(text, plain, sizeof plain, &bytes) ? json_stringn(plain, bytes)
	                                                         : NULL;
}

static int env_from_key(const struct pod_env_source *src, const json_t *ref, bool secret,
                        json_t **ret_value, struct err *err)
{
	const char *kind = secret ? "Secret" : "ConfigMap";
	const char *name = json_str_at(ref, "", "name", NULL);
	const char *key = json_str_at(ref, "", "key", NULL);
	json_t *object = src->find(src->arg, kind, name);
	json_t *value = object ? map_value(object, secret, key) : NULL;
	bool found = object != NULL;

	json_decref(object);
	*ret_value = value;
	if (value != NULL || json_bool_at(ref, false, "optional", NULL))
		return 0;
	if (!found)
		return err_set(err, ERR_NOT_FOUND, 0, "%s \"%s\" not found",
		               secret ? "secret" : "configmap", name);
	return err_set(err, ERR_NOT_FOUND, 0, "couldn't find key %s in %s %s/%s", key, kind,
	               kube_namespace(src->pod), name);
}

/* Return: 0, *ret_value NULL for an optional one that is not there */
static int env_value_from(const struct pod_env_source *src, const char *name, const json_t *from,
                          json_t **ret_value, struct err *err)
{
	const json_t *ref;
	const char *path, *value;

	if ((ref = json_object_get(from, "configMapKeyRef")) != NULL)
		return env_from_key(src, ref, false, ret_value, err);
	if ((ref = json_object_get(from, "secretKeyRef")) != NULL)
		return env_from_key(src, ref, true, ret_value, err);
	if ((ref = json_object_get(from, "fieldRef")) == NULL)
		return err_set(err, ERR_INVALID, 0,
		               "env %s: only value, configMapKeyRef, secretKeyRef and fieldRef are "
		               "supported here",
		               name);
	path = json_str_at(ref, "", "fieldPath", NULL);
	value = field_value(src, path);
	if (value == NULL)
		return err_set(err, ERR_INVALID, 0, "env %s: unsupported fieldPath %s", name, path);
	*ret_value = json_string(value);
	return 0;
}

static int env_from_object(const struct pod_env_source *src, const json_t *entry, json_t *env,
                           struct err *err)
{
	bool secret = json_object_get(entry, "secretRef") != NULL;
	const json_t *ref = json_object_get(entry, secret ? "secretRef" : "configMapRef");
	const char *name = json_str_at(ref, "", "name", NULL);
	const char *prefix = json_str_at(entry, "", "prefix", NULL);
	json_t *object = src->find(src->arg, secret ? "Secret" : "ConfigMap", name);
	const char *key;
	json_t *value;
	char full[512];

	if (object == NULL) {
		if (json_bool_at(ref, false, "optional", NULL))
			return 0;
		return err_set(err, ERR_NOT_FOUND, 0, "%s \"%s\" not found",
		               secret ? "secret" : "configmap", name);
	}
	json_object_foreach(json_object_get(object, "data"), key, value) {
		(void)value;
		(void)snprintf(full, sizeof full, "%s%s", prefix, key);
		json_object_set_new(env, full, map_value(object, secret, key));
	}
	json_decref(object);
	return 0;
}

static int env_one(const struct pod_env_source *src, const json_t *entry, json_t *env,
                   struct err *err)
{
	const char *name = json_str_at(entry, "", "name", NULL);
	const json_t *from = json_object_get(entry, "valueFrom");
	json_t *value = NULL;

	if (from == NULL)
		value = pod_env_expand(json_str_at(entry, "", "value", NULL), env);
	else if (env_value_from(src, name, from, &value, err) < 0)
		return -1;
	else if (value == NULL)
		return 0;
	if (json_object_set_new(env, name, value) < 0)
		return err_set(err, ERR_INVALID, 0, "env %s: its value is too long", name);
	return 0;
}

int pod_env_make(const struct pod_env_source *src, const json_t *container, json_t **ret_env,
                 struct err *err)
{
	json_t *env = json_object();
	json_t *entry;
	size_t i;

	if (env == NULL)
		return err_set(err, ERR_NOMEM, 0, "environment");
	json_array_foreach(json_object_get(container, "envFrom"), i, entry) {
		if (env_from_object(src, entry, env, err) < 0)
			goto out;
	}
	json_array_foreach(json_object_get(container, "env"), i, entry) {
		if (env_one(src, entry, env, err) < 0)
			goto out;
	}
	*ret_env = env;
	return 0;
out:
	json_decref(env);
	return -1;
}
