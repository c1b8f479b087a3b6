/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_internal - shared by the files of the API server, by nobody else
 */
#pragma once

#include "local/api/core/request.h"
#include "local/api/core/table.h"
#include "local/api/io/api.h"

struct watch_stream;

struct api {
	struct event_base *base;
	struct registry *registry;
	struct http_server *http;
	struct api_opts opts;
	char *token;
	uint64_t documents_hash; /* of what OpenAPI documents are made of */
};

/* One request as its handlers see it. */
struct api_call {
	struct api *api;
	struct http_exchange *x;
	struct http_message *message;
	struct request req;
	const struct api_type *type;
	struct table_opts table; /* .wanted is false for plain objects */
};

void api_send(struct api_call *call, int http_code, const json_t *body);
void api_send_new(struct api_call *call, int http_code, json_t *body);
void api_send_status(struct api_call *call, json_t *status); /* takes @status */

/** api_media_is() - without regard to parameters behind it */
bool api_media_is(const char *content_type, const char *wanted);

/** api_body_parse() - JSON, or what the content type says. Return: NULL when answered */
json_t *api_body_parse(struct api_call *call);

/* Label and field selectors and metadata.name of the path. Return: 0; -1 when answered. */
struct api_selection {
	json_t *labels;
	json_t *fields;
};
int api_selection_parse(struct api_call *call, struct api_selection *sel);
void api_selection_done(struct api_selection *sel);
bool api_selection_matches(const struct api_selection *sel, const json_t *object);

void api_list(struct api_call *call);
void api_watch(struct api_call *call);
void api_pod_log(struct api_call *call);
/** api_document() - discovery, OpenAPI, version, health. Return: false when the path is another */
bool api_document(struct api_call *call);
/** api_review() - kubectl auth. Return: false when the path is another */
bool api_review(struct api_call *call);
bool api_is_open(const struct request *req); /* needs no token */
void api_documents_init(struct api *api);
