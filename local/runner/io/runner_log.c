/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_log - reads the log of a container for GET .../log
 *
 * The log is a file that the monitor of the container writes. Following it is waiting for inotify;
 * a file that became shorter was begun anew (it had reached its size).
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "local/runner/core/log_line.h"
#include "local/runner/io/runner_private.h"

enum {
	LOG_CHUNK_BYTES = 64 * 1024,
	LOG_END_CHECK_MS = 200,
};

struct pod_log {
	struct runner *runner;
	struct pod_log *next;
	struct pod_log **link;      /* what points to this; NULL: not in the list */
	struct pod_log_query query; /* without its strings */
	char uid[64];
	char container[128];
	char path[RUNNER_LOG_PATH_BYTES];
	int fd;
	int inotify_fd;
	off_t at;
	uint64_t since_wall_ms;
	struct event *turn;    /* next piece */
	struct event *changed; /* inotify */
	char buf[LOG_CHUNK_BYTES];
	size_t used;
};

static void log_free(struct pod_log *log)
{
	if (log->link != NULL) {
		*log->link = log->next;
		if (log->next != NULL)
			log->next->link = log->link;
	}
	if (log->turn != NULL)
		event_free(log->turn);
	if (log->changed != NULL)
		event_free(log->changed);
	fd_close_var(&log->inotify_fd);
	fd_close_var(&log->fd);
	free(log);
}
DEFINE_CLEANUP(struct pod_log *, log_free);

/* Reports the end, once; the log is freed with it. */
static void log_finish(struct pod_log *log)
{
	log->query.on_data(log->query.arg, NULL, 0);
	log_free(log);
}

void runner_logs_end(struct runner *r)
{
	while (r->logs != NULL)
		log_finish(r->logs);
}

static struct ctr *ctr_find(struct pod *pod, const char *name)
{
	struct ctr *only = NULL;

	for (size_t i = 0; i < pod->ctrs_count; i++) {
		struct ctr *c = &pod->ctrs[i];

		if (name != NULL && *name != '\0') {
			if (strcmp(json_str_at(c->view.container, "", "name", NULL), name) == 0)
				return c;
		} else if (!c->view.init && only == NULL) {
			only = c;
		}
	}
	return only;
}

static struct pod *pod_by_name(struct runner *r, const char *ns, const char *name)
{
	for (struct pod *pod = r->pods; pod != NULL; pod = pod->next)
		if (!pod->gone && strcmp(kube_namespace(pod->object), ns) == 0 &&
		    strcmp(kube_name(pod->object), name) == 0)
			return pod;
	return NULL;
}

static void line_tell(struct pod_log *log, const char *line, size_t bytes)
{
	struct log_line l;
	uint64_t wall_ms = 0;
	char time[40];

	if (!log_line_parse(line, bytes, &l))
		return;
	if (log->since_wall_ms > 0) {
		(void)snprintf(time, sizeof time, "%.*sZ",
		               (int)(l.time_bytes > 19 ? 19 : l.time_bytes), l.time);
		if (num_parse_rfc3339(time, &wall_ms, NULL) == 0 &&
		    wall_ms / 1000 < log->since_wall_ms / 1000)
			return;
	}
	if (log->query.timestamps) {
		log->query.on_data(log->query.arg, l.time, l.time_bytes);
		log->query.on_data(log->query.arg, " ", 1);
	}
	if (l.text_bytes > 0)
		log->query.on_data(log->query.arg, l.text, l.text_bytes);
	if (!l.partial)
		log->query.on_data(log->query.arg, "\n", 1);
}

/* Whole lines of what is in the buffer; the rest waits; one that fills the buffer is sent as it is.
 */
static void lines_tell(struct pod_log *log)
{
	size_t from = 0;

	for (;;) {
		const char *nl = memchr(log->buf + from, '\n', log->used - from);

		if (nl == NULL)
			break;
		line_tell(log, log->buf + from, (size_t)(nl - log->buf) - from);
		from = (size_t)(nl - log->buf) + 1;
	}
	if (from == 0 && log->used == sizeof log->buf)
		from = log->used;
	log->used -= from;
	memmove(log->buf, log->buf + from, log->used);
}

/* A container that is followed ends the log with its own end. */
static bool writer_lives(const struct pod_log *log)
{
	struct pod *pod = pod_find(log->runner, log->uid);
	struct ctr *c = pod && !pod->gone ? ctr_find(pod, log->container) : NULL;

	return c != NULL && c->state == POD_CTR_ST_RUNNING && strcmp(c->log_path, log->path) == 0;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct pod_log *log = arg;
	bool alive = log->query.follow && writer_lives(log);
	struct stat st;
	ssize_t n;

	if (fstat(log->fd, &st) == 0 && st.st_size < log->at)
		log->at = 0;
	n = pread(log->fd, log->buf + log->used, sizeof log->buf - log->used, log->at);
	if (n > 0) {
		log->at += n;
		log->used += (size_t)n;
		lines_tell(log);
		timer_after(log->turn, 0);
	} else if (alive) {
		timer_after(log->turn, LOG_END_CHECK_MS);
	} else {
		log_finish(log);
	}
}

static void on_changed(evutil_socket_t fd, short what, void *arg)
{
	struct pod_log *log = arg;
	char events[4096];

	(void)what;
	while (read(fd, events, sizeof events) > 0)
		;
	timer_after(log->turn, 0);
}

/* Files are bounded, so the tail is looked for in the last of it that fits. */
static off_t tail_begin(int fd, int64_t lines, uint64_t bytes_max)
{
	struct stat st;
	CLEANUP(free_var) char *data = NULL;
	off_t from = 0;
	ssize_t n;

	if (lines < 0 || fstat(fd, &st) < 0)
		return 0;
	if ((uint64_t)st.st_size > bytes_max)
		from = st.st_size - (off_t)bytes_max;
	data = malloc((size_t)(st.st_size - from) + 1);
	n = data ? pread(fd, data, (size_t)(st.st_size - from), from) : -1;
	return n <= 0 ? from : from + (off_t)log_line_tail(data, (size_t)n, lines);
}

static int log_follow(struct pod_log *log, struct err *err)
{
	log->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (log->inotify_fd < 0 || inotify_add_watch(log->inotify_fd, log->path, IN_MODIFY) < 0)
		return err_set(err, ERR_SYS, errno, "follow the log");
	log->changed = event_new(log->runner->base, log->inotify_fd, EV_READ | EV_PERSIST,
	                         on_changed, log);
	if (log->changed == NULL || event_add(log->changed, NULL) < 0)
		return err_set(err, ERR_NOMEM, 0, "log");
	return 0;
}

static int log_file_open(struct pod_log *log, const struct ctr *c, struct err *err)
{
	bool previous = log->query.previous;
	/* a container that waits between two runs shows the one before, as the kubelet does */
	const char *path =
	        previous || c->state == POD_CTR_ST_BACKOFF ? c->last_log_path : c->log_path;

	if (*path == '\0')
		return err_set(err, ERR_INVALID, 0,
		               previous ? "previous terminated container \"%s\" in pod \"%s\" not "
		                          "found"
		                        : "container \"%s\" in pod \"%s\" is waiting to start",
		               json_str_at(c->view.container, "", "name", NULL),
		               kube_name(c->pod->object));
	(void)snprintf(log->path, sizeof log->path, "%s", path);
	log->fd = open(path, O_RDONLY | O_CLOEXEC);
	return log->fd < 0 ? err_set(err, ERR_NOT_FOUND, errno, "log file") : 0;
}

static int on_open(void *source_arg, const struct pod_log_query *query, struct pod_log **ret_log,
                   struct err *err)
{
	struct runner *r = source_arg;
	struct pod *pod = pod_by_name(r, query->ns, query->pod);
	struct ctr *c = pod ? ctr_find(pod, query->container) : NULL;
	CLEANUP(log_free_var) struct pod_log *log = NULL;

	if (pod == NULL)
		return err_set(err, ERR_NOT_FOUND, 0, "pods \"%s\" not found", query->pod);
	if (c == NULL)
		return err_set(err, ERR_INVALID, 0, "container %s is not valid for pod %s",
		               query->container ? query->container : "", query->pod);
	log = calloc(1, sizeof *log);
	if (log == NULL)
		return err_set(err, ERR_NOMEM, 0, "log");
	log->runner = r;
	log->query = *query;
	log->fd = -1;
	log->inotify_fd = -1;
	(void)snprintf(log->uid, sizeof log->uid, "%s", pod->uid);
	(void)snprintf(log->container, sizeof log->container, "%s",
	               json_str_at(c->view.container, "", "name", NULL));
	if (query->since_seconds > 0)
		log->since_wall_ms = clk_wall_ms() - (uint64_t)query->since_seconds * 1000;
	if (log_file_open(log, c, err) < 0)
		return -1;
	log->at = tail_begin(log->fd, query->tail_lines, r->opts.log_bytes_max * 2);
	log->turn = evtimer_new(r->base, on_turn, log);
	if (log->turn == NULL)
		return err_set(err, ERR_NOMEM, 0, "log");
	if (query->follow && log_follow(log, err) < 0)
		return -1;
	timer_after(log->turn, 0);
	log->next = r->logs;
	log->link = &r->logs;
	if (r->logs != NULL)
		r->logs->link = &log->next;
	r->logs = log;
	*ret_log = TAKE_PTR(log);
	return 0;
}

static void on_close(void *source_arg, struct pod_log *log)
{
	(void)source_arg;
	log_free(log);
}

void runner_log_source_init(struct runner *r)
{
	r->log_source = (struct pod_log_source){.open = on_open, .close = on_close, .arg = r};
}
