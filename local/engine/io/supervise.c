/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise - starts the programs of the engine, and starts again what ended
 */
#include "local/engine/io/supervise.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/http/client.h"
#include "lib/kube/client/kubeconfig.h"
#include "local/engine/core/child.h"
#include "local/engine/io/supervise_log.h"
#include "local/host/io/cgroup.h"

enum { ASK_EVERY_MS = 50, ASK_SLOWLY_MS = 2000, ASK_TIMEOUT_MS = 2000 };

struct supervised {
	struct supervise *all;
	struct supervise_program program;
	struct child child;
	struct supervise_log *log;
	pid_t pid;
	int pid_fd;
	struct event *ended;
	struct event *timer; /* back-off, the next question, or the end of the stop's patience */
	struct http_client *http;
	struct event *answered; /* frees the client outside of its own callback */
	bool answer_ok;
};

struct supervise {
	struct supervise_opts opts;
	struct event_base *base;
	struct supervised children[SUPERVISE_CHILDREN_MAX];
	unsigned count;
	bool ready_reported;
	bool stopping;
};

static void child_feed(struct supervised *c, enum child_event ev);

static void arm(struct event *timer, uint64_t ms)
{
	struct timeval tv = clk_timeval(ms);

	(void)evtimer_add(timer, &tv);
}

/* ---- status.json ---- */

static void status_write(const struct supervise *s)
{
	json_t *list = json_array();
	char temp[PATH_MAX];

	for (unsigned i = 0; i < s->count; i++) {
		const struct supervised *c = &s->children[i];

		json_array_append_new(list, json_pack("{s:s, s:i, s:s, s:i, s:s?}", "name",
		                                      c->program.name, "pid", (int)c->pid, "state",
		                                      child_state_name(c->child.state), "restarts",
		                                      (int)c->child.restarts, "address",
		                                      c->program.ready_url));
	}
	(void)snprintf(temp, sizeof temp, "%s.new", s->opts.status_file);
	if (json_dump_file(list, temp, JSON_COMPACT) < 0 || rename(temp, s->opts.status_file) < 0)
		log_event(LOG_WARN, "up.status_file", log_i64("errno", errno));
	json_decref(list);
}

/* ---- does it answer? ---- */

static void question_end(struct supervised *c)
{
	if (c->http != NULL)
		http_client_free(c->http);
	c->http = NULL;
}

static void on_answered(evutil_socket_t fd, short what, void *arg)
{
	struct supervised *c = arg;

	question_end(c);
	if (c->answer_ok)
		child_feed(c, CHILD_EV_ANSWERED);
	if (c->child.state == CHILD_STARTING)
		arm(c->timer,
		    clk_now_ms() - c->child.started_ms > 10000 ? ASK_SLOWLY_MS : ASK_EVERY_MS);
}

static void on_http_done(void *arg, const struct http_response *res)
{
	struct supervised *c = arg;

	c->answer_ok = res->status >= 200 && res->status < 300;
	event_active(c->answered, 0, 0);
}

static int question_client(struct supervised *c, struct err *err)
{
	const struct supervise_program *p = &c->program;
	struct http_client_opts opts = {
	        .base_url = p->ready_url ? p->ready_url : "http://d",
	        .unix_socket = p->ready_socket,
	};
	struct kubeconfig *conf = NULL;
	int r;

	if (p->ready_kubeconfig != NULL) {
		if (kubeconfig_load(p->ready_kubeconfig, NULL, &conf, err) < 0)
			return -1;
		opts = *kubeconfig_http_opts(conf);
	}
	r = http_client_new(c->all->base, &opts, &c->http, err);
	if (conf != NULL)
		kubeconfig_free(conf);
	return r;
}

static void question_start(struct supervised *c)
{
	const struct http_request req = {
	        .method = "GET",
	        .path = c->program.ready_path,
	        .timeout_ms = ASK_TIMEOUT_MS,
	        .on_done = on_http_done,
	        .arg = c,
	};
	struct err err;

	question_end(c);
	if (question_client(c, &err) == 0 && http_call_start(c->http, &req, NULL, &err) == 0)
		return;
	c->answer_ok = false;
	event_active(c->answered, 0, 0);
}

/* ---- its process ---- */

static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct supervised *c = arg;
	siginfo_t info = {0};

	(void)waitid(P_PIDFD, (id_t)c->pid_fd, &info, WEXITED);
	event_free(c->ended);
	c->ended = NULL;
	(void)close(c->pid_fd);
	c->pid_fd = -1;
	log_event(c->all->stopping ? LOG_INFO : LOG_WARN, "up.ended",
	          log_str("program", c->program.name), log_i64("pid", c->pid),
	          log_bool("signaled", info.si_code != CLD_EXITED),
	          log_i64("status", info.si_status));
	c->pid = 0;
	question_end(c);
	(void)event_del(c->answered);
	(void)evtimer_del(c->timer);
	child_feed(c, CHILD_EV_ENDED);
}

/* The containers' monitors are its children, and outlive the unit or session that we are in. */
static void place_enter(const struct supervise_program *p)
{
	struct err err;

	if (p->cgroup_root != NULL && cgroup_enter_monitors(p->cgroup_root, &err) < 0)
		log_event(LOG_WARN, "up.cgroup", log_str("program", p->name), log_err(&err));
	if (p->dir != NULL && chdir(p->dir) < 0)
		log_event(LOG_WARN, "up.dir", log_str("dir", p->dir), log_i64("errno", errno));
}

static _Noreturn void child_exec(const struct supervised *c, pid_t parent)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	/* before it could get lost: a parent that is gone already sends no signal */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(127);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	/* a group of its own: ^C at the terminal is the supervisor's */
	(void)setpgid(0, 0);
	place_enter(&c->program);
	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
	    dup2(supervise_log_fd(c->log), STDOUT_FILENO) < 0 ||
	    dup2(supervise_log_fd(c->log), STDERR_FILENO) < 0)
		_exit(127);
	(void)execvp(c->program.argv[0], c->program.argv);
	dprintf(STDERR_FILENO, "%s: %s\n", c->program.argv[0], strerror(errno));
	_exit(127);
}

static void child_spawn(struct supervised *c)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		child_exec(c, parent);
	c->pid = pid;
	if (pid > 0)
		c->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pid > 0 && c->pid_fd >= 0)
		c->ended = event_new(c->all->base, c->pid_fd, EV_READ, on_ended, c);
	if (c->ended == NULL || event_add(c->ended, NULL) < 0) {
		log_event(LOG_ERROR, "up.spawn_failed", log_str("program", c->program.name),
		          log_i64("errno", errno));
		if (pid > 0) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
		}
		c->pid = 0;
		child_feed(c, CHILD_EV_ENDED);
		return;
	}
	log_event(LOG_INFO, "up.started", log_str("program", c->program.name),
	          log_i64("pid", c->pid));
	arm(c->timer, 10);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct supervised *c = arg;

	if (c->child.state == CHILD_BACKOFF)
		child_feed(c, CHILD_EV_START);
	else if (c->child.state == CHILD_STARTING)
		question_start(c);
	else if (c->child.state == CHILD_STOPPING && c->pid > 0)
		(void)kill(c->pid, SIGKILL);
}

/* ---- order ---- */

/* The next stage starts when all before it answer; a program that starts again holds up none. */
static void stages_advance(struct supervise *s)
{
	unsigned open_stage = UINT_MAX;

	for (unsigned i = 0; i < s->count; i++)
		if (s->children[i].child.state != CHILD_READY &&
		    s->children[i].program.stage < open_stage)
			open_stage = s->children[i].program.stage;
	for (unsigned i = 0; i < s->count; i++)
		if (s->children[i].child.state == CHILD_DOWN &&
		    s->children[i].program.stage <= open_stage)
			child_feed(&s->children[i], CHILD_EV_START);
	if (open_stage == UINT_MAX && !s->ready_reported) {
		s->ready_reported = true;
		s->opts.on_ready(s->opts.arg);
	}
}

/* The last one that still runs is next; those of one stage end together. */
static void stop_advance(struct supervise *s)
{
	unsigned stage = 0;
	bool any = false;

	for (unsigned i = 0; i < s->count; i++) {
		if (s->children[i].child.state == CHILD_DOWN)
			continue;
		any = true;
		if (s->children[i].program.stage > stage)
			stage = s->children[i].program.stage;
	}
	if (!any) {
		(void)event_base_loopbreak(s->base);
		return;
	}
	for (unsigned i = s->count; i-- > 0;) {
		struct supervised *c = &s->children[i];

		if (c->program.stage == stage && c->child.state != CHILD_DOWN &&
		    c->child.state != CHILD_STOPPING)
			child_feed(c, CHILD_EV_STOP);
	}
}

static void child_feed(struct supervised *c, enum child_event ev)
{
	struct supervise *s = c->all;
	enum child_state before = c->child.state;
	unsigned actions = child_step(&c->child, ev, clk_now_ms());

	if (actions & CHILD_DO_ARM)
		arm(c->timer, c->child.backoff_ms);
	if (actions & CHILD_DO_TERM) {
		(void)kill(c->pid, SIGTERM);
		arm(c->timer, s->opts.stop_timeout_ms);
	}
	if (actions & CHILD_DO_SPAWN)
		child_spawn(c);
	if (c->child.state == before)
		return;
	status_write(s);
	if (s->stopping)
		stop_advance(s);
	else
		stages_advance(s);
}

/* ---- */

int supervise_new(struct event_base *base, const struct supervise_opts *opts,
                  struct supervise **ret_supervise, struct err *err)
{
	struct supervise *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "supervisor");
	s->base = base;
	s->opts = *opts;
	*ret_supervise = s;
	return 0;
}

void supervise_free(struct supervise *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->count; i++) {
		struct supervised *c = &s->children[i];

		question_end(c);
		if (c->ended != NULL)
			event_free(c->ended);
		if (c->timer != NULL)
			event_free(c->timer);
		if (c->answered != NULL)
			event_free(c->answered);
		fd_close_var(&c->pid_fd);
		supervise_log_close(c->log);
		for (char **arg = c->program.argv; *arg != NULL; arg++)
			free(*arg);
		free(c->program.ready_url);
		free(c->program.ready_socket);
		free(c->program.ready_kubeconfig);
	}
	free(s);
}

int supervise_add(struct supervise *s, const struct supervise_program *program, struct err *err)
{
	struct supervised *c = &s->children[s->count];
	char path[PATH_MAX];

	if (s->count == SUPERVISE_CHILDREN_MAX)
		return err_set(err, ERR_INVALID, 0, "too many programs");
	s->count++;
	c->all = s;
	c->program = *program;
	c->pid_fd = -1;
	child_init(&c->child);
	c->timer = evtimer_new(s->base, on_timer, c);
	c->answered = event_new(s->base, -1, 0, on_answered, c);
	if (c->timer == NULL || c->answered == NULL)
		return err_set(err, ERR_NOMEM, 0, "supervisor");
	(void)snprintf(path, sizeof path, "%s/%s.log", s->opts.log_dir, program->name);
	return supervise_log_open(s->base, path, s->opts.log_bytes_max, &c->log, err);
}

void supervise_start(struct supervise *s)
{
	stages_advance(s);
}

void supervise_stop(struct supervise *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	stop_advance(s);
}
