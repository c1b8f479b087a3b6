/* SPDX-License-Identifier: Apache-2.0 */
/* world_http - requests of a test to the API server, to admin ports and activators (world.h) */
#include "tests/world/world_internal.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clk.h"
#include "lib/text/yaml.h"

struct world_text {
	char *text;
	size_t len;
};

static size_t on_world_data(char *data, size_t size, size_t n, void *arg)
{
	struct world_text *t = arg;
	size_t bytes = size * n;
	char *grown = realloc(t->text, t->len + bytes + 1);

	if (grown == NULL)
		return 0;
	memcpy(grown + t->len, data, bytes);
	t->text = grown;
	t->len += bytes;
	t->text[t->len] = '\0';
	return bytes;
}

static void world_request_setup(struct world *w, const struct world_request *req,
                                struct curl_slist *headers, struct world_text *body)
{
	struct curl_blob ca = {w->api_ca, w->api_ca_bytes, CURL_BLOB_NOCOPY};
	CURL *c = w->curl;

	curl_easy_reset(c);
	(void)curl_easy_setopt(c, CURLOPT_URL, req->url);
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)WORLD_CALL_MS);
	(void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, req->method);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_world_data);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
	if (w->api_ca != NULL)
		(void)curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
	if (req->body != NULL)
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body);
}

int world_request(struct world *w, const struct world_request *req, char **ret_body)
{
	struct world_text body = {0};
	struct curl_slist *headers = NULL;
	char header[4096];
	long status = 0;

	(void)snprintf(header, sizeof header, "Content-Type: %s",
	               req->content_type != NULL ? req->content_type : "application/json");
	if (req->body != NULL)
		headers = curl_slist_append(headers, header);
	(void)snprintf(header, sizeof header, "Authorization: Bearer %s",
	               req->token != NULL ? req->token : "");
	if (req->token != NULL)
		headers = curl_slist_append(headers, header);
	world_request_setup(w, req, headers, &body);
	if (curl_easy_perform(w->curl) == CURLE_OK)
		(void)curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	if (ret_body != NULL)
		*ret_body = TAKE_PTR(body.text);
	free(body.text);
	return (int)status;
}

/* ---- the API server ---- */

static void world_decode_ca(struct world *w, const char *base64)
{
	size_t len = strlen(base64);
	int n;

	w->api_ca = calloc(1, len / 4 * 3 + 4);
	assert_non_null(w->api_ca);
	n = EVP_DecodeBlock(w->api_ca, (const unsigned char *)base64, (int)len);
	if (n < 0)
		world_fail(w, "%s: the CA is not base64", w->kubeconfig);
	/* what "=" stands for is decoded as NUL */
	w->api_ca_bytes = strnlen(w->api_ca, (size_t)n);
}

void world_forget_api(struct world *w)
{
	free(w->api_url);
	free(w->api_token);
	free(w->api_ca);
	w->api_url = w->api_token = NULL;
	w->api_ca = NULL;
}

static void world_read_kubeconfig(struct world *w)
{
	json_t *docs = NULL;
	const char *url = NULL;
	const char *ca = NULL;
	const char *token = NULL;
	struct err err;

	if (yaml_load_file(w->kubeconfig, &docs, &err) < 0)
		world_fail(w, "%s", err.text);
	(void)json_unpack(docs, "[{s[{s{ssss}}] s[{s{ss}}]}]", "clusters", "cluster", "server",
	                  &url, "certificate-authority-data", &ca, "users", "user", "token",
	                  &token);
	world_forget_api(w);
	if (token != NULL) {
		w->api_url = strdup(url);
		w->api_token = strdup(token);
		world_decode_ca(w, ca);
	}
	json_decref(docs);
	if (w->api_url == NULL)
		world_fail(w, "%s: want server, CA data and token", w->kubeconfig);
}

void world_connect_api(struct world *w)
{
	uint64_t deadline_ms = world_deadline();
	int status;

	while (access(w->kubeconfig, R_OK) != 0) {
		if (world_process_is_over(w->server) || !world_poll(deadline_ms))
			world_fail(w, "sc-local wrote no %s", w->kubeconfig);
	}
	world_read_kubeconfig(w);
	while ((status = world_call(w, "GET", "/readyz", NULL, NULL, NULL)) != 200) {
		if (world_process_is_over(w->server) || !world_poll(deadline_ms))
			world_fail(w, "the API server is not ready: /readyz says %d", status);
	}
}

int world_call(struct world *w, const char *method, const char *path, const char *content_type,
               const char *body, json_t **ret_json)
{
	char *url = NULL;
	char *text = NULL;
	int status;

	assert_true(asprintf(&url, "%s%s", w->api_url, path) > 0);
	status = world_request(
	        w, &(struct world_request){method, url, w->api_token, content_type, body}, &text);
	free(url);
	if (ret_json != NULL)
		*ret_json = text != NULL ? json_loads(text, 0, NULL) : NULL;
	free(text);
	return status;
}

/* The answer's object; anything but success fails the test with the server's words. */
static json_t *world_must(struct world *w, const char *method, const char *path,
                          const char *content_type, const char *body)
{
	json_t *answer = NULL;
	int status = world_call(w, method, path, content_type, body, &answer);

	if (status / 100 != 2) {
		char text[1024];

		(void)snprintf(text, sizeof text, "%s",
		               json_string_value(json_object_get(answer, "message")));
		json_decref(answer);
		world_fail(w, "%s %s: %d %s", method, path, status, text);
	}
	return answer;
}

json_t *world_get(struct world *w, const char *path)
{
	json_t *answer = NULL;
	int status = world_call(w, "GET", path, NULL, NULL, &answer);

	if (status == 200)
		return answer;
	json_decref(answer);
	if (status != 404)
		world_fail(w, "GET %s: %d", path, status);
	return NULL;
}

json_t *world_create(struct world *w, const char *collection_path, const char *json_text)
{
	return world_must(w, "POST", collection_path, "application/json", json_text);
}

json_t *world_merge_patch(struct world *w, const char *path, const char *json_text)
{
	return world_must(w, "PATCH", path, "application/merge-patch+json", json_text);
}

void world_delete(struct world *w, const char *path)
{
	json_decref(world_must(w, "DELETE", path, NULL, NULL));
}

/* RFC 6901; borrowed, NULL when there is nothing. */
static const json_t *world_pointer(const json_t *at, const char *pointer)
{
	char token[256];

	while (at != NULL && *pointer == '/') {
		size_t len = 0;

		for (pointer++; *pointer != '\0' && *pointer != '/'; pointer++) {
			assert_true(len + 1 < sizeof token);
			token[len++] = *pointer;
			if (*pointer == '~' && (pointer[1] == '0' || pointer[1] == '1'))
				token[len - 1] = *++pointer == '0' ? '~' : '/';
		}
		token[len] = '\0';
		at = json_is_array(at) ? json_array_get(at, strtoul(token, NULL, 10))
		                       : json_object_get(at, token);
	}
	return at;
}

/* A string as it is, else compact JSON; "" for nothing. New. */
static char *world_print(const json_t *value)
{
	char *text = json_is_string(value) ? strdup(json_string_value(value))
	             : value != NULL       ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT)
	                                   : strdup("");

	assert_non_null(text);
	return text;
}

void world_expect(struct world *w, const char *path, const char *pointer, const char *want)
{
	uint64_t deadline_ms = world_deadline();
	char last[512];

	do {
		json_t *object = world_get(w, path);
		char *text = world_print(world_pointer(object, pointer));
		bool equal = object != NULL && strcmp(text, want) == 0;

		(void)snprintf(last, sizeof last, "%s", object != NULL ? text : "no object");
		free(text);
		json_decref(object);
		if (equal)
			return;
	} while (world_poll(deadline_ms));
	world_fail(w, "%s %s: want \"%s\", last seen \"%s\"", path, pointer, want, last);
}

void world_expect_gone(struct world *w, const char *path)
{
	uint64_t deadline_ms = world_deadline();
	json_t *object;

	while ((object = world_get(w, path)) != NULL) {
		json_decref(object);
		if (!world_poll(deadline_ms))
			world_fail(w, "%s is still there", path);
	}
}

/* ---- admin servers ---- */

static int world_admin_text(struct world_process *p, const struct world_request *from,
                            char **ret_text)
{
	struct world_request req = *from;
	char url[1024];

	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", world_admin_port(p), from->url);
	req.url = url;
	req.token = p->world->admin_token;
	return world_request(p->world, &req, ret_text);
}

int world_admin(struct world_process *p, const char *method, const char *path, const char *body,
                json_t **ret_json)
{
	struct world_request req = {.method = method, .url = path, .body = body};
	char *text = NULL;
	int status = world_admin_text(p, &req, &text);

	if (ret_json != NULL)
		*ret_json = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
	free(text);
	return status;
}

double world_metric(struct world_process *p, const char *series)
{
	struct world_request req = {.method = "GET", .url = "/metrics"};
	size_t len = strlen(series);
	char *text = NULL;
	char *rest;
	char *line;
	double value = 0;

	(void)world_admin_text(p, &req, &text);
	rest = text;
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, series, len) == 0 && line[len] == ' ')
			value = strtod(line + len, NULL);
	}
	free(text);
	return value;
}

void world_expect_metric(struct world_process *p, const char *series, double at_least)
{
	uint64_t deadline_ms = world_deadline();
	double value;

	while ((value = world_metric(p, series)) < at_least) {
		if (!world_poll(deadline_ms))
			world_fail(p->world, "%s: want %s >= %g, last seen %g", p->name, series,
			           at_least, value);
	}
}

/* ---- a client of the activator ---- */

void world_http(unsigned port, const char *method, const char *host, const char *path,
                const char *body, struct world_response *ret_response)
{
	CURL *c = curl_easy_init();
	struct world_text head = {0};
	struct world_text text = {0};
	struct curl_slist *headers = NULL;
	char url[2048];
	char field[512];
	curl_off_t first_byte_us = 0;
	long status = 0;

	assert_non_null(c);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
	(void)snprintf(field, sizeof field, "Host: %s", host);
	headers = curl_slist_append(headers, field);
	(void)curl_easy_setopt(c, CURLOPT_URL, url);
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 6L * WORLD_CALL_MS);
	(void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	(void)curl_easy_setopt(c, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_world_data);
	(void)curl_easy_setopt(c, CURLOPT_HEADERDATA, &head);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_world_data);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, &text);
	if (body != NULL)
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	if (curl_easy_perform(c) == CURLE_OK)
		(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(c, CURLINFO_STARTTRANSFER_TIME_T, &first_byte_us);
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	*ret_response = (struct world_response){(int)status, head.text, text.text, text.len,
	                                        (uint64_t)first_byte_us / 1000};
}

void world_response_done(struct world_response *r)
{
	free(r->headers);
	free(r->body);
	*r = (struct world_response){0};
}

const char *world_api_url(const struct world *w)
{
	return w->api_url;
}

struct world_process *world_server(struct world *w)
{
	return w->server;
}
