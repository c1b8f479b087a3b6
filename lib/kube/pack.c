/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/pack.h"

#include <string.h>
#include <zdict.h>
#include <zstd.h>

#include "lib/base/cleanup.h"

enum {
	PACK_LEVEL = 3,
	PACK_TEXT_BYTES_MAX = 16 * 1024 * 1024, /* as a watch's line (watch_frame.h) */
	PACK_SCRATCH_KEEP_BYTES = 64 * 1024,
	PACK_SAMPLES_MAX = 128,
	/* text that the dictionary holds: a handful of objects */
	PACK_CONTENT_BYTES = 12 * 1024,
	PACK_DICTIONARY_BYTES = 16 * 1024,
};

struct pack_dictionary {
	ZSTD_CDict *to;
	ZSTD_DDict *from;
};

struct pack {
	struct pack_dictionary now, old;
};

/* What a process needs once: there are no threads, and each call is over when it returns. */
static struct {
	unsigned packs_count;
	ZSTD_CCtx *to;
	ZSTD_DCtx *from;
	char *text;
	size_t text_space;
	void *data;
	size_t data_space;
} shared;

DEFINE_CLEANUP(struct pack *, pack_free);

static void dictionary_done(struct pack_dictionary *d)
{
	(void)ZSTD_freeCDict(d->to);
	(void)ZSTD_freeDDict(d->from);
	*d = (struct pack_dictionary){0};
}

static void shared_leave(void)
{
	if (--shared.packs_count > 0)
		return;
	(void)ZSTD_freeCCtx(shared.to);
	(void)ZSTD_freeDCtx(shared.from);
	free(shared.text);
	free(shared.data);
	memset(&shared, 0, sizeof shared);
}

static bool shared_enter(void)
{
	if (shared.packs_count++ > 0)
		return true;
	shared.to = ZSTD_createCCtx();
	shared.from = ZSTD_createDCtx();
	if (shared.to == NULL || shared.from == NULL)
		return false;
	(void)ZSTD_CCtx_setParameter(shared.to, ZSTD_c_compressionLevel, PACK_LEVEL);
	/* its length is kept beside it, and no other program reads it */
	(void)ZSTD_CCtx_setParameter(shared.to, ZSTD_c_contentSizeFlag, 0);
	(void)ZSTD_CCtx_setParameter(shared.to, ZSTD_c_dictIDFlag, 0);
	return true;
}

struct pack *pack_new(void)
{
	struct pack *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	if (!shared_enter()) {
		shared_leave();
		free(p);
		return NULL;
	}
	return p;
}

void pack_free(struct pack *p)
{
	if (p == NULL)
		return;
	dictionary_done(&p->now);
	dictionary_done(&p->old);
	free(p);
	shared_leave();
}

/* One large object must not keep its memory for ever. */
static bool scratch_reserve(void **at, size_t *space, size_t bytes)
{
	size_t want = bytes > PACK_SCRATCH_KEEP_BYTES ? bytes : PACK_SCRATCH_KEEP_BYTES;

	if (*at != NULL && bytes <= *space && *space <= want)
		return true;
	free(*at);
	*at = malloc(want);
	*space = *at != NULL ? want : 0;
	return *at != NULL;
}

/* The text of @value in the scratch. Return: its length, 0 when that failed */
static size_t pack_text(const json_t *value)
{
	void *text = shared.text;
	size_t bytes;

	if (!scratch_reserve(&text, &shared.text_space, 1)) {
		shared.text = NULL;
		return 0;
	}
	shared.text = text;
	bytes = json_dumpb(value, shared.text, shared.text_space, JSON_COMPACT);
	if (bytes == 0 || bytes > PACK_TEXT_BYTES_MAX)
		return 0;
	if (bytes <= shared.text_space)
		return bytes;
	if (!scratch_reserve(&text, &shared.text_space, bytes)) {
		shared.text = NULL;
		return 0;
	}
	shared.text = text;
	return json_dumpb(value, shared.text, shared.text_space, JSON_COMPACT) == bytes ? bytes : 0;
}

int pack_value(struct pack *p, const json_t *value, struct packed *ret_packed)
{
	size_t text_bytes = pack_text(value);
	size_t bytes;

	if (text_bytes == 0 ||
	    !scratch_reserve(&shared.data, &shared.data_space, ZSTD_compressBound(text_bytes)) ||
	    ZSTD_isError(ZSTD_CCtx_refCDict(shared.to, p->now.to)))
		return -1;
	bytes = ZSTD_compress2(shared.to, shared.data, shared.data_space, shared.text, text_bytes);
	if (ZSTD_isError(bytes))
		return -1;
	*ret_packed = (struct packed){shared.data, (uint32_t)bytes, (uint32_t)text_bytes};
	return 0;
}

static json_t *pack_open_by(const ZSTD_DDict *dictionary, const struct packed *packed)
{
	void *text = shared.text;
	size_t bytes;

	if (!scratch_reserve(&text, &shared.text_space, packed->text_bytes)) {
		shared.text = NULL;
		return NULL;
	}
	shared.text = text;
	bytes = ZSTD_decompress_usingDDict(shared.from, shared.text, shared.text_space,
	                                   packed->data, packed->bytes, dictionary);
	if (ZSTD_isError(bytes) || bytes != packed->text_bytes)
		return NULL;
	return json_loadb(shared.text, bytes, 0, NULL);
}

json_t *pack_open(const struct pack *p, const struct packed *packed)
{
	return pack_open_by(p->now.from, packed);
}

json_t *pack_open_old(const struct pack *p, const struct packed *packed)
{
	return pack_open_by(p->old.from, packed);
}

/* ---- the dictionary ---- */

struct pack_samples {
	char *text; /* all of them, one after the other */
	size_t bytes;
	size_t sizes[PACK_SAMPLES_MAX];
	unsigned count;
};

static bool samples_read(struct pack_samples *s, const json_t *samples)
{
	json_t *one;
	size_t i;

	json_array_foreach(samples, i, one) {
		size_t bytes = s->count < PACK_SAMPLES_MAX ? pack_text(one) : 0;
		char *more = bytes > 0 ? realloc(s->text, s->bytes + bytes) : NULL;

		if (more == NULL)
			break;
		s->text = more;
		memcpy(s->text + s->bytes, shared.text, bytes);
		s->bytes += bytes;
		s->sizes[s->count++] = bytes;
	}
	return s->count > 0;
}

/* With the statistics of all samples where that works (it wants enough of them), else bare text. */
static bool dictionary_make(const struct pack_samples *s, struct pack_dictionary *ret_dictionary)
{
	size_t content = s->bytes < PACK_CONTENT_BYTES ? s->bytes : PACK_CONTENT_BYTES;
	const char *from = s->text + s->bytes - content;
	CLEANUP(free_var) char *made = malloc(PACK_DICTIONARY_BYTES);
	const ZDICT_params_t params = {.compressionLevel = PACK_LEVEL};
	struct pack_dictionary d = {0};
	size_t bytes;

	if (made == NULL)
		return false;
	bytes = ZDICT_finalizeDictionary(made, PACK_DICTIONARY_BYTES, from, content, s->text,
	                                 s->sizes, s->count, params);
	if (!ZDICT_isError(bytes)) {
		d.to = ZSTD_createCDict(made, bytes, PACK_LEVEL);
		d.from = ZSTD_createDDict(made, bytes);
	} else {
		d.to = ZSTD_createCDict(from, content, PACK_LEVEL);
		d.from = ZSTD_createDDict(from, content);
	}
	if (d.to == NULL || d.from == NULL) {
		dictionary_done(&d);
		return false;
	}
	*ret_dictionary = d;
	return true;
}

bool pack_learn(struct pack *p, const json_t *samples)
{
	struct pack_samples s = {0};
	struct pack_dictionary d;
	bool learnt = samples_read(&s, samples) && dictionary_make(&s, &d);

	free(s.text);
	if (!learnt)
		return false;
	dictionary_done(&p->old);
	p->old = p->now;
	p->now = d;
	return true;
}

void pack_forget(struct pack *p)
{
	dictionary_done(&p->old);
}
