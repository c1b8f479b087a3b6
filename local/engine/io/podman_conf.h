/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman_conf - a Podman of the engine's own: storage below STATE, run state below RUN
 *
 * containers.conf and storage.conf are written to RUN; with the environment that
 * podman_conf_env() sets, both the service and a user's `podman` use them and nothing of the
 * machine's own Podman.
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

struct podman_conf {
	const char *state_dir;
	const char *run_dir;
	uint64_t log_bytes_max;
};

/** podman_conf_write() - chooses the runtime too: crun, or runc where cgroups are "hybrid" */
int podman_conf_write(const struct podman_conf *conf, struct err *err);

/** podman_conf_env() - set the variables in our own environment, for what we execute */
int podman_conf_env(const struct podman_conf *conf, struct err *err);

/** podman_conf_runtime() - @mounts: the text of /proc/self/mounts. Return: "crun" or "runc" */
const char *podman_conf_runtime(const char *mounts);
