/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_cri - by the CRI, the interface of containerd: ContainerStatus has the image's name, a
 * verbose ImageStatus the rest
 *
 * Unary gRPC calls: HTTP/2 without TLS on the runtime's socket, known beforehand, by libcurl. Each
 * call has a connection of its own, so a runtime's restart is nothing special.
 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "agent/core/cri.h"
#include "agent/io/image/image_source_internal.h"
#include "lib/http/client.h"

enum { CRI_STATUS_BYTES = 8, CRI_MESSAGE_BYTES = 256 };

struct cri_source {
	struct image_source base;
	struct http_client *http;
};

struct cri_query {
	struct image_query base;
	struct http_call *call;
	char status[CRI_STATUS_BYTES]; /* the answer's grpc-status; "" not seen */
	char message[CRI_MESSAGE_BYTES];
};

static void cri_query_end(struct cri_query *q, const struct image_answer *answer,
                          const struct err *err)
{
	assert(q->call == NULL && (answer != NULL) != (err != NULL));
	q->base.done(q->base.arg, answer, err);
	free(q);
}

/* The value of a line "name: value" that is of that name, into @to. */
static void cri_take_header(const char *line, size_t bytes, const char *name, char *to, size_t size)
{
	size_t len = strlen(name);

	if (bytes <= len || strncasecmp(line, name, len) != 0 || line[len] != ':')
		return;
	for (line += len + 1, bytes -= len + 1; bytes > 0 && *line == ' '; bytes--)
		line++;
	while (bytes > 0 && (line[bytes - 1] == '\r' || line[bytes - 1] == '\n'))
		bytes--;
	(void)snprintf(to, size, "%.*s", (int)(bytes < size ? bytes : size), line);
}

/* Of the head, when there is nothing else, or of the trailers. */
static void on_cri_header(void *arg, const char *line, size_t bytes)
{
	struct cri_query *q = arg;

	cri_take_header(line, bytes, "grpc-status", q->status, sizeof q->status);
	cri_take_header(line, bytes, "grpc-message", q->message, sizeof q->message);
}

struct cri_call {
	const char *method;
	void (*on_done)(void *arg, const struct http_response *res);
	char body[CRI_QUESTION_BYTES_MAX];
	size_t body_bytes;
};

/* @call: borrowed for the call */
static int cri_call(struct cri_query *q, const struct cri_call *call, struct err *err)
{
	const struct cri_source *s = (const struct cri_source *)q->base.source;
	const struct http_request req = {.method = "POST",
	                                 .path = call->method,
	                                 .body = call->body,
	                                 .body_bytes = call->body_bytes,
	                                 .content_type = "application/grpc",
	                                 .takes_trailers = true,
	                                 .timeout_ms = IMAGE_TIMEOUT_MS,
	                                 .response_bytes_max = IMAGE_BODY_BYTES_MAX,
	                                 .on_header = on_cri_header,
	                                 .on_done = call->on_done,
	                                 .arg = q};

	q->status[0] = '\0';
	q->message[0] = '\0';
	return http_call_start(s->http, &req, &q->call, err);
}

static int cri_check(const struct cri_query *q, const struct http_response *res, const char *what,
                     struct err *err)
{
	if (res->err != NULL)
		return err_set(err, res->err->code, 0, "%s: %s", what, res->err->text);
	if (res->status != 200)
		return err_set(err, ERR_UNAVAILABLE, 0, "%s: HTTP %d", what, res->status);
	return cri_status_error(q->status, q->message, err) < 0 ? err_wrap(err, "%s", what) : 0;
}

static void on_cri_image(void *arg, const struct http_response *res)
{
	struct cri_query *q = arg;
	char digest[CRI_DIGEST_BYTES];
	json_t *config = NULL;
	struct err err;

	q->call = NULL;
	if (cri_check(q, res, "ask for the image", &err) < 0 ||
	    cri_image_answer(res->body, res->body_bytes, digest, &config, &err) < 0) {
		cri_query_end(q, NULL, &err);
		return;
	}
	cri_query_end(q, &(struct image_answer){digest, config}, NULL);
	json_decref(config);
}

static void on_cri_container(void *arg, const struct http_response *res)
{
	struct cri_query *q = arg;
	struct cri_call call = {.method = CRI_IMAGE_STATUS, .on_done = on_cri_image};
	char image[CRI_NAME_BYTES];
	struct err err;

	q->call = NULL;
	if (cri_check(q, res, "ask for the provider's container", &err) < 0 ||
	    cri_container_answer(res->body, res->body_bytes, image, &err) < 0 ||
	    cri_image_question(image, call.body, &call.body_bytes, &err) < 0 ||
	    cri_call(q, &call, &err) < 0)
		cri_query_end(q, NULL, &err);
}

static int cri_start(struct image_source *source, const struct image_question *question,
                     struct image_query **ret_query, struct err *err)
{
	struct cri_call call = {.method = CRI_CONTAINER_STATUS, .on_done = on_cri_container};
	struct cri_query *q;

	if (cri_container_question(question->container_id, call.body, &call.body_bytes, err) < 0)
		return -1;
	q = calloc(1, sizeof *q);
	if (q == NULL)
		return err_set(err, ERR_NOMEM, 0, "image query");
	q->base = (struct image_query){source, question->done, question->arg};
	if (cri_call(q, &call, err) < 0) {
		free(q);
		return -1;
	}
	*ret_query = &q->base;
	return 0;
}

static void cri_cancel(struct image_query *query)
{
	struct cri_query *q = (struct cri_query *)query;

	http_call_cancel(q->call);
	free(q);
}

static void cri_free(struct image_source *source)
{
	struct cri_source *s = (struct cri_source *)source;

	http_client_free(s->http);
	free(s);
}

int image_source_cri(struct event_base *base, const char *endpoint,
                     struct image_source **ret_source, struct err *err)
{
	const char *path = strncmp(endpoint, "unix://", 7) == 0 ? endpoint + 7 : endpoint;
	const struct http_client_opts opts = {.base_url = "http://localhost",
	                                      .unix_socket = path,
	                                      .user_agent = "sc-node-agent/" SC_VERSION,
	                                      .http2 = true};
	struct cri_source *s;

	if (path[0] != '/')
		return err_set(err, ERR_INVALID, 0,
		               "runtime endpoint \"%s\": want unix:///PATH/TO.SOCK", endpoint);
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "image source");
	s->base = (struct image_source){cri_free, cri_start, cri_cancel};
	if (http_client_new(base, &opts, &s->http, err) < 0) {
		free(s);
		return -1;
	}
	*ret_source = &s->base;
	return 0;
}
