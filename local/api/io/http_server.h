/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server - HTTP/1.1 over TLS for the API: llhttp on bufferevent_openssl
 *
 * libevent's evhttp does not read the body of a DELETE, and every Kubernetes client sends one.
 *
 * One request at a time per connection; what a client pipelines waits. A request ends with
 * http_reply(), or becomes a stream that ends with http_stream_end() or with the client.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct event_base;
struct http_server;
struct http_exchange;

enum {
	HTTP_BODY_BYTES_MAX = 3 * 1024 * 1024, /* kube-apiserver's own limit */
	HTTP_HEAD_BYTES_MAX = 32 * 1024,
	HTTP_CONNECTIONS_MAX = 1000,
	HTTP_STREAM_BACKLOG_BYTES_MAX = 8 * 1024 * 1024, /* unsent; a slower client is cut off */
	HTTP_FIRST_TIMEOUT_S = 5, /* TLS and a whole request; a connection without goes first */
	HTTP_IDLE_TIMEOUT_S = 300,
	HTTP_WRITE_TIMEOUT_S = 60,
	HTTP_LINGER_S = 2, /* for a client that still sends a body which is refused */
};

struct http_message {
	const char *method;
	char *target;              /* may be changed in place by its reader */
	const char *authorization; /* these are "" when absent */
	const char *content_type;
	const char *accept;
	const char *body; /* NUL-terminated */
	size_t body_bytes;
};

struct http_server_opts {
	const char *listen; /* "127.0.0.1:6443", "[::1]:0" */
	SSL_CTX *tls;
	void (*on_request)(void *arg, struct http_exchange *x, struct http_message *message);
	void *arg;
};

int http_server_new(struct event_base *base, const struct http_server_opts *opts,
                    struct http_server **ret_server, struct err *err);
void http_server_free(struct http_server *s);
unsigned http_server_port(const struct http_server *s);

/** http_header() - one more header for the reply; before http_reply() or http_stream_start() */
void http_header(struct http_exchange *x, const char *name, const char *value);
void http_reply(struct http_exchange *x, int status, const char *content_type, const char *body,
                size_t bytes);

/** http_stream_start() - @on_gone: the client went, or was too slow; the exchange is over */
void http_stream_start(struct http_exchange *x, const char *content_type,
                       void (*on_gone)(void *arg), void *arg);
/** http_stream_send() - one chunk. Return: false when the exchange is over (on_gone was called) */
bool http_stream_send(struct http_exchange *x, const char *data, size_t bytes);
void http_stream_end(struct http_exchange *x);
