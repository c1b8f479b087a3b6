/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrape - asks every activator what was used and when
 *
 * Each is sent GET /v1/activity once an interval, and at once by scrape_ask_now(). There is one
 * such call at a time to each activator. One whose last call failed counts as silent until it
 * answers again.
 */
#pragma once

#include "idle-monitor/core/idle.h"
#include "lib/http/client.h"
#include "lib/http/seal.h"

struct activator;
/* A sealed question, until its answer is here. */
struct sealed {
	char authorization[SEAL_HEADER_BYTES];
	char seal[SEAL_TEXT_BYTES];
	char answer[SEAL_HEADER_BYTES];    /* Authentication-Info */
	char challenge[SEAL_HEADER_BYTES]; /* WWW-Authenticate */
};
struct metrics;
struct scrape;

enum { SCRAPE_ACTIVATORS_MAX = 64 };

struct scrape_opts {
	const char *const *urls; /* at first; NULL-terminated, "http://127.0.0.1:9090" */
	const char *token_file;  /* or NULL */
	const char *key_file;    /* requests and answers are sealed (seal.h); or NULL */
	uint64_t interval_ms;
	struct metrics *metrics;
	void (*on_answer)(void *arg); /* an activator has answered, or failed to */
	void *arg;
};

int scrape_new(struct event_base *base, const struct scrape_opts *opts, struct scrape **ret_scrape,
               struct err *err);
void scrape_free(struct scrape *s);
void scrape_ask_now(struct scrape *s);

/** scrape_add() - one more, which counts as silent until it answers; it is asked at once */
int scrape_add(struct scrape *s, const char *url, struct activator **ret_activator,
               struct err *err);
/** scrape_remove() - it is surely gone; the indexes of the others change */
void scrape_remove(struct scrape *s, struct activator *a);
/** scrape_removed_ms() - when one was removed last, monotonic; 0: never */
uint64_t scrape_removed_ms(const struct scrape *s);
/** scrape_set_complete() - false: there are activators that could not be added */
void scrape_set_complete(struct scrape *s, bool is_complete);
bool scrape_is_complete(const struct scrape *s);

const char *activator_url(const struct activator *a);
struct http_client *activator_client(const struct activator *a);
/** activator_error() - why it is silent, borrowed; NULL when it answers */
const char *activator_error(const struct activator *a);

size_t scrape_count(const struct scrape *s);
const char *scrape_url(const struct scrape *s, size_t i);
/** scrape_client() - for other calls to that activator */
struct http_client *scrape_client(const struct scrape *s, size_t i);
/** scrape_error() - why that activator is silent, borrowed; NULL when it answers */
const char *scrape_error(const struct scrape *s, size_t i);

/**
 * scrape_seal() - seal a question to the activator of @client, where a key is configured
 * Sets authorization of @req; its on_header has to give each line to sealed_header().
 */
int scrape_seal(struct scrape *s, const struct http_client *client, struct http_request *req,
                struct sealed *sealed, struct err *err);
void sealed_header(struct sealed *sealed, const char *line, size_t bytes);
/** scrape_is_sealed() - the answer was made with the key and for this question; or no key is
 * configured
 */
bool scrape_is_sealed(struct scrape *s, const struct sealed *sealed,
                      const struct http_response *res);

/** scrape_view() - what activator @i last answered about a container */
struct idle_view scrape_view(const struct scrape *s, size_t i, const char *uid);
/** scrape_last_client() - who sent that container's last request through activator @i, or "" */
const char *scrape_last_client(const struct scrape *s, size_t i, const char *uid);
