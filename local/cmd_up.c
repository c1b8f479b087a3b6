/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-local up - the supervisor: Podman, the API with the Pod runner, and the four programs
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/config/config.h"
#include "lib/program/trim.h"
#include "local/commands.h"
#include "local/engine/io/engine.h"
#include "local/engine/io/installed.h"
#include "local/engine/io/made.h"
#include "local/engine/io/pki.h"
#include "local/engine/io/podman_conf.h"
#include "local/engine/io/supervise.h"
#include "local/host/io/network_host.h"

DEFINE_CLEANUP(struct config *, config_free);

enum { TOKEN_BYTES = 32, CHILD_LOG_BYTES_MAX = 8 << 20, STOP_TIMEOUT_MS = 10000 };

/* Stages: each starts when the one before answers. */
enum { STAGE_PODMAN, STAGE_API, STAGE_PROGRAMS };

struct up {
	struct engine engine;
	const char *listen;
	const char **http_listen;
	const char *crds_dir;
	const char *bin_dir;
	const char *node_name;
	const char **host_path_prefixes;
	uint64_t admin_port;
	uint64_t container_log_bytes;
	bool detach;
	struct event_base *base;
	struct supervise *supervise;
	struct event *signals[3];
	int lock_fd;
	int told_fd; /* of the process that waits for --detach, or -1 */
	char gateway[16];
	char token_file[PATH_MAX];
	char key_file[PATH_MAX];
};

/* ---- command lines ---- */

struct line {
	struct supervise_program program;
	unsigned count;
	bool failed;
};

static void arg(struct line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void arg(struct line *l, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (l->count + 1 >= SUPERVISE_ARGS_MAX || vasprintf(&text, fmt, ap) < 0)
		l->failed = true;
	else
		l->program.argv[l->count++] = text;
	va_end(ap);
}

static void line_begin(const struct up *up, struct line *l, const char *name, unsigned stage)
{
	char path[PATH_MAX];

	*l = (struct line){.program = {.name = name, .stage = stage}};
	installed_program(up->bin_dir, name, path);
	arg(l, "%s", path);
}

/* What the four programs have alike; @offset: of its admin port. */
static void line_begin_client(const struct up *up, struct line *l, const char *name,
                              unsigned offset)
{
	unsigned long long port = up->admin_port + offset;

	line_begin(up, l, name, STAGE_PROGRAMS);
	arg(l, "--kubeconfig=%s/kubeconfig", up->engine.state_dir);
	arg(l, "--admin-listen=127.0.0.1:%llu", port);
	arg(l, "--admin-token-file=%s", up->token_file);
	l->program.ready_path = "/readyz";
	if (asprintf(&l->program.ready_url, "http://127.0.0.1:%llu", port) < 0)
		l->failed = true;
}

static int line_end(struct up *up, struct line *l, struct err *err)
{
	if (l->failed)
		return err_set(err, ERR_NOMEM, 0, "command line of %s", l->program.name);
	return supervise_add(up->supervise, &l->program, err);
}

static int add_podman(struct up *up, struct err *err)
{
	struct line l = {.program = {.name = "podman",
	                             .stage = STAGE_PODMAN,
	                             .cgroup_root = up->engine.cgroup_root,
	                             /* the monitors leave marks where they were started */
	                             .dir = up->engine.run_dir}};

	arg(&l, "podman");
	arg(&l, "system");
	arg(&l, "service");
	arg(&l, "--time=0");
	arg(&l, "unix://%s/podman.sock", up->engine.run_dir);
	l.program.ready_path = "/v4.0.0/libpod/_ping";
	if (asprintf(&l.program.ready_socket, "%s/podman.sock", up->engine.run_dir) < 0)
		l.failed = true;
	return line_end(up, &l, err);
}

static int add_serve(struct up *up, struct err *err)
{
	const struct engine *e = &up->engine;
	char wrapper[PATH_MAX];
	struct line l;

	installed_program(up->bin_dir, "sc-wrapper", wrapper);
	line_begin(up, &l, "sc-local", STAGE_API);
	arg(&l, "serve");
	arg(&l, "--state-dir=%s", e->state_dir);
	arg(&l, "--run-dir=%s", e->run_dir);
	arg(&l, "--listen=%s", up->listen);
	if (up->crds_dir != NULL)
		arg(&l, "--crds-dir=%s", up->crds_dir);
	arg(&l, "--cgroup-root=%s", e->cgroup_root);
	arg(&l, "--bridge=%s", e->bridge);
	arg(&l, "--subnet=%s", e->subnet);
	arg(&l, "--masquerade=%s", e->masquerade ? "true" : "false");
	arg(&l, "--log-bytes=%llu", (unsigned long long)up->container_log_bytes);
	if (access(wrapper, R_OK) == 0)
		arg(&l, "--wrapper-binary=%s", wrapper);
	l.program.ready_path = "/readyz";
	if (asprintf(&l.program.ready_kubeconfig, "%s/kubeconfig", e->state_dir) < 0)
		l.failed = true;
	return line_end(up, &l, err);
}

/* The port of an address "HOST:PORT". */
static const char *port_of(const char *address)
{
	const char *colon = strrchr(address, ':');

	return colon ? colon + 1 : "8080";
}

static int add_programs(struct up *up, struct err *err)
{
	const char *port = port_of(up->http_listen[0]);
	struct line l;

	line_begin_client(up, &l, "sc-controller", 0);
	/* one of each, started anew only after its end: no other candidate, no lease to wait for */
	arg(&l, "--leader-elect=false");
	arg(&l, "--activator-addresses=%s:%s", up->gateway, port);
	arg(&l, "--url-template=http://%%s.%%s.localhost:%s/", port);
	arg(&l, "--wrapper-image=localhost/sc-wrapper:" SC_VERSION);
	if (line_end(up, &l, err) < 0)
		return -1;
	line_begin_client(up, &l, "sc-activator", 1);
	arg(&l, "--idle-monitor-key-file=%s", up->key_file);
	for (const char **address = up->http_listen; *address != NULL; address++)
		arg(&l, "--listen=%s", *address);
	/* the address that Services name, for Pods */
	arg(&l, "--listen=%s:%s", up->gateway, port);
	arg(&l, "--domains=localhost");
	/* who sits at this machine; not the Pods, which come by the gateway */
	arg(&l, "--answer-details=loopback");
	/* there is one node: its wakes are those in all */
	arg(&l, "--wakes-node-per-second=0");
	if (line_end(up, &l, err) < 0)
		return -1;
	line_begin_client(up, &l, "sc-idle-monitor", 2);
	arg(&l, "--activator-key-file=%s", up->key_file);
	arg(&l, "--leader-elect=false");
	arg(&l, "--activators=http://127.0.0.1:%llu", (unsigned long long)up->admin_port + 1);
	if (line_end(up, &l, err) < 0)
		return -1;
	line_begin_client(up, &l, "sc-node-agent", 3);
	arg(&l, "--node-name=%s", up->node_name);
	arg(&l, "--pods-dir=%s/pods", up->engine.state_dir);
	arg(&l, "--podman-socket=%s/podman.sock", up->engine.run_dir);
	arg(&l, "--staging-dir=%s/node-agent", up->engine.run_dir);
	/* Podman names the layers of an image with many relative to its storage's folder */
	arg(&l, "--layer-root=%s/containers/overlay", up->engine.state_dir);
	arg(&l, "--runtime-root=%s/containers", up->engine.state_dir);
	for (const char **prefix = up->host_path_prefixes; *prefix != NULL; prefix++)
		arg(&l, "--host-path-prefixes=%s", *prefix);
	return line_end(up, &l, err);
}

/* ---- folders ---- */

/* Made whole or not at all; an empty file is what a crash of an older version has left. */
static int secret_make(const char *path, struct err *err)
{
	unsigned char random[TOKEN_BYTES];
	char text[TOKEN_BYTES * 2 + 2];
	struct stat st;

	if (stat(path, &st) == 0 && st.st_size > 0)
		return 0;
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return err_set(err, ERR_SYS, errno, "random bytes");
	for (size_t i = 0; i < sizeof random; i++)
		(void)snprintf(text + i * 2, 3, "%02x", random[i]);
	(void)snprintf(text + sizeof text - 2, 2, "\n");
	return pki_write_file(path, text, 0600, err);
}

/*
 * One bearer token for the metrics of all programs, which all are root's here, and a key for what
 * the idle-monitor asks of the activator: other users of the machine see neither.
 */
static int secrets_make(struct up *up, struct err *err)
{
	(void)snprintf(up->token_file, sizeof up->token_file, "%s/admin-token",
	               up->engine.state_dir);
	(void)snprintf(up->key_file, sizeof up->key_file, "%s/activator-key", up->engine.state_dir);
	return secret_make(up->token_file, err) < 0 ? -1 : secret_make(up->key_file, err);
}

/* An address of a family that this machine does not have would keep the activator from starting. */
static void http_listen_keep_usable(struct up *up)
{
	const char **to = up->http_listen;

	for (const char **from = up->http_listen; *from != NULL; from++) {
		struct sockaddr_in6 any = {.sin6_family = AF_INET6,
		                           .sin6_addr = IN6ADDR_LOOPBACK_INIT};
		CLEANUP(fd_close_var) int fd = -1;

		if (**from == '[') {
			fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
			if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) < 0)
				continue;
		}
		*to++ = *from;
	}
	*to = NULL;
}

/* What an engine before made under other names goes; what this one makes is written down. */
static int made_settle(const struct up *up, struct err *err)
{
	const struct network_opts network = {.bridge = up->engine.bridge,
	                                     .owner = up->engine.state_dir};
	struct engine before = up->engine;
	struct made made;
	int r = made_recall(&before, &made, err);

	if (r < 0 || network_may_have(&network, err) < 0)
		return -1;
	if (r == 0 && made.is_up &&
	    (strcmp(before.bridge, up->engine.bridge) != 0 ||
	     strcmp(before.subnet, up->engine.subnet) != 0 ||
	     strcmp(before.cgroup_root, up->engine.cgroup_root) != 0 ||
	     strcmp(before.run_dir, up->engine.run_dir) != 0)) {
		log_event(LOG_INFO, "up.clean_before", log_str("bridge", before.bridge),
		          log_str("cgroup_root", before.cgroup_root));
		if (engine_clean(&before, false, err) < 0)
			return -1;
	}
	return made_note(&up->engine, true, err);
}

static int folders_prepare(struct up *up, struct err *err)
{
	const struct podman_conf conf = {up->engine.state_dir, up->engine.run_dir,
	                                 up->container_log_bytes};
	char path[PATH_MAX];

	if (engine_lock(&up->engine, &up->lock_fd, err) < 0 || made_settle(up, err) < 0)
		return -1;
	(void)snprintf(path, sizeof path, "%s/logs", up->engine.state_dir);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_SYS, errno, "make %s", path);
	(void)snprintf(up->gateway, sizeof up->gateway, "%.*s",
	               (int)strcspn(up->engine.subnet, "/"), up->engine.subnet);
	http_listen_keep_usable(up);
	if (up->http_listen[0] == NULL)
		return err_set(err, ERR_INVALID, 0, "--http-listen names no usable address");
	return secrets_make(up, err) < 0 || podman_conf_write(&conf, err) < 0 ||
	                       podman_conf_env(&conf, err) < 0
	               ? -1
	               : 0;
}

/* ---- running ---- */

static void on_signal(evutil_socket_t number, short what, void *arg_up)
{
	struct up *up = arg_up;

	(void)what;
	/* detached, the end of a session is not ours; not SIG_IGN, which containers would inherit
	 */
	if (number == SIGHUP && up->detach)
		return;
	log_event(LOG_INFO, "up.stopping", log_i64("signal", number));
	supervise_stop(up->supervise);
}

static void tell_next(const struct up *up)
{
	printf("The engine is ready.\n"
	       "  export KUBECONFIG=%s/kubeconfig\n"
	       "  kubectl get sc\n"
	       "Containers answer at http://NAME.NAMESPACE.localhost:%s/\n"
	       "  sc-local status --state-dir %s --run-dir %s\n"
	       "  sc-local down --state-dir %s --run-dir %s\n",
	       up->engine.state_dir, port_of(up->http_listen[0]), up->engine.state_dir,
	       up->engine.run_dir, up->engine.state_dir, up->engine.run_dir);
	(void)fflush(stdout);
}

/* From here on nobody reads what we print. */
static void terminal_leave(const struct up *up)
{
	char path[PATH_MAX];
	CLEANUP(fd_close_var) int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP(fd_close_var) int log_fd = -1;

	(void)snprintf(path, sizeof path, "%s/logs/up.log", up->engine.state_dir);
	log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (null_fd < 0 || log_fd < 0)
		return;
	(void)dup2(null_fd, STDIN_FILENO);
	(void)dup2(log_fd, STDOUT_FILENO);
	(void)dup2(log_fd, STDERR_FILENO);
}

static void on_ready(void *arg_up)
{
	struct up *up = arg_up;

	log_event(LOG_INFO, "up.ready", log_str("state_dir", up->engine.state_dir));
	if (!up->detach) {
		tell_next(up);
		return;
	}
	terminal_leave(up);
	(void)!write(up->told_fd, "r", 1);
	(void)close(up->told_fd);
	up->told_fd = -1;
}

static int loop_prepare(struct up *up, struct err *err)
{
	static char log_dir[PATH_MAX], status_file[PATH_MAX];
	const struct supervise_opts opts = {
	        .log_dir = log_dir,
	        .status_file = status_file,
	        .log_bytes_max = CHILD_LOG_BYTES_MAX,
	        .stop_timeout_ms = STOP_TIMEOUT_MS,
	        .on_ready = on_ready,
	        .arg = up,
	};

	(void)snprintf(log_dir, sizeof log_dir, "%s/logs", up->engine.state_dir);
	(void)snprintf(status_file, sizeof status_file, "%s/status.json", up->engine.run_dir);
	(void)signal(SIGPIPE, SIG_IGN);
	up->base = event_base_new();
	if (up->base == NULL)
		return err_set(err, ERR_NOMEM, 0, "event loop");
	up->signals[0] = evsignal_new(up->base, SIGTERM, on_signal, up);
	up->signals[1] = evsignal_new(up->base, SIGINT, on_signal, up);
	up->signals[2] = evsignal_new(up->base, SIGHUP, on_signal, up);
	for (size_t i = 0; i < ARRAY_LEN(up->signals); i++)
		if (up->signals[i] == NULL || evsignal_add(up->signals[i], NULL) < 0)
			return err_set(err, ERR_NOMEM, 0, "signals");
	if (supervise_new(up->base, &opts, &up->supervise, err) < 0 || add_podman(up, err) < 0 ||
	    add_serve(up, err) < 0 || add_programs(up, err) < 0)
		return -1;
	return 0;
}

static int up_run(struct up *up)
{
	struct err err = {0};
	int r = folders_prepare(up, &err);

	if (r == 0)
		r = loop_prepare(up, &err);
	if (r == 0) {
		supervise_start(up->supervise);
		trim_start(up->base);
		(void)event_base_dispatch(up->base);
		r = engine_clean(&up->engine, false, &err);
		if (r == 0)
			r = made_note(&up->engine, false, &err);
		log_event(LOG_INFO, "up.down", log_bool("clean", r == 0));
	}
	if (r < 0)
		fprintf(stderr, "sc-local: %s\n", err.text);
	supervise_free(up->supervise);
	for (size_t i = 0; i < ARRAY_LEN(up->signals); i++)
		if (up->signals[i] != NULL)
			event_free(up->signals[i]);
	if (up->base != NULL)
		event_base_free(up->base);
	fd_close_var(&up->lock_fd);
	return r < 0 ? 1 : 0;
}

/* The child goes on; the parent tells what to do next when all is ready, or that it failed. */
static int up_detach(struct up *up)
{
	int told[2];
	char byte;
	pid_t pid;

	if (pipe2(told, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		fprintf(stderr, "sc-local: %s\n", strerror(errno));
		return 1;
	}
	if (pid == 0) {
		(void)close(told[0]);
		up->told_fd = told[1];
		(void)setsid();
		return up_run(up);
	}
	(void)close(told[1]);
	if (read(told[0], &byte, 1) != 1)
		return 1; /* the child has said why */
	tell_next(up);
	return 0;
}

int cmd_up(int argc, char **argv)
{
	struct up up = {.lock_fd = -1, .told_fd = -1};
	const struct config_option options[] = {
	        ENGINE_OPTIONS(&up.engine),
	        {"listen", CONFIG_STR, &up.listen, "127.0.0.1:6443", 0, 0,
	         "address and port of the API"},
	        {"httpListen", CONFIG_LIST, &up.http_listen, "127.0.0.1:8080,[::1]:8080", 0, 0,
	         "addresses at which containers answer"},
	        {"adminPort", CONFIG_U64, &up.admin_port, "9440", 1, 65532,
	         "first of four ports on loopback for the programs' own servers"},
	        {"crdsDir", CONFIG_STR, &up.crds_dir, NULL, 0, 0,
	         "folder of the CustomResourceDefinitions; default: the installed ones"},
	        {"binDir", CONFIG_STR, &up.bin_dir, NULL, 0, 0,
	         "folder of the programs; default: this program's"},
	        {"nodeName", CONFIG_STR, &up.node_name, "local", 0, 0, "name of the one node"},
	        {"hostPathPrefixes", CONFIG_LIST, &up.host_path_prefixes,
	         "/var/lib/stoppablecontainer", 0, 0,
	         "folders that a resource may name for its root filesystem"},
	        {"containerLog", CONFIG_SIZE, &up.container_log_bytes, "10Mi", 1024, 0,
	         "size of one container's log"},
	        {"detach", CONFIG_BOOL, &up.detach, NULL, 0, 0, "return when everything is ready"},
	};
	const struct config_program program = {
	        .name = "sc-local up",
	        .synopsis = "Start the embedded engine and all programs, and keep them running.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	CLEANUP(config_free_var) struct config *config = NULL;
	struct err err = {0};
	int r = config_load(&program, argc, argv, &config, &err);

	if (r < 0)
		fprintf(stderr, "sc-local: %s\n", err.text);
	if (r != 0)
		return r < 0 ? 2 : 0;
	if (!engine_is_permitted("up"))
		return 1;
	return up.detach ? up_detach(&up) : up_run(&up);
}
