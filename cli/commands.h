/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands - the functions that carry out the plugin's verbs
 *
 * Return: 0; negative with err set: main() prints it and ends with commands_exit_code().
 */
#pragma once

#include "cli/io/session.h"

int cmd_list(struct session *s, struct err *err);
int cmd_create(struct session *s, struct err *err);
int cmd_status(struct session *s, struct err *err);
int cmd_why(struct session *s, struct err *err);
int cmd_start(struct session *s, struct err *err);
int cmd_stop(struct session *s, struct err *err);
int cmd_exec(struct session *s, struct err *err);
int cmd_logs(struct session *s, struct err *err);
int cmd_cp(struct session *s, struct err *err);
int cmd_url(struct session *s, struct err *err);
int cmd_wait(struct session *s, struct err *err);
int cmd_events(struct session *s, struct err *err);
int cmd_verify(struct session *s, struct err *err);
int cmd_reset(struct session *s, struct err *err);
int cmd_delete(struct session *s, struct err *err);
int cmd_version(struct session *s, struct err *err);

/* These need no server at first. */
int cmd_completion(const struct args *args, struct err *err);
/** cmd_complete() - "__complete WORD…"; @argv: the words, NULL-terminated */
int cmd_complete(int argc, char **argv);

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_TIMED_OUT = 4,
	EXIT_SIGNAL = 128, /* and the signal's number */
};

/** sc_tidy() - without what only the server's bookkeeping needs (kubectl hides it, too) */
void sc_tidy(json_t *object);
/** sc_get() - the container of that name. err says what to do when there is none */
int sc_get(struct session *s, const char *name, json_t **ret_object, struct err *err);
/** sc_get_instance() - what has its kept files. err says so when there is none yet */
int sc_get_instance(struct session *s, const char *name, json_t **ret_instance, struct err *err);
/** sc_each() - @one for each operand; goes on after a failure. Return: the first failure's */
int sc_each(struct session *s, int (*one)(struct session *s, const char *name, struct err *err),
            struct err *err);
/** sc_set_running() - @ret_object: as it is then; may be NULL. 1: it was so already */
int sc_set_running(struct session *s, const char *name, bool running, json_t **ret_object,
                   struct err *err);
