/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's image source, and its reading of layers and cgroups, against a containerd of the
 * test's own with containers that are made through its Container Runtime Interface.
 */
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/io/image/image_source.h"
#include "agent/io/mounts/overlay.h"
#include "agent/io/mounts/proc.h"
#include "cri_make.pb-c.h"
#include "lib/base/clk.h"
#include "lib/http/client.h"

#define SOCKET "/run/containerd/containerd.sock"
#define POD_UID "7f3c9a10-5b2e-4d61-9c08-2a4be1d0f6a7"

enum { WAIT_STEPS = 300, WAIT_STEP_NS = 100 * 1000 * 1000, LAYERS_MANY = 70 };

struct fixture {
	struct event_base *base;
	struct http_client *http;
	struct image_source *images;
	pid_t containerd;
	char sandbox[80];
	/* of the last call */
	bool done;
	char answer[80];
	char digest[96];
	json_t *config;
	struct err err;
	/* as the images were made */
	char digest_few[96];
	char digest_many[96];
};

static const char *dir(void)
{
	const char *text = getenv("ENGINE_DIR");

	assert_non_null(text);
	return text;
}

/* The first word that @command prints. */
static void shell(char *out, size_t size, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

static void shell(char *out, size_t size, const char *fmt, ...)
{
	char command[4096];
	char whole[sizeof command + 64];
	FILE *f;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	(void)snprintf(whole, sizeof whole, "{ %s; } > \"$ENGINE_DIR/out\"", command);
	assert_int_equal(system(whole), 0);
	(void)snprintf(whole, sizeof whole, "%s/out", dir());
	f = fopen(whole, "re");
	assert_non_null(f);
	if (fgets(out, (int)size, f) == NULL)
		out[0] = '\0';
	out[strcspn(out, " \n")] = '\0';
	(void)fclose(f);
}

static void nap(void)
{
	(void)nanosleep(&(struct timespec){0, WAIT_STEP_NS}, NULL);
}

/* --- containerd --- */

static void write_config(void)
{
	char path[PATH_MAX];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/containerd.toml", dir());
	f = fopen(path, "we");
	assert_non_null(f);
	(void)fprintf(f,
	              "version = 2\nroot = \"%s/containerd\"\nstate = \"/run/containerd\"\n"
	              "[grpc]\naddress = \"" SOCKET "\"\n"
	              "[plugins.\"io.containerd.grpc.v1.cri\"]\n"
	              "restrict_oom_score_adj = true\nsandbox_image = \"localhost/few:1\"\n",
	              dir());
	assert_int_equal(fclose(f), 0);
}

#define CRI_STARTS "cat '%s' 2>/dev/null | grep -c 'Start streaming server' || true"

static pid_t start_containerd(void)
{
	char config[PATH_MAX];
	char log[PATH_MAX];
	char before[80];
	char out[80];
	pid_t pid;

	(void)snprintf(config, sizeof config, "%s/containerd.toml", dir());
	(void)snprintf(log, sizeof log, "%s/containerd.log", dir());
	/* the last thing that its CRI part says before it answers; a restart adds to the log */
	shell(before, sizeof before, CRI_STARTS, log);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (freopen(log, "a", stdout) == NULL || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
			_exit(126);
		(void)execlp("containerd", "containerd", "-c", config, (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	for (unsigned i = 0; i < WAIT_STEPS; i++) {
		shell(out, sizeof out, CRI_STARTS, log);
		if (strcmp(out, before) != 0)
			return pid;
		nap();
	}
	fail_msg("containerd does not answer");
	return -1;
}

static void stop_containerd(struct fixture *f)
{
	if (f->containerd <= 0)
		return;
	(void)kill(f->containerd, SIGKILL);
	(void)waitpid(f->containerd, NULL, 0);
	f->containerd = 0;
}

static void import(const char *name, int layers, const char *config, char *digest, size_t size)
{
	char out[80];

	shell(digest, size,
	      "\"$SC_MAKE_IMAGE\" %s \"$ENGINE_DIR/image.tar\" \"$SC_WRAPPER\" %d '%s'", name,
	      layers, config);
	shell(out, sizeof out, "ctr -n k8s.io images import \"$ENGINE_DIR/image.tar\" 2>&1");
}

/* --- making containers --- */

static void wait_done(struct fixture *f)
{
	while (!f->done)
		assert_int_equal(event_base_loop(f->base, EVLOOP_ONCE), 0);
}

/* The runtime's words, should it refuse. */
static void on_made_header(void *arg, const char *line, size_t bytes)
{
	if (bytes > 13 && strncasecmp(line, "grpc-message:", 13) == 0)
		print_message("# %.*s", (int)bytes, line);
}

static void on_made(void *arg, const struct http_response *res)
{
	struct fixture *f = arg;
	Crimake__Made *made;

	/* an assertion would leave the loop in the middle of itself */
	f->done = true;
	f->answer[0] = '\0';
	if (res->err != NULL)
		f->err = *res->err;
	if (res->body_bytes <= 5)
		return;
	made = crimake__made__unpack(NULL, res->body_bytes - 5, (const uint8_t *)res->body + 5);
	if (made == NULL)
		return;
	(void)snprintf(f->answer, sizeof f->answer, "%s", made->id);
	crimake__made__free_unpacked(made, NULL);
}

static void call(struct fixture *f, const char *method, const ProtobufCMessage *m)
{
	char path[96];
	char body[1024] = {0};
	size_t bytes = protobuf_c_message_pack(m, (uint8_t *)body + 5);
	const struct http_request req = {.method = "POST",
	                                 .path = path,
	                                 .body = body,
	                                 .body_bytes = bytes + 5,
	                                 .content_type = "application/grpc",
	                                 .takes_trailers = true,
	                                 .timeout_ms = 60000,
	                                 .on_header = on_made_header,
	                                 .on_done = on_made,
	                                 .arg = f};

	(void)snprintf(path, sizeof path, "/runtime.v1.RuntimeService/%s", method);
	body[3] = (char)(bytes >> 8);
	body[4] = (char)bytes;
	f->err = (struct err){0};
	f->done = false;
	if (http_call_start(f->http, &req, NULL, &f->err) < 0)
		fail_msg("%s", f->err.text);
	wait_done(f);
	if (f->err.code != ERR_NONE)
		fail_msg("%s", f->err.text);
}

static void fill_sandbox(Crimake__SandboxConfig *c)
{
	static Crimake__Metadata metadata = CRIMAKE__METADATA__INIT;
	static Crimake__NamespaceOption namespaces = CRIMAKE__NAMESPACE_OPTION__INIT;
	static Crimake__SecurityContext security = CRIMAKE__SECURITY_CONTEXT__INIT;
	static Crimake__LinuxSandbox linux_part = CRIMAKE__LINUX_SANDBOX__INIT;
	static char parent[256];

	(void)snprintf(parent, sizeof parent, "/%s/kubepods/burstable/pod" POD_UID,
	               getenv("ENGINE_CGROUP"));
	metadata.name = (char *)(uintptr_t) "provider";
	metadata.uid = (char *)(uintptr_t)POD_UID;
	metadata.namespace_ = (char *)(uintptr_t) "default";
	namespaces.network = 2;
	security.namespace_options = &namespaces;
	linux_part.cgroup_parent = parent;
	linux_part.security_context = &security;
	c->metadata = &metadata;
	c->linux_part = &linux_part;
}

static void make_sandbox(struct fixture *f)
{
	Crimake__SandboxConfig config = CRIMAKE__SANDBOX_CONFIG__INIT;
	Crimake__RunPodSandboxRequest m = CRIMAKE__RUN_POD_SANDBOX_REQUEST__INIT;

	fill_sandbox(&config);
	m.config = &config;
	call(f, "RunPodSandbox", &m.base);
	(void)snprintf(f->sandbox, sizeof f->sandbox, "%s", f->answer);
	assert_true(f->sandbox[0] != '\0');
}

/* As a Pod's status would have it. */
static void make_container(struct fixture *f, const char *name, const char *image, char id[128])
{
	Crimake__SandboxConfig sandbox = CRIMAKE__SANDBOX_CONFIG__INIT;
	Crimake__ContainerMetadata metadata = CRIMAKE__CONTAINER_METADATA__INIT;
	Crimake__ImageSpec spec = CRIMAKE__IMAGE_SPEC__INIT;
	Crimake__ContainerConfig config = CRIMAKE__CONTAINER_CONFIG__INIT;
	Crimake__CreateContainerRequest create = CRIMAKE__CREATE_CONTAINER_REQUEST__INIT;
	Crimake__StartContainerRequest start = CRIMAKE__START_CONTAINER_REQUEST__INIT;

	fill_sandbox(&sandbox);
	metadata.name = (char *)(uintptr_t)name;
	spec.image = (char *)(uintptr_t)image;
	config.metadata = &metadata;
	config.image = &spec;
	create.pod_sandbox_id = f->sandbox;
	create.config = &config;
	create.sandbox_config = &sandbox;
	call(f, "CreateContainer", &create.base);
	assert_true(f->answer[0] != '\0');
	(void)snprintf(id, 128, "containerd://%s", f->answer);
	start.container_id = id + strlen("containerd://");
	call(f, "StartContainer", &start.base);
}

/* --- the image source --- */

static void on_image(void *arg, const struct image_answer *answer, const struct err *err)
{
	struct fixture *f = arg;

	f->done = true;
	f->digest[0] = '\0';
	json_decref(f->config);
	f->config = NULL;
	if (answer == NULL) {
		f->err = *err;
		return;
	}
	(void)snprintf(f->digest, sizeof f->digest, "%s", answer->digest);
	f->config = json_deep_copy(answer->config);
}

/* Return: 0, with digest and config; negative: err */
static int ask(struct fixture *f, const char *id)
{
	const struct image_question question = {id, on_image, f};
	struct image_query *query;

	f->done = false;
	f->err = (struct err){0};
	if (image_query_start(f->images, &question, &query, &f->err) < 0)
		return -1;
	wait_done(f);
	return f->digest[0] != '\0' ? 0 : -1;
}

static void test_cri_tells_the_image_of_a_container(void **state)
{
	struct fixture *f = *state;
	char few[128];
	char again[128];
	char digest[96];

	make_container(f, "few", "localhost/few:1", few);
	if (ask(f, few) < 0)
		fail_msg("%s", f->err.text);
	assert_string_equal(f->digest, f->digest_few);
	assert_string_equal(json_string_value(json_object_get(f->config, "User")), "app:staff");
	assert_string_equal(
	        json_string_value(json_array_get(json_object_get(f->config, "Entrypoint"), 0)),
	        "/main");
	/* the tag leads elsewhere now: the container has what it had */
	import("localhost/few:1", 3, "{\"Entrypoint\":[\"/main\",\"pause\"]}", digest,
	       sizeof digest);
	assert_string_not_equal(digest, f->digest_few);
	assert_int_equal(ask(f, few), 0);
	assert_string_equal(f->digest, f->digest_few);
	/* and the same image, gone and fetched once more, is the same */
	import("localhost/few:1", 2,
	       "{\"Entrypoint\":[\"/main\",\"pause\"],\"User\":\"app:staff\"}", digest,
	       sizeof digest);
	make_container(f, "again", "localhost/few:1", again);
	assert_int_equal(ask(f, again), 0);
	assert_string_equal(f->digest, f->digest_few);
}

static void test_cri_tells_what_it_does_not_know(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, "containerd://0123456789abcdef"), -1);
	assert_int_equal(f->err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(f->err.text, "0123456789abcdef"));
}

static void test_cri_is_asked_again_after_its_restart(void **state)
{
	struct fixture *f = *state;
	char id[128];
	uint64_t begin_ms;

	make_container(f, "restart", "localhost/few:1", id);
	assert_int_equal(ask(f, id), 0);
	stop_containerd(f);
	begin_ms = clk_now_ms();
	assert_int_equal(ask(f, id), -1);
	assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	assert_true(clk_now_ms() - begin_ms < 10000);
	f->containerd = start_containerd();
	if (ask(f, id) < 0)
		fail_msg("%s", f->err.text);
	assert_string_equal(f->digest, f->digest_few);
}

/* With so many layers containerd names them relative to a folder. */
static void test_layers_of_a_container_are_found(void **state)
{
	struct fixture *f = *state;
	const char *roots[] = {"/sys/fs/cgroup", NULL};
	char root[PATH_MAX];
	char id[128];
	pid_t pids[PROC_PIDS_MAX];
	char **layers = NULL;
	struct stat st;
	size_t count;
	size_t found = 0;

	make_container(f, "many", "localhost/many:1", id);
	assert_int_equal(ask(f, id), 0);
	assert_string_equal(f->digest, f->digest_many);
	(void)snprintf(root, sizeof root,
	               "%s/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots", dir());
	/* of ours, not of the Pod's sandbox, which has layers of its own */
	assert_true(proc_of_pod(roots, POD_UID, pids) >= 2);
	count = proc_of_container(roots, POD_UID, id, pids);
	assert_int_equal(count, 1);
	assert_true(proc_is_in_pod(pids[0], POD_UID));
	if (overlay_layers_of(pids[0], root, &layers, &f->err) < 0)
		fail_msg("%s", f->err.text);
	for (found = 0; layers[found] != NULL; found++)
		assert_int_equal(stat(layers[found], &st), 0);
	/* without the folder nothing is guessed */
	assert_int_equal(overlay_layers_of(pids[0], NULL, &(char **){NULL}, &f->err), -1);
	overlay_layers_free(layers);
	assert_int_equal(found, LAYERS_MANY);
}

/* --- what is no runtime --- */

static void test_cri_gives_a_stranger_up(void **state)
{
	static const char *const says[] = {"", "HTTP/1.1 200 OK\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n"};
	struct sockaddr_un addr = {AF_UNIX, "/run/stranger.sock"};
	struct fixture *f = *state;
	struct image_source *runtime = f->images;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(
	        image_source_cri(f->base, "unix:///run/stranger.sock", &f->images, &f->err), 0);
	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
		pid_t server = fork();

		if (server == 0) {
			int peer = accept(fd, NULL, NULL);

			(void)send(peer, says[i], strlen(says[i]), MSG_NOSIGNAL);
			(void)shutdown(peer, SHUT_WR);
			nap();
			_exit(0);
		}
		assert_int_equal(ask(f, "containerd://0123456789abcdef"), -1);
		(void)kill(server, SIGKILL);
		(void)waitpid(server, NULL, 0);
	}
	(void)close(fd);
	image_source_free(f->images);
	f->images = runtime;
}

static void test_one_runtime_is_configured(void **state)
{
	struct fixture *f = *state;
	struct image_source *s = NULL;

	assert_int_equal(image_source_open(f->base, NULL, "", &s, &f->err), -1);
	assert_non_null(strstr(f->err.text, "neither"));
	assert_int_equal(image_source_open(f->base, "unix:///a", "/b", &s, &f->err), -1);
	assert_non_null(strstr(f->err.text, "both"));
	assert_int_equal(image_source_open(f->base, "tcp://a:1", NULL, &s, &f->err), -1);
	assert_int_equal(image_source_open(f->base, "unix:///a", NULL, &s, &f->err), 0);
	image_source_free(s);
	assert_int_equal(image_source_open(f->base, NULL, "/b", &s, &f->err), 0);
	image_source_free(s);
}

static int setup(void **state)
{
	const struct http_client_opts opts = {.base_url = "http://localhost",
	                                      .unix_socket = SOCKET,
	                                      .user_agent = "test",
	                                      .http2 = true};
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	*state = f;
	f->base = event_base_new();
	write_config();
	f->containerd = start_containerd();
	import("localhost/few:1", 2,
	       "{\"Entrypoint\":[\"/main\",\"pause\"],\"User\":\"app:staff\"}", f->digest_few,
	       sizeof f->digest_few);
	import("localhost/many:1", LAYERS_MANY, "{\"Entrypoint\":[\"/main\",\"pause\"]}",
	       f->digest_many, sizeof f->digest_many);
	assert_int_equal(http_client_new(f->base, &opts, &f->http, &f->err), 0);
	assert_int_equal(image_source_open(f->base, "unix://" SOCKET, NULL, &f->images, &f->err),
	                 0);
	make_sandbox(f);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	image_source_free(f->images);
	http_client_free(f->http);
	stop_containerd(f);
	json_decref(f->config);
	event_base_free(f->base);
	free(f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_cri_tells_the_image_of_a_container),
	        cmocka_unit_test(test_cri_tells_what_it_does_not_know),
	        cmocka_unit_test(test_cri_is_asked_again_after_its_restart),
	        cmocka_unit_test(test_layers_of_a_container_are_found),
	        cmocka_unit_test(test_cri_gives_a_stranger_up),
	        cmocka_unit_test(test_one_runtime_is_configured),
	};

	return cmocka_run_group_tests_name("cri", tests, setup, teardown);
}
