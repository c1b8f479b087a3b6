/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container - a plain container for tests of the hand-over: namespaces, a few mounts, sc-wrapper
 *
 * Everything is on one tmpfs of the test's own mount namespace, so nothing is left behind.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct container {
	const char *dir; /* a folder below which it is made; the control folder is DIR/sc */
	bool read_only;
	const char *volume_at; /* where its volume DIR/volume is mounted, or NULL */
	const char *cwd;       /* or NULL: "/" */
	char *const *argv;     /* for sc-wrapper run */
	unsigned uid;
};

/** container_start() - Return: its process 1, as a child of the test */
pid_t container_start(const struct container *c);

/** container_connect() - to its wrapper, once that listens. Return: the socket */
int container_connect(const struct container *c);

/** container_expect() - the next packet is this text; a trailing '*' stands for anything */
void container_expect(int fd, const char *text);

void container_say(int fd, const char *text);

/** container_end() - wait for process 1. Return: its exit code */
int container_end(pid_t pid);

/** process_start() - Return: a child of the test that has done @enter, and waits to be killed */
pid_t process_start(int (*enter)(const void *arg), const void *arg);

/** mounts_leave() - mounts of its own, of which nobody else hears. Return: 0 or -1 */
int mounts_leave(void);

/** root_enter() - this mount is the root, and nothing else is left. Return: 0 or -1 */
int root_enter(const char *mount_point);

/** enter_alone() - both, for process_start(); @mount_point: its path */
int enter_alone(const void *mount_point);

/** write_text(), read_text() - whole small files; read_text() returns "" when there is none */
void write_text(const char *path, const char *text);
const char *read_text(const char *path);
