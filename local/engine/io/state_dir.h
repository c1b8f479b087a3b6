/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_dir - the engine's folder: made, and held by one process at a time
 */
#pragma once

#include "lib/base/err.h"

/**
 * state_dir_open() - make @dir (0700) and lock DIR/lock
 * @ret_fd: keep it open as long as the folder is used; its end, however sudden, frees the lock
 */
int state_dir_open(const char *dir, int *ret_fd, struct err *err);

/* How a client reaches the API. */
struct state_dir_access {
	const char *host;
	unsigned port;
	const char *ca_pem;
	const char *token;
};

/** state_dir_write_kubeconfig() - DIR/kubeconfig, 0600, whole or not at all */
int state_dir_write_kubeconfig(const char *dir, const struct state_dir_access *api,
                               struct err *err);
