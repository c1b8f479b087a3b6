/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay - a fuzz target without a fuzzer: every file of the folders named is given to it once
 *
 * Each input is also given cut short at every length up to a limit, so that every "not yet whole"
 * path of a parser is taken with the sanitizers on.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_BYTES_MAX = 1 << 20, CUT_BYTES_MAX = 512 };

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_BYTES_MAX);
	size_t bytes = 0;

	if (f && data) {
		bytes = fread(data, 1, INPUT_BYTES_MAX, f);
		(void)LLVMFuzzerTestOneInput(data, bytes);
	}
	/* Of the exact size, so that a read past the end is seen. */
	for (size_t cut = 0; f && data && cut < bytes && cut < CUT_BYTES_MAX; cut++) {
		uint8_t *part = malloc(cut ? cut : 1);

		if (part == NULL)
			break;
		memcpy(part, data, cut);
		(void)LLVMFuzzerTestOneInput(part, cut);
		free(part);
	}
	if (f == NULL || data == NULL)
		(void)fprintf(stderr, "%s: cannot be read\n", path);
	free(data);
	return f ? fclose(f) : -1;
}

static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (dir == NULL) {
		(void)fprintf(stderr, "%s: cannot be opened\n", folder);
		return -1;
	}
	while (count >= 0 && (entry = readdir(dir))) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		count = replay_file(path) == 0 ? count + 1 : -1;
	}
	(void)closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int count = replay_folder(argv[i]);

		if (count <= 0) {
			(void)fprintf(stderr, "%s: no inputs\n", argv[i]);
			return 1;
		}
		(void)printf("%s: %d inputs\n", argv[i], count);
	}
	return argc > 1 ? 0 : 2;
}
