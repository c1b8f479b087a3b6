/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake activator - a process that answers as an activator's admin server does
 *
 * Of one container; what it says of it is a struct in memory that the test shares with it, so it
 * can be changed while the test waits.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct fake_activator {
	/* what it says */
	char uid[64];
	atomic_int in_flight;
	atomic_int age_ms; /* of the last request; negative: none */
	atomic_int uptime_ms;
	/* how it answers */
	atomic_bool silent;        /* 500 for every question */
	atomic_bool busy;          /* 409 to quiesce */
	atomic_bool holds_quiesce; /* its answer waits until this is false */
	/* what it was asked */
	atomic_int activities;
	atomic_int quiesces;
	atomic_int resumes;
	atomic_int bearers; /* of them with a bearer token */
	/* the process */
	atomic_int port;
	pid_t pid;
};

/** fake_activator_up() - with a last request long ago and a long life; NULL on failure */
struct fake_activator *fake_activator_up(void);
void fake_activator_down(struct fake_activator *f);
