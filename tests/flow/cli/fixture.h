/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture - the plugin against an API server, and a kubectl that only says what it was given
 *
 * DIR/bin is first in PATH: kubectl-sc, kubectl_complete-sc, and a kubectl that prints its words in
 * brackets and ends with 7.
 */
#pragma once

#include "tests/world/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCS "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default/stoppablecontainers"
#define SCIS                                                                                       \
	"/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default/"                        \
	"stoppablecontainerinstances"
#define PODS "/api/v1/namespaces/default/pods"
#define EVENTS "/api/v1/namespaces/default/events"

enum { OUTPUT_BYTES = 65536, JOBS_MAX = 8, KUBECTL_EXIT = 7 };

/* A program that runs beside the test. */
struct job {
	pid_t pid; /* 0: none */
	int out;   /* both its outputs */
	size_t used;
	char output[OUTPUT_BYTES];
};

struct fixture {
	struct world *w;
	char program[600]; /* kubectl-sc */
	struct job job;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/** job_start() - a shell command; $SC is the plugin with the world's kubeconfig */
void job_start(struct fixture *f, const char *command);
/** job_expect() - wait until it has said @want */
void job_expect(struct fixture *f, const char *want);
/** job_end() - wait for its end. Return: its exit code */
int job_end(struct fixture *f);

/**
 * sc() - "$SC WORDS" to its end, as a shell reads the words; fails the test when the exit code is
 *        another or @want is not in what it says (NULL: it does not matter)
 * Return: what it said, until the next call
 */
const char *sc(struct fixture *f, int exit_code, const char *words, const char *want);
/** shell() - the same of any shell command */
const char *shell(struct fixture *f, int exit_code, const char *command, const char *want);

/** hello_new() - the container "hello", with this spec.running and status (NULL: none) */
void hello_new(struct fixture *f, bool running, const char *status);
/** hello_status() - what the controller would write; "$G" stands for the object's generation */
void hello_status(struct fixture *f, const char *status);
