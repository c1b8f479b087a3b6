/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_easy - makes one curl handle of a request, and reads what curl says at its end
 */
#include "lib/http/client_easy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	HTTP_BUFFER_BYTES = 16 * 1024,
	HTTP_RESPONSE_BYTES_MAX = 64 * 1024 * 1024,
	HTTP_TOKEN_BYTES_MAX = 64 * 1024,
	HTTP_CONNECT_TIMEOUT_MS = 10000,
	HTTP_CONNECTION_AGE_MAX_S = 3600,
	HTTP_TCP_KEEPALIVE_S = 15,
};

struct http_remote {
	struct http_client_opts opts; /* its strings are copies */
	char *token;                  /* of bearer_token_file, or NULL */
	struct stat token_stat;       /* of the file that it was read from */
};

/* The string members of the options, to copy and free them alike. */
static const size_t http_remote_strings[] = {
        offsetof(struct http_client_opts, base_url),
        offsetof(struct http_client_opts, unix_socket),
        offsetof(struct http_client_opts, ca_file),
        offsetof(struct http_client_opts, ca_pem),
        offsetof(struct http_client_opts, client_cert_file),
        offsetof(struct http_client_opts, client_key_file),
        offsetof(struct http_client_opts, client_cert_pem),
        offsetof(struct http_client_opts, client_key_pem),
        offsetof(struct http_client_opts, bearer_token),
        offsetof(struct http_client_opts, bearer_token_file),
        offsetof(struct http_client_opts, user_agent),
};

static const char **http_remote_string(struct http_remote *r, size_t i)
{
	return (const char **)((char *)&r->opts + http_remote_strings[i]);
}

int http_remote_new(const struct http_client_opts *opts, struct http_remote **ret_remote,
                    struct err *err)
{
	struct http_remote *r = calloc(1, sizeof *r);

	if (r == NULL)
		return err_set(err, ERR_NOMEM, 0, "http client");
	r->opts = *opts;
	for (size_t i = 0; i < ARRAY_LEN(http_remote_strings); i++)
		*http_remote_string(r, i) = NULL;
	for (size_t i = 0; i < ARRAY_LEN(http_remote_strings); i++) {
		const char *text =
		        *(const char *const *)((const char *)opts + http_remote_strings[i]);

		if (text != NULL && (*http_remote_string(r, i) = strdup(text)) == NULL) {
			http_remote_free(r);
			return err_set(err, ERR_NOMEM, 0, "http client");
		}
	}
	*ret_remote = r;
	return 0;
}

static void http_free_secret(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void http_remote_free(struct http_remote *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(http_remote_strings); i++)
		http_free_secret((char *)*http_remote_string(r, i));
	http_free_secret(r->token);
	free(r);
}

/* A rotated token is a new file (or a symlink to one): read it when it is not the one we know. */
static int http_remote_token_read(struct http_remote *r, struct err *err)
{
	const char *path = r->opts.bearer_token_file;
	CLEANUP(fd_close_var) int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(free_var) char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, ERR_SYS, errno, "token file %s", path);
	if (r->token != NULL && st.st_ino == r->token_stat.st_ino &&
	    st.st_mtim.tv_sec == r->token_stat.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == r->token_stat.st_mtim.tv_nsec)
		return 0;
	text = calloc(1, HTTP_TOKEN_BYTES_MAX);
	if (text == NULL)
		return err_set(err, ERR_NOMEM, 0, "token file %s", path);
	n = read(fd, text, HTTP_TOKEN_BYTES_MAX - 1);
	if (n < 0)
		return err_set(err, ERR_SYS, errno, "token file %s", path);
	text[strcspn(text, " \t\r\n")] = '\0';
	if (text[0] == '\0')
		return err_set(err, ERR_PARSE, 0, "token file %s is empty", path);
	http_free_secret(r->token);
	r->token = strdup(text);
	explicit_bzero(text, (size_t)n);
	if (r->token == NULL)
		return err_set(err, ERR_NOMEM, 0, "token file %s", path);
	r->token_stat = st;
	return 0;
}

static int http_header_add(struct http_call *call, const char *name, const char *value,
                           struct err *err)
{
	CLEANUP(free_var) char *line = NULL;
	struct curl_slist *more;

	if (strpbrk(value, "\r\n") != NULL)
		return err_set(err, ERR_INVALID, 0, "header %s has a line end in it", name);
	if (asprintf(&line, "%s:%s%s", name, *value ? " " : "", value) < 0) {
		line = NULL;
		return err_set(err, ERR_NOMEM, 0, "header %s", name);
	}
	more = curl_slist_append(call->headers, line);
	if (more == NULL)
		return err_set(err, ERR_NOMEM, 0, "header %s", name);
	call->headers = more;
	return 0;
}

static int http_headers_make(struct http_remote *r, struct http_call *call,
                             const struct http_request *req, struct err *err)
{
	const char *token = r->opts.bearer_token;
	CLEANUP(free_var) char *authorization = NULL;

	if (req->authorization != NULL) {
		token = NULL;
		if (http_header_add(call, "Authorization", req->authorization, err) < 0)
			return -1;
	} else if (r->opts.bearer_token_file != NULL) {
		if (http_remote_token_read(r, err) < 0)
			return -1;
		token = r->token;
	}
	if (token != NULL) {
		if (asprintf(&authorization, "Bearer %s", token) < 0) {
			authorization = NULL;
			return err_set(err, ERR_NOMEM, 0, "authorization");
		}
		if (http_header_add(call, "Authorization", authorization, err) < 0)
			return -1;
	}
	/* an empty value takes curl's own header away; waiting for "100 Continue" costs a turn */
	if (http_header_add(call, "Expect", "", err) < 0)
		return -1;
	if (req->takes_trailers && http_header_add(call, "TE", "trailers", err) < 0)
		return -1;
	if (req->accept != NULL && http_header_add(call, "Accept", req->accept, err) < 0)
		return -1;
	if (req->body != NULL &&
	    http_header_add(call, "Content-Type",
	                    req->content_type ? req->content_type : "application/json", err) < 0)
		return -1;
	(void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	return 0;
}

static void http_blob_set(CURL *easy, CURLoption option, const char *pem)
{
	struct curl_blob blob = {(void *)(uintptr_t)pem, strlen(pem), CURL_BLOB_COPY};

	(void)curl_easy_setopt(easy, option, &blob);
}

static void http_tls_set(CURL *easy, const struct http_client_opts *o)
{
	if (o->ca_pem != NULL)
		http_blob_set(easy, CURLOPT_CAINFO_BLOB, o->ca_pem);
	else if (o->ca_file != NULL)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
	if (o->ca_pem != NULL || o->ca_file != NULL)
		(void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (o->client_cert_pem != NULL)
		http_blob_set(easy, CURLOPT_SSLCERT_BLOB, o->client_cert_pem);
	else if (o->client_cert_file != NULL)
		(void)curl_easy_setopt(easy, CURLOPT_SSLCERT, o->client_cert_file);
	if (o->client_key_pem != NULL)
		http_blob_set(easy, CURLOPT_SSLKEY_BLOB, o->client_key_pem);
	else if (o->client_key_file != NULL)
		(void)curl_easy_setopt(easy, CURLOPT_SSLKEY, o->client_key_file);
	(void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (o->tls_insecure) {
		(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void http_connection_set(CURL *easy, const struct http_client_opts *o)
{
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
	                       o->http2 ? (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
	                                : (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)HTTP_TCP_KEEPALIVE_S);
	(void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)HTTP_TCP_KEEPALIVE_S);
	(void)curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)HTTP_CONNECTION_AGE_MAX_S);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_TIMEOUT_MS);
	(void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)HTTP_BUFFER_BYTES);
	(void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)HTTP_BUFFER_BYTES);
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, o->user_agent);
	/* libcurl 7.88 fails on a connection that it uses again when HTTP/2 was known beforehand */
	(void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)o->http2);
	(void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, (long)o->http2);
	if (o->unix_socket != NULL)
		(void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, o->unix_socket);
}

static int http_method_set(struct http_call *call, const struct http_request *req, struct err *err)
{
	bool sends = req->body != NULL || strcmp(req->method, "POST") == 0 ||
	             strcmp(req->method, "PUT") == 0 || strcmp(req->method, "PATCH") == 0;

	if (strcmp(req->method, "HEAD") == 0)
		(void)curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
	if (sends) {
		(void)curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		                       (curl_off_t)(req->body ? req->body_bytes : 0));
		if (curl_easy_setopt(call->easy, CURLOPT_COPYPOSTFIELDS,
		                     req->body ? req->body : "") != CURLE_OK)
			return err_set(err, ERR_NOMEM, 0, "request body");
	}
	if (curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, req->method) != CURLE_OK)
		return err_set(err, ERR_NOMEM, 0, "request method");
	return 0;
}

static int http_body_put(struct http_call *call, const char *data, size_t bytes)
{
	if (bytes >= call->body_bytes_max - call->body.bytes)
		return err_set(&call->refused, ERR_INVALID, 0, "%s: answer of more than %zu bytes",
		               call->what, call->body_bytes_max);
	if (buf_put(&call->body, data, bytes) < 0)
		return err_set(&call->refused, ERR_NOMEM, 0, "%s", call->what);
	return 0;
}

static bool http_is_success(const struct http_call *call)
{
	long status = 0;

	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status < 300;
}

/* Anything but all of the bytes ends the transfer. */
static size_t on_curl_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_call *call = arg;
	size_t bytes = size * count;

	if (call->is_cancelled)
		return 0;
	call->on_heard(call);
	if (call->on_data == NULL || !http_is_success(call))
		return http_body_put(call, data, bytes) < 0 ? 0 : bytes;
	if (call->on_data(call->arg, data, bytes) < 0) {
		if (!call->is_cancelled)
			(void)err_set(&call->refused, ERR_INVALID, 0, "%s: ended by its reader",
			              call->what);
		return 0;
	}
	return call->is_cancelled ? 0 : bytes;
}

static size_t on_curl_header(char *data, size_t size, size_t count, void *arg)
{
	struct http_call *call = arg;
	size_t bytes = size * count;

	if (call->is_cancelled)
		return 0;
	call->on_heard(call);
	if (call->on_header != NULL)
		call->on_header(call->arg, data, bytes);
	if (call->on_open != NULL && *data == '\r' && http_is_success(call)) {
		call->on_open(call->arg);
		call->on_open = NULL;
	}
	return call->is_cancelled ? 0 : bytes;
}

/* The connection stands, and the request comes next. */
static int on_curl_ready(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct http_call *call = arg;

	if (!call->is_cancelled && call->may_send(call->arg))
		return CURL_PREREQFUNC_OK;
	(void)err_set(&call->refused, ERR_DENIED, 0, "%s: too late, it was not sent", call->what);
	return CURL_PREREQFUNC_ABORT;
}

static int http_call_setup(struct http_remote *r, struct http_call *call,
                           const struct http_request *req, struct err *err)
{
	const char *base = r->opts.base_url ? r->opts.base_url : "http://localhost";

	if (asprintf(&call->what, "%s %s%s", req->method, base, req->path) < 0) {
		call->what = NULL;
		return err_set(err, ERR_NOMEM, 0, "http call");
	}
	call->easy = curl_easy_init();
	if (call->easy == NULL ||
	    curl_easy_setopt(call->easy, CURLOPT_URL, call->what + strlen(req->method) + 1) !=
	            CURLE_OK)
		return err_set(err, ERR_NOMEM, 0, "http call");
	http_connection_set(call->easy, &r->opts);
	http_tls_set(call->easy, &r->opts);
	if (http_method_set(call, req, err) < 0 || http_headers_make(r, call, req, err) < 0)
		return -1;
	(void)curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_curl_body);
	(void)curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
	(void)curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, on_curl_header);
	(void)curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	if (call->may_send != NULL) {
		(void)curl_easy_setopt(call->easy, CURLOPT_PREREQFUNCTION, on_curl_ready);
		(void)curl_easy_setopt(call->easy, CURLOPT_PREREQDATA, call);
	}
	(void)curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->curl_text);
	(void)curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
	return 0;
}

int http_call_new(struct http_remote *r, const struct http_request *req,
                  struct http_call **ret_call, struct err *err)
{
	struct http_call *call = calloc(1, sizeof *call);

	if (call == NULL)
		return err_set(err, ERR_NOMEM, 0, "http call");
	call->idle_timeout_ms = req->idle_timeout_ms;
	call->body_bytes_max =
	        req->response_bytes_max ? req->response_bytes_max : HTTP_RESPONSE_BYTES_MAX;
	call->on_header = req->on_header;
	call->on_open = req->on_open;
	call->may_send = req->may_send;
	call->on_data = req->on_data;
	call->on_done = req->on_done;
	call->arg = req->arg;
	if (http_call_setup(r, call, req, err) < 0) {
		http_call_destroy(call);
		return -1;
	}
	*ret_call = call;
	return 0;
}

void http_call_destroy(struct http_call *call)
{
	if (call->easy != NULL)
		curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	free(call->what);
	buf_done(&call->body);
	free(call);
}

int http_easy_result(const struct http_call *call, CURLcode code, struct err *err)
{
	const char *text = call->curl_text[0] ? call->curl_text : curl_easy_strerror(code);

	if (code == CURLE_OK)
		return 0;
	if (call->refused.code != ERR_NONE) {
		*err = call->refused;
		return -1;
	}
	return err_set(err,
	               code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT
	               : code == CURLE_OUT_OF_MEMORY    ? ERR_NOMEM
	                                                : ERR_UNAVAILABLE,
	               0, "%s: %s", call->what, text);
}

uint64_t http_easy_retry_after_ms(const struct http_call *call)
{
	curl_off_t seconds = 0;

	if (curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK ||
	    seconds < 0)
		return 0;
	return (uint64_t)seconds * 1000;
}
