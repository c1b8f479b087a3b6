/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_server - an HTTP server in the test's own event loop, with or without TLS
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <event2/http.h>

struct fake_server;

/* @tls: a self-signed certificate for 127.0.0.1; @port: 0 or the one to take again */
struct fake_server *fake_server_new(struct event_base *base, bool tls, uint16_t port,
                                    void (*on_request)(struct evhttp_request *req, void *arg),
                                    void *arg);
void fake_server_free(struct fake_server *s);
uint16_t fake_server_port(const struct fake_server *s);
const char *fake_server_ca_pem(const struct fake_server *s);
/* TCP connections taken so far */
unsigned fake_server_connections(const struct fake_server *s);

void fake_server_reply(struct evhttp_request *req, int status, const char *json);
/* The request is answered late or never: it is ended with the server, or by
 * fake_server_end_held(); at most 16. */
void fake_server_hold(struct fake_server *s, struct evhttp_request *req);
void fake_server_end_held(struct fake_server *s);
void fake_server_chunk(struct evhttp_request *req, const char *text);
