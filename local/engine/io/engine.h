/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine - one embedded engine on this machine: its folders, its lock, and taking it away again
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* What up, down, status and podman have in common. */
struct engine {
	const char *state_dir;
	const char *run_dir;
	const char *bridge;
	const char *subnet;
	const char *cgroup_root;
	bool masquerade;
};

/* The first options of each of these commands. */
#define ENGINE_OPTIONS(e)                                                                          \
	{"stateDir",                                                                               \
	 CONFIG_STR,                                                                               \
	 &(e)->state_dir,                                                                          \
	 "/var/lib/sc-local",                                                                      \
	 0,                                                                                        \
	 0,                                                                                        \
	 "folder of the engine's state"},                                                          \
	        {"runDir",                                                                         \
	         CONFIG_STR,                                                                       \
	         &(e)->run_dir,                                                                    \
	         "/run/sc-local",                                                                  \
	         0,                                                                                \
	         0,                                                                                \
	         "folder of what does not outlive a boot"},                                        \
	        {"bridge",                                                                         \
	         CONFIG_STR,                                                                       \
	         &(e)->bridge,                                                                     \
	         "sclocal0",                                                                       \
	         0,                                                                                \
	         0,                                                                                \
	         "network bridge of the Pods"},                                                    \
	        {"subnet",                                                                         \
	         CONFIG_STR,                                                                       \
	         &(e)->subnet,                                                                     \
	         "10.213.0.1/16",                                                                  \
	         0,                                                                                \
	         0,                                                                                \
	         "the bridge's address and the Pods' network"},                                    \
	        {"cgroupRoot",                                                                     \
	         CONFIG_STR,                                                                       \
	         &(e)->cgroup_root,                                                                \
	         "sc-local",                                                                       \
	         0,                                                                                \
	         0,                                                                                \
	         "cgroup below which Pods run"},                                                   \
	{                                                                                          \
		"masquerade", CONFIG_BOOL, &(e)->masquerade, "true", 0, 0,                         \
		        "let Pods reach other networks"                                            \
	}

/** engine_lock() - one supervisor for one state folder; makes both folders
 * @ret_fd: keep it open. Return: 0; negative, with the pid that has it in err */
int engine_lock(const struct engine *e, int *ret_fd, struct err *err);

/** engine_is_permitted() - may this user run an engine? Says on stderr what is wanted, if not
 * @command: of sc-local */
bool engine_is_permitted(const char *command);

/** engine_pid() - the supervisor's pid
 * Return: 0, with @ret_pid 0 when none runs; negative when that cannot be told */
int engine_pid(const struct engine *e, pid_t *ret_pid, struct err *err);

/** engine_podman() - set Podman's environment to this engine's storage */
int engine_podman(const struct engine *e, struct err *err);

/**
 * engine_clean() - end the containers and take away what the machine has of the engine: bridge,
 * rules, cgroups, mounts. Blocks. @remove: the containers are removed, not only stopped.
 */
int engine_clean(const struct engine *e, bool remove, struct err *err);

/** engine_remove_containers() - those of an engine that is down. Blocks */
int engine_remove_containers(const struct engine *e, struct err *err);

/** engine_remove_state() - the state folder and all in it; never crosses a mount */
int engine_remove_state(const struct engine *e, struct err *err);
