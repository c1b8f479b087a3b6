/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accept_pause - a listener whose accept(2) fails waits 100 ms instead of trying again at once
 *
 * Without descriptors or memory (EMFILE, ENFILE, ENOBUFS, ENOMEM) a waiting connection stays in the
 * backlog, so that the listener's event fires again at once: a whole processor and as many lines of
 * log as it can write. Here the listener pauses for 100 ms, and one line tells of each episode: of
 * failures with less than 10 s between them.
 */
#pragma once

#include "lib/base/err.h"

struct event_base;
struct evconnlistener;
struct accept_pause;

/**
 * accept_pause_new() - watch over @listener; frees nothing of it
 * @name: for the log; borrowed for the life of the result
 * Where something else stops and starts the listener as well, a start during a pause is harmless.
 */
int accept_pause_new(struct event_base *base, struct evconnlistener *listener, const char *name,
                     struct accept_pause **ret_pause, struct err *err);
/** accept_pause_free() - before the listener is freed */
void accept_pause_free(struct accept_pause *p);
