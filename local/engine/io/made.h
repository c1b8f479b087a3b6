/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made - what an engine makes on this machine, written into its state folder before it is made
 *
 * So "down" and the next "up" know what to take away without being told again, and never take away
 * what another engine made.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "local/engine/io/engine.h"

/* Where an engine's fields point to after made_recall(). */
struct made {
	char run_dir[PATH_MAX];
	char bridge[32];
	char subnet[64];
	char cgroup_root[256];
	bool is_up; /* it was not taken away since */
};

/**
 * made_note() - write what @e makes into its state folder: whole, and on the disk
 * @is_up: it is about to be made; false: it was taken away
 */
int made_note(const struct engine *e, bool is_up, struct err *err);

/**
 * made_recall() - set @e to what is written in its state folder
 * @made: keeps the texts; as long as @e
 *
 * Return: 0; 1 when nothing is written there, @e is as it was; negative when it cannot be read
 */
int made_recall(struct engine *e, struct made *made, struct err *err);
