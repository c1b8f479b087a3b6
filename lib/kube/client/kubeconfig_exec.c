/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig_exec - runs a credential program and reads the ExecCredential that it prints
 */
#include "lib/kube/client/kubeconfig_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/clk.h"
#include "lib/base/fds.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"

enum {
	EXEC_ARGS_MAX = 128,
	EXEC_ENV_MAX = 1024,
	EXEC_OUTPUT_BYTES_MAX = 256 * 1024,
	/* a person may have to log in */
	EXEC_TIMEOUT_MS = 5 * 60 * 1000,
};

DEFINE_CLEANUP(json_t *, json_decref);

/* The program as it is started: everything is made before the fork. */
struct exec_plan {
	char *path; /* NULL: looked up in PATH */
	char *argv[EXEC_ARGS_MAX + 2];
	char *envp[EXEC_ENV_MAX + 2];
	size_t owned_count; /* of envp, from the front */
	bool stdin_kept;
};

static void exec_plan_free(struct exec_plan *p)
{
	for (size_t i = 0; i < p->owned_count; i++)
		free(p->envp[i]);
	free(p->path);
	free(p);
}
DEFINE_CLEANUP(struct exec_plan *, exec_plan_free);

static const char *exec_command(const json_t *exec)
{
	return json_str_at(exec, "", "command", NULL);
}

static int exec_bad(const json_t *exec, struct err *err, const char *what)
{
	const char *hint = json_str_at(exec, "", "installHint", NULL);

	return err_set(err, ERR_DENIED, 0, "credential program \"%s\": %s%s%.200s",
	               exec_command(exec), what, *hint != '\0' ? "; " : "", hint);
}

static int exec_plan_args(struct exec_plan *p, const struct kubeconfig_exec *what, struct err *err)
{
	const char *command = exec_command(what->exec);
	const json_t *args = json_object_get(what->exec, "args");
	json_t *arg;
	size_t i;

	if (*command == '\0')
		return err_set(err, ERR_PARSE, 0, "exec without a command");
	if (strchr(command, '/') != NULL && *command != '/' &&
	    asprintf(&p->path, "%s/%s", what->folder, command) < 0) {
		p->path = NULL;
		return err_set(err, ERR_NOMEM, 0, "%s", command);
	}
	if (json_array_size(args) > EXEC_ARGS_MAX)
		return exec_bad(what->exec, err, "too many args");
	/* execvp() does not write to them */
	p->argv[0] = (char *)(uintptr_t)(p->path != NULL ? p->path : command);
	json_array_foreach(args, i, arg) {
		if (!json_is_string(arg))
			return exec_bad(what->exec, err, "args: want a list of strings");
		p->argv[i + 1] = (char *)(uintptr_t)json_string_value(arg);
	}
	return 0;
}

/* The ExecCredential that the program is given. Return: to be freed, NULL out of memory. */
static char *exec_info(const struct kubeconfig_exec *what, bool interactive)
{
	static const char *const told[] = {"server", "insecure-skip-tls-verify",
	                                   "certificate-authority-data"};
	CLEANUP(json_decref_var)
	json_t *info = json_pack("{s:s, s:s, s:{s:b}}", "kind", "ExecCredential", "apiVersion",
	                         json_str_at(what->exec, "", "apiVersion", NULL), "spec",
	                         "interactive", interactive);
	json_t *cluster = json_object();

	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		json_t *value = json_object_get(what->cluster, told[i]);

		if (value != NULL)
			(void)json_object_set(cluster, told[i], value);
	}
	if (json_bool_at(what->exec, false, "provideClusterInfo", NULL))
		(void)json_object_set(json_object_get(info, "spec"), "cluster", cluster);
	json_decref(cluster);
	return json_dumps(info, JSON_COMPACT);
}

static int exec_plan_env_add(struct exec_plan *p, const char *name, const char *value)
{
	if (p->owned_count >= EXEC_ENV_MAX ||
	    asprintf(&p->envp[p->owned_count], "%s=%s", name, value) < 0)
		return -1;
	p->owned_count++;
	return 0;
}

static bool exec_plan_has(const struct exec_plan *p, const char *entry)
{
	size_t name_bytes = strcspn(entry, "=") + 1;

	for (size_t i = 0; i < p->owned_count; i++) {
		if (strncmp(p->envp[i], entry, name_bytes) == 0)
			return true;
	}
	return false;
}

/* Our own environment, with what the kubeconfig adds and the question. */
static int exec_plan_env(struct exec_plan *p, const struct kubeconfig_exec *what, struct err *err)
{
	CLEANUP(free_var) char *info = exec_info(what, p->stdin_kept);
	json_t *item;
	size_t i, n;

	if (info == NULL || exec_plan_env_add(p, "KUBERNETES_EXEC_INFO", info) < 0)
		return err_set(err, ERR_NOMEM, 0, "%s", exec_command(what->exec));
	json_array_foreach(json_object_get(what->exec, "env"), i, item) {
		if (exec_plan_env_add(p, json_str_at(item, "", "name", NULL),
		                      json_str_at(item, "", "value", NULL)) < 0)
			return exec_bad(what->exec, err, "too much env");
	}
	n = p->owned_count;
	for (char **e = environ; *e != NULL && n < EXEC_ENV_MAX; e++) {
		if (!exec_plan_has(p, *e))
			p->envp[n++] = *e;
	}
	return 0;
}

static int exec_plan_stdin(struct exec_plan *p, const json_t *exec, struct err *err)
{
	const char *mode = json_str_at(exec, "IfAvailable", "interactiveMode", NULL);
	bool tty = isatty(STDIN_FILENO) == 1;

	if (strcmp(mode, "Always") == 0 && !tty)
		return exec_bad(exec, err,
		                "it asks questions (interactiveMode Always), and there is "
		                "no terminal");
	p->stdin_kept = tty && strcmp(mode, "Never") != 0;
	return 0;
}

/* In the child. */
static void exec_child(const struct exec_plan *p, int out)
{
	int null = p->stdin_kept ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (dup2(out, STDOUT_FILENO) < 0 || (!p->stdin_kept && dup2(null, STDIN_FILENO) < 0))
		_exit(126);
	fds_restore();
	(void)execvpe(p->argv[0], p->argv, p->envp);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Return: to be freed; NULL with err set. */
static char *exec_read(int fd, struct err *err)
{
	uint64_t deadline_ms = clk_now_ms() + EXEC_TIMEOUT_MS;
	char *text = calloc(1, EXEC_OUTPUT_BYTES_MAX + 1);
	size_t bytes = 0;
	ssize_t n = 1;

	while (text != NULL && n > 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now_ms = clk_now_ms();

		if (now_ms >= deadline_ms || bytes == EXEC_OUTPUT_BYTES_MAX) {
			free(text);
			(void)err_set(err, now_ms >= deadline_ms ? ERR_TIMEOUT : ERR_INVALID, 0,
			              now_ms >= deadline_ms ? "no answer"
			                                    : "its answer is too long");
			return NULL;
		}
		if (poll(&p, 1, (int)(deadline_ms - now_ms)) <= 0)
			continue;
		n = read(fd, text + bytes, EXEC_OUTPUT_BYTES_MAX - bytes);
		bytes += n > 0 ? (size_t)n : 0;
	}
	if (text == NULL)
		(void)err_set(err, ERR_NOMEM, 0, "its answer");
	return text;
}

/* Return: what it printed, to be freed; NULL with err set. */
static char *exec_output(const struct exec_plan *p, const json_t *exec, struct err *err)
{
	int fds[2] = {-1, -1};
	int status = 0;
	char *text;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		(void)err_set(err, ERR_SYS, errno, "start %s", exec_command(exec));
		for (size_t i = 0; i < ARRAY_LEN(fds) && fds[i] >= 0; i++)
			(void)close(fds[i]);
		return NULL;
	}
	if (pid == 0)
		exec_child(p, fds[1]);
	(void)close(fds[1]);
	text = exec_read(fds[0], err);
	(void)close(fds[0]);
	if (text == NULL) {
		(void)kill(pid, SIGKILL);
		(void)err_wrap(err, "credential program \"%s\"", exec_command(exec));
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (text == NULL || status == 0)
		return text;
	free(text);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		(void)exec_bad(exec, err, "it is not there; install it, or see that PATH has it");
	else
		(void)exec_bad(exec, err, "it failed; what it said is above");
	return NULL;
}

int kubeconfig_exec_parse(const char *text, const char *version, json_t **ret_status,
                          struct err *err)
{
	json_error_t where;
	CLEANUP(json_decref_var) json_t *answer = json_loads(text, 0, &where);
	const json_t *status = json_object_get(answer, "status");
	bool token = *json_str_at(status, "", "token", NULL) != '\0';
	bool cert = *json_str_at(status, "", "clientCertificateData", NULL) != '\0';
	bool key = *json_str_at(status, "", "clientKeyData", NULL) != '\0';

	if (answer == NULL)
		return err_set(err, ERR_PARSE, 0, "what it printed is not JSON: %s", where.text);
	if (strcmp(json_str_at(answer, "", "kind", NULL), "ExecCredential") != 0 ||
	    strcmp(json_str_at(answer, "", "apiVersion", NULL), version) != 0)
		return err_set(err, ERR_PARSE, 0, "it printed no ExecCredential of %s", version);
	if (cert != key)
		return err_set(err, ERR_PARSE, 0,
		               "want clientCertificateData and clientKeyData together");
	if (!token && !cert)
		return err_set(err, ERR_PARSE, 0, "it gave no token and no client certificate");
	*ret_status = json_incref(json_ref(status));
	return 0;
}

int kubeconfig_exec_run(const struct kubeconfig_exec *what, json_t **ret_status, struct err *err)
{
	CLEANUP(exec_plan_free_var) struct exec_plan *p = calloc(1, sizeof *p);
	const char *version = json_str_at(what->exec, "", "apiVersion", NULL);
	CLEANUP(free_var) char *text = NULL;

	if (p == NULL)
		return err_set(err, ERR_NOMEM, 0, "exec");
	if (strcmp(version, "client.authentication.k8s.io/v1") != 0 &&
	    strcmp(version, "client.authentication.k8s.io/v1beta1") != 0)
		return exec_bad(what->exec, err,
		                "its apiVersion is not client.authentication.k8s.io/v1");
	if (exec_plan_args(p, what, err) < 0 || exec_plan_stdin(p, what->exec, err) < 0 ||
	    exec_plan_env(p, what, err) < 0)
		return -1;
	text = exec_output(p, what->exec, err);
	if (text == NULL)
		return -1;
	if (kubeconfig_exec_parse(text, version, ret_status, err) < 0)
		return err_wrap(err, "credential program \"%s\"", exec_command(what->exec));
	return 0;
}
