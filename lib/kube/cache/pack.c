/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack - compresses texts with a dictionary that it makes of the first ones
 */
#include "lib/kube/cache/pack.h"

#include <string.h>
#include <zdict.h>
#include <zstd.h>

#include "lib/base/cleanup.h"
#include "lib/text/json_read.h"

enum {
	PACK_LEVEL = 1,
	PACK_TEXT_BYTES_MAX = 16 * 1024 * 1024, /* as a watch's line (watch_frame.h) */
	PACK_SCRATCH_KEEP_BYTES = 64 * 1024,
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
	void *text;
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

int pack_text(struct pack *p, const char *text, size_t text_bytes, struct packed *ret_packed)
{
	size_t bytes;

	if (text_bytes == 0 || text_bytes > PACK_TEXT_BYTES_MAX ||
	    !scratch_reserve(&shared.data, &shared.data_space, ZSTD_compressBound(text_bytes)) ||
	    ZSTD_isError(ZSTD_CCtx_refCDict(shared.to, p->now.to)))
		return -1;
	bytes = ZSTD_compress2(shared.to, shared.data, shared.data_space, text, text_bytes);
	if (ZSTD_isError(bytes))
		return -1;
	*ret_packed = (struct packed){shared.data, (uint32_t)bytes, (uint32_t)text_bytes};
	return 0;
}

static const char *pack_read_by(const ZSTD_DDict *dictionary, const struct packed *packed)
{
	size_t bytes;

	if (!scratch_reserve(&shared.text, &shared.text_space, packed->text_bytes))
		return NULL;
	bytes = ZSTD_decompress_usingDDict(shared.from, shared.text, shared.text_space,
	                                   packed->data, packed->bytes, dictionary);
	return !ZSTD_isError(bytes) && bytes == packed->text_bytes ? shared.text : NULL;
}

const char *pack_read(const struct pack *p, const struct packed *packed)
{
	return pack_read_by(p->now.from, packed);
}

const char *pack_read_old(const struct pack *p, const struct packed *packed)
{
	return pack_read_by(p->old.from, packed);
}

json_t *pack_open(const struct pack *p, const struct packed *packed)
{
	const char *text = pack_read(p, packed);

	return text != NULL ? json_read(text, packed->text_bytes) : NULL;
}

/* ---- the dictionary ---- */

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

bool pack_learn(struct pack *p, const struct pack_samples *samples)
{
	struct pack_dictionary d;

	if (samples->count == 0 || !dictionary_make(samples, &d))
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
