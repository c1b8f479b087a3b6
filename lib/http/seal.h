/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal - a key that two programs share, proven by both in each exchange and never sent
 *
 * A request carries HMAC-SHA256 over its method, path and body, the answerer's epoch (random, made
 * by the answerer), the asker's session (random) and a number that the asker uses once in it. So
 * what was overheard can't be sent again: an answerer takes a number of a session once, and an
 * epoch is that of one process. An answer carries HMAC-SHA256 over the request's own seal, the
 * status and the body: it can be nobody else's and to nothing else. No clocks have to agree, and
 * there is no round trip more but the first: an asker that does not know the epoch gets 401 with
 * it, as after a restart of the answerer.
 *
 *     Authorization: SC-HMAC-SHA256 epoch=…,session=…,number=…,seal=…
 *     WWW-Authenticate: SC-HMAC-SHA256 epoch=…
 *     Authentication-Info: SC-HMAC-SHA256 seal=…
 *
 * Nothing is encrypted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/err.h"

enum {
	SEAL_ID_BYTES = 33,   /* 128 random bits as hexadecimal */
	SEAL_TEXT_BYTES = 65, /* an HMAC-SHA256 as hexadecimal */
	SEAL_HEADER_BYTES = 256,
	SEAL_SESSIONS_MAX = 256,
	SEAL_WINDOW = 256, /* numbers that may come out of order */
	SEAL_KEY_BYTES_MAX = 4096,
};

/* A file that is read again when it changes. */
struct seal_key {
	const char *path;
	struct stat seen;
	unsigned char bytes[SEAL_KEY_BYTES_MAX];
	size_t len; /* 0: not readable, nothing is right */
};

struct seal_message {
	const char *method; /* of the request, "GET" */
	const char *path;
	const void *body;
	size_t body_bytes;
};

struct seal_reply {
	int status;
	const void *body;
	size_t body_bytes;
};

/** seal_key_read() - now; at least 32 bytes without the white space at its end */
int seal_key_read(struct seal_key *key, const char *path, struct err *err);

/* ---- who asks ---- */

struct seal_asker {
	struct seal_key *key;
	char epoch[SEAL_ID_BYTES]; /* "": not known yet */
	char session[SEAL_ID_BYTES];
	uint64_t number; /* used last */
};

void seal_asker_init(struct seal_asker *a, struct seal_key *key);

/**
 * seal_ask() - seal a request
 * @ret_header: the value of Authorization
 * @ret_seal:   to be kept for seal_answer_is_right()
 * Return: 0; negative when the key is not readable
 */
int seal_ask(struct seal_asker *a, const struct seal_message *m, char *ret_header, char *ret_seal,
             struct err *err);
/** seal_learn() - the value of WWW-Authenticate. Return: whether it names another epoch */
bool seal_learn(struct seal_asker *a, const char *value);
/** seal_answer_is_right() - @value: of Authentication-Info, "" when there was none */
bool seal_answer_is_right(const struct seal_key *key, const char *seal,
                          const struct seal_reply *reply, const char *value);

/* ---- who answers ---- */

struct seal_session {
	char id[SEAL_ID_BYTES];
	uint64_t newest;                  /* of its numbers */
	uint64_t taken[SEAL_WINDOW / 64]; /* bit n % SEAL_WINDOW: number n was taken */
};

struct seal_answerer {
	struct seal_key key;
	char epoch[SEAL_ID_BYTES];
	size_t sessions_count;
	struct seal_session sessions[SEAL_SESSIONS_MAX];
};

int seal_answerer_init(struct seal_answerer *a, const char *key_file, struct err *err);
/**
 * seal_check() - @value: of Authorization, or NULL
 * Return: whether the request is of who has the key, and new. @ret_seal is set then.
 */
bool seal_check(struct seal_answerer *a, const struct seal_message *m, const char *value,
                char *ret_seal);
/** seal_challenge() - the value of WWW-Authenticate */
void seal_challenge(const struct seal_answerer *a, char ret_header[SEAL_HEADER_BYTES]);
/** seal_answer() - the value of Authentication-Info */
void seal_answer(const struct seal_answerer *a, const char *seal, const struct seal_reply *reply,
                 char ret_header[SEAL_HEADER_BYTES]);
