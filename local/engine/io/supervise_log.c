/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise_log - the log files of the programs that the engine starts
 */
#include "local/engine/io/supervise_log.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_READ_BYTES = 16384 };

struct supervise_log {
	char path[PATH_MAX];
	uint64_t bytes_max;
	uint64_t bytes;
	int file_fd;
	int pipe_fd[2];
	struct event *readable;
};

static int file_open(struct supervise_log *log)
{
	struct stat st;

	log->file_fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	log->bytes = log->file_fd >= 0 && fstat(log->file_fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return log->file_fd;
}

static void rotate(struct supervise_log *log)
{
	char before[PATH_MAX + 4];

	(void)snprintf(before, sizeof before, "%s.1", log->path);
	(void)close(log->file_fd);
	(void)rename(log->path, before);
	(void)file_open(log);
}

/* A disk that is full must not stop the children: what cannot be written is dropped. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct supervise_log *log = arg;
	char buf[LOG_READ_BYTES];
	ssize_t n = read(fd, buf, sizeof buf);

	(void)what;
	if (n <= 0)
		return;
	if (log->bytes + (uint64_t)n > log->bytes_max)
		rotate(log);
	if (log->file_fd >= 0 && write(log->file_fd, buf, (size_t)n) > 0)
		log->bytes += (uint64_t)n;
}

int supervise_log_open(struct event_base *base, const char *path, uint64_t bytes_max,
                       struct supervise_log **ret_log, struct err *err)
{
	struct supervise_log *log = calloc(1, sizeof *log);

	if (log == NULL)
		return err_set(err, ERR_NOMEM, 0, "log");
	log->bytes_max = bytes_max;
	log->pipe_fd[0] = log->pipe_fd[1] = -1;
	(void)snprintf(log->path, sizeof log->path, "%s", path);
	if (file_open(log) < 0 || pipe2(log->pipe_fd, O_CLOEXEC) < 0 ||
	    fcntl(log->pipe_fd[0], F_SETFL, O_NONBLOCK) < 0) {
		(void)err_set(err, ERR_SYS, errno, "log %s", path);
		supervise_log_close(log);
		return -1;
	}
	log->readable = event_new(base, log->pipe_fd[0], EV_READ | EV_PERSIST, on_readable, log);
	if (log->readable == NULL || event_add(log->readable, NULL) < 0) {
		supervise_log_close(log);
		return err_set(err, ERR_NOMEM, 0, "log");
	}
	*ret_log = log;
	return 0;
}

void supervise_log_close(struct supervise_log *log)
{
	if (log == NULL)
		return;
	if (log->readable != NULL) {
		/* the last words of a child that has ended */
		on_readable(log->pipe_fd[0], 0, log);
		event_free(log->readable);
	}
	fd_close_var(&log->pipe_fd[0]);
	fd_close_var(&log->pipe_fd[1]);
	fd_close_var(&log->file_fd);
	free(log);
}

int supervise_log_fd(const struct supervise_log *log)
{
	return log->pipe_fd[1];
}
