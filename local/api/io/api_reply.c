/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_reply - what all handlers of the API use: sending answers, reading bodies and selectors
 *
 * The lowest file of the API. The handlers (api_list.c, api_watch.c ...) are above it, and above
 * them is api.c, which chooses the handler.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/text/yaml.h"
#include "local/api/core/protobuf.h"
#include "local/api/core/selector.h"
#include "local/api/io/api_internal.h"
#include "local/registry/core/status.h"

void api_send(struct api_call *call, int http_code, const json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);

	http_reply(call->x, http_code, "application/json", text ? text : "",
	           text ? strlen(text) : 0);
	free(text);
}

void api_send_new(struct api_call *call, int http_code, json_t *body)
{
	api_send(call, http_code, body);
	json_decref(body);
}

void api_send_status(struct api_call *call, json_t *status)
{
	if (status_http_code(status) == 401)
		http_header(call->x, "WWW-Authenticate", "Bearer");
	api_send_new(call, status_http_code(status), status);
}

int api_selection_parse(struct api_call *call, struct api_selection *sel)
{
	const char *labels = request_query(&call->req, "labelSelector");
	const char *fields = request_query(&call->req, "fieldSelector");
	struct err err = {0};

	*sel = (struct api_selection){0};
	if (selector_parse_labels(labels ? labels : "", &sel->labels, &err) == 0 &&
	    selector_parse_fields(fields ? fields : "", &sel->fields, &err) == 0)
		return 0;
	api_selection_done(sel);
	api_send_status(call, status_bad_request("%s", err.text));
	return -1;
}

void api_selection_done(struct api_selection *sel)
{
	json_decref(sel->labels);
	json_decref(sel->fields);
	*sel = (struct api_selection){0};
}

bool api_selection_matches(const struct api_selection *sel, const json_t *object)
{
	return selector_matches_labels(sel->labels, object) &&
	       selector_matches_fields(sel->fields, object);
}

bool api_media_is(const char *content_type, const char *wanted)
{
	size_t n = strcspn(content_type, "; ");

	return n == strlen(wanted) && strncmp(content_type, wanted, n) == 0;
}

static void body_refuse(struct api_call *call, const struct err *err)
{
	if (err->code == ERR_INVALID)
		api_send_status(
		        call, status_new(415, "UnsupportedMediaType", NULL, NULL, "%s", err->text));
	else
		api_send_status(call, status_bad_request("the body of the request could not be "
		                                         "read: %s",
		                                         err->text));
}

json_t *api_body_parse(struct api_call *call)
{
	const char *content_type = call->message->content_type;
	bool yaml = api_media_is(content_type, "application/yaml") ||
	            api_media_is(content_type, "application/apply-patch+yaml");
	json_t *body = NULL, *docs;
	json_error_t where;
	struct err err = {0};

	if (api_media_is(content_type, PROTOBUF_MEDIA_TYPE)) {
		if (protobuf_parse(call->message->body, call->message->body_bytes, &body, &err) < 0)
			body_refuse(call, &err);
		return body;
	}
	if (*content_type && !yaml && strstr(content_type, "json") == NULL) {
		api_send_status(call, status_new(415, "UnsupportedMediaType", NULL, NULL,
		                                 "the body of the request was in an unknown format "
		                                 "- accepted media types include: "
		                                 "application/json, application/yaml"));
		return NULL;
	}
	if (yaml && yaml_load_text(call->message->body, call->message->body_bytes, "body", &docs,
	                           &err) == 0) {
		body = json_incref(json_array_get(docs, 0));
		json_decref(docs);
	} else if (!yaml) {
		body = json_loadb(call->message->body, call->message->body_bytes, 0, &where);
		if (body == NULL)
			err_set(&err, ERR_PARSE, 0, "line %d: %s", where.line, where.text);
	}
	if (body == NULL)
		body_refuse(call, &err);
	return body;
}
