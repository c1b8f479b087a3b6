/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program - what each program that follows the cluster and elects a leader has around its own work
 *
 * The event loop, metrics, the admin server, the client of the API server, a recorder of Events,
 * the lease, and an end by SIGTERM or SIGINT that gives the lease up. The order of a start:
 *
 *     program_open()      loop, metrics, signals, and the name by which others know this process
 *     admin_new()         the program's own, as its metrics: it answers before the API server does
 *     program_connect()   the API server
 *     …                   the program's own work
 *     program_lead()      from here on it may become the leader
 *     program_run()       until it ends
 *     program_close()     after the program's own work is freed
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

struct admin;
struct event;
struct event_base;
struct kube_client;
struct kubeconfig;
struct leader;
struct metric;
struct metrics;
struct recorder;

enum { PROGRAM_IDENTITY_BYTES = 128 };

/* Borrowed, for good. The callbacks get @arg. */
struct program_opts {
	const char *name; /* "sc-controller": of its Events and requests */
	void (*on_leader)(void *arg, bool leading); /* after the metric is set */
	void (*on_end)(void *arg, int signal);      /* the first of them; the loop ends later */
	void *arg;
};

/* All are for its user to read; each is NULL until it is there. */
struct program {
	const struct program_opts *opts;
	struct event_base *base;
	struct metrics *metrics;
	struct metric *leading; /* made by the user: 1 while it may act */
	struct admin *admin;    /* made by the user, freed by program_close() */
	struct kubeconfig *kubeconfig;
	struct kube_client *client;
	struct recorder *recorder;
	struct leader *leader; /* NULL: no election, or not yet */
	struct event *on_term, *on_int;
	bool elects;
	bool is_ending;
	char identity[PROGRAM_IDENTITY_BYTES]; /* host name and a random number, as client-go's */
};

/** program_open() - @p: zeroed. Whatever it returns, program_close() is called once. */
int program_open(struct program *p, const struct program_opts *opts, struct err *err);

/**
 * program_connect() - nothing is written to the API server while this process does not lead
 * @path, @context: as kubeconfig_load()
 */
int program_connect(struct program *p, const char *path, const char *context, struct err *err);

struct program_lease {
	bool elects;    /* false: this process leads from now on */
	const char *ns; /* NULL: the kubeconfig's */
	const char *name;
};

int program_lead(struct program *p, const struct program_lease *lease, struct err *err);

/** program_is_leading() - it may act; not before program_lead(), nor while it ends */
bool program_is_leading(const struct program *p);

/** program_run() - Return: 0: it was told to end; -1: the loop failed */
int program_run(struct program *p);

void program_close(struct program *p);
