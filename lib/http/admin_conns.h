/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_conns - the connections of the admin server, so that silent ones keep nobody out
 *
 * Anybody who reaches the port may connect, and a probe has to be answered all the same. So a new
 * connection is always taken: when the places are used up, the oldest one without a whole request
 * makes room. A probe sends its request at once and is served in the next turn; what waits in a
 * socket as a whole head is not evicted before it was looked at. Head and body have to be there 2 s
 * after the connection was accepted. At most 32 connections are taken in 5 ms, so that whoever
 * dials as fast as he can gets a bounded share of the program's time.
 */
#pragma once

#include <stdbool.h>

struct admin_conns;
struct bufferevent;
struct event_base;
struct evconnlistener;

enum { ADMIN_CONNS_MAX = 64, ADMIN_IDLE_S = 10 };

struct admin_conns *admin_conns_new(struct event_base *base);
/** admin_conns_free() - when the server's own connections are freed */
void admin_conns_free(struct admin_conns *c);
/** admin_conns_listen() - on whose connections they come; borrowed */
void admin_conns_listen(struct admin_conns *c, struct evconnlistener *listener);

/** admin_conns_accept() - Return: for a connection that is being accepted; NULL: out of memory */
struct bufferevent *admin_conns_accept(struct admin_conns *c);
/** admin_conns_mark() - a whole request came; with @in_request the program takes its time for it */
void admin_conns_mark(struct admin_conns *c, const struct bufferevent *bev, bool in_request);
/** admin_conns_is_busy() - too many requests wait for the program: answer no further one */
bool admin_conns_is_busy(const struct admin_conns *c);
