/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman - calls to the REST API of Podman on its socket
 */
#include "local/runner/io/podman.h"

#include <stdio.h>
#include <string.h>

#include "lib/http/client.h"
#include "lib/kube/client/object.h"

#define PODMAN_API "/v4.0.0/libpod"

enum {
	PODMAN_TIMEOUT_MS = 60000,
	PODMAN_CONNECTIONS_MAX = 32,
	PODMAN_ANSWER_BYTES_MAX = 16 << 20,
};

struct podman {
	struct http_client *http;
	struct podman_call *calls;
};

struct podman_call {
	struct podman *podman;
	struct podman_call *next;
	struct podman_call **link; /* what points to this */
	struct http_call *http;
	podman_done_fn done;
	void *arg;
};

static void call_free(struct podman_call *call)
{
	*call->link = call->next;
	if (call->next != NULL)
		call->next->link = call->link;
	free(call);
}

static void on_http_done(void *arg, const struct http_response *http)
{
	struct podman_call *call = arg;
	json_t *json =
	        http->body_bytes > 0 ? json_loadb(http->body, http->body_bytes, 0, NULL) : NULL;
	struct podman_result res = {.status = http->status, .json = json, .text = http->body};

	if (http->err != NULL)
		res.message = http->err->text;
	else if (http->status >= 400)
		res.message = json_str_at(json, "no message", "message", NULL);
	call->done(call->arg, &res);
	json_decref(json);
	call_free(call);
}

int podman_new(struct event_base *base, const char *socket_path, struct podman **ret_podman,
               struct err *err)
{
	CLEANUP(podman_free_var) struct podman *p = calloc(1, sizeof *p);
	const struct http_client_opts opts = {
	        .base_url = "http://d",
	        .unix_socket = socket_path,
	        .user_agent = "sc-local/" SC_VERSION,
	        .connections_max = PODMAN_CONNECTIONS_MAX,
	};

	if (p == NULL)
		return err_set(err, ERR_NOMEM, 0, "podman client");
	if (http_client_new(base, &opts, &p->http, err) < 0)
		return err_wrap(err, "podman client");
	*ret_podman = TAKE_PTR(p);
	return 0;
}

void podman_free(struct podman *p)
{
	if (p == NULL)
		return;
	while (p->calls != NULL)
		podman_cancel(p->calls);
	if (p->http != NULL)
		http_client_free(p->http);
	free(p);
}

static int call_begin(struct podman_call *call, const struct podman_request *req, struct err *err)
{
	char *body = req->json ? json_dumps(req->json, JSON_COMPACT) : NULL;
	char path[1024];
	struct http_request http = {
	        .method = req->method,
	        .path = path,
	        .body = body ? body : req->raw,
	        .body_bytes = body ? strlen(body) : req->raw_bytes,
	        .content_type = req->raw ? "application/x-tar"
	                        : body   ? "application/json"
	                                 : NULL,
	        .timeout_ms = req->timeout_ms ? req->timeout_ms : PODMAN_TIMEOUT_MS,
	        .response_bytes_max = PODMAN_ANSWER_BYTES_MAX,
	        .on_done = on_http_done,
	        .arg = call,
	};
	int r;

	if (req->json != NULL && body == NULL)
		return err_set(err, ERR_NOMEM, 0, "podman call");
	if ((size_t)snprintf(path, sizeof path, PODMAN_API "%s", req->path) >= sizeof path)
		r = err_set(err, ERR_INVALID, 0, "podman call: the path is too long");
	else
		r = http_call_start(call->podman->http, &http, &call->http, err);
	free(body);
	return r;
}

struct podman_call *podman_start(struct podman *p, const struct podman_request *req,
                                 struct err *err)
{
	struct podman_call *call = calloc(1, sizeof *call);

	if (call == NULL) {
		(void)err_set(err, ERR_NOMEM, 0, "podman call");
		return NULL;
	}
	call->podman = p;
	call->done = req->done;
	call->arg = req->arg;
	call->next = p->calls;
	call->link = &p->calls;
	if (p->calls != NULL)
		p->calls->link = &call->next;
	p->calls = call;
	if (call_begin(call, req, err) < 0) {
		call_free(call);
		return NULL;
	}
	return call;
}

void podman_cancel(struct podman_call *call)
{
	if (call == NULL)
		return;
	if (call->http != NULL)
		http_call_cancel(call->http);
	call_free(call);
}

char *podman_stream_error(const char *text)
{
	char *found = NULL;

	while (*text != '\0' && found == NULL) {
		size_t len = strcspn(text, "\n");
		json_t *line = json_loadb(text, len, 0, NULL);
		const char *error = json_str_at(line, NULL, "error", NULL);

		if (error != NULL)
			found = strdup(error);
		json_decref(line);
		text += len + (text[len] == '\n' ? 1 : 0);
	}
	return found;
}
