/* SPDX-License-Identifier: Apache-2.0 */
/* Bad manifests, flags and files: what is wrong, where, and what is wanted. */
#include "tests/world/world.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/kube/client/object.h"

#define SCS "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default/stoppablecontainers"
#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])

enum { OUTPUT_BYTES = 16384, ARGS_MAX = 8 };

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

/* Return: the exit code; @output has what it wrote. */
static int run(const char *const argv[], char output[OUTPUT_BYTES])
{
	int pipes[2];
	size_t len = 0;
	ssize_t n;
	int status = -1;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(pipes[1], STDOUT_FILENO);
		(void)dup2(pipes[1], STDERR_FILENO);
		(void)close(pipes[0]);
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(pipes[1]);
	while (len < OUTPUT_BYTES - 1 &&
	       (n = read(pipes[0], output + len, OUTPUT_BYTES - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
	(void)close(pipes[0]);
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void write_file(struct world *w, const char *name, const char *text, char path[PATH_MAX])
{
	FILE *f;

	(void)snprintf(path, PATH_MAX, "%s/%s", world_dir(w), name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* ---- manifests ---- */

static const struct manifest {
	const char *spec;
	const char *query; /* of the URL */
	int status;
	const char *text; /* in the message */
} manifests[] = {
        {"{\"template\":{\"container\":{\"image\":\"x\",\"imaeg\":\"y\"}}}",
         "?fieldValidation=Strict", 400, "unknown field \"spec.template.container.imaeg\""},
        {"{\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"x\","
         "\"ports\":[{\"containerPort\":80,\"hostPrt\":1}]}]}}}",
         "?fieldValidation=Strict", 400,
         "unknown field \"spec.template.spec.containers[0].ports[0].hostPrt\""},
        {"{\"running\":\"yes\",\"template\":{\"container\":{\"image\":\"x\"}}}", "", 422,
         "spec.running: Invalid value"},
        {"{\"template\":{\"container\":{\"image\":\"x\",\"ports\":[{\"containerPort\":\"web\"}]}}}",
         "", 422, "spec.template.container.ports[0].containerPort: Invalid value"},
        {"{\"template\":{\"container\":{\"image\":\"x\"}},\"idle\":{\"timeout\":\"soon\"}}", "",
         422, "spec.idle.timeout: Invalid value"},
        {"{\"template\":{\"container\":{\"image\":\"x\"}},\"activation\":{\"holdTimeout\":\"-1s\"}"
         "}",
         "", 422, "spec.activation.holdTimeout: Invalid value"},
        {"{\"running\":true}", "", 422, "spec.template: Required value"},
};

static void test_a_wrong_field_or_value_is_refused_with_its_path(void **state)
{
	for (size_t i = 0; i < COUNT_OF(manifests); i++) {
		const struct manifest *m = &manifests[i];
		char path[256];
		char body[1024];
		json_t *answer = NULL;
		const char *message;
		int status;

		(void)snprintf(path, sizeof path, SCS "%s", m->query);
		(void)snprintf(body, sizeof body, "{\"metadata\":{\"name\":\"m\"},\"spec\":%s}",
		               m->spec);
		status = world_call(*state, "POST", path, "application/json", body, &answer);
		message = json_str_at(answer, "", "message", NULL);
		if (status != m->status || strstr(message, m->text) == NULL)
			fail_msg("%s: want %d …%s…, got %d %s", m->spec, m->status, m->text, status,
			         message);
		json_decref(answer);
	}
}

static void test_kubectl_names_a_field_that_does_not_exist(void **state)
{
	static char output[OUTPUT_BYTES];
	struct world *w = *state;
	char file[PATH_MAX];
	char cache[PATH_MAX];
	int code;

	(void)snprintf(cache, sizeof cache, "%s/kube", world_dir(w));
	assert_int_equal(setenv("KUBECACHEDIR", cache, 1), 0);
	write_file(w, "wrong.yaml",
	           "apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1\n"
	           "kind: StoppableContainer\nmetadata: {name: wrong}\n"
	           "spec: {runing: true, template: {container: {image: x}}}\n",
	           file);
	code = run((const char *const[]){"timeout", "20", "kubectl", "--kubeconfig",
	                                 world_kubeconfig(w), "apply", "-f", file, NULL},
	           output);
	if (code == 127)
		skip();
	if (code != 1 || strstr(output, "runing") == NULL)
		fail_msg("want 1 and the field's name, got %d %s", code, output);
}

/* ---- programs ---- */

static const struct wrong_use {
	const char *program; /* below the build folder */
	const char *args[ARGS_MAX];
	int code;
	const char *text;
} wrong_uses[] = {
        {"controller/sc-controller", {"--frobnicate"}, 2, "unknown option --frobnicate"},
        {"activator/sc-activator", {"extra"}, 2, "unexpected argument \"extra\""},
        {"activator/sc-activator", {"--answer-details=some"}, 2, "want none, loopback or all"},
        {"activator/sc-activator",
         {"--trusted-proxies=10.0.0.0/40"},
         2,
         "\"10.0.0.0/40\": want an"},
        {"idle-monitor/sc-idle-monitor", {"--log-level=loud"}, 2, "loud"},
        {"agent/sc-node-agent", {"--frobnicate"}, 2, "unknown option --frobnicate"},
        {"local/sc-local", {"frob"}, 2, "unknown command \"frob\""},
        {"local/sc-local", {"up", "--bogus"}, 2, "unknown option --bogus"},
        {"local/sc-local", {"serve", "--change-log=few"}, 2, "few"},
        {"controller/sc-controller", {"--log-level=info"}, 2, "want one of activatorAddresses and"},
        {"controller/sc-controller",
         {"--kubeconfig=/nonexistent", "--admin-listen=127.0.0.1:0",
          "--activator-addresses=127.0.0.1:1"},
         1,
         "open /nonexistent: No such file or directory"},
        {"activator/sc-activator",
         {"--kubeconfig=/nonexistent", "--admin-listen=127.0.0.1:0", "--listen=127.0.0.1:0"},
         1,
         "open /nonexistent: No such file or directory"},
        {"idle-monitor/sc-idle-monitor", {"--log-level=info"}, 2, "want one of activators and"},
        {"idle-monitor/sc-idle-monitor",
         {"--kubeconfig=/nonexistent", "--admin-listen=127.0.0.1:0",
          "--activators=http://127.0.0.1:1"},
         1,
         "open /nonexistent: No such file or directory"},
        {"agent/sc-node-agent",
         {"--kubeconfig=/nonexistent", "--admin-listen=127.0.0.1:0", "--node-name=n"},
         1,
         "open /nonexistent: No such file or directory"},
};

static void test_a_wrong_flag_is_named(void **state)
{
	static char output[OUTPUT_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong_uses); i++) {
		const struct wrong_use *u = &wrong_uses[i];
		const char *argv[ARGS_MAX + 4] = {"timeout", "10"};
		char program[PATH_MAX];
		int code;

		(void)snprintf(program, sizeof program, "%s/%s", getenv("SC_BUILD_DIR"),
		               u->program);
		argv[2] = program;
		for (size_t k = 0; k < ARGS_MAX && u->args[k] != NULL; k++)
			argv[3 + k] = u->args[k];
		code = run(argv, output);
		if (code != u->code || strstr(output, u->text) == NULL)
			fail_msg("%s %s: want %d …%s…, got %d %s", u->program, u->args[0], u->code,
			         u->text, code, output);
	}
}

static const struct config_file {
	const char *text;
	const char *want; /* after the file's name */
} config_files[] = {
        {"log:\n  level: info\n  colour: red\n", ":3: log.colour: unknown key"},
        {"log:\n  level: loud\n", ":2: log.level: \"loud\": want debug, info, warn or error"},
        {"log: [\n", ":2: "},
};

static void test_a_wrong_configuration_file_is_told_with_its_line(void **state)
{
	static const char *const programs[] = {"controller/sc-controller", "activator/sc-activator",
	                                       "idle-monitor/sc-idle-monitor",
	                                       "agent/sc-node-agent"};
	static char output[OUTPUT_BYTES];
	char file[PATH_MAX];
	char want[PATH_MAX + 64];
	char program[PATH_MAX];
	char flag[PATH_MAX + 16];

	for (size_t i = 0; i < COUNT_OF(config_files); i++) {
		write_file(*state, "config.yaml", config_files[i].text, file);
		(void)snprintf(want, sizeof want, "%s%s", file, config_files[i].want);
		(void)snprintf(flag, sizeof flag, "--config=%s", file);
		for (size_t k = 0; k < COUNT_OF(programs); k++) {
			int code;

			(void)snprintf(program, sizeof program, "%s/%s", getenv("SC_BUILD_DIR"),
			               programs[k]);
			code = run((const char *const[]){"timeout", "10", program, flag, NULL},
			           output);
			if (code != 2 || strstr(output, want) == NULL)
				fail_msg("%s: want 2 …%s…, got %d %s", program, want, code, output);
		}
	}
}

static void test_a_second_engine_is_told_the_first_ones_pid(void **state)
{
	static char output[OUTPUT_BYTES];
	char program[PATH_MAX];
	char dir[PATH_MAX];
	char run_dir[PATH_MAX];
	char lock[PATH_MAX];
	char pid[32] = "";
	char want[64];
	FILE *f;

	(void)snprintf(program, sizeof program, "%s/local/sc-local", getenv("SC_BUILD_DIR"));
	(void)snprintf(dir, sizeof dir, "--state-dir=%s/state", world_dir(*state));
	(void)snprintf(run_dir, sizeof run_dir, "--run-dir=%s/run", world_dir(*state));
	(void)snprintf(lock, sizeof lock, "%s/state/lock", world_dir(*state));
	f = fopen(lock, "re");
	assert_non_null(f);
	assert_non_null(fgets(pid, sizeof pid, f));
	(void)fclose(f);
	pid[strcspn(pid, "\n")] = '\0';
	(void)snprintf(want, sizeof want, "another sc-local (pid %s) uses", pid);
	assert_int_equal(run((const char *const[]){program, "serve", dir, run_dir, "--runner=false",
	                                           "--listen=127.0.0.1:0", NULL},
	                     output),
	                 1);
	assert_non_null(strstr(output, want));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(test_a_wrong_field_or_value_is_refused_with_its_path),
	        T(test_kubectl_names_a_field_that_does_not_exist),
	        T(test_a_wrong_flag_is_named),
	        T(test_a_wrong_configuration_file_is_told_with_its_line),
	        T(test_a_second_engine_is_told_the_first_ones_pid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
