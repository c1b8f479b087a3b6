/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http client - requests to servers we trust, on libcurl's multi interface inside the event loop
 *
 * One client is one remote (base URL, TLS material or unix socket, credentials); its connections
 * are kept alive and reused. Nothing blocks. A call lives until its on_done has run or it was
 * cancelled; on_done runs exactly once, never from inside http_call_start().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct event_base;
struct http_client;
struct http_call;

struct http_client_opts {
	const char *base_url;          /* "https://127.0.0.1:6443", no trailing slash */
	const char *unix_socket;       /* or NULL; base_url is then only the Host header */
	const char *ca_file;           /* or NULL: the system's trust store */
	const char *ca_pem;            /* or NULL; instead of ca_file */
	const char *client_cert_file;  /* or NULL */
	const char *client_key_file;   /* or NULL */
	const char *client_cert_pem;   /* or NULL; instead of the files */
	const char *client_key_pem;    /* or NULL */
	const char *bearer_token;      /* or NULL */
	const char *bearer_token_file; /* or NULL; read again when it changes (rotated tokens) */
	bool tls_insecure;             /* only when a kubeconfig says insecure-skip-tls-verify */
	const char *user_agent;
	bool http2; /* from the first byte, without TLS; one connection for each call */
	uint32_t connections_max; /* for calls without on_data; more wait in line; 0: 16 */
};

struct http_response {
	int status;       /* 0 when err is set: no answer came */
	const char *body; /* borrowed, NUL-terminated; "" when on_data took the bytes */
	size_t body_bytes;
	uint64_t retry_after_ms; /* from Retry-After, 0 when absent */
	const struct err
	        *err; /* NULL, or why there is no answer: ERR_TIMEOUT, ERR_UNAVAILABLE, … */
};

struct http_request {
	const char *method; /* "GET" … */
	const char *path;   /* with the query, "/api/v1/pods?watch=1" */
	const char *body;   /* copied; NULL: none */
	size_t body_bytes;
	const char *content_type;
	const char *accept;
	const char *authorization; /* instead of the client's bearer token, or NULL */
	bool takes_trailers;       /* says so to the server (gRPC wants it) */
	uint64_t timeout_ms;       /* whole call; 0: none (watches) */
	uint64_t idle_timeout_ms;  /* no byte for so long ends it with ERR_TIMEOUT; 0: none */
	size_t response_bytes_max; /* 0: 64 MiB; more ends it with ERR_INVALID */
	/* Each line of a head and of trailers, as it came; may be NULL. Cancels nothing. */
	void (*on_header)(void *arg, const char *line, size_t bytes);
	/*
	 * Asked when the request is about to be written, however long it waited for that: in line,
	 * for a connection, or with the whole process. False: it is not, and ends with ERR_DENIED.
	 * May be NULL.
	 */
	bool (*may_send)(void *arg);
	/* A 2xx answer's head is here, before its body; may be NULL. */
	void (*on_open)(void *arg);
	/* Streaming: called for each piece of a 2xx body. Return 0 to go on, negative to end it. */
	int (*on_data)(void *arg, const char *data, size_t bytes);
	void (*on_done)(void *arg, const struct http_response *res);
	void *arg;
};

int http_client_new(struct event_base *base, const struct http_client_opts *opts,
                    struct http_client **ret_client, struct err *err);

/**
 * http_client_free() - cancels what is under way: no on_done runs for those calls
 * Safe from any callback of the client's own calls; the rest of it goes when that returns.
 */
void http_client_free(struct http_client *client);

/**
 * http_call_start() - begin a request; strings in @req are copied
 * @ret_call: may be NULL when nobody cancels; valid until on_done returns
 */
int http_call_start(struct http_client *client, const struct http_request *req,
                    struct http_call **ret_call, struct err *err);

/** http_call_cancel() - on_done will not run; safe from any callback but the call's own on_done */
void http_call_cancel(struct http_call *call);
