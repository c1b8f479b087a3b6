/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar - writes the archive of an image with one file
 */
#include "local/runner/io/tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 99 };

struct tar_header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char rest[247];
};
_Static_assert(sizeof(struct tar_header) == 512, "a header is one block");

static void put(struct tar_buf *t, const void *data, size_t bytes)
{
	if (t->bytes + bytes > t->size) {
		size_t size = (t->bytes + bytes) * 2;
		char *bigger = t->failed ? NULL : realloc(t->data, size);

		if (bigger == NULL) {
			t->failed = true;
			return;
		}
		t->data = bigger;
		t->size = size;
	}
	memcpy(t->data + t->bytes, data, bytes);
	t->bytes += bytes;
}

void tar_add(struct tar_buf *t, const char *name, mode_t mode, const void *data, size_t bytes)
{
	static const char zeros[TAR_BLOCK];
	union {
		struct tar_header h;
		unsigned char raw[TAR_BLOCK];
	} block = {0};
	unsigned sum = 0;

	if (strlen(name) > TAR_NAME_MAX) {
		t->failed = true;
		return;
	}
	(void)snprintf(block.h.name, sizeof block.h.name, "%s", name);
	(void)snprintf(block.h.mode, sizeof block.h.mode, "%07o", (unsigned)mode & 07777);
	(void)snprintf(block.h.uid, sizeof block.h.uid, "%07o", 0u);
	(void)snprintf(block.h.gid, sizeof block.h.gid, "%07o", 0u);
	(void)snprintf(block.h.size, sizeof block.h.size, "%011zo", bytes);
	(void)snprintf(block.h.mtime, sizeof block.h.mtime, "%011o", 0u);
	block.h.type = '0';
	memcpy(block.h.magic, "ustar", 6);
	memcpy(block.h.version, "00", 2);
	/* the sum is taken with blanks in its own place */
	memset(block.h.checksum, ' ', sizeof block.h.checksum);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += block.raw[i];
	(void)snprintf(block.h.checksum, sizeof block.h.checksum, "%06o", sum & 0777777);
	put(t, &block, sizeof block);
	put(t, data, bytes);
	put(t, zeros, (TAR_BLOCK - bytes % TAR_BLOCK) % TAR_BLOCK);
}

void tar_end(struct tar_buf *t)
{
	static const char zeros[TAR_BLOCK * 2];

	put(t, zeros, sizeof zeros);
}

void tar_done(struct tar_buf *t)
{
	free(t->data);
	*t = (struct tar_buf){0};
}
