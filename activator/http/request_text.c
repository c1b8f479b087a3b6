/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_text - a request's id, and its path as the access log shows it
 */
#include "activator/http/request_text.h"

#include <string.h>
#include <sys/random.h>

/* One system call for so many requests. */
enum { RANDOM_IDS = 256 };

static unsigned char random_ids[RANDOM_IDS][REQUEST_ID_RANDOM_BYTES];
static unsigned random_ids_left;

static const unsigned char *random_take(void)
{
	size_t have = 0;

	if (random_ids_left == 0) {
		/* More than 256 bytes may come in parts. It can't fail: the kernel's source is
		   ready long before us, and nothing else is an error here. */
		while (have < sizeof random_ids) {
			ssize_t n =
			        getrandom((char *)random_ids + have, sizeof random_ids - have, 0);

			have += n > 0 ? (size_t)n : 0;
		}
		random_ids_left = RANDOM_IDS;
	}
	return random_ids[--random_ids_left];
}

void request_id_of(const struct head *h, char ret_id[REQUEST_ID_MAX + 1])
{
	const struct head_field *f = h ? head_find(h, FIELD_X_REQUEST_ID) : NULL;

	if (f && h->count[FIELD_X_REQUEST_ID] == 1 &&
	    request_id_is_plain(head_at(h, f->value), f->value.bytes)) {
		memcpy(ret_id, head_at(h, f->value), f->value.bytes);
		ret_id[f->value.bytes] = '\0';
		return;
	}
	request_id_write(ret_id, random_take());
}

void request_path_text(const char *target, size_t bytes, char ret_path[REQUEST_PATH_BYTES])
{
	const char *query = memchr(target, '?', bytes);
	size_t n = query ? (size_t)(query - target) : bytes;

	if (n > REQUEST_PATH_BYTES - 1)
		n = REQUEST_PATH_BYTES - 1;
	memcpy(ret_path, target, n);
	ret_path[n] = '\0';
}
