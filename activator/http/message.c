/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message - reads one HTTP/1.1 message from pieces of bytes, with the parser llhttp
 */
#include "activator/http/message.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "activator/net/account.h"

enum {
	HEAD_BUF_FIRST_BYTES = 4096,
	HEAD_BUF_POOL_MAX = 32,
	MESSAGES_POOL_MAX = 128,
	TRAILERS_BYTES_MAX = 16 * 1024,
	CHUNKED_WEIGHT = 4,    /* what a byte costs that is parsed on its way */
	EVENT_COST_BYTES = 64, /* and each chunk and piece of a trailer */
	FIRST_PIECE_BYTES = 16 * 1024,
	CRUMBS_PIECE_BYTES = 4 * 1024,
};

static struct head_buf *pool;
static unsigned pool_count;
static struct message *messages;
static unsigned messages_count;

struct head_buf *head_buf_take(void)
{
	struct head_buf *b = pool;

	if (b) {
		pool = b->next;
		pool_count--;
	} else {
		b = malloc(sizeof *b);
		if (b == NULL)
			return NULL;
		b->data = malloc(HEAD_BUF_FIRST_BYTES);
		if (b->data == NULL) {
			free(b);
			return NULL;
		}
		b->capacity = HEAD_BUF_FIRST_BYTES;
		account_move(ACCOUNT_BUFFERS, 0, sizeof *b + b->capacity);
	}
	b->next = NULL;
	b->bytes = b->parsed = 0;
	head_buf_compact(b);
	return b;
}

void head_buf_compact(struct head_buf *b)
{
	b->bytes -= b->parsed;
	memmove(b->data, b->data + b->parsed, b->bytes);
	b->parsed = 0;
	b->head.fields_count = 0;
	b->head.target = b->head.phrase = (struct head_slice){0, 0};
}

static void head_buf_free(struct head_buf *b)
{
	account_move(ACCOUNT_BUFFERS, sizeof *b + b->capacity, 0);
	free(b->data);
	free(b);
}

void head_buf_give(struct head_buf *b)
{
	if (b == NULL)
		return;
	if (pool_count < HEAD_BUF_POOL_MAX && b->capacity == HEAD_BUF_FIRST_BYTES) {
		b->next = pool;
		pool = b;
		pool_count++;
		return;
	}
	head_buf_free(b);
}

static bool head_buf_grow(struct head_buf *b)
{
	char *grown;

	if (b->capacity == HEAD_BYTES_MAX || account_level() == BUDGET_FULL)
		return false;
	grown = realloc(b->data, b->capacity * 2);
	if (grown == NULL)
		return false;
	account_move(ACCOUNT_BUFFERS, b->capacity, b->capacity * 2);
	b->data = grown;
	b->capacity *= 2;
	return true;
}

size_t head_buf_room(struct head_buf *b)
{
	if (b->bytes == b->capacity && !head_buf_grow(b))
		return 0;
	return b->capacity - b->bytes;
}

bool head_buf_put(struct head_buf *b, const char *data, size_t bytes)
{
	while (b->capacity - b->bytes < bytes)
		if (!head_buf_grow(b))
			return false;
	memcpy(b->data + b->bytes, data, bytes);
	b->bytes += (uint32_t)bytes;
	return true;
}

void head_buf_pool_drop(void)
{
	while (pool) {
		struct head_buf *b = pool;

		pool = b->next;
		head_buf_free(b);
	}
	pool_count = 0;
	while (messages) {
		struct message *m = messages;

		messages = m->next;
		free(m);
	}
	messages_count = 0;
}

static struct message *message_of(llhttp_t *p)
{
	return (struct message *)((char *)p - offsetof(struct message, parser));
}

/* Pieces of one span follow one another without a gap, since the head's text is contiguous. */
static void slice_extend(struct message *m, struct head_slice *s, const char *at, size_t bytes)
{
	if (s->bytes == 0)
		s->at = (uint32_t)(at - m->head->data);
	s->bytes += (uint32_t)bytes;
}

static int on_url(llhttp_t *p, const char *at, size_t bytes)
{
	struct message *m = message_of(p);

	slice_extend(m, &m->head->head.target, at, bytes);
	return 0;
}

static int on_status(llhttp_t *p, const char *at, size_t bytes)
{
	struct message *m = message_of(p);

	slice_extend(m, &m->head->head.phrase, at, bytes);
	return 0;
}

static int on_trailer(struct message *m, const char *at, size_t bytes)
{
	m->events_count++;
	/* those that are thrown away count as well, or a sender would never be stopped */
	m->trailers_bytes += bytes;
	if (m->trailers_bytes > TRAILERS_BYTES_MAX)
		return -1;
	out_put(&m->trailers, at, bytes);
	return m->trailers.failed ? -1 : 0;
}

static int on_field(llhttp_t *p, const char *at, size_t bytes)
{
	struct message *m = message_of(p);
	struct head *h;

	if (m->head_done) {
		if (m->trailer_at == NULL)
			m->trailer_at = at;
		return on_trailer(m, at, bytes);
	}
	h = &m->head->head;
	if (!m->value_open) {
		if (h->fields_count == HEAD_FIELDS_MAX) {
			m->too_many = true;
			return -1;
		}
		h->fields[h->fields_count++] = (struct head_field){0};
		m->value_open = true;
	}
	slice_extend(m, &h->fields[h->fields_count - 1].name, at, bytes);
	return 0;
}

static int on_field_complete(llhttp_t *p)
{
	struct message *m = message_of(p);

	return m->head_done ? on_trailer(m, ": ", 2) : 0;
}

static int on_value(llhttp_t *p, const char *at, size_t bytes)
{
	struct message *m = message_of(p);
	struct head *h;

	if (m->head_done)
		return on_trailer(m, at, bytes);
	h = &m->head->head;
	slice_extend(m, &h->fields[h->fields_count - 1].value, at, bytes);
	return 0;
}

static int on_trailer_complete(struct message *m)
{
	struct out *t = &m->trailers;
	size_t line = t->end;
	const char *colon;

	while (line > 0 && t->data[line - 1] != '\n')
		line--;
	colon = memchr(t->data + line, ':', t->end - line);
	if (colon == t->data + line)
		return -1; /* a field without a name */
	if (colon == NULL ||
	    !head_trailer_allowed(t->data + line, (size_t)(colon - t->data) - line)) {
		t->end = line;
		return 0;
	}
	return on_trailer(m, "\r\n", 2);
}

static int on_value_complete(llhttp_t *p)
{
	struct message *m = message_of(p);
	struct head_slice *v;

	if (m->head_done)
		return on_trailer_complete(m);
	m->value_open = false;
	v = &m->head->head.fields[m->head->head.fields_count - 1].value;
	while (v->bytes > 0 && (m->head->data[v->at + v->bytes - 1] == ' ' ||
	                        m->head->data[v->at + v->bytes - 1] == '\t'))
		v->bytes--;
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	struct message *m = message_of(p);
	struct head *h = &m->head->head;

	h->major = p->http_major;
	h->minor = p->http_minor;
	h->status = p->status_code;
	h->method = p->type == HTTP_REQUEST ? llhttp_method_name((llhttp_method_t)p->method) : NULL;
	h->has_length = p->flags & F_CONTENT_LENGTH;
	h->length = h->has_length ? p->content_length : 0;
	h->chunked = p->flags & F_CHUNKED;
	h->has_coding = p->flags & F_TRANSFER_ENCODING;
	/* RFC 9112 section 6.3: no body whatever the fields say */
	if (p->type == HTTP_RESPONSE && (m->skip_body || p->status_code < 200 ||
	                                 p->status_code == 204 || p->status_code == 304))
		p->flags |= F_SKIPBODY;
	m->head_done = true;
	return HPE_PAUSED;
}

static int on_body(llhttp_t *p, const char *at, size_t bytes)
{
	struct message *m = message_of(p);

	m->events_count++;
	if (m->on_body)
		m->on_body(m->arg, at, bytes);
	return 0;
}

static int on_message_complete(llhttp_t *p)
{
	message_of(p)->done = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
        .on_url = on_url,
        .on_status = on_status,
        .on_header_field = on_field,
        .on_header_field_complete = on_field_complete,
        .on_header_value = on_value,
        .on_header_value_complete = on_value_complete,
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
};

void message_init(struct message *m, llhttp_type_t type)
{
	memset(m, 0, sizeof *m);
	llhttp_init(&m->parser, type, &settings);
}

const char *message_trailers(const struct message *m, size_t *ret_bytes)
{
	*ret_bytes = out_bytes(&m->trailers);
	return m->trailers.data ? m->trailers.data : "";
}

void message_done(struct message *m)
{
	out_done(&m->trailers);
}

struct message *message_take(llhttp_type_t type)
{
	struct message *m = messages;

	if (m) {
		messages = m->next;
		messages_count--;
	} else {
		m = malloc(sizeof *m);
	}
	if (m)
		message_init(m, type);
	return m;
}

void message_give(struct message *m)
{
	if (m == NULL)
		return;
	message_done(m);
	if (messages_count >= MESSAGES_POOL_MAX) {
		free(m);
		return;
	}
	m->next = messages;
	messages = m;
	messages_count++;
}

static enum message_step message_feed(struct message *m, const char *data, size_t bytes,
                                      size_t *ret_used)
{
	llhttp_errno_t e = llhttp_execute(&m->parser, data, bytes);

	if (e == HPE_OK) {
		*ret_used = bytes;
		return MESSAGE_MORE;
	}
	if (e != HPE_PAUSED)
		return m->too_many ? MESSAGE_TOO_MANY : MESSAGE_BAD;
	*ret_used = (size_t)(llhttp_get_error_pos(&m->parser) - data);
	llhttp_resume(&m->parser);
	return m->done ? MESSAGE_DONE : MESSAGE_HEAD;
}

enum message_step message_head(struct message *m, struct head_buf *b)
{
	size_t used = 0;
	enum message_step step;

	m->head = b;
	step = message_feed(m, b->data + b->parsed, b->bytes - b->parsed, &used);
	if (step == MESSAGE_MORE || step == MESSAGE_HEAD)
		b->parsed += (uint32_t)used;
	if (step == MESSAGE_HEAD) {
		b->head.text = b->data;
		b->head.text_bytes = b->parsed;
		head_index(&b->head);
		m->head = NULL;
	}
	return step;
}

/*
 * As head_check_lines() of a head, and for the same reason: the parser unfolds lines, and lets the
 * last one end with a bare LF.
 */
static bool trailers_are_strict(const struct message *m, const char *data, size_t used)
{
	const char *at = m->trailer_at ? m->trailer_at : data + used;
	char before = '\n';

	if (at == data)
		before = m->last;
	else if (at == data + used && used > 0) {
		at--; /* no trailer in this piece: there is the last byte to look at */
		before = at > data ? at[-1] : m->last;
	}
	for (; at < data + used; before = *at++)
		if ((*at == '\n') != (before == '\r') ||
		    (before == '\n' && (*at == ' ' || *at == '\t')))
			return false;
	return true;
}

enum message_step message_body(struct message *m, const char *data, size_t bytes, size_t *ret_used)
{
	bool in_trailers = m->parser.flags & F_TRAILING;
	enum message_step step;

	m->trailer_at = in_trailers ? data : NULL;
	m->events_count = 0;
	step = message_feed(m, data, bytes, ret_used);
	m->piece_bytes = m->events_count > bytes / EVENT_COST_BYTES ? CRUMBS_PIECE_BYTES : SIZE_MAX;
	if ((step == MESSAGE_MORE || step == MESSAGE_DONE) && (m->parser.flags & F_TRAILING) &&
	    !trailers_are_strict(m, data, *ret_used))
		return MESSAGE_BAD;
	if (step == MESSAGE_MORE && bytes > 0)
		m->last = data[bytes - 1];
	return step;
}

size_t message_piece(const struct message *m, size_t most_bytes)
{
	size_t bytes = m->piece_bytes > 0 ? m->piece_bytes : FIRST_PIECE_BYTES;

	return (m->parser.flags & F_CHUNKED) && bytes < most_bytes ? bytes : most_bytes;
}

size_t message_cost(const struct message *m, size_t bytes)
{
	if (bytes == 0 || !(m->parser.flags & F_CHUNKED))
		return bytes;
	return bytes * CHUNKED_WEIGHT + m->events_count * EVENT_COST_BYTES;
}

enum message_step message_eof(struct message *m)
{
	llhttp_errno_t e = llhttp_finish(&m->parser);

	return (e == HPE_OK || e == HPE_PAUSED) && m->done ? MESSAGE_DONE : MESSAGE_BAD;
}
