/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API of the embedded engine as its clients meet it: over TLS, and with a stock kubectl.
 */
#include "tests/world/world.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clk.h"
#include "lib/kube/client/object.h"

#define SCS "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default/stoppablecontainers"
#define PODS "/api/v1/namespaces/default/pods"
#define MAPS "/api/v1/namespaces/default/configmaps"
#define MERGE "application/merge-patch+json"
#define JSON_PATCH "application/json-patch+json"

enum { OUTPUT_BYTES = 65536 };

static int setup(void **state)
{
	*state = world_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

/* Call, and compare status, and the message's text when @want is not NULL. */
static void expect(struct world *w, int status, const char *want, const char *method,
                   const char *path, const char *type, const char *body)
{
	json_t *answer = NULL;
	int got = world_call(w, method, path, type, body, &answer);
	const char *message = json_str_at(answer, "", "message", NULL);

	if (got != status || (want && strstr(message, want) == NULL))
		fail_msg("%s %s: %d %s, want %d %s", method, path, got, message, status,
		         want ? want : "");
	json_decref(answer);
}

static const char hello[] = "{\"metadata\":{\"name\":\"hello\"},\"spec\":{\"template\":"
                            "{\"container\":{\"image\":\"x\"}}}}";
static const char pod[] = "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"n\","
                          "\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}}";

/* What a Service and a host cannot be called, as the kind's own rule says it on a cluster. */
static void test_names_that_cannot_be_a_host_are_refused(void **state)
{
	static const char *const wrong[] = {"my.web", "1web"};
	static const char *const right[] = {"w", "web-1"};
	struct world *w = *state;
	char body[300];

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		(void)snprintf(body, sizeof body,
		               "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"template\":{"
		               "\"container\":{\"image\":\"x\"}}}}",
		               wrong[i]);
		expect(w, 422, "the name is also a Service's and a host's", "POST", SCS, NULL,
		       body);
	}
	(void)snprintf(body, sizeof body,
	               "{\"metadata\":{\"name\":\"%064d\"},\"spec\":{\"template\":{"
	               "\"container\":{\"image\":\"x\"}}}}",
	               0);
	expect(w, 422, "at most 63 characters", "POST", SCS, NULL, body);
	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
		(void)snprintf(body, sizeof body,
		               "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"template\":{"
		               "\"container\":{\"image\":\"x\"}}}}",
		               right[i]);
		expect(w, 201, NULL, "POST", SCS, NULL, body);
	}
}

static int dial_api(struct world *w)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *colon = strrchr(world_api_url(w), ':');

	assert_non_null(colon);
	sin.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	return fd;
}

static void test_objects_are_validated_defaulted_and_guarded(void **state)
{
	struct world *w = *state;
	json_t *object = world_create(w, SCS, hello);

	assert_int_equal(json_int_at(object, 0, "metadata", "generation", NULL), 1);
	assert_string_equal(json_str_at(object, "", "spec", "activation", "protocol", NULL),
	                    "HTTP");
	json_decref(object);
	expect(w, 409, "already exists", "POST", SCS, "application/json", hello);
	expect(w, 422, "spec.idle.timeout: Invalid value: \"x\"", "PATCH", SCS "/hello", MERGE,
	       "{\"spec\":{\"idle\":{\"timeout\":\"x\"}}}");
	expect(w, 400, "strict decoding error: unknown field \"spec.foo\"", "PATCH",
	       SCS "/hello?fieldValidation=Strict", MERGE, "{\"spec\":{\"foo\":1}}");
	expect(w, 409, "the object has been modified", "PATCH", SCS "/hello", MERGE,
	       "{\"metadata\":{\"resourceVersion\":\"1\"},\"spec\":{\"running\":true}}");
	expect(w, 422, "test failed", "PATCH", SCS "/hello", JSON_PATCH,
	       "[{\"op\":\"test\",\"path\":\"/spec/running\",\"value\":true},"
	       "{\"op\":\"replace\",\"path\":\"/spec/running\",\"value\":false}]");
	expect(w, 415, NULL, "PATCH", SCS "/hello", "application/strategic-merge-patch+json", "{}");
	expect(w, 404, "namespaces \"none\" not found", "POST", "/api/v1/namespaces/none/pods",
	       "application/json", pod);
}

static void test_status_and_spec_are_written_apart(void **state)
{
	struct world *w = *state;
	json_t *object;

	json_decref(world_create(w, SCS, hello));
	expect(w, 200, NULL, "PATCH", SCS "/hello/status", MERGE,
	       "{\"spec\":{\"running\":true},\"status\":{\"phase\":\"Stopped\"}}");
	expect(w, 200, NULL, "PATCH", SCS "/hello", MERGE, "{\"status\":{\"phase\":\"Running\"}}");
	object = world_get(w, SCS "/hello");
	assert_string_equal(json_str_at(object, "", "status", "phase", NULL), "Stopped");
	assert_false(json_bool_at(object, true, "spec", "running", NULL));
	assert_int_equal(json_int_at(object, 0, "metadata", "generation", NULL), 1);
	json_decref(object);
}

static void test_a_bound_pod_is_removed_by_its_node(void **state)
{
	struct world *w = *state;
	json_t *object = NULL;

	json_decref(world_create(w, PODS, pod));
	assert_int_equal(world_call(w, "DELETE", PODS "/p", "application/json", "{}", &object),
	                 200);
	assert_int_equal(json_int_at(object, 0, "metadata", "deletionGracePeriodSeconds", NULL),
	                 30);
	json_decref(object);
	expect(w, 200, NULL, "GET", PODS "/p", NULL, NULL);
	expect(w, 409, "UID in precondition", "DELETE", PODS "/p", "application/json",
	       "{\"preconditions\":{\"uid\":\"other\"}}");
	expect(w, 200, NULL, "DELETE", PODS "/p", "application/json", "{\"gracePeriodSeconds\":0}");
	expect(w, 404, NULL, "GET", PODS "/p", NULL, NULL);
}

/* Any user of the machine may connect: the engine goes on for those who have the token. */
static void test_silent_connections_keep_nobody_out(void **state)
{
	struct world *w = *state;
	struct rlimit limit;
	static int fds[1100];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = dial_api(w);
	expect(w, 200, NULL, "GET", MAPS, NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		(void)close(fds[i]);
}

/* A byte now and then is no request. */
static void test_a_connection_without_a_request_ends(void **state)
{
	struct pollfd p = {.fd = dial_api(*state), .events = POLLIN};
	uint64_t start_ms = clk_now_ms();

	while (poll(&p, 1, 500) == 0 && clk_now_ms() - start_ms < 20000)
		(void)send(p.fd, "\x16", 1, MSG_NOSIGNAL);
	(void)close(p.fd);
	assert_in_range(clk_now_ms() - start_ms, 0, 10000);
}

static void make_family(struct world *w)
{
	json_t *owner = world_create(w, MAPS, "{\"metadata\":{\"name\":\"owner\"}}");
	json_t *child = json_pack("{s:{s:s, s:[{s:s, s:s, s:s, s:s}]}}", "metadata", "name",
	                          "child", "ownerReferences", "apiVersion", "v1", "kind",
	                          "ConfigMap", "name", "owner", "uid", kube_uid(owner));
	char *text = json_dumps(child, 0);

	json_decref(world_create(w, MAPS, text));
	free(text);
	json_decref(child);
	json_decref(owner);
}

static void test_dependents_go_with_their_owner(void **state)
{
	struct world *w = *state;
	json_t *child;

	make_family(w);
	world_delete(w, MAPS "/owner");
	world_expect_gone(w, MAPS "/child");
	make_family(w);
	expect(w, 200, NULL, "DELETE", MAPS "/owner?propagationPolicy=Orphan", NULL, NULL);
	world_expect_gone(w, MAPS "/owner");
	child = world_get(w, MAPS "/child");
	assert_non_null(child);
	json_decref(child);
}

static void test_a_namespace_ends_with_its_content(void **state)
{
	struct world *w = *state;

	json_decref(world_create(w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"t\"}}"));
	json_decref(world_create(w, "/api/v1/namespaces/t/configmaps",
	                         "{\"metadata\":{\"name\":\"m\",\"finalizers\":[\"a/b\"]}}"));
	world_delete(w, "/api/v1/namespaces/t");
	expect(w, 403, "being terminated", "POST", "/api/v1/namespaces/t/configmaps",
	       "application/json", "{\"metadata\":{\"name\":\"n\"}}");
	expect(w, 200, NULL, "PATCH", "/api/v1/namespaces/t/configmaps/m", MERGE,
	       "{\"metadata\":{\"finalizers\":null}}");
	world_expect_gone(w, "/api/v1/namespaces/t");
}

struct text {
	char chars[OUTPUT_BYTES];
	size_t bytes;
};

static size_t on_bytes(char *data, size_t size, size_t count, void *arg)
{
	struct text *t = arg;
	size_t n = size * count;

	if (t->bytes + n >= sizeof t->chars)
		return 0;
	memcpy(t->chars + t->bytes, data, n);
	t->bytes += n;
	t->chars[t->bytes] = 0;
	return n;
}

/* A GET to its end, as text. @token: false for none. Return: HTTP status */
static long get_text(struct world *w, const char *path, bool token, struct text *ret_text)
{
	char url[256], file[PATH_MAX], line[128], word[128] = "";
	struct curl_slist *headers = NULL;
	CURL *curl = curl_easy_init();
	long status = 0;
	FILE *f = fopen(world_kubeconfig(w), "re");

	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		char *at = strstr(line, "server: ");

		if (at)
			(void)snprintf(url, sizeof url, "%.*s%s", (int)strcspn(at + 8, "\n"),
			               at + 8, path);
		at = strstr(line, "token: ");
		if (at)
			(void)snprintf(word, sizeof word, "Authorization: Bearer %.*s",
			               (int)strcspn(at + 7, "\n"), at + 7);
	}
	(void)fclose(f);
	(void)snprintf(file, sizeof file, "%s/state/pki/ca.crt", world_dir(w));
	headers = curl_slist_append(NULL, token ? word : "X-None: 1");
	memset(ret_text, 0, sizeof *ret_text);
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_CAINFO, file);
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret_text);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return status;
}

/* "ADDED hello" a line, to compare a whole watch with. */
static void trace_of(const struct text *t, char *trace, size_t size)
{
	const char *at = t->chars;
	size_t used = 0;

	trace[0] = 0;
	while (*at) {
		size_t n = strcspn(at, "\n");
		json_t *event = json_loadb(at, n, 0, NULL);

		assert_non_null(event);
		used += (size_t)snprintf(
		        trace + used, size - used, "%s %s\n", json_str_at(event, "", "type", NULL),
		        json_str_at(event, json_str_at(event, "", "object", "reason", NULL),
		                    "object", "metadata", "name", NULL));
		json_decref(event);
		at += n + (at[n] == '\n');
	}
}

static void expect_watch(struct world *w, const char *query, const char *want)
{
	static struct text text;
	char path[256], trace[1024];

	(void)snprintf(path, sizeof path, MAPS "?watch=1&timeoutSeconds=1&%s", query);
	assert_int_equal(get_text(w, path, true, &text), 200);
	trace_of(&text, trace, sizeof trace);
	assert_string_equal(trace, want);
}

static void sql(sqlite3 *db, const char *text)
{
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

static void test_watches_replay_select_and_expire(void **state)
{
	struct world *w = *state;
	char query[128], from[32];
	json_t *object = world_create(w, MAPS, "{\"metadata\":{\"name\":\"a\"}}");

	(void)snprintf(from, sizeof from, "%s", kube_resource_version(object));
	json_decref(object);
	json_decref(world_create(w, MAPS, "{\"metadata\":{\"name\":\"b\"}}"));
	expect(w, 200, NULL, "PATCH", MAPS "/a", MERGE,
	       "{\"metadata\":{\"labels\":{\"l\":\"1\"}}}");
	expect(w, 200, NULL, "PATCH", MAPS "/a", MERGE,
	       "{\"metadata\":{\"labels\":{\"l\":\"2\"}}}");
	world_delete(w, MAPS "/b");

	(void)snprintf(query, sizeof query, "resourceVersion=%s", from);
	expect_watch(w, query, "ADDED b\nMODIFIED a\nMODIFIED a\nDELETED b\n");
	(void)snprintf(query, sizeof query, "resourceVersion=%s&labelSelector=l%%3D1", from);
	expect_watch(w, query, "ADDED a\nDELETED a\n");
	(void)snprintf(query, sizeof query, "resourceVersion=%s&fieldSelector=metadata.name%%3Db",
	               from);
	expect_watch(w, query, "ADDED b\nDELETED b\n");
	expect_watch(w, "allowWatchBookmarks=true", "ADDED a\nBOOKMARK \n");
	expect_watch(w, "resourceVersion=999999", "ERROR Expired\n");
}

/* A second connection takes the tables away that a watch begins with, and puts them back. */
static void test_a_watch_that_cannot_be_replayed_says_so(void **state)
{
	struct world *w = *state;
	char path[PATH_MAX];
	sqlite3 *other = NULL;

	json_decref(world_create(w, MAPS, "{\"metadata\":{\"name\":\"a\"}}"));
	(void)snprintf(path, sizeof path, "%s/state/objects.sqlite", world_dir(w));
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	sql(other, "ALTER TABLE changes RENAME TO hidden");
	expect_watch(w, "resourceVersion=1&allowWatchBookmarks=true", "ERROR InternalError\n");
	sql(other, "ALTER TABLE hidden RENAME TO changes; ALTER TABLE objects RENAME TO hidden");
	expect_watch(w, "allowWatchBookmarks=true", "ERROR InternalError\n");
	sql(other, "ALTER TABLE hidden RENAME TO objects");
	expect_watch(w, "resourceVersion=0", "ADDED a\n");
	(void)sqlite3_close(other);
}

static void test_only_health_is_open_to_all(void **state)
{
	static struct text text;
	struct world *w = *state;

	assert_int_equal(get_text(w, "/readyz", false, &text), 200);
	assert_int_equal(get_text(w, PODS, false, &text), 401);
	assert_int_equal(get_text(w, PODS, true, &text), 200);
}

static void test_a_body_over_the_limit_is_refused(void **state)
{
	struct world *w = *state;
	size_t bytes = 4 * 1024 * 1024;
	char *body = malloc(bytes + 1);

	assert_non_null(body);
	memset(body, 'x', bytes);
	body[bytes] = 0;
	expect(w, 413, "limit is 3145728", "POST", MAPS, "application/json", body);
	free(body);
}

static void test_lists_come_in_pages(void **state)
{
	struct world *w = *state;
	json_t *list = NULL;
	char path[256];

	json_decref(world_create(w, MAPS, "{\"metadata\":{\"name\":\"a\"}}"));
	json_decref(world_create(w, MAPS, "{\"metadata\":{\"name\":\"b\"}}"));
	assert_int_equal(world_call(w, "GET", MAPS "?limit=1", NULL, NULL, &list), 200);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
	(void)snprintf(path, sizeof path, MAPS "?limit=1&continue=%s",
	               json_str_at(list, "", "metadata", "continue", NULL));
	json_decref(list);
	assert_int_equal(world_call(w, "GET", path, NULL, NULL, &list), 200);
	assert_string_equal(kube_name(json_array_get(json_object_get(list, "items"), 0)), "b");
	assert_string_equal(json_str_at(list, "", "metadata", "continue", NULL), "");
	json_decref(list);
}

/* The two that are asked for are further apart than what the server reads at once. */
static void test_a_page_is_looked_for_as_far_as_it_goes(void **state)
{
	enum { MANY = 264 };
	struct world *w = *state;
	char text[256], path[256];
	json_t *list = NULL, *items;

	for (int i = 0; i < MANY; i++) {
		(void)snprintf(text, sizeof text,
		               "{\"metadata\":{\"name\":\"m-%03d\",\"labels\":{\"%s\":\"\"}}}", i,
		               i % 257 == 5 ? "rare" : "common");
		json_decref(world_create(w, MAPS, text));
	}
	assert_int_equal(
	        world_call(w, "GET", MAPS "?labelSelector=rare&limit=1", NULL, NULL, &list), 200);
	assert_string_equal(kube_name(json_array_get(json_object_get(list, "items"), 0)), "m-005");
	(void)snprintf(path, sizeof path, MAPS "?labelSelector=rare&limit=1&continue=%s",
	               json_str_at(list, "", "metadata", "continue", NULL));
	json_decref(list);
	assert_int_equal(world_call(w, "GET", path, NULL, NULL, &list), 200);
	items = json_object_get(list, "items");
	assert_int_equal(json_array_size(items), 1);
	assert_string_equal(kube_name(json_array_get(items, 0)), "m-262");
	assert_string_equal(json_str_at(list, "", "metadata", "continue", NULL), "");
	json_decref(list);
	assert_int_equal(world_call(w, "GET", MAPS "?labelSelector=common", NULL, NULL, &list),
	                 200);
	assert_int_equal(json_array_size(json_object_get(list, "items")), MANY - 2);
	json_decref(list);
}

/* A program to its end. Return: its exit code; what it said on both outputs in @output. */
static int run(const char *const *argv, char output[OUTPUT_BYTES])
{
	int out[2], status = 0;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(out[1], STDERR_FILENO);
		(void)execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	(void)close(out[1]);
	while (used < OUTPUT_BYTES - 1 &&
	       (n = read(out[0], output + used, OUTPUT_BYTES - 1 - used)) > 0)
		used += (size_t)n;
	output[used] = 0;
	(void)close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int serve_again(const char *state_dir, char output[OUTPUT_BYTES])
{
	char program[PATH_MAX], dir[PATH_MAX];

	(void)snprintf(program, sizeof program, "%s/local/sc-local", getenv("SC_BUILD_DIR"));
	(void)snprintf(dir, sizeof dir, "--state-dir=%s", state_dir);
	return run((const char *const[]){program, "serve", dir, "--listen=127.0.0.1:0",
	                                 "--runner=false", NULL},
	           output);
}

static void test_one_engine_a_state_folder(void **state)
{
	static char output[OUTPUT_BYTES];
	char dir[PATH_MAX];

	(void)snprintf(dir, sizeof dir, "%s/state", world_dir(*state));
	assert_int_equal(serve_again(dir, output), 1);
	assert_non_null(strstr(output, "another sc-local (pid "));
}

static void test_a_corrupt_state_file_is_named(void **state)
{
	static char output[OUTPUT_BYTES];
	char dir[PATH_MAX], file[PATH_MAX + 32];
	FILE *f;

	(void)snprintf(dir, sizeof dir, "%s/corrupt", world_dir(*state));
	(void)snprintf(file, sizeof file, "%s/objects.sqlite", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	f = fopen(file, "we");
	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		(void)fputs("not a database", f);
	(void)fclose(f);
	assert_int_equal(serve_again(dir, output), 1);
	assert_non_null(strstr(output, "corrupt/objects.sqlite is not a sound state file"));
}

/* kubectl with the world's kubeconfig; skips the test where there is none. */
static int kubectl(struct world *w, char output[OUTPUT_BYTES], const char *a, const char *b,
                   const char *c, const char *d)
{
	const char *argv[] = {"timeout", "20", "kubectl", "--kubeconfig", world_kubeconfig(w), a, b,
	                      c,         d,    NULL};
	int code = run(argv, output);

	if (code == 127)
		skip();
	return code;
}

static void test_a_stock_kubectl_works(void **state)
{
	static char output[OUTPUT_BYTES];
	struct world *w = *state;
	char file[PATH_MAX], cache[PATH_MAX + 16];
	FILE *f;

	(void)snprintf(cache, sizeof cache, "%s/kube", world_dir(w));
	assert_int_equal(setenv("KUBECACHEDIR", cache, 1), 0);
	(void)snprintf(file, sizeof file, "%s/hello.yaml", world_dir(w));
	f = fopen(file, "we");
	assert_non_null(f);
	(void)fputs(
	        "apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1\nkind: StoppableContainer\n"
	        "metadata: {name: hello}\nspec: {template: {container: {image: x}}}\n",
	        f);
	(void)fclose(f);
	if (kubectl(w, output, "apply", "-f", file, NULL) != 0)
		fail_msg("%s", output);
	assert_int_equal(kubectl(w, output, "get", "sctr", NULL, NULL), 0);
	assert_non_null(strstr(output, "RUNNING"));
	assert_int_equal(kubectl(w, output, "patch", "sc/hello", "--type=merge",
	                         "-p={\"spec\":{\"running\":true}}"),
	                 0);
	assert_int_equal(kubectl(w, output, "wait", "sc/hello",
	                         "--for=jsonpath={.spec.running}=true", "--timeout=5s"),
	                 0);
	assert_int_equal(kubectl(w, output, "describe", "sc/hello", NULL, NULL), 0);
	assert_int_equal(kubectl(w, output, "explain", "sc.spec.idle", NULL, NULL), 0);
	assert_non_null(strstr(output, "startupGrace"));
	assert_int_equal(kubectl(w, output, "api-resources", NULL, NULL, NULL), 0);
	assert_non_null(strstr(output, "stoppablecontainerinstances"));
	/* client-go's typed clients send these as protobuf */
	assert_int_equal(kubectl(w, output, "create", "namespace", "shop", NULL), 0);
	assert_int_equal(kubectl(w, output, "create", "configmap", "words", "--from-literal=a=b"),
	                 0);
	assert_int_equal(kubectl(w, output, "get", "cm/words", "-o=jsonpath={.data.a}", NULL), 0);
	assert_string_equal(output, "b");
	assert_int_equal(kubectl(w, output, "auth", "can-i", "delete", "pods"), 0);
	assert_int_equal(kubectl(w, output, "auth", "whoami", NULL, NULL), 0);
	assert_int_equal(kubectl(w, output, "delete", "sc/hello", "--timeout=5s", NULL), 0);
	assert_int_equal(kubectl(w, output, "get", "sc/hello", NULL, NULL), 1);
	assert_non_null(strstr(output, "NotFound"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(test_objects_are_validated_defaulted_and_guarded),
	        T(test_names_that_cannot_be_a_host_are_refused),
	        T(test_status_and_spec_are_written_apart),
	        T(test_a_bound_pod_is_removed_by_its_node),
	        T(test_dependents_go_with_their_owner),
	        T(test_silent_connections_keep_nobody_out),
	        T(test_a_connection_without_a_request_ends),
	        T(test_a_namespace_ends_with_its_content),
	        T(test_watches_replay_select_and_expire),
	        T(test_a_watch_that_cannot_be_replayed_says_so),
	        T(test_only_health_is_open_to_all),
	        T(test_a_body_over_the_limit_is_refused),
	        T(test_lists_come_in_pages),
	        T(test_a_page_is_looked_for_as_far_as_it_goes),
	        T(test_one_engine_a_state_folder),
	        T(test_a_corrupt_state_file_is_named),
	        T(test_a_stock_kubectl_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
