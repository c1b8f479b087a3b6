/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture - a registry and a runner in this process, on a Podman of their own
 */
#pragma once

/* cmocka.h wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct fixture;

int fixture_setup(void **state);
int fixture_teardown(void **state);

/** fixture_kill() - the engine's process ends without a word; fixture_start() begins anew */
void fixture_kill(struct fixture *f);
void fixture_start(struct fixture *f);

/** fixture_kill_process() - SIGKILL for the one process with @part in its command line */
void fixture_kill_process(const char *part);
/** fixture_expect_shell() - wait until the command ends well; `podman` in it is the engine's */
void fixture_expect_shell(struct fixture *f, const char *command);
/** fixture_expect_no_process() - wait until the last one has ended; the engine does nothing then */
void fixture_expect_no_process(const char *part);

void fixture_create(struct fixture *f, const char *plural, const char *json_text);
/** fixture_pod() - a Pod of one container "main" with the test's image; @more: further spec */
void fixture_pod(struct fixture *f, const char *name, const char *command, const char *more);
/** fixture_expect() - wait until the value at @pointer (RFC 6901) of the Pod prints as @want */
void fixture_expect(struct fixture *f, const char *pod, const char *pointer, const char *want);
json_t *fixture_get(struct fixture *f, const char *pod); /* NULL when it is gone */
void fixture_delete(struct fixture *f, const char *pod, int grace_s);
void fixture_expect_gone(struct fixture *f, const char *pod);
/** fixture_log() - wait until the log contains @want */
void fixture_expect_log(struct fixture *f, const char *pod, bool previous, const char *want);
const char *fixture_dir(const struct fixture *f);
