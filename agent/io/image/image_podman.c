/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_podman - by Podman's REST API: inspects the container, then its image
 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "agent/io/image/image_source_internal.h"
#include "lib/http/client.h"
#include "lib/kube/client/object.h"

enum { IMAGE_ID_BYTES = 80 };

struct podman_source {
	struct image_source base;
	struct http_client *http;
};

struct podman_query {
	struct image_query base;
	struct http_call *call;
};

static void podman_query_end(struct podman_query *q, const struct image_answer *answer,
                             const struct err *err)
{
	assert(q->call == NULL && (answer != NULL) != (err != NULL));
	q->base.done(q->base.arg, answer, err);
	free(q);
}

/* Ids go into a path: nothing but what an id is made of. */
static bool podman_is_id(const char *id)
{
	size_t len = strspn(id, "0123456789abcdef");

	return len > 0 && len < IMAGE_ID_BYTES && id[len] == '\0';
}

static int podman_get(struct podman_query *q, const char *kind, const char *id,
                      void (*on_done)(void *, const struct http_response *), struct err *err)
{
	char path[128];
	const struct http_request req = {.method = "GET",
	                                 .path = path,
	                                 .timeout_ms = IMAGE_TIMEOUT_MS,
	                                 .response_bytes_max = IMAGE_BODY_BYTES_MAX,
	                                 .on_done = on_done,
	                                 .arg = q};

	if (!podman_is_id(id))
		return err_set(err, ERR_INVALID, 0, "\"%s\" is no id of Podman's", id);
	(void)snprintf(path, sizeof path, "/v4.0.0/libpod/%s/%s/json", kind, id);
	return http_call_start(((const struct podman_source *)q->base.source)->http, &req, &q->call,
	                       err);
}

/* The body of a good answer; NULL with err. */
static json_t *podman_body(const struct http_response *res, const char *what, struct err *err)
{
	json_t *json;

	if (res->err != NULL) {
		(void)err_set(err, res->err->code, 0, "%s: %s", what, res->err->text);
		return NULL;
	}
	json = json_loadb(res->body, res->body_bytes, 0, NULL);
	if (res->status != 200) {
		(void)err_set(err, res->status == 404 ? ERR_NOT_FOUND : ERR_UNAVAILABLE, 0,
		              "%s: HTTP %d %s", what, res->status,
		              json_str_at(json, "", "message", NULL));
		json_decref(json);
		return NULL;
	}
	if (json == NULL)
		(void)err_set(err, ERR_PARSE, 0, "%s: no JSON", what);
	return json;
}

static void on_podman_image(void *arg, const struct http_response *res)
{
	struct podman_query *q = arg;
	char digest[IMAGE_ID_BYTES + 8];
	struct err err;
	json_t *json;

	q->call = NULL;
	json = podman_body(res, "inspect the image", &err);
	if (json == NULL) {
		podman_query_end(q, NULL, &err);
		return;
	}
	(void)snprintf(digest, sizeof digest, "sha256:%s", json_str_at(json, "", "Id", NULL));
	podman_query_end(q, &(struct image_answer){digest, json_object_get(json, "Config")}, NULL);
	json_decref(json);
}

static void on_podman_container(void *arg, const struct http_response *res)
{
	struct podman_query *q = arg;
	struct err err;
	json_t *json;

	q->call = NULL;
	json = podman_body(res, "inspect the provider's container", &err);
	if (json == NULL || podman_get(q, "images", json_str_at(json, "", "Image", NULL),
	                               on_podman_image, &err) < 0)
		podman_query_end(q, NULL, &err);
	json_decref(json);
}

static int podman_start(struct image_source *source, const struct image_question *question,
                        struct image_query **ret_query, struct err *err)
{
	const char *container_id = question->container_id;
	const char *scheme_end = strstr(container_id, "://");
	struct podman_query *q = calloc(1, sizeof *q);

	if (q == NULL)
		return err_set(err, ERR_NOMEM, 0, "image query");
	q->base = (struct image_query){source, question->done, question->arg};
	if (podman_get(q, "containers", scheme_end != NULL ? scheme_end + 3 : container_id,
	               on_podman_container, err) < 0) {
		free(q);
		return -1;
	}
	*ret_query = &q->base;
	return 0;
}

static void podman_cancel(struct image_query *query)
{
	struct podman_query *q = (struct podman_query *)query;

	if (q->call != NULL)
		http_call_cancel(q->call);
	free(q);
}

static void podman_free(struct image_source *source)
{
	struct podman_source *s = (struct podman_source *)source;

	http_client_free(s->http);
	free(s);
}

int image_source_podman(struct event_base *base, const char *socket_path,
                        struct image_source **ret_source, struct err *err)
{
	const struct http_client_opts opts = {.base_url = "http://podman",
	                                      .unix_socket = socket_path,
	                                      .user_agent = "sc-node-agent/" SC_VERSION};
	struct podman_source *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "image source");
	s->base = (struct image_source){podman_free, podman_start, podman_cancel};
	if (http_client_new(base, &opts, &s->http, err) < 0) {
		free(s);
		return -1;
	}
	*ret_source = &s->base;
	return 0;
}
