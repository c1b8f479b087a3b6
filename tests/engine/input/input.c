/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/engine/input/input.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/kube/client/object.h"

enum { INPUT_POLL_MS = 20 };

int input_run(const char *const argv[])
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void input_image(struct world *w, const char *name, const char *snippet)
{
	char local[PATH_MAX];
	char state_dir[PATH_MAX];
	char run_dir[PATH_MAX];

	(void)snprintf(local, sizeof local, "%s/local/sc-local", getenv("SC_BUILD_DIR"));
	(void)snprintf(state_dir, sizeof state_dir, "--state-dir=%s/state", world_dir(w));
	(void)snprintf(run_dir, sizeof run_dir, "--run-dir=%s/run", world_dir(w));
	assert_int_equal(input_run((const char *const[]){"sh", getenv("SC_INPUT_IMAGE_SCRIPT"),
	                                                 name, snippet, local, "podman", state_dir,
	                                                 run_dir, "--", NULL}),
	                 0);
}

void input_apply(struct world *w, const struct input_manifest *m)
{
	char prefix[PATH_MAX];
	char text[2 * PATH_MAX];

	(void)snprintf(prefix, sizeof prefix, "%s/rootfs", world_dir(w));
#define MEMBERS(more) (more) != NULL ? "," : "", (more) != NULL ? (more) : ""
	(void)snprintf(
	        text, sizeof text,
	        "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"running\":false,"
	        "\"hostPathPrefix\":\"%s\",\"template\":{\"container\":{"
	        "\"image\":\"%s\",\"ports\":[{\"containerPort\":8080}]%s%s}%s%s}%s%s,"
	        "\"idle\":{\"timeout\":\"0s\"},\"activation\":{\"holdTimeout\":\"15s\"%s%s}}}",
	        m->name, m->prefix != NULL ? m->prefix : prefix, m->image, MEMBERS(m->container),
	        MEMBERS(m->template), MEMBERS(m->spec), MEMBERS(m->activation));
#undef MEMBERS
	json_decref(world_create(w, INPUT_API "/stoppablecontainers", text));
}

void input_patch(struct world *w, const char *name, const char *spec)
{
	char path[512];
	char text[1024];

	(void)snprintf(path, sizeof path, INPUT_API "/stoppablecontainers/%s", name);
	(void)snprintf(text, sizeof text, "{\"spec\":%s}", spec);
	json_decref(world_merge_patch(w, path, text));
}

void input_condition(struct world *w, const char *name, const char *type, const char *reason,
                     const char *text)
{
	uint64_t deadline_ms = clk_now_ms() + WORLD_DEADLINE_MS;
	char path[512];
	char last[1024] = "";

	(void)snprintf(path, sizeof path, INPUT_API "/stoppablecontainers/%s", name);
	while (clk_now_ms() < deadline_ms) {
		json_t *object = world_get(w, path);
		const json_t *one = kube_condition(object, type);
		const char *got = json_str_at(one, "", "reason", NULL);
		const char *message = json_str_at(one, "", "message", NULL);
		bool equal = strcmp(got, reason) == 0 && strstr(message, text) != NULL;

		(void)snprintf(last, sizeof last, "%s: %s", got, message);
		json_decref(object);
		if (equal)
			return;
		(void)poll(NULL, 0, INPUT_POLL_MS);
	}
	fail_msg("%s %s: want %s: …%s…, last seen %s", name, type, reason, text, last);
}

void input_event(struct world *w, const char *name, const char *reason)
{
	uint64_t deadline_ms = clk_now_ms() + WORLD_DEADLINE_MS;
	char last[1024] = "";

	while (clk_now_ms() < deadline_ms) {
		json_t *list = world_get(w, "/api/v1/namespaces/default/events");
		json_t *event;
		size_t i;
		bool found = false;

		json_array_foreach(json_object_get(list, "items"), i, event) {
			const char *got = json_str_at(event, "", "reason", NULL);

			if (strcmp(json_str_at(event, "", "involvedObject", "name", NULL), name) !=
			    0)
				continue;
			found |= strcmp(got, reason) == 0;
			(void)snprintf(last, sizeof last, "the last one is %s", got);
		}
		json_decref(list);
		if (found)
			return;
		(void)poll(NULL, 0, INPUT_POLL_MS);
	}
	fail_msg("no Event %s about %s: %s", reason, name, last);
}

/* What an answer of ours says (RFC 9457); of any other its body. */
static void input_detail(const struct world_response *res, char ret_text[1024])
{
	const char *body = res->body != NULL ? res->body : "";
	json_t *problem = json_loads(body, 0, NULL);

	(void)snprintf(ret_text, 1024, "%s", json_str_at(problem, body, "detail", NULL));
	json_decref(problem);
}

/* Return: it was so; else @last says how it was. */
static bool input_ask(const char *host, int status, const char *text, char last[1024])
{
	struct world_response res;
	char detail[1024];
	int got;

	world_http(INPUT_HTTP_PORT, "GET", host, "/", NULL, &res);
	input_detail(&res, detail);
	got = res.status;
	world_response_done(&res);
	(void)snprintf(last, 1024, "%d %.1000s", got, detail);
	return got == status && strstr(detail, text) != NULL;
}

/* The activator hears of a new container a moment after it was made. */
static bool is_not_known_yet(int status, const char *last)
{
	return status != 404 && strstr(last, "no StoppableContainer answers") != NULL;
}

uint64_t input_answer(const char *host, int status, const char *text)
{
	uint64_t deadline_ms = clk_now_ms() + WORLD_DEADLINE_MS;
	uint64_t start_ms;
	char last[1024];
	bool equal;

	do {
		start_ms = clk_now_ms();
		equal = input_ask(host, status, text, last);
	} while (!equal && is_not_known_yet(status, last) && start_ms < deadline_ms);
	if (!equal)
		fail_msg("%s: want %d …%s…, got %s", host, status, text, last);
	return clk_now_ms() - start_ms;
}

void input_answer_soon(const char *host, int status, const char *text)
{
	uint64_t deadline_ms = clk_now_ms() + WORLD_DEADLINE_MS;
	char last[1024] = "";

	while (!input_ask(host, status, text, last)) {
		if (clk_now_ms() >= deadline_ms)
			fail_msg("%s: want %d …%s…, got %s", host, status, text, last);
		(void)poll(NULL, 0, INPUT_POLL_MS);
	}
}
