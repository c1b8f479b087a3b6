/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kubeconfig.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/kube/object.h"
#include "lib/yaml.h"

#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

enum { KUBECONFIG_NAMESPACE_BYTES = 64, KUBECONFIG_STRINGS_MAX = 16 };

struct kubeconfig {
	struct http_client_opts opts;
	char namespace[KUBECONFIG_NAMESPACE_BYTES];
	char *strings[KUBECONFIG_STRINGS_MAX]; /* what opts points to */
	size_t strings_count;
};

DEFINE_CLEANUP(struct kubeconfig *, kubeconfig_free);
DEFINE_CLEANUP(json_t *, json_decref);

/* The file as it was read; what a lookup needs to say where it failed. */
struct kubeconfig_file {
	const char *path;
	json_t *docs;
	json_t *lines;
	const json_t *root;
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

/* Finds {name: @name, @member: {…}} in the list @list. */
static int conf_find(const struct kubeconfig_file *f, const char *list, const char *member,
                     const char *name, const json_t **ret_value, char *ret_pointer, size_t size,
                     struct err *err)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(f->root, list), i, v) {
		if (strcmp(json_str_at(v, "", "name", NULL), name) != 0)
			continue;
		(void)snprintf(ret_pointer, size, "/0/%s/%zu/%s", list, i, member);
		*ret_value = json_object_get(v, member);
		if (json_is_object(*ret_value))
			return 0;
		(void)snprintf(ret_pointer, size, "/0/%s/%zu", list, i);
		return err_set(err, ERR_PARSE, 0, "%s:%d: \"%s\" has no %s", f->path,
		               conf_line(f, ret_pointer), name, member);
	}
	return err_set(err, ERR_PARSE, 0, "%s: no \"%s\" in %s", f->path, name, list);
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
	unsigned char *text;
	int n;

	if (bytes == 0 || bytes % 4 != 0 || bytes > 1024 * 1024)
		return NULL;
	text = calloc(1, bytes / 4 * 3 + 1);
	if (text == NULL)
		return NULL;
	n = EVP_DecodeBlock(text, (const unsigned char *)base64, (int)bytes);
	/* padding decodes to zero bytes, which also end the text */
	if (n > 0)
		return (char *)text;
	free(text);
	return NULL;
}

/* One of the two forms "x-data: BASE64" and "x: FILE"; data wins, as in kubectl. */
struct conf_pem {
	const char *key;
	size_t file; /* offsets in struct http_client_opts */
	size_t pem;
};

static int conf_pem(const struct kubeconfig_file *f, struct kubeconfig *conf, const json_t *from,
                    const char *pointer, const struct conf_pem *pem, struct err *err)
{
	const char **ret_file = (const char **)((char *)&conf->opts + pem->file);
	const char **ret_pem = (const char **)((char *)&conf->opts + pem->pem);
	char key[64];
	char at[256];
	const char *text;

	(void)snprintf(key, sizeof key, "%s-data", pem->key);
	text = json_str_at(from, "", key, NULL);
	if (*text != '\0') {
		(void)snprintf(at, sizeof at, "%s/%s", pointer, key);
		*ret_pem = conf_keep(conf, conf_decode(text));
		if (*ret_pem == NULL)
			return err_set(err, ERR_PARSE, 0, "%s:%d: %s: want base64", f->path,
			               conf_line(f, at), key);
		return 0;
	}
	text = json_str_at(from, "", pem->key, NULL);
	if (*text != '\0') {
		*ret_file = conf_keep(conf, conf_path(f, text));
		if (*ret_file == NULL)
			return err_set(err, ERR_NOMEM, 0, "%s", f->path);
	}
	return 0;
}

static int conf_cluster(const struct kubeconfig_file *f, struct kubeconfig *conf,
                        const json_t *cluster, const char *pointer, struct err *err)
{
	static const struct conf_pem ca = {"certificate-authority",
	                                   offsetof(struct http_client_opts, ca_file),
	                                   offsetof(struct http_client_opts, ca_pem)};
	const char *server = json_str_at(cluster, "", "server", NULL);
	size_t bytes = strlen(server);
	char at[256];

	if (strncmp(server, "https://", 8) != 0 && strncmp(server, "http://", 7) != 0) {
		(void)snprintf(at, sizeof at, "%s/server", pointer);
		return err_set(err, ERR_PARSE, 0, "%s:%d: server \"%s\": want https://host:port",
		               f->path, conf_line(f, conf_line(f, at) ? at : pointer), server);
	}
	while (bytes > 0 && server[bytes - 1] == '/')
		bytes--;
	conf->opts.base_url = conf_keep(conf, strndup(server, bytes));
	if (conf->opts.base_url == NULL)
		return err_set(err, ERR_NOMEM, 0, "%s", f->path);
	conf->opts.tls_insecure = json_bool_at(cluster, false, "insecure-skip-tls-verify", NULL);
	return conf_pem(f, conf, cluster, pointer, &ca, err);
}

static int conf_user(const struct kubeconfig_file *f, struct kubeconfig *conf, const json_t *user,
                     const char *pointer, struct err *err)
{
	static const struct conf_pem pems[] = {
	        {"client-certificate", offsetof(struct http_client_opts, client_cert_file),
	         offsetof(struct http_client_opts, client_cert_pem)},
	        {"client-key", offsetof(struct http_client_opts, client_key_file),
	         offsetof(struct http_client_opts, client_key_pem)},
	};
	const char *token = json_str_at(user, "", "token", NULL);
	const char *file = json_str_at(user, "", "tokenFile", NULL);

	if (json_object_get(user, "exec") != NULL || json_object_get(user, "auth-provider") != NULL)
		return err_set(err, ERR_PARSE, 0,
		               "%s:%d: exec and auth-provider are not supported: want token, "
		               "tokenFile or client-certificate",
		               f->path, conf_line(f, pointer));
	/* client-go: the file wins over the token */
	if (*file != '\0')
		conf->opts.bearer_token_file = conf_keep(conf, conf_path(f, file));
	else if (*token != '\0')
		conf->opts.bearer_token = conf_keep(conf, strdup(token));
	if ((*file != '\0' && conf->opts.bearer_token_file == NULL) ||
	    (*file == '\0' && *token != '\0' && conf->opts.bearer_token == NULL))
		return err_set(err, ERR_NOMEM, 0, "%s", f->path);
	for (size_t i = 0; i < ARRAY_LEN(pems); i++) {
		if (conf_pem(f, conf, user, pointer, &pems[i], err) < 0)
			return -1;
	}
	return 0;
}

static int conf_read(const struct kubeconfig_file *f, const char *name, struct kubeconfig *conf,
                     struct err *err)
{
	const json_t *context;
	const json_t *cluster;
	const json_t *user;
	char pointer[128];

	if (name == NULL)
		name = json_str_at(f->root, "", "current-context", NULL);
	if (*name == '\0')
		return err_set(err, ERR_PARSE, 0, "%s: no current-context", f->path);
	if (conf_find(f, "contexts", "context", name, &context, pointer, sizeof pointer, err) < 0)
		return -1;
	(void)snprintf(conf->namespace, sizeof conf->namespace, "%s",
	               json_str_at(context, "default", "namespace", NULL));
	if (conf_find(f, "clusters", "cluster", json_str_at(context, "", "cluster", NULL), &cluster,
	              pointer, sizeof pointer, err) < 0 ||
	    conf_cluster(f, conf, cluster, pointer, err) < 0)
		return -1;
	name = json_str_at(context, "", "user", NULL);
	if (*name == '\0')
		return 0;
	if (conf_find(f, "users", "user", name, &user, pointer, sizeof pointer, err) < 0)
		return -1;
	return conf_user(f, conf, user, pointer, err);
}

static int conf_load_file(const char *path, const char *context, struct kubeconfig *conf,
                          struct err *err)
{
	CLEANUP(json_decref_var) json_t *docs = NULL;
	CLEANUP(json_decref_var) json_t *lines = NULL;
	struct kubeconfig_file f = {.path = path};

	if (yaml_load_file_lines(path, &docs, &lines, err) < 0)
		return -1;
	f.docs = docs;
	f.lines = lines;
	f.root = json_array_get(docs, 0);
	return conf_read(&f, context, conf, err);
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
	CLEANUP(kubeconfig_free_var) struct kubeconfig *conf = NULL;
	int r;

	if (path == NULL)
		path = getenv("KUBECONFIG");
	if (path == NULL || *path == '\0') {
		r = kubeconfig_load_account(SERVICE_ACCOUNT_DIR, ret_conf, err);
		if (r <= 0)
			return r;
		path = NULL;
	}
	conf = calloc(1, sizeof *conf);
	if (conf == NULL)
		return err_set(err, ERR_NOMEM, 0, "kubeconfig");
	r = path != NULL ? conf_load_file(path, context, conf, err)
	                 : conf_load_home(context, conf, err);
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
