/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server - an HTTP/1.1 server: TLS, whole requests in, answers or streams out
 */
#include "local/api/io/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <llhttp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "lib/base/clk.h"
#include "lib/base/socket_address.h"
#include "lib/http/accept_pause.h"

struct text {
	char *chars;
	size_t bytes;
};

/* The headers that somebody reads. */
enum header {
	HEADER_OTHER,
	HEADER_AUTHORIZATION,
	HEADER_CONTENT_TYPE,
	HEADER_ACCEPT,
	HEADER_EXPECT,
	HEADER_COUNT
};

static const char *const header_names[HEADER_COUNT] = {"", "authorization", "content-type",
                                                       "accept", "expect"};

/* A connection, and the one exchange on it. */
struct http_exchange {
	struct http_server *server;
	struct bufferevent *bev;
	llhttp_t parser;
	struct text target, field, headers[HEADER_COUNT], body, reply_headers;
	size_t head_bytes;
	enum header header;
	bool busy; /* a request is with the application */
	bool streaming;
	bool was_served;   /* had a whole request */
	uint64_t since_ms; /* accepted, or the last answer given */
	bool keep_alive;
	bool closing;  /* ends when all is written */
	bool draining; /* a refused body still comes: closing now would lose the answer */
	bool dead;
	int refused; /* status of a message that is not taken */
	void (*on_gone)(void *arg);
	void *gone_arg;
	TAILQ_ENTRY(http_exchange) next;
};

struct http_server {
	struct event_base *base;
	struct http_server_opts opts;
	struct evconnlistener *listener;
	struct accept_pause *pause;
	struct event *sweep;
	struct event *late;
	llhttp_settings_t settings;
	unsigned count;
	TAILQ_HEAD(, http_exchange) exchanges;
};

static void pump(struct http_exchange *x);

static bool text_add(struct text *t, const char *at, size_t bytes)
{
	char *more = realloc(t->chars, t->bytes + bytes + 1);

	if (more == NULL)
		return false;
	memcpy(more + t->bytes, at, bytes);
	t->chars = more;
	t->bytes += bytes;
	t->chars[t->bytes] = 0;
	return true;
}

static void text_clear(struct text *t)
{
	free(t->chars);
	*t = (struct text){0};
}

static char *text_of(struct text *t)
{
	static char empty[1];

	return t->chars ? t->chars : empty;
}

static void exchange_clear(struct http_exchange *x)
{
	text_clear(&x->target);
	text_clear(&x->field);
	text_clear(&x->body);
	text_clear(&x->reply_headers);
	for (size_t i = 0; i < HEADER_COUNT; i++)
		text_clear(&x->headers[i]);
	x->head_bytes = 0;
	x->refused = 0;
}

/* The connection is over; it is freed after this turn of the loop. */
static void exchange_kill(struct http_exchange *x)
{
	void (*on_gone)(void *) = x->on_gone;

	if (x->dead)
		return;
	x->dead = true;
	x->on_gone = NULL;
	bufferevent_setcb(x->bev, NULL, NULL, NULL, NULL);
	(void)bufferevent_disable(x->bev, EV_READ | EV_WRITE);
	event_active(x->server->sweep, EV_TIMEOUT, 1);
	if (on_gone)
		on_gone(x->gone_arg);
}

static void exchange_free(struct http_exchange *x)
{
	TAILQ_REMOVE(&x->server->exchanges, x, next);
	x->server->count--;
	exchange_clear(x);
	bufferevent_free(x->bev);
	free(x);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *s = arg;
	struct http_exchange *x = TAILQ_FIRST(&s->exchanges), *next;

	for (; x; x = next) {
		next = TAILQ_NEXT(x, next);
		if (x->dead)
			exchange_free(x);
	}
}

/* The one that a new connection is worth more than; NULL: none, all are at work. */
static struct http_exchange *exchange_to_evict(struct http_server *s)
{
	struct http_exchange *first = NULL, *x;

	TAILQ_FOREACH(x, &s->exchanges, next) {
		if (x->dead || x->streaming || (x->busy && x->was_served))
			continue;
		if (first == NULL || x->was_served < first->was_served ||
		    (x->was_served == first->was_served && x->since_ms < first->since_ms))
			first = x;
	}
	return first;
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *s = arg;
	struct http_exchange *x;

	TAILQ_FOREACH(x, &s->exchanges, next) {
		if (!x->was_served && clk_now_ms() - x->since_ms > HTTP_FIRST_TIMEOUT_S * 1000)
			exchange_kill(x);
	}
}

/* Parser callbacks. */

static int take(struct http_exchange *x, struct text *t, const char *at, size_t bytes)
{
	x->head_bytes += bytes;
	if (x->head_bytes > HTTP_HEAD_BYTES_MAX)
		x->refused = 431;
	else if (!text_add(t, at, bytes))
		x->refused = 503;
	return x->refused ? HPE_USER : 0;
}

static int on_url(llhttp_t *p, const char *at, size_t bytes)
{
	struct http_exchange *x = p->data;

	return take(x, &x->target, at, bytes);
}

static int on_field(llhttp_t *p, const char *at, size_t bytes)
{
	struct http_exchange *x = p->data;

	return take(x, &x->field, at, bytes);
}

static int on_field_complete(llhttp_t *p)
{
	struct http_exchange *x = p->data;

	x->header = HEADER_OTHER;
	for (size_t i = 1; i < HEADER_COUNT; i++) {
		if (strcasecmp(text_of(&x->field), header_names[i]) == 0)
			x->header = (enum header)i;
	}
	text_clear(&x->field);
	text_clear(&x->headers[x->header]);
	return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t bytes)
{
	struct http_exchange *x = p->data;

	return take(x, &x->headers[x->header], at, bytes);
}

static int on_headers_complete(llhttp_t *p)
{
	struct http_exchange *x = p->data;
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (p->content_length > HTTP_BODY_BYTES_MAX) {
		x->refused = 413;
		return -1;
	}
	if (strcasecmp(text_of(&x->headers[HEADER_EXPECT]), "100-continue") == 0)
		(void)bufferevent_write(x->bev, go_on, sizeof go_on - 1);
	return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t bytes)
{
	struct http_exchange *x = p->data;

	if (x->body.bytes + bytes > HTTP_BODY_BYTES_MAX)
		x->refused = 413;
	else if (!text_add(&x->body, at, bytes))
		x->refused = 503;
	return x->refused ? HPE_USER : 0;
}

static int on_complete(llhttp_t *p)
{
	struct http_exchange *x = p->data;

	x->keep_alive = llhttp_should_keep_alive(p) != 0;
	x->busy = true;
	return HPE_PAUSED;
}

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {
	        {200, "OK"},
	        {201, "Created"},
	        {400, "Bad Request"},
	        {401, "Unauthorized"},
	        {403, "Forbidden"},
	        {404, "Not Found"},
	        {405, "Method Not Allowed"},
	        {406, "Not Acceptable"},
	        {409, "Conflict"},
	        {410, "Gone"},
	        {413, "Request Entity Too Large"},
	        {415, "Unsupported Media Type"},
	        {422, "Unprocessable Entity"},
	        {431, "Request Header Fields Too Large"},
	        {500, "Internal Server Error"},
	        {503, "Service Unavailable"},
	        {507, "Insufficient Storage"},
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].text;
	}
	return "Status";
}

static void write_head(struct http_exchange *x, int status, const char *content_type,
                       const char *framing)
{
	struct evbuffer *out = bufferevent_get_output(x->bev);

	(void)evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%s\r\n%s%s\r\n",
	                          status, reason_of(status), content_type, framing,
	                          text_of(&x->reply_headers),
	                          x->keep_alive ? "" : "Connection: close\r\n");
}

/* The answer is complete: wait for the next request, or close. */
static void exchange_finish(struct http_exchange *x)
{
	struct timeval idle = {HTTP_IDLE_TIMEOUT_S, 0}, slow = {HTTP_WRITE_TIMEOUT_S, 0};

	x->busy = x->streaming = false;
	x->since_ms = clk_now_ms();
	x->on_gone = NULL;
	exchange_clear(x);
	(void)bufferevent_set_timeouts(x->bev, &idle, &slow);
	if (!x->keep_alive) {
		x->closing = true;
		if (!x->draining)
			(void)bufferevent_disable(x->bev, EV_READ);
		return;
	}
	llhttp_resume(&x->parser);
}

void http_header(struct http_exchange *x, const char *name, const char *value)
{
	(void)(text_add(&x->reply_headers, name, strlen(name)) &&
	       text_add(&x->reply_headers, ": ", 2) &&
	       text_add(&x->reply_headers, value, strcspn(value, "\r\n")) &&
	       text_add(&x->reply_headers, "\r\n", 2));
}

void http_reply(struct http_exchange *x, int status, const char *content_type, const char *body,
                size_t bytes)
{
	char framing[64];

	if (status == 401) /* who has no right here keeps no place either */
		x->keep_alive = false;
	(void)snprintf(framing, sizeof framing, "Content-Length: %zu", bytes);
	write_head(x, status, content_type, framing);
	if (x->parser.method != HTTP_HEAD)
		(void)bufferevent_write(x->bev, body, bytes);
	exchange_finish(x);
}

void http_stream_start(struct http_exchange *x, const char *content_type,
                       void (*on_gone)(void *arg), void *arg)
{
	struct timeval slow = {HTTP_WRITE_TIMEOUT_S, 0};

	x->streaming = true;
	x->on_gone = on_gone;
	x->gone_arg = arg;
	write_head(x, 200, content_type, "Transfer-Encoding: chunked");
	(void)bufferevent_set_timeouts(x->bev, NULL, &slow);
}

bool http_stream_send(struct http_exchange *x, const char *data, size_t bytes)
{
	struct evbuffer *out = bufferevent_get_output(x->bev);

	if (x->dead)
		return false;
	if (evbuffer_get_length(out) + bytes > HTTP_STREAM_BACKLOG_BYTES_MAX) {
		exchange_kill(x);
		return false;
	}
	(void)evbuffer_add_printf(out, "%zx\r\n", bytes);
	(void)evbuffer_add(out, data, bytes);
	(void)evbuffer_add(out, "\r\n", 2);
	return true;
}

void http_stream_end(struct http_exchange *x)
{
	if (x->dead)
		return;
	(void)bufferevent_write(x->bev, "0\r\n\r\n", 5);
	exchange_finish(x);
	pump(x);
}

static void refuse(struct http_exchange *x)
{
	const char *text = x->refused == 413   ? "Request entity too large: limit is 3145728"
	                   : x->refused == 431 ? "Request header fields too large"
	                   : x->refused == 503 ? "out of memory"
	                                       : "not a valid HTTP request";
	int status = x->refused ? x->refused : 400;
	struct timeval linger = {HTTP_LINGER_S, 0};
	char body[256];
	int n = snprintf(body, sizeof body,
	                 "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
	                 "\"status\":\"Failure\",\"message\":\"%s\",\"reason\":\"%s\","
	                 "\"code\":%d}",
	                 text, status == 413 ? "RequestEntityTooLarge" : "BadRequest", status);

	x->keep_alive = false;
	x->draining = true;
	http_reply(x, status, "application/json", body, (size_t)n);
	(void)bufferevent_set_timeouts(x->bev, &linger, &linger);
}

static void serve(struct http_exchange *x)
{
	struct http_message message = {
	        .method = llhttp_method_name((llhttp_method_t)x->parser.method),
	        .target = text_of(&x->target),
	        .authorization = text_of(&x->headers[HEADER_AUTHORIZATION]),
	        .content_type = text_of(&x->headers[HEADER_CONTENT_TYPE]),
	        .accept = text_of(&x->headers[HEADER_ACCEPT]),
	        .body = text_of(&x->body),
	        .body_bytes = x->body.bytes,
	};

	x->was_served = true;
	x->server->opts.on_request(x->server->opts.arg, x, &message);
}

/* Give the parser what has come, as far as one whole request. */
static void pump(struct http_exchange *x)
{
	struct evbuffer *in = bufferevent_get_input(x->bev);

	while (!x->dead && !x->busy && !x->closing && evbuffer_get_length(in) > 0) {
		size_t bytes = evbuffer_get_contiguous_space(in);
		const char *data = (const char *)evbuffer_pullup(in, (ev_ssize_t)bytes);
		llhttp_errno_t code = llhttp_execute(&x->parser, data, bytes);

		if (code == HPE_PAUSED)
			bytes = (size_t)(llhttp_get_error_pos(&x->parser) - data);
		(void)evbuffer_drain(in, bytes);
		if (code == HPE_PAUSED)
			serve(x);
		else if (code != HPE_OK)
			refuse(x);
	}
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct http_exchange *x = arg;

	if (x->draining)
		(void)evbuffer_drain(bufferevent_get_input(bev), SIZE_MAX);
	else if (x->busy && evbuffer_get_length(bufferevent_get_input(bev)) > HTTP_BODY_BYTES_MAX)
		exchange_kill(x);
	else
		pump(x);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct http_exchange *x = arg;

	(void)bev;
	if (x->closing && !x->draining)
		exchange_kill(x);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
		exchange_kill(arg);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int peer_bytes, void *arg)
{
	struct timeval idle = {HTTP_IDLE_TIMEOUT_S, 0}, slow = {HTTP_WRITE_TIMEOUT_S, 0};
	struct http_server *s = arg;
	struct http_exchange *old, *x;
	SSL *ssl;
	int on = 1;

	(void)listener;
	(void)peer;
	(void)peer_bytes;
	if (s->count >= HTTP_CONNECTIONS_MAX && (old = exchange_to_evict(s)) != NULL) {
		exchange_kill(old);
		exchange_free(old);
	}
	x = s->count < HTTP_CONNECTIONS_MAX ? calloc(1, sizeof *x) : NULL;
	ssl = x ? SSL_new(s->opts.tls) : NULL;
	/* A watch event is a small write after a small write: Nagle would hold it 40 ms. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (ssl)
		x->bev = bufferevent_openssl_socket_new(s->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
		                                        BEV_OPT_CLOSE_ON_FREE |
		                                                BEV_OPT_DEFER_CALLBACKS);
	if (x == NULL || x->bev == NULL) {
		SSL_free(ssl);
		free(x);
		(void)evutil_closesocket(fd);
		return;
	}
	bufferevent_openssl_set_allow_dirty_shutdown(x->bev, 1);
	x->server = s;
	x->since_ms = clk_now_ms();
	llhttp_init(&x->parser, HTTP_REQUEST, &s->settings);
	x->parser.data = x;
	TAILQ_INSERT_TAIL(&s->exchanges, x, next);
	s->count++;
	bufferevent_setcb(x->bev, on_read, on_write, on_event, x);
	(void)bufferevent_set_timeouts(x->bev, &idle, &slow);
	(void)bufferevent_enable(x->bev, EV_READ | EV_WRITE);
}

int http_server_new(struct event_base *base, const struct http_server_opts *opts,
                    struct http_server **ret_server, struct err *err)
{
	struct http_server *s = calloc(1, sizeof *s);
	struct sockaddr_storage address;
	socklen_t address_bytes;

	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "server");
	TAILQ_INIT(&s->exchanges);
	s->base = base;
	s->opts = *opts;
	llhttp_settings_init(&s->settings);
	s->settings.on_url = on_url;
	s->settings.on_header_field = on_field;
	s->settings.on_header_field_complete = on_field_complete;
	s->settings.on_header_value = on_value;
	s->settings.on_headers_complete = on_headers_complete;
	s->settings.on_body = on_body;
	s->settings.on_message_complete = on_complete;
	s->sweep = event_new(base, -1, 0, on_sweep, s);
	s->late = event_new(base, -1, EV_PERSIST, on_late, s);
	if (s->late)
		(void)event_add(s->late, &(struct timeval){1, 0});
	address_bytes = socket_address_parse(opts->listen, &address);
	if (address_bytes == 0) {
		(void)err_set(err, ERR_PARSE, 0, "listen address \"%s\": want ADDRESS:PORT",
		              opts->listen);
		http_server_free(s);
		return -1;
	}
	s->listener = evconnlistener_new_bind(base, on_accept, s,
	                                      LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE |
	                                              LEV_OPT_CLOSE_ON_EXEC,
	                                      128, (struct sockaddr *)&address, (int)address_bytes);
	if (s->listener == NULL) {
		err_set(err, ERR_SYS, errno, "listen on %s", opts->listen);
		http_server_free(s);
		return -1;
	}
	if (accept_pause_new(base, s->listener, "api", &s->pause, err) < 0) {
		http_server_free(s);
		return -1;
	}
	*ret_server = s;
	return 0;
}

void http_server_free(struct http_server *s)
{
	struct http_exchange *x, *next;

	if (s == NULL)
		return;
	for (x = TAILQ_FIRST(&s->exchanges); x; x = next) {
		next = TAILQ_NEXT(x, next);
		exchange_kill(x);
		exchange_free(x);
	}
	accept_pause_free(s->pause);
	if (s->late)
		event_free(s->late);
	if (s->listener)
		evconnlistener_free(s->listener);
	if (s->sweep)
		event_free(s->sweep);
	free(s);
}

unsigned http_server_port(const struct http_server *s)
{
	struct sockaddr_storage a;
	socklen_t bytes = sizeof a;

	if (getsockname(evconnlistener_get_fd(s->listener), (struct sockaddr *)&a, &bytes) < 0)
		return 0;
	return a.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&a)->sin6_port)
	                               : ntohs(((struct sockaddr_in *)&a)->sin_port);
}
