/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head - a parsed message head: start line and fields as slices of its text
 *
 * The text is borrowed. Slices are offsets, so the text may move while a head is still growing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "activator/core/end_reason.h"
#include "activator/core/field.h"

enum {
	HEAD_FIELDS_MAX = 100,
	HEAD_BYTES_MAX = 64 * 1024,
	HEAD_CONNECTION_MAX = 32, /* elements of Connection */
};

struct head_slice {
	uint32_t at;
	uint32_t bytes;
};

struct head_field {
	struct head_slice name;
	struct head_slice value;
	enum field_id id; /* after head_index() */
};

struct head {
	const char *text;
	uint32_t text_bytes;      /* start line and fields, with the empty line */
	struct head_slice target; /* requests */
	struct head_slice phrase; /* responses: the reason phrase */
	unsigned status;          /* responses */
	const char *method;       /* requests: static text */
	unsigned major;
	unsigned minor;
	bool has_length; /* Content-Length */
	bool chunked;
	bool has_coding; /* any Transfer-Encoding */
	uint64_t length;
	unsigned fields_count;
	struct head_field fields[HEAD_FIELDS_MAX];
	/* these: after head_index() */
	uint8_t count[FIELDS_COUNT];
	uint8_t first[FIELDS_COUNT]; /* in fields; where count is not 0 */
	struct head_slice connection[HEAD_CONNECTION_MAX];
	unsigned connection_count;
	bool connection_overflow; /* it had more elements */
};

/* What a request's head means to us; borrowed from the head's text. */
struct request_facts {
	const char *host; /* of the absolute-form target, else of the Host field */
	size_t host_bytes;
	const char *path; /* origin-form */
	size_t path_bytes;
	bool has_body;
	bool idempotent;
	bool is_head;
	bool wants_upgrade;
	bool keep_alive;
};

/** head_index() - all fields are there: tell them by name, and take Connection apart */
void head_index(struct head *h);

const char *head_at(const struct head *h, struct head_slice s);
/** head_find() - the first of these fields. Return: NULL when there is none */
const struct head_field *head_find(const struct head *h, enum field_id id);
/* A place in a comma separated list, of all fields of one name. */
struct head_list {
	const char *text; /* the element */
	size_t bytes;
	const char *at;
	const char *end;
	unsigned field;
};

/** head_list_next() - @list: zeroed before the first call. Return: false at the end */
bool head_list_next(const struct head *h, enum field_id id, struct head_list *list);
/** head_list_has() - whether a comma separated field (all of them) has @token, any case */
bool head_list_has(const struct head *h, enum field_id id, const char *token);
/** head_connection_has() - the same of Connection */
bool head_connection_has(const struct head *h, const char *token);

/**
 * head_check_lines() - what the parser tolerates and we don't: bare CR or LF, obs-fold, NUL
 * RFC 9112 sections 2.2 and 5.2.
 */
bool head_check_lines(const struct head *h);

/**
 * head_check_request() - RFC 9112 sections 3.2 and 6.1, and the methods that we proxy
 * Return: END_NONE with *ret_facts set, or the answer's reason
 */
enum end_reason head_check_request(const struct head *h, struct request_facts *ret_facts);

/** head_keeps_alive() - whether the sender goes on with the connection after this message */
bool head_keeps_alive(const struct head *h);

/** head_check_response() - Return: false for what is malformed, or frames its body in two ways */
bool head_check_response(const struct head *h);

/** head_is_hop_by_hop() - must not be forwarded: by its name, or since Connection lists it */
bool head_is_hop_by_hop(const struct head *h, const struct head_field *f);

/** head_trailer_allowed() - RFC 9110 section 6.5.1: framing, routing and control stay out */
bool head_trailer_allowed(const char *name, size_t name_bytes);
