/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig - reads kubeconfig files, or the service account of a Pod
 */
#include "lib/kube/client/kubeconfig.h"

#include <errno.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/kube/client/kubeconfig_exec.h"
#include "lib/kube/client/object.h"
#include "lib/text/yaml.h"

#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

enum {
	CONF_DATA_BYTES_MAX = 1024 * 1024,
	KUBECONFIG_NAMESPACE_BYTES = 64,
	KUBECONFIG_STRINGS_MAX = 16,
	KUBECONFIG_FILES_MAX = 16
};

struct kubeconfig {
	struct http_client_opts opts;
	char namespace[KUBECONFIG_NAMESPACE_BYTES];
	char *strings[KUBECONFIG_STRINGS_MAX]; /* what opts points to */
	size_t strings_count;
};

DEFINE_CLEANUP(struct kubeconfig *, kubeconfig_free);
DEFINE_CLEANUP(json_t *, json_decref);

/* A file as it was read; what a lookup needs to say where it failed. */
struct kubeconfig_file {
	const char *path;
	json_t *docs;
	json_t *lines;
	const json_t *root;
	const struct kubeconfig_file *next; /* of those that KUBECONFIG lists */
};

/* A named cluster, user or context, and where it stands. */
struct conf_entry {
	const struct kubeconfig_file *file;
	const json_t *value;
	char pointer[128];
};

static const char *conf_keep(struct kubeconfig *conf, char *text)
{
	if (text != NULL)
		conf->strings[conf->strings_count++] = text;
	return text;
}

static int conf_line(const struct kubeconfig_file *f, const char *pointer)
{
	return (int)json_integer_value(json_object_get(f->lines, pointer));
}

/* Finds {name: @name, @member: {…}} in the list of these of the first file that has it. */
static int conf_find(const struct kubeconfig_file *first, const char *member, const char *name,
                     struct conf_entry *ret, struct err *err)
{
	char list[16]; /* "clusters" */
	const json_t *v;
	size_t i;

	(void)snprintf(list, sizeof list, "%ss", member);
	for (const struct kubeconfig_file *f = first; f != NULL; f = f->next) {
		json_array_foreach(json_object_get(f->root, list), i, v) {
			if (strcmp(json_str_at(v, "", "name", NULL), name) != 0)
				continue;
			ret->file = f;
			ret->value = json_object_get(v, member);
			(void)snprintf(ret->pointer, sizeof ret->pointer, "/0/%s/%zu/%s", list, i,
			               member);
			if (json_is_object(ret->value))
				return 0;
			(void)snprintf(ret->pointer, sizeof ret->pointer, "/0/%s/%zu", list, i);
			return err_set(err, ERR_PARSE, 0, "%s:%d: \"%s\" has no %s", f->path,
			               conf_line(f, ret->pointer), name, member);
		}
	}
	return err_set(err, ERR_PARSE, 0, "%s: no \"%s\" in %s", first->path, name, list);
}

/* Kubeconfig's relative paths are relative to its folder. */
static char *conf_path(const struct kubeconfig_file *f, const char *path)
{
	const char *slash = strrchr(f->path, '/');
	char *text;

	if (*path == '/' || slash == NULL)
		return strdup(path);
	if (asprintf(&text, "%.*s/%s", (int)(slash - f->path), f->path, path) < 0)
		return NULL;
	return text;
}

static char *conf_decode(const char *base64)
{
	size_t bytes = strlen(base64);
	char *text = bytes > 0 && bytes <= CONF_DATA_BYTES_MAX ? malloc(base64_data_bytes(base64))
	                                                       : NULL;

	if (text != NULL && base64_decode(base64, text, &bytes))
		return text;
	free(text);
	return NULL;
}

/* One of the two forms "x-data: BASE64" and "x: FILE"; data wins, as in kubectl. */
struct conf_pem {
	const char *key;
	size_t file; /* offsets in struct http_client_opts */
	size_t pem;
};

static int conf_pem(const struct conf_entry *from, struct kubeconfig *conf,
                    const struct conf_pem *pem, struct err *err)
{
	const struct kubeconfig_file *f = from->file;
	const char **ret_file = (const char **)((char *)&conf->opts + pem->file);
	const char **ret_pem = (const char **)((char *)&conf->opts + pem->pem);
	char key[64];
	char at[256];
	const char *text;

	(void)snprintf(key, sizeof key, "%s-data", pem->key);
	text = json_str_at(from->value, "", key, NULL);
	if (*text != '\0') {
		(void)snprintf(at, sizeof at, "%s/%s", from->pointer, key);
		*ret_pem = conf_keep(conf, conf_decode(text));
		if (*ret_pem == NULL)
			return err_set(err, ERR_PARSE, 0, "%s:%d: %s: want base64", f->path,
			               conf_line(f, at), key);
		return 0;
	}
	text = json_str_at(from->value, "", pem->key, NULL);
	if (*text != '\0') {
		*ret_file = conf_keep(conf, conf_path(f, text));
		if (*ret_file == NULL)
			return err_set(err, ERR_NOMEM, 0, "%s", f->path);
	}
	return 0;
}

/* What would change who we are or where we ask, and is not understood, must not be overlooked. */
static int conf_refuse(const struct conf_entry *from, const char *const *keys, struct err *err)
{
	const struct kubeconfig_file *f = from->file;
	char at[256];

	for (; *keys != NULL; keys++) {
		if (json_object_get(from->value, *keys) == NULL)
			continue;
		(void)snprintf(at, sizeof at, "%s/%s", from->pointer, *keys);
		return err_set(err, ERR_PARSE, 0,
		               "%s:%d: %s is not supported; a user has exec, token, tokenFile or "
		               "client-certificate, a cluster server and certificate-authority",
		               f->path, conf_line(f, at), *keys);
	}
	return 0;
}

static int conf_cluster(const struct conf_entry *cluster, struct kubeconfig *conf, struct err *err)
{
	static const struct conf_pem ca = {"certificate-authority",
	                                   offsetof(struct http_client_opts, ca_file),
	                                   offsetof(struct http_client_opts, ca_pem)};
	static const char *const clusters[] = {"proxy-url", "tls-server-name", NULL};
	const struct kubeconfig_file *f = cluster->file;
	const char *server = json_str_at(cluster->value, "", "server", NULL);
	size_t bytes = strlen(server);
	char at[256];

	if (conf_refuse(cluster, clusters, err) < 0)
		return -1;
	if (strncmp(server, "https://", 8) != 0 && strncmp(server, "http://", 7) != 0) {
		(void)snprintf(at, sizeof at, "%s/server", cluster->pointer);
		return err_set(err, ERR_PARSE, 0, "%s:%d: server \"%s\": want https://host:port",
		               f->path, conf_line(f, conf_line(f, at) ? at : cluster->pointer),
		               server);
	}
	while (bytes > 0 && server[bytes - 1] == '/')
		bytes--;
	conf->opts.base_url = conf_keep(conf, strndup(server, bytes));
	if (conf->opts.base_url == NULL)
		return err_set(err, ERR_NOMEM, 0, "%s", f->path);
	conf->opts.tls_insecure =
	        json_bool_at(cluster->value, false, "insecure-skip-tls-verify", NULL);
	return conf_pem(cluster, conf, &ca, err);
}

static int conf_user(const struct conf_entry *user, struct kubeconfig *conf, struct err *err)
{
	static const struct conf_pem pems[] = {
	        {"client-certificate", offsetof(struct http_client_opts, client_cert_file),
	         offsetof(struct http_client_opts, client_cert_pem)},
	        {"client-key", offsetof(struct http_client_opts, client_key_file),
	         offsetof(struct http_client_opts, client_key_pem)},
	};
	static const char *const users[] = {"auth-provider", "as",       "as-uid",
	                                    "as-groups",     "username", NULL};
	const struct kubeconfig_file *f = user->file;
	const char *token = json_str_at(user->value, "", "token", NULL);
	const char *file = json_str_at(user->value, "", "tokenFile", NULL);

	if (conf_refuse(user, users, err) < 0)
		return -1;
	/* client-go: the file wins over the token */
	if (*file != '\0')
		conf->opts.bearer_token_file = conf_keep(conf, conf_path(f, file));
	else if (*token != '\0')
		conf->opts.bearer_token = conf_keep(conf, strdup(token));
	if ((*file != '\0' && conf->opts.bearer_token_file == NULL) ||
	    (*file == '\0' && *token != '\0' && conf->opts.bearer_token == NULL))
		return err_set(err, ERR_NOMEM, 0, "%s", f->path);
	for (size_t i = 0; i < ARRAY_LEN(pems); i++) {
		if (conf_pem(user, conf, &pems[i], err) < 0)
			return -1;
	}
	return 0;
}

/* Credentials by a program; a token or certificate in the file itself wins (client-go). */
static int conf_exec(const struct conf_entry *user, const struct conf_entry *cluster,
                     struct kubeconfig *conf, struct err *err)
{
	const struct kubeconfig_file *f = user->file;
	CLEANUP(json_decref_var) json_t *status = NULL;
	CLEANUP(free_var) char *folder = conf_path(f, ".");
	const struct kubeconfig_exec what = {json_object_get(user->value, "exec"), folder,
	                                     cluster->value};
	struct http_client_opts *o = &conf->opts;
	const struct {
		const char *key;
		const char **ret_text;
	} given[] = {
	        {"token", &o->bearer_token},
	        {"clientCertificateData", &o->client_cert_pem},
	        {"clientKeyData", &o->client_key_pem},
	};

	if (what.exec == NULL || o->bearer_token != NULL || o->bearer_token_file != NULL ||
	    o->client_cert_pem != NULL || o->client_cert_file != NULL)
		return 0;
	if (kubeconfig_exec_run(&what, &status, err) < 0)
		return err_wrap(err, "%s:%d", f->path, conf_line(f, user->pointer));
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		const char *text = json_str_at(status, "", given[i].key, NULL);

		if (*text != '\0')
			*given[i].ret_text = conf_keep(conf, strdup(text));
	}
	return 0;
}

static const char *conf_current_context(const struct kubeconfig_file *first)
{
	const char *name = "";

	for (const struct kubeconfig_file *f = first; f != NULL && *name == '\0'; f = f->next)
		name = json_str_at(f->root, "", "current-context", NULL);
	return name;
}

static int conf_read(const struct kubeconfig_file *first, const char *name, struct kubeconfig *conf,
                     struct err *err)
{
	struct conf_entry context, cluster, user;

	if (name == NULL)
		name = conf_current_context(first);
	if (*name == '\0')
		return err_set(err, ERR_PARSE, 0, "%s: no current-context", first->path);
	if (conf_find(first, "context", name, &context, err) < 0)
		return -1;
	(void)snprintf(conf->namespace, sizeof conf->namespace, "%s",
	               json_str_at(context.value, "default", "namespace", NULL));
	name = json_str_at(context.value, "", "cluster", NULL);
	if (conf_find(first, "cluster", name, &cluster, err) < 0 ||
	    conf_cluster(&cluster, conf, err) < 0)
		return -1;
	name = json_str_at(context.value, "", "user", NULL);
	if (*name == '\0')
		return 0;
	if (conf_find(first, "user", name, &user, err) < 0 || conf_user(&user, conf, err) < 0)
		return -1;
	return conf_exec(&user, &cluster, conf, err);
}

static int conf_open(struct kubeconfig_file *f, struct err *err)
{
	if (yaml_load_file_lines(f->path, &f->docs, &f->lines, err) < 0)
		return -1;
	f->root = json_array_get(f->docs, 0);
	return 0;
}

static int conf_load_file(const char *path, const char *context, struct kubeconfig *conf,
                          struct err *err)
{
	struct kubeconfig_file f = {.path = path};
	int r = conf_open(&f, err);

	if (r == 0)
		r = conf_read(&f, context, conf, err);
	json_decref(f.docs);
	json_decref(f.lines);
	return r;
}

/* KUBECONFIG may list files, with colons; those that are not there are left out (client-go). */
static int conf_load_list(const char *list, const char *context, struct kubeconfig *conf,
                          struct err *err)
{
	struct kubeconfig_file files[KUBECONFIG_FILES_MAX] = {0};
	CLEANUP(free_var) char *copy = strdup(list);
	char *rest = copy, *path;
	size_t n = 0;
	int r = 0;

	if (copy == NULL)
		return err_set(err, ERR_NOMEM, 0, "KUBECONFIG");
	while (r == 0 && n < ARRAY_LEN(files) && (path = strsep(&rest, ":")) != NULL) {
		if (*path == '\0' || access(path, F_OK) < 0)
			continue;
		files[n].path = path;
		if (n > 0)
			files[n - 1].next = &files[n];
		r = conf_open(&files[n++], err);
	}
	if (r == 0 && rest != NULL)
		r = err_set(err, ERR_INVALID, 0, "KUBECONFIG: more than %zu files", n);
	if (n == 0)
		r = err_set(err, ERR_NOT_FOUND, 0, "KUBECONFIG: none of %s is there", list);
	if (r == 0)
		r = conf_read(&files[0], context, conf, err);
	for (size_t i = 0; i < n; i++) {
		json_decref(files[i].docs);
		json_decref(files[i].lines);
	}
	return r;
}

/* Return: to be kept, NULL out of memory */
static const char *conf_file_of(struct kubeconfig *conf, const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : conf_keep(conf, path);
}

/* What the kubelet mounts: the token is exchanged below our feet, so its file is kept, not it. */
static int conf_load_account(struct kubeconfig *conf, const char *dir, struct err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	CLEANUP(fclose_var) FILE *f = NULL;
	bool v6 = strchr(host, ':') != NULL;
	const char *path;
	char *url;

	if (asprintf(&url, "https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port) < 0)
		return err_set(err, ERR_NOMEM, 0, "in-cluster configuration");
	conf->opts.base_url = conf_keep(conf, url);
	conf->opts.ca_file = conf_file_of(conf, dir, "ca.crt");
	conf->opts.bearer_token_file = conf_file_of(conf, dir, "token");
	path = conf_file_of(conf, dir, "namespace");
	if (conf->opts.ca_file == NULL || conf->opts.bearer_token_file == NULL || path == NULL)
		return err_set(err, ERR_NOMEM, 0, "in-cluster configuration");
	(void)snprintf(conf->namespace, sizeof conf->namespace, "default");
	f = fopen(path, "re");
	if (f == NULL || fgets(conf->namespace, sizeof conf->namespace, f) == NULL)
		return 0;
	conf->namespace[strcspn(conf->namespace, "\r\n")] = '\0';
	return 0;
}

static bool is_in_cluster(const char *dir)
{
	CLEANUP(free_var) char *token = NULL;

	if (asprintf(&token, "%s/token", dir) < 0) {
		token = NULL;
		return false;
	}
	return getenv("KUBERNETES_SERVICE_HOST") != NULL &&
	       getenv("KUBERNETES_SERVICE_PORT") != NULL && access(token, F_OK) == 0;
}

int kubeconfig_load_account(const char *dir, struct kubeconfig **ret_conf, struct err *err)
{
	CLEANUP(kubeconfig_free_var) struct kubeconfig *conf = NULL;

	if (!is_in_cluster(dir))
		return 1;
	conf = calloc(1, sizeof *conf);
	if (conf == NULL)
		return err_set(err, ERR_NOMEM, 0, "kubeconfig");
	if (conf_load_account(conf, dir, err) < 0)
		return -1;
	*ret_conf = TAKE_PTR(conf);
	return 0;
}

static int conf_load_home(const char *context, struct kubeconfig *conf, struct err *err)
{
	const char *home = getenv("HOME");
	CLEANUP(free_var) char *path = NULL;

	if (home == NULL)
		return err_set(err, ERR_NOT_FOUND, 0,
		               "no kubeconfig: give one, or set KUBECONFIG or HOME");
	if (asprintf(&path, "%s/.kube/config", home) < 0) {
		path = NULL;
		return err_set(err, ERR_NOMEM, 0, "kubeconfig");
	}
	return conf_load_file(path, context, conf, err);
}

int kubeconfig_load(const char *path, const char *context, struct kubeconfig **ret_conf,
                    struct err *err)
{
	CLEANUP(kubeconfig_free_var) struct kubeconfig *conf = calloc(1, sizeof *conf);
	const char *list = getenv("KUBECONFIG");
	int r;

	if (conf == NULL)
		return err_set(err, ERR_NOMEM, 0, "kubeconfig");
	if (path != NULL && *path != '\0') {
		r = conf_load_file(path, context, conf, err);
	} else if (list != NULL && *list != '\0') {
		r = conf_load_list(list, context, conf, err);
	} else {
		r = kubeconfig_load_account(SERVICE_ACCOUNT_DIR, ret_conf, err);
		if (r <= 0)
			return r;
		r = conf_load_home(context, conf, err);
	}
	if (r < 0)
		return -1;
	*ret_conf = TAKE_PTR(conf);
	return 0;
}

void kubeconfig_free(struct kubeconfig *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->strings_count; i++) {
		explicit_bzero(conf->strings[i], strlen(conf->strings[i]));
		free(conf->strings[i]);
	}
	free(conf);
}

const struct http_client_opts *kubeconfig_http_opts(const struct kubeconfig *conf)
{
	return &conf->opts;
}

const char *kubeconfig_namespace(const struct kubeconfig *conf)
{
	return conf->namespace;
}
