/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source - counts the connections that come from one address
 */
#include "activator/net/source.h"

#include <netinet/in.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_KEY_BYTES = 16, SOURCE_V6_BYTES = 8 };

struct source {
	unsigned char key[SOURCE_KEY_BYTES]; /* an address of v4 as one that is mapped to v6 */
	uint32_t count;
};

static int source_compare(const void *a, const void *b)
{
	return memcmp(((const struct source *)a)->key, ((const struct source *)b)->key,
	              SOURCE_KEY_BYTES);
}

static void source_key(const struct sockaddr_storage *address, unsigned char *key)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;

	memset(key, 0, SOURCE_KEY_BYTES);
	if (address->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(key, &in6->sin6_addr, SOURCE_V6_BYTES);
		return;
	}
	memset(key + 10, 0xff, 2);
	if (address->ss_family == AF_INET6)
		memcpy(key + 12, &in6->sin6_addr.s6_addr[12], 4);
	else
		memcpy(key + 12, &in->sin_addr, 4);
}

bool source_take(void **sources, const struct sockaddr_storage *address, uint32_t max,
                 struct source **ret_source)
{
	struct source key = {.count = 0};
	struct source **found;
	struct source *s;

	*ret_source = NULL;
	if (max == 0)
		return true;
	source_key(address, key.key);
	found = tfind(&key, sources, source_compare);
	if (found) {
		if ((*found)->count >= max)
			return false;
		(*found)->count++;
		*ret_source = *found;
		return true;
	}
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return false;
	*s = key;
	s->count = 1;
	if (tsearch(s, sources, source_compare) == NULL) {
		free(s);
		return false;
	}
	*ret_source = s;
	return true;
}

void source_give(void **sources, struct source *s)
{
	if (s == NULL || --s->count > 0)
		return;
	(void)tdelete(s, sources, source_compare);
	free(s);
}
