/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_easy - one request as a handle of libcurl, without the event loop
 */
#pragma once

#include <sys/queue.h>

#include <curl/curl.h>
#include <event2/event_struct.h>

#include "lib/base/buf.h"
#include "lib/http/client.h"

/* Copies of the client's options, and the bearer token as last read. */
struct http_remote;

int http_remote_new(const struct http_client_opts *opts, struct http_remote **ret_remote,
                    struct err *err);
void http_remote_free(struct http_remote *remote);

struct http_call {
	TAILQ_ENTRY(http_call) link;
	struct http_client *client;
	CURL *easy;
	struct curl_slist *headers;
	char *what; /* "GET https://host/path", for errors */
	struct event deadline;
	struct event idle;
	uint64_t idle_timeout_ms;
	bool is_waiting;
	bool is_cancelled;
	struct buf body;
	size_t body_bytes_max;
	struct err refused; /* code ERR_NONE, or why we ended it ourselves */
	char curl_text[CURL_ERROR_SIZE];
	/* Bytes came: the idle timeout begins anew. Set before the call is given to curl. */
	void (*on_heard)(struct http_call *call);
	void (*on_header)(void *arg, const char *line, size_t bytes);
	void (*on_open)(void *arg);
	bool (*may_send)(void *arg);
	int (*on_data)(void *arg, const char *data, size_t bytes);
	void (*on_done)(void *arg, const struct http_response *res);
	void *arg;
};

/** http_call_new() - everything but the event loop's part */
int http_call_new(struct http_remote *remote, const struct http_request *req,
                  struct http_call **ret_call, struct err *err);
void http_call_destroy(struct http_call *call);

/** http_easy_result() - what curl says at the end. Return: 0 an answer came, else negative */
int http_easy_result(const struct http_call *call, CURLcode code, struct err *err);
uint64_t http_easy_retry_after_ms(const struct http_call *call);
