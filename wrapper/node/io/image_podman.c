/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_podman - libpod's container inspection names the image, its image inspection the rest
 */
#include "wrapper/node/io/image_source.h"

#include <stdbool.h>
#include <string.h>

#include "lib/http/client.h"
#include "lib/kube/object.h"

enum { IMAGE_TIMEOUT_MS = 30000, IMAGE_BODY_BYTES_MAX = 4 << 20, IMAGE_ID_BYTES = 80 };

struct image_source {
	struct http_client *http;
};

struct image_query {
	struct image_source *source;
	struct http_call *call;
	image_done_fn done;
	void *arg;
};

int image_source_podman(struct event_base *base, const char *socket_path,
                        struct image_source **ret_source, struct err *err)
{
	const struct http_client_opts opts = {.base_url = "http://podman",
	                                      .unix_socket = socket_path,
	                                      .user_agent = "sc-node-agent/" SC_VERSION};
	struct image_source *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "image source");
	if (http_client_new(base, &opts, &s->http, err) < 0) {
		free(s);
		return -1;
	}
	*ret_source = s;
	return 0;
}

void image_source_free(struct image_source *s)
{
	if (s == NULL)
		return;
	http_client_free(s->http);
	free(s);
}

static void image_query_end(struct image_query *q, const struct image_answer *answer,
                            const struct err *err)
{
	q->done(q->arg, answer, err);
	free(q);
}

/* Ids go into a path: nothing but what an id is made of. */
static bool image_is_id(const char *id)
{
	size_t len = strspn(id, "0123456789abcdef");

	return len > 0 && len < IMAGE_ID_BYTES && id[len] == '\0';
}

static int image_get(struct image_query *q, const char *kind, const char *id,
                     void (*on_done)(void *, const struct http_response *), struct err *err)
{
	char path[128];
	const struct http_request req = {.method = "GET",
	                                 .path = path,
	                                 .timeout_ms = IMAGE_TIMEOUT_MS,
	                                 .response_bytes_max = IMAGE_BODY_BYTES_MAX,
	                                 .on_done = on_done,
	                                 .arg = q};

	if (!image_is_id(id))
		return err_set(err, ERR_INVALID, 0, "\"%s\" is no id of Podman's", id);
	(void)snprintf(path, sizeof path, "/v4.0.0/libpod/%s/%s/json", kind, id);
	return http_call_start(q->source->http, &req, &q->call, err);
}

/* The body of a good answer; NULL with err. */
static json_t *image_body(const struct http_response *res, const char *what, struct err *err)
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

static void on_image(void *arg, const struct http_response *res)
{
	struct image_query *q = arg;
	char digest[IMAGE_ID_BYTES + 8];
	struct err err;
	json_t *json;

	q->call = NULL;
	json = image_body(res, "inspect the image", &err);
	if (json == NULL) {
		image_query_end(q, NULL, &err);
		return;
	}
	(void)snprintf(digest, sizeof digest, "sha256:%s", json_str_at(json, "", "Id", NULL));
	image_query_end(q, &(struct image_answer){digest, json_object_get(json, "Config")}, NULL);
	json_decref(json);
}

static void on_container(void *arg, const struct http_response *res)
{
	struct image_query *q = arg;
	struct err err;
	json_t *json;

	q->call = NULL;
	json = image_body(res, "inspect the provider's container", &err);
	if (json == NULL ||
	    image_get(q, "images", json_str_at(json, "", "Image", NULL), on_image, &err) < 0)
		image_query_end(q, NULL, &err);
	json_decref(json);
}

int image_query_start(struct image_source *source, const char *container_id, image_done_fn done,
                      void *arg, struct image_query **ret_query, struct err *err)
{
	const char *scheme_end = strstr(container_id, "://");
	struct image_query *q = calloc(1, sizeof *q);

	if (q == NULL)
		return err_set(err, ERR_NOMEM, 0, "image query");
	*q = (struct image_query){.source = source, .done = done, .arg = arg};
	if (image_get(q, "containers", scheme_end != NULL ? scheme_end + 3 : container_id,
	              on_container, err) < 0) {
		free(q);
		return -1;
	}
	*ret_query = q;
	return 0;
}

void image_query_cancel(struct image_query *q)
{
	if (q == NULL)
		return;
	if (q->call != NULL)
		http_call_cancel(q->call);
	free(q);
}
