/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin - who may ask, and the answers, on libevent's evhttp
 */
#include "lib/http/admin.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/base/socket_address.h"
#include "lib/http/accept_pause.h"
#include "lib/http/admin_conns.h"
#include "lib/http/metrics.h"
#include "lib/http/seal.h"

enum {
	ADMIN_HEADER_BYTES_MAX = 8 << 10,
	ADMIN_BODY_BYTES_MAX = 64 << 10,
	ADMIN_BACKLOG = 1024, /* as few as possible are for the kernel to drop */
	ADMIN_TOKEN_BYTES_MAX = 4096,
	ADMIN_READY_BYTES_MAX = 4096,
};

/* A request that waits for admin_reply(). Outlives its connection and the admin. */
struct admin_reply {
	LIST_ENTRY(admin_reply) entry;
	struct admin *admin;        /* NULL: connection or admin are gone */
	struct evhttp_request *req; /* NULL likewise */
	struct evhttp_connection *con;
	char seal[SEAL_TEXT_BYTES]; /* of the request; "": none */
};

struct admin_token {
	const char *path; /* NULL: none wanted */
	struct stat seen;
	char text[ADMIN_TOKEN_BYTES_MAX];
	size_t len; /* 0: nobody is let in */
};

struct admin {
	struct event_base *base;
	struct evhttp *http;
	struct evconnlistener *listener; /* owned by http once bound */
	struct accept_pause *pause;
	struct admin_conns *conns;
	struct admin_opts opts;
	struct seal_answerer *seal; /* or NULL */
	char *token_path;
	char *seal_path;
	struct admin_token token;
	LIST_HEAD(, admin_reply) replies;
	unsigned port;
};

DEFINE_CLEANUP(struct admin *, admin_free);

/* ---- token ---- */

static int admin_token_read(struct admin_token *t, struct err *err)
{
	CLEANUP(fclose_var) FILE *f = fopen(t->path, "re");

	t->len = 0;
	if (f == NULL || fstat(fileno(f), &t->seen) < 0)
		return err_set(err, ERR_SYS, errno, "open %s", t->path);
	t->len = fread(t->text, 1, sizeof t->text, f);
	while (t->len > 0 && strchr("\r\n\t ", t->text[t->len - 1]) != NULL)
		t->len--;
	if (t->len == 0 || t->len == sizeof t->text)
		return err_set(err, ERR_INVALID, 0, "%s: want a token of at most %d bytes", t->path,
		               (int)sizeof t->text - 1);
	return 0;
}

static bool admin_token_has_changed(const struct admin_token *t)
{
	struct stat now;

	if (t->len == 0 || stat(t->path, &now) < 0)
		return true;
	return now.st_ino != t->seen.st_ino || now.st_size != t->seen.st_size ||
	       now.st_mtim.tv_sec != t->seen.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != t->seen.st_mtim.tv_nsec;
}

/* A token file that cannot be read lets nobody in. */
static bool admin_is_allowed(struct admin *a, struct evhttp_request *req)
{
	static const char scheme[] = "Bearer ";
	const char *auth;

	if (a->token.path == NULL)
		return true;
	if (admin_token_has_changed(&a->token) && admin_token_read(&a->token, NULL) < 0)
		return false;
	auth = evhttp_find_header(evhttp_request_get_input_headers(req), "Authorization");
	if (auth == NULL || strncasecmp(auth, scheme, sizeof scheme - 1) != 0)
		return false;
	auth += sizeof scheme - 1;
	return strlen(auth) == a->token.len &&
	       CRYPTO_memcmp(auth, a->token.text, a->token.len) == 0;
}

/* ---- connections ---- */

/* evhttp asks for the bufferevent of each connection that it accepts. */
static struct bufferevent *on_admin_accept(struct event_base *base, void *arg)
{
	struct admin *a = arg;

	return admin_conns_accept(a->conns);
}

static void admin_conn_mark(struct admin *a, struct evhttp_connection *con, bool in_request)
{
	admin_conns_mark(a->conns, evhttp_connection_get_bufferevent(con), in_request);
}

/* ---- answers ---- */

static void admin_send(struct evhttp_request *req, int status, const char *type,
                       struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);

	if (type != NULL)
		(void)evhttp_add_header(headers, "Content-Type", type);
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_send_reply(req, status, NULL, body);
}

static void admin_send_text(struct evhttp_request *req, int status, const char *type,
                            const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (body != NULL)
		(void)evbuffer_add(body, text, strlen(text));
	admin_send(req, status, type, body);
	if (body != NULL)
		evbuffer_free(body);
}

static void admin_put(void *arg, const char *text, size_t bytes)
{
	(void)evbuffer_add(arg, text, bytes);
}

static void admin_send_metrics(struct admin *a, struct evhttp_request *req)
{
	struct evbuffer *body = evbuffer_new();

	if (body != NULL && a->opts.metrics != NULL)
		metrics_write(a->opts.metrics, admin_put, body);
	admin_send(req, body != NULL ? 200 : 503, "text/plain; version=0.0.4; charset=utf-8", body);
	if (body != NULL)
		evbuffer_free(body);
}

static void admin_send_readiness(struct admin *a, struct evhttp_request *req)
{
	const char *trouble = a->opts.trouble != NULL ? a->opts.trouble() : NULL;
	const char *why = NULL;
	char text[ADMIN_READY_BYTES_MAX];

	if (a->opts.why_not_ready != NULL)
		why = a->opts.why_not_ready(a->opts.arg);
	(void)snprintf(text, sizeof text, "%s\n%s", why == NULL ? "ok" : why,
	               trouble == NULL ? "" : trouble);
	admin_send_text(req, why == NULL ? 200 : 503, "text/plain", text);
}

/* The connection ended, or the whole server: a later admin_reply() finds nobody. */
static void on_admin_close(struct evhttp_connection *con, void *arg)
{
	struct admin_reply *r = arg;

	/* evhttp has let go of a request whose connection failed; else it frees it itself */
	if (evhttp_request_get_connection(r->req) == NULL)
		evhttp_request_free(r->req);
	LIST_REMOVE(r, entry);
	r->admin = NULL;
	r->req = NULL;
	r->con = NULL;
}

static void admin_seal_answer(struct admin_reply *r, int status, const char *body)
{
	char header[SEAL_HEADER_BYTES];

	if (r->seal[0] == '\0')
		return;
	seal_answer(r->admin->seal, r->seal, &(struct seal_reply){status, body, strlen(body)},
	            header);
	(void)evhttp_add_header(evhttp_request_get_output_headers(r->req), "Authentication-Info",
	                        header);
}

void admin_reply(void *reply, int status, const char *json)
{
	struct admin_reply *r = reply;

	if (r->admin != NULL) {
		LIST_REMOVE(r, entry);
		evhttp_connection_set_closecb(r->con, NULL, NULL);
		admin_conn_mark(r->admin, r->con, false);
		admin_seal_answer(r, status, json != NULL ? json : "");
		admin_send_text(r->req, status, json != NULL ? "application/json" : NULL,
		                json != NULL ? json : "");
	}
	free(r);
}

static const char *admin_method_name(struct evhttp_request *req)
{
	return evhttp_request_get_command(req) == EVHTTP_REQ_POST ? "POST" : "GET";
}

/* Everything that is the program's own. */
static void admin_forward(struct admin *a, struct evhttp_request *req, const char *seal)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	struct evbuffer *input = evhttp_request_get_input_buffer(req);
	const char *query = evhttp_uri_get_query(uri);
	struct admin_reply *r = calloc(1, sizeof *r);
	struct admin_request request = {
	        .method = admin_method_name(req),
	        .path = evhttp_uri_get_path(uri),
	        .query = query != NULL ? query : "",
	        .body_bytes = evbuffer_get_length(input),
	        .reply = r,
	};

	if (admin_conns_is_busy(a->conns)) {
		free(r);
		admin_send_text(req, 503, "application/json",
		                "{\"error\":\"too many requests wait for an answer\"}");
		return;
	}
	if (r == NULL || evbuffer_add(input, "", 1) < 0) {
		free(r);
		admin_send_text(req, 503, "application/json", "{\"error\":\"out of memory\"}");
		return;
	}
	request.body = (const char *)evbuffer_pullup(input, -1);
	r->admin = a;
	(void)snprintf(r->seal, sizeof r->seal, "%s", seal);
	r->req = req;
	r->con = evhttp_request_get_connection(req);
	LIST_INSERT_HEAD(&a->replies, r, entry);
	evhttp_connection_set_closecb(r->con, on_admin_close, r);
	admin_conn_mark(a, r->con, true);
	if (a->opts.on_request == NULL || !a->opts.on_request(a->opts.arg, &request))
		admin_reply(r, 404, "{\"error\":\"unknown path\"}");
}

/* Return: whether it is sealed by who has the key. @ret_seal is set then. */
static bool admin_is_sealed(struct admin *a, struct evhttp_request *req, char *ret_seal)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(req);
	const struct seal_message m = {
	        .method = admin_method_name(req),
	        .path = evhttp_request_get_uri(req),
	        .body = evbuffer_pullup(input, -1),
	        .body_bytes = evbuffer_get_length(input),
	};

	return seal_check(
	        a->seal, &m,
	        evhttp_find_header(evhttp_request_get_input_headers(req), "Authorization"),
	        ret_seal);
}

static void admin_refuse(struct admin *a, struct evhttp_request *req, bool by_seal)
{
	char challenge[SEAL_HEADER_BYTES] = "Bearer";

	if (by_seal)
		seal_challenge(a->seal, challenge);
	(void)evhttp_add_header(evhttp_request_get_output_headers(req), "WWW-Authenticate",
	                        challenge);
	admin_send_text(req, 401, "application/json",
	                by_seal ? "{\"error\":\"want a seal\"}"
	                        : "{\"error\":\"want a bearer token\"}");
}

static void on_admin_request(struct evhttp_request *req, void *arg)
{
	struct admin *a = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	bool health = path != NULL && strcmp(path, "/healthz") == 0;
	bool ready = path != NULL && strcmp(path, "/readyz") == 0;
	bool metrics = path != NULL && strcmp(path, "/metrics") == 0;

	bool by_seal = a->seal != NULL && !health && !ready && !metrics;
	char seal[SEAL_TEXT_BYTES] = "";

	admin_conn_mark(a, evhttp_request_get_connection(req), false);
	if (path == NULL) {
		admin_send_text(req, 400, "application/json", "{\"error\":\"want a path\"}");
	} else if (by_seal ? !admin_is_sealed(a, req, seal)
	                   : !health && !ready && !admin_is_allowed(a, req)) {
		admin_refuse(a, req, by_seal);
	} else if ((health || ready || metrics) &&
	           evhttp_request_get_command(req) != EVHTTP_REQ_GET) {
		(void)evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET");
		admin_send_text(req, 405, "application/json", "{\"error\":\"want GET\"}");
	} else if (health) {
		admin_send_text(req, 200, "text/plain", "ok\n");
	} else if (ready) {
		admin_send_readiness(a, req);
	} else if (metrics) {
		admin_send_metrics(a, req);
	} else {
		admin_forward(a, req, seal);
	}
}

/* ---- life ---- */

static unsigned admin_bound_port(struct evconnlistener *listener)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&ss, &len) < 0)
		return 0;
	/* sin_port and sin6_port are at one place */
	return ntohs(((const struct sockaddr_in *)(const void *)&ss)->sin_port);
}

static int admin_listen(struct admin *a, struct err *err)
{
	struct sockaddr_storage ss;
	socklen_t len = socket_address_parse(a->opts.listen, &ss);

	if (len == 0)
		return err_set(err, ERR_INVALID, 0,
		               "admin address \"%s\": want \"127.0.0.1:9090\" or \"[::1]:0\"",
		               a->opts.listen);
	a->listener = evconnlistener_new_bind(a->base, NULL, NULL,
	                                      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
	                                              LEV_OPT_REUSEABLE,
	                                      ADMIN_BACKLOG, (struct sockaddr *)&ss, (int)len);
	if (a->listener == NULL)
		return err_set(err, ERR_SYS, errno, "listen on %s", a->opts.listen);
	if (evhttp_bind_listener(a->http, a->listener) == NULL) {
		evconnlistener_free(TAKE_PTR(a->listener));
		return err_set(err, ERR_NOMEM, 0, "admin server");
	}
	admin_conns_listen(a->conns, a->listener);
	a->port = admin_bound_port(a->listener);
	return accept_pause_new(a->base, a->listener, "admin", &a->pause, err);
}

static int admin_seal_open(struct admin *a, const char *key_file, struct err *err)
{
	a->seal = calloc(1, sizeof *a->seal);
	a->seal_path = strdup(key_file);
	if (a->seal == NULL || a->seal_path == NULL)
		return err_set(err, ERR_NOMEM, 0, "admin server");
	return seal_answerer_init(a->seal, a->seal_path, err);
}

int admin_new(struct event_base *base, const struct admin_opts *opts, struct admin **ret_admin,
              struct err *err)
{
	CLEANUP(admin_free_var) struct admin *a = calloc(1, sizeof *a);

	if (a == NULL)
		return err_set(err, ERR_NOMEM, 0, "admin server");
	a->base = base;
	a->opts = *opts;
	LIST_INIT(&a->replies);
	a->http = evhttp_new(base);
	a->conns = admin_conns_new(base);
	if (a->http == NULL || a->conns == NULL)
		return err_set(err, ERR_NOMEM, 0, "admin server");
	if (opts->token_file != NULL) {
		a->token.path = a->token_path = strdup(opts->token_file);
		if (a->token_path == NULL)
			return err_set(err, ERR_NOMEM, 0, "admin server");
		if (admin_token_read(&a->token, err) < 0)
			return err_wrap(err, "admin token");
	}
	if (opts->seal_key_file != NULL && admin_seal_open(a, opts->seal_key_file, err) < 0)
		return err_wrap(err, "admin key");
	evhttp_set_max_headers_size(a->http, ADMIN_HEADER_BYTES_MAX);
	evhttp_set_max_body_size(a->http, ADMIN_BODY_BYTES_MAX);
	evhttp_set_timeout(a->http, ADMIN_IDLE_S);
	evhttp_set_allowed_methods(a->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_gencb(a->http, on_admin_request, a);
	evhttp_set_bevcb(a->http, on_admin_accept, a);
	if (admin_listen(a, err) < 0)
		return -1;
	log_event(LOG_INFO, "admin.listening", log_u64("port", a->port));
	*ret_admin = TAKE_PTR(a);
	return 0;
}

void admin_free(struct admin *admin)
{
	if (admin == NULL)
		return;
	accept_pause_free(admin->pause);
	if (admin->http != NULL)
		evhttp_free(admin->http);
	assert(LIST_EMPTY(&admin->replies)); /* evhttp_free() told of each */
	admin_conns_free(admin->conns);
	free(admin->seal);
	free(admin->seal_path);
	free(admin->token_path);
	free(admin);
}

unsigned admin_port(const struct admin *admin)
{
	return admin->port;
}
