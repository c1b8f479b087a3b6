/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-local down - end the engine: its programs, its containers, what it made on the machine
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/config/config.h"
#include "local/commands.h"
#include "local/engine/io/engine.h"
#include "local/engine/io/made.h"

DEFINE_CLEANUP(struct config *, config_free);

/* Return: 0 when the supervisor is gone; negative with err */
static int supervisor_end(const struct engine *e, uint64_t timeout_ms, struct err *err)
{
	CLEANUP(fd_close_var) int fd = -1;
	struct pollfd p = {.events = POLLIN};
	pid_t pid;

	if (engine_pid(e, &pid, err) < 0)
		return -1;
	fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	p.fd = fd;
	if (pid == 0 || (fd < 0 && errno == ESRCH))
		return 0;
	if (fd < 0 || syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) < 0)
		return err_set(err, ERR_SYS, errno, "end the engine (pid %d)", (int)pid);
	return poll(&p, 1, (int)timeout_ms) == 1
	               ? 0
	               : err_set(err, ERR_TIMEOUT, 0, "the engine (pid %d) does not end", (int)pid);
}

/*
 * What is taken away is what the state folder says was made, also by an engine that was killed, and
 * nothing else: a name given here may be another engine's.
 */
static int engine_end(struct engine *e, uint64_t timeout_ms, bool remove, struct err *err)
{
	struct made made;
	int r = supervisor_end(e, timeout_ms, err);

	if (r == 0)
		r = made_recall(e, &made, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (!made.is_up)
		return remove ? engine_remove_containers(e, err) : 0;
	if (engine_clean(e, remove, err) < 0)
		return -1;
	return made_note(e, false, err);
}

int cmd_down(int argc, char **argv)
{
	struct engine e = {0};
	bool purge = false, purge_state = false;
	uint64_t timeout_ms = 0;
	const struct config_option options[] = {
	        ENGINE_OPTIONS(&e),
	        {"timeout", CONFIG_DURATION, &timeout_ms, "90s", 1, 3600000,
	         "how long to wait for the engine's end"},
	        {"purge", CONFIG_BOOL, &purge, NULL, 0, 0, "remove the containers, too"},
	        {"purgeState", CONFIG_BOOL, &purge_state, NULL, 0, 0,
	         "remove the whole state folder: objects, images, keys"},
	};
	const struct config_program program = {
	        .name = "sc-local down",
	        .synopsis = "End the embedded engine. Root filesystems and objects stay.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	CLEANUP(config_free_var) struct config *config = NULL;
	struct err err = {0};
	int r = config_load(&program, argc, argv, &config, &err);

	if (r == 0 && !engine_is_permitted("down"))
		return 1;
	if (r == 0) {
		r = engine_end(&e, timeout_ms, purge || purge_state, &err);
		if (r == 0 && purge_state)
			r = engine_remove_state(&e, &err);
		if (r < 0)
			fprintf(stderr, "sc-local: %s\n", err.text);
		return r < 0 ? 1 : 0;
	}
	if (r < 0)
		fprintf(stderr, "sc-local: %s\n", err.text);
	return r < 0 ? 2 : 0;
}
