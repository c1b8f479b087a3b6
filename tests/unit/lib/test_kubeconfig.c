/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/kube/client/kubeconfig.h"

struct fixture {
	char dir[64];
	char path[96];
	struct kubeconfig *conf;
	struct err err;
};

static const char basic[] =
        "apiVersion: v1\nkind: Config\ncurrent-context: one\n"
        "contexts:\n"
        "- name: one\n  context: {cluster: c1, user: u1, namespace: shop}\n"
        "- name: two\n  context: {cluster: c2, user: u2}\n"
        "- name: three\n  context: {cluster: c1, user: nobody}\n"
        "clusters:\n"
        "- name: c1\n  cluster:\n    server: https://127.0.0.1:6443/\n"
        "    certificate-authority-data: LS0tCg==\n"
        "- name: c2\n  cluster:\n    server: https://[::1]:1\n    certificate-authority: ca.crt\n"
        "    insecure-skip-tls-verify: true\n"
        "users:\n"
        "- name: u1\n  user: {token: secret}\n"
        "- name: u2\n  user:\n    tokenFile: /tok\n    token: old\n"
        "    client-certificate: pki/a.crt\n    client-key-data: LS0tCg==\n";

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	(void)snprintf(f->dir, sizeof f->dir, "/tmp/kubeconfig.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	(void)snprintf(f->path, sizeof f->path, "%s/config", f->dir);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	static const char *const files[] = {"config", "token", "namespace"};
	char path[128];

	kubeconfig_free(f->conf);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", f->dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static int load(struct fixture *f, const char *text, const char *context)
{
	FILE *out = fopen(f->path, "we");

	assert_non_null(out);
	(void)fputs(text, out);
	(void)fclose(out);
	return kubeconfig_load(f->path, context, &f->conf, &f->err);
}

static void expect_error(struct fixture *f, const char *text, const char *context,
                         const char *after_path)
{
	assert_int_equal(load(f, text, context), -1);
	assert_int_equal(f->err.code, ERR_PARSE);
	assert_memory_equal(f->err.text, f->path, strlen(f->path));
	assert_string_equal(f->err.text + strlen(f->path), after_path);
}

static void test_kubeconfig_current_context_with_token_and_data(void **state)
{
	struct fixture *f = *state;
	const struct http_client_opts *o;

	assert_int_equal(load(f, basic, NULL), 0);
	o = kubeconfig_http_opts(f->conf);
	assert_string_equal(o->base_url, "https://127.0.0.1:6443");
	assert_string_equal(o->ca_pem, "---\n");
	assert_null(o->ca_file);
	assert_string_equal(o->bearer_token, "secret");
	assert_false(o->tls_insecure);
	assert_string_equal(kubeconfig_namespace(f->conf), "shop");
}

static void test_kubeconfig_named_context_with_files(void **state)
{
	struct fixture *f = *state;
	const struct http_client_opts *o;
	char want[128];

	assert_int_equal(load(f, basic, "two"), 0);
	o = kubeconfig_http_opts(f->conf);
	(void)snprintf(want, sizeof want, "%s/ca.crt", f->dir);
	assert_string_equal(o->ca_file, want);
	(void)snprintf(want, sizeof want, "%s/pki/a.crt", f->dir);
	assert_string_equal(o->client_cert_file, want);
	assert_string_equal(o->client_key_pem, "---\n");
	assert_string_equal(o->bearer_token_file, "/tok");
	assert_null(o->bearer_token);
	assert_true(o->tls_insecure);
	assert_string_equal(kubeconfig_namespace(f->conf), "default");
}

#define SUPPORTED                                                                                  \
	"; a user has exec, token, tokenFile or client-certificate, a cluster server and "         \
	"certificate-authority"

static void test_kubeconfig_errors_name_file_and_line(void **state)
{
	struct fixture *f = *state;

	expect_error(f, basic, "nine", ": no \"nine\" in contexts");
	expect_error(f, basic, "three", ": no \"nobody\" in users");
	expect_error(f, "kind: Config\n", NULL, ": no current-context");
	expect_error(f, "a: [\n", NULL, ":2: did not find expected node content");
	expect_error(f,
	             "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
	             "clusters:\n- name: c\n  cluster:\n    server: 127.0.0.1\n",
	             NULL, ":6: server \"127.0.0.1\": want https://host:port");
	expect_error(f,
	             "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
	             "clusters:\n- name: c\n  cluster:\n    server: https://h\n"
	             "    certificate-authority-data: '*'\n",
	             NULL, ":7: certificate-authority-data: want base64");
	expect_error(f,
	             "current-context: x\n"
	             "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
	             "clusters: [{name: c, cluster: {server: 'https://h'}}]\n"
	             "users:\n- name: u\n  user:\n    auth-provider: {name: x}\n",
	             NULL, ":7: auth-provider is not supported" SUPPORTED);
	expect_error(f,
	             "current-context: x\n"
	             "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
	             "clusters: [{name: c, cluster: {server: 'https://h'}}]\n"
	             "users:\n- name: u\n  user:\n    token: t\n    as: somebody-else\n",
	             NULL, ":8: as is not supported" SUPPORTED);
	expect_error(f,
	             "current-context: x\n"
	             "contexts: [{name: x, context: {cluster: c}}]\n"
	             "clusters:\n- name: c\n  cluster:\n    server: https://h\n"
	             "    proxy-url: http://p\n",
	             NULL, ":7: proxy-url is not supported" SUPPORTED);
}

static void test_kubeconfig_path_from_the_environment(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, basic, NULL), 0);
	kubeconfig_free(f->conf);
	f->conf = NULL;
	(void)setenv("KUBECONFIG", f->path, 1);
	assert_int_equal(kubeconfig_load(NULL, "two", &f->conf, &f->err), 0);
	(void)unsetenv("KUBECONFIG");
	assert_string_equal(kubeconfig_http_opts(f->conf)->base_url, "https://[::1]:1");
}

static void put(struct fixture *f, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", f->dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_kubeconfig_service_account(void **state)
{
	struct fixture *f = *state;
	const struct http_client_opts *opts;
	char path[128];

	(void)setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	(void)setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	assert_int_equal(kubeconfig_load_account(f->dir, &f->conf, &f->err), 1);
	put(f, "token", "first");
	put(f, "namespace", "sc-system\n");
	assert_int_equal(kubeconfig_load_account(f->dir, &f->conf, &f->err), 0);
	opts = kubeconfig_http_opts(f->conf);
	assert_string_equal(opts->base_url, "https://[fd00::1]:443");
	assert_string_equal(kubeconfig_namespace(f->conf), "sc-system");
	(void)snprintf(path, sizeof path, "%s/token", f->dir);
	assert_string_equal(opts->bearer_token_file, path); /* read anew when it is rotated */
	assert_null(opts->bearer_token);
	(void)snprintf(path, sizeof path, "%s/ca.crt", f->dir);
	assert_string_equal(opts->ca_file, path);
	(void)unsetenv("KUBERNETES_SERVICE_HOST");
	(void)unsetenv("KUBERNETES_SERVICE_PORT");
}

/* Parts of one configuration in two files, and one that is not there: the first word counts. */
static void test_kubeconfig_of_several_files(void **state)
{
	static const char second[] =
	        "current-context: two\n"
	        "contexts: [{name: two, context: {cluster: c2, user: u2}}]\n"
	        "clusters: [{name: c2, cluster: {server: 'https://second', "
	        "certificate-authority: ca.crt}}]\n"
	        "users: [{name: u2, user: {token: t2}}, {name: u1, user: {token: not-mine}}]\n";
	struct fixture *f = *state;
	char first[96], list[400], want[128];

	assert_int_equal(load(f, second, NULL), 0);
	(void)snprintf(first, sizeof first, "%s/first", f->dir);
	assert_int_equal(rename(f->path, first), 0);
	kubeconfig_free(f->conf);
	f->conf = NULL;
	assert_int_equal(load(f, basic, NULL), 0);
	kubeconfig_free(f->conf);
	f->conf = NULL;
	/* the small one first: its context, its cluster and user */
	(void)snprintf(list, sizeof list, "/nowhere:%s:%s", first, f->path);
	(void)setenv("KUBECONFIG", list, 1);
	assert_int_equal(kubeconfig_load(NULL, NULL, &f->conf, &f->err), 0);
	assert_string_equal(kubeconfig_http_opts(f->conf)->base_url, "https://second");
	(void)snprintf(want, sizeof want, "%s/ca.crt", f->dir);
	assert_string_equal(kubeconfig_http_opts(f->conf)->ca_file, want);
	kubeconfig_free(f->conf);
	f->conf = NULL;
	/* a context of the second file, whose user the first has, too */
	assert_int_equal(kubeconfig_load(NULL, "one", &f->conf, &f->err), 0);
	assert_string_equal(kubeconfig_http_opts(f->conf)->base_url, "https://127.0.0.1:6443");
	assert_string_equal(kubeconfig_http_opts(f->conf)->bearer_token, "not-mine");
	(void)setenv("KUBECONFIG", "/nowhere:/nor-here", 1);
	kubeconfig_free(f->conf);
	f->conf = NULL;
	assert_int_equal(kubeconfig_load(NULL, NULL, &f->conf, &f->err), -1);
	assert_string_equal(f->err.text, "KUBECONFIG: none of /nowhere:/nor-here is there");
	(void)unsetenv("KUBECONFIG");
	assert_int_equal(unlink(first), 0);
}

#define EXEC_V1 "client.authentication.k8s.io/v1"

/* A kubeconfig whose user is a shell script; what the script gets is in its environment. */
static int load_exec(struct fixture *f, const char *script, const char *more)
{
	char text[2048];

	(void)snprintf(text, sizeof text,
	               "current-context: x\n"
	               "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
	               "clusters: [{name: c, cluster: {server: 'https://h'}}]\n"
	               "users:\n- name: u\n  user:\n    exec:\n      apiVersion: " EXEC_V1 "\n"
	               "      interactiveMode: Never\n      command: sh\n      args:\n      - -c\n"
	               "      - |\n        %s\n      env: [{name: WHO, value: me}]\n%s",
	               script, more);
	return load(f, text, NULL);
}

static void test_kubeconfig_exec_gives_a_token(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load_exec(f,
	                           "read -r x && exit 1; echo '{\"kind\":\"ExecCredential\","
	                           "\"apiVersion\":\"" EXEC_V1
	                           "\",\"status\":{\"token\":\"'$WHO'\"}}'",
	                           ""),
	                 0);
	assert_string_equal(kubeconfig_http_opts(f->conf)->bearer_token, "me");
}

static void test_kubeconfig_exec_is_told_of_the_cluster(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load_exec(f,
	                           "case $KUBERNETES_EXEC_INFO in *https://h*) t=told;; esac; "
	                           "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" EXEC_V1
	                           "\",\"status\":{\"token\":\"'$t'\",\"clientCertificateData\":"
	                           "\"C\",\"clientKeyData\":\"K\"}}'",
	                           "      provideClusterInfo: true\n"),
	                 0);
	assert_string_equal(kubeconfig_http_opts(f->conf)->bearer_token, "told");
	assert_string_equal(kubeconfig_http_opts(f->conf)->client_cert_pem, "C");
	assert_string_equal(kubeconfig_http_opts(f->conf)->client_key_pem, "K");
}

static void test_kubeconfig_exec_is_not_run_beside_a_token(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load_exec(f, "exit 1", "    token: mine\n"), 0);
	assert_string_equal(kubeconfig_http_opts(f->conf)->bearer_token, "mine");
}

static void test_kubeconfig_exec_failures_say_which_program(void **state)
{
	static const struct {
		const char *script, *more, *want;
	} rows[] = {
	        {"exit 3", "", "credential program \"sh\": it failed; what it said is above"},
	        {"exit 3", "      installHint: see the manual\n", "is above; see the manual"},
	        {"exit 127", "", "it is not there; install it"},
	        {"echo no", "", "what it printed is not JSON"},
	        {"echo '{}'", "", "it printed no ExecCredential of " EXEC_V1},
	        {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" EXEC_V1 "\"}'", "",
	         "it gave no token and no client certificate"},
	        {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" EXEC_V1
	         "\",\"status\":{\"clientKeyData\":\"K\"}}'",
	         "", "want clientCertificateData and clientKeyData together"},
	        {"head -c 300000 /dev/zero | tr '\\0' x", "", "its answer is too long"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(load_exec(f, rows[i].script, rows[i].more), -1);
		if (strstr(f->err.text, rows[i].want) == NULL)
			fail_msg("%s: %s", rows[i].script, f->err.text);
	}
}

static void test_kubeconfig_exec_by_a_relative_path_and_version(void **state)
{
	struct fixture *f = *state;
	char text[512];

	for (int old = 0; old < 2; old++) {
		(void)snprintf(
		        text, sizeof text,
		        "current-context: x\n"
		        "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
		        "clusters: [{name: c, cluster: {server: 'https://h'}}]\n"
		        "users: [{name: u, user: {exec: {command: ./no, apiVersion: %s}}}]\n",
		        old ? "client.authentication.k8s.io/v1alpha1" : EXEC_V1);
		assert_int_equal(load(f, text, NULL), -1);
		assert_non_null(strstr(f->err.text, old ? "its apiVersion is not " EXEC_V1
		                                        : "\"./no\": it is not there"));
	}
}

#define CONF_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        CONF_TEST(test_kubeconfig_current_context_with_token_and_data),
	        CONF_TEST(test_kubeconfig_named_context_with_files),
	        CONF_TEST(test_kubeconfig_errors_name_file_and_line),
	        CONF_TEST(test_kubeconfig_path_from_the_environment),
	        CONF_TEST(test_kubeconfig_service_account),
	        CONF_TEST(test_kubeconfig_of_several_files),
	        CONF_TEST(test_kubeconfig_exec_gives_a_token),
	        CONF_TEST(test_kubeconfig_exec_is_told_of_the_cluster),
	        CONF_TEST(test_kubeconfig_exec_is_not_run_beside_a_token),
	        CONF_TEST(test_kubeconfig_exec_failures_say_which_program),
	        CONF_TEST(test_kubeconfig_exec_by_a_relative_path_and_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
