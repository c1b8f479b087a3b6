/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal - makes and checks the HMACs of requests and answers
 */
#include "lib/http/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/num.h"

#define SEAL_SCHEME "SC-HMAC-SHA256 "

enum { SEAL_KEY_BYTES_MIN = 32, SEAL_DIGEST_BYTES = 32, SEAL_TEXT_MAX = 2048 };

static void seal_hex(const unsigned char *bytes, size_t count, char *ret_text)
{
	for (size_t i = 0; i < count; i++)
		(void)snprintf(ret_text + 2 * i, 3, "%02x", bytes[i]);
}

static void seal_random_id(char ret_id[SEAL_ID_BYTES])
{
	unsigned char random[(SEAL_ID_BYTES - 1) / 2];

	if (RAND_bytes(random, sizeof random) != 1)
		abort(); /* an id that can be guessed is worse than none */
	seal_hex(random, sizeof random, ret_id);
}

/* ---- the key ---- */

int seal_key_read(struct seal_key *key, const char *path, struct err *err)
{
	CLEANUP(fclose_var) FILE *f = fopen(path, "re");

	key->path = path;
	key->len = 0;
	if (f == NULL || fstat(fileno(f), &key->seen) < 0)
		return err_set(err, ERR_SYS, errno, "open %s", path);
	key->len = fread(key->bytes, 1, sizeof key->bytes, f);
	while (key->len > 0 && strchr("\r\n\t ", key->bytes[key->len - 1]) != NULL)
		key->len--;
	if (key->len >= SEAL_KEY_BYTES_MIN && key->len < sizeof key->bytes)
		return 0;
	key->len = 0;
	return err_set(err, ERR_INVALID, 0, "%s: want a key of %d to %d bytes", path,
	               SEAL_KEY_BYTES_MIN, (int)sizeof key->bytes - 1);
}

static int seal_key_refresh(struct seal_key *key, struct err *err)
{
	struct stat now;

	if (key->len > 0 && stat(key->path, &now) == 0 && now.st_ino == key->seen.st_ino &&
	    now.st_size == key->seen.st_size && now.st_mtim.tv_sec == key->seen.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == key->seen.st_mtim.tv_nsec)
		return 0;
	return seal_key_read(key, key->path, err);
}

static void seal_hmac(const struct seal_key *key, const char *text, char ret_seal[SEAL_TEXT_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned bytes = 0;

	if (HMAC(EVP_sha256(), key->bytes, (int)key->len, (const unsigned char *)text, strlen(text),
	         digest, &bytes) == NULL ||
	    bytes != SEAL_DIGEST_BYTES)
		abort(); /* out of memory for a few bytes */
	seal_hex(digest, SEAL_DIGEST_BYTES, ret_seal);
}

static void seal_body_digest(const void *body, size_t bytes, char ret_text[SEAL_TEXT_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned count = 0;

	if (EVP_Digest(body != NULL ? body : "", bytes, digest, &count, EVP_sha256(), NULL) != 1)
		abort();
	seal_hex(digest, SEAL_DIGEST_BYTES, ret_text);
}

/* Which of an asker's requests a seal is of. */
struct seal_turn {
	const char *epoch;
	const char *session;
	uint64_t number;
};

/* Each part on a line of its own; none has a line end in it. Return: negative when too long. */
static int seal_request(const struct seal_key *key, const struct seal_message *m,
                        const struct seal_turn *turn, char ret_seal[SEAL_TEXT_BYTES])
{
	char text[SEAL_TEXT_MAX];
	char body[SEAL_TEXT_BYTES];
	int n;

	seal_body_digest(m->body, m->body_bytes, body);
	n = snprintf(text, sizeof text, "request\n%s\n%s\n%s\n%s\n%s\n%" PRIu64, m->method, m->path,
	             body, turn->epoch, turn->session, turn->number);
	if (n < 0 || (size_t)n >= sizeof text)
		return -1;
	seal_hmac(key, text, ret_seal);
	return 0;
}

static void seal_of_answer(const struct seal_key *key, const char *seal,
                           const struct seal_reply *reply, char ret_seal[SEAL_TEXT_BYTES])
{
	char text[SEAL_TEXT_MAX];
	char digest[SEAL_TEXT_BYTES];

	seal_body_digest(reply->body, reply->body_bytes, digest);
	(void)snprintf(text, sizeof text, "answer\n%s\n%d\n%s", seal, reply->status, digest);
	seal_hmac(key, text, ret_seal);
}

/* ---- who asks ---- */

void seal_asker_init(struct seal_asker *a, struct seal_key *key)
{
	*a = (struct seal_asker){.key = key};
	seal_random_id(a->session);
}

int seal_ask(struct seal_asker *a, const struct seal_message *m, char *ret_header, char *ret_seal,
             struct err *err)
{
	if (seal_key_refresh(a->key, err) < 0)
		return -1;
	a->number++;
	if (seal_request(a->key, m, &(struct seal_turn){a->epoch, a->session, a->number},
	                 ret_seal) < 0)
		return err_set(err, ERR_INVALID, 0, "a path of that length is not sealed");
	(void)snprintf(ret_header, SEAL_HEADER_BYTES,
	               SEAL_SCHEME "epoch=%s,session=%s,number=%" PRIu64 ",seal=%s", a->epoch,
	               a->session, a->number, ret_seal);
	return 0;
}

/* "NAME=" and what follows up to a comma, of a header of our scheme. "" when it is not there. */
static void seal_field(const char *value, const char *name, char *ret_text, size_t size)
{
	size_t name_bytes = strlen(name);
	const char *at = value;
	size_t bytes;

	ret_text[0] = '\0';
	if (strncmp(value, SEAL_SCHEME, strlen(SEAL_SCHEME)) != 0)
		return;
	at += strlen(SEAL_SCHEME);
	while (strncmp(at, name, name_bytes) != 0 || at[name_bytes] != '=') {
		at = strchr(at, ',');
		if (at == NULL)
			return;
		at++;
	}
	at += name_bytes + 1;
	bytes = strcspn(at, ",");
	if (bytes < size)
		(void)snprintf(ret_text, size, "%.*s", (int)bytes, at);
}

static bool seal_is_id(const char *text)
{
	return strlen(text) == SEAL_ID_BYTES - 1 &&
	       strspn(text, "0123456789abcdef") == SEAL_ID_BYTES - 1;
}

bool seal_learn(struct seal_asker *a, const char *value)
{
	char epoch[SEAL_ID_BYTES] = "";

	seal_field(value, "epoch", epoch, sizeof epoch);
	if (!seal_is_id(epoch) || strcmp(epoch, a->epoch) == 0)
		return false;
	memcpy(a->epoch, epoch, sizeof epoch);
	return true;
}

bool seal_answer_is_right(const struct seal_key *key, const char *seal,
                          const struct seal_reply *reply, const char *value)
{
	char want[SEAL_TEXT_BYTES];
	char got[SEAL_TEXT_BYTES] = "";

	seal_field(value, "seal", got, sizeof got);
	if (key->len == 0)
		return false;
	seal_of_answer(key, seal, reply, want);
	return strlen(got) == SEAL_TEXT_BYTES - 1 &&
	       CRYPTO_memcmp(got, want, SEAL_TEXT_BYTES - 1) == 0;
}

/* ---- who answers ---- */

int seal_answerer_init(struct seal_answerer *a, const char *key_file, struct err *err)
{
	seal_random_id(a->epoch);
	a->sessions_count = 0;
	return seal_key_read(&a->key, key_file, err);
}

/* Only who has the key makes sessions; when there are too many, all begin anew. */
static struct seal_session *seal_session_find(struct seal_answerer *a, const char *id)
{
	struct seal_session *s;

	for (size_t i = 0; i < a->sessions_count; i++) {
		if (strcmp(a->sessions[i].id, id) == 0)
			return &a->sessions[i];
	}
	if (a->sessions_count == SEAL_SESSIONS_MAX) {
		seal_random_id(a->epoch);
		a->sessions_count = 0;
		return NULL;
	}
	s = &a->sessions[a->sessions_count++];
	*s = (struct seal_session){0};
	(void)snprintf(s->id, sizeof s->id, "%s", id);
	return s;
}

/* Return: whether @number is new */
static bool seal_number_take(struct seal_session *s, uint64_t number)
{
	uint64_t *word = &s->taken[number % SEAL_WINDOW / 64];
	uint64_t bit = UINT64_C(1) << number % 64;

	if (number + SEAL_WINDOW <= s->newest)
		return false;
	for (uint64_t n = s->newest + 1; n <= number && n <= s->newest + SEAL_WINDOW; n++)
		s->taken[n % SEAL_WINDOW / 64] &= ~(UINT64_C(1) << n % 64);
	if (number > s->newest)
		s->newest = number;
	if ((*word & bit) != 0)
		return false;
	*word |= bit;
	return true;
}

bool seal_check(struct seal_answerer *a, const struct seal_message *m, const char *value,
                char *ret_seal)
{
	char epoch[SEAL_ID_BYTES] = "";
	char session[SEAL_ID_BYTES] = "";
	char got[SEAL_TEXT_BYTES] = "";
	char digits[21];
	struct seal_session *s;
	uint64_t number;

	if (value == NULL || seal_key_refresh(&a->key, NULL) < 0)
		return false;
	seal_field(value, "epoch", epoch, sizeof epoch);
	seal_field(value, "session", session, sizeof session);
	seal_field(value, "number", digits, sizeof digits);
	seal_field(value, "seal", got, sizeof got);
	if (num_parse_u64(digits, 1, UINT64_MAX / 2, &number, NULL) < 0 ||
	    strcmp(epoch, a->epoch) != 0 || !seal_is_id(session) ||
	    strlen(got) != SEAL_TEXT_BYTES - 1 ||
	    seal_request(&a->key, m, &(struct seal_turn){epoch, session, number}, ret_seal) < 0 ||
	    CRYPTO_memcmp(got, ret_seal, SEAL_TEXT_BYTES - 1) != 0)
		return false;
	s = seal_session_find(a, session);
	return s != NULL && seal_number_take(s, number);
}

void seal_challenge(const struct seal_answerer *a, char ret_header[SEAL_HEADER_BYTES])
{
	(void)snprintf(ret_header, SEAL_HEADER_BYTES, SEAL_SCHEME "epoch=%s", a->epoch);
}

void seal_answer(const struct seal_answerer *a, const char *seal, const struct seal_reply *reply,
                 char ret_header[SEAL_HEADER_BYTES])
{
	char text[SEAL_TEXT_BYTES];

	seal_of_answer(&a->key, seal, reply, text);
	(void)snprintf(ret_header, SEAL_HEADER_BYTES, SEAL_SCHEME "seal=%s", text);
}
