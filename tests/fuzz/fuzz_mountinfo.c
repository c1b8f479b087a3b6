/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent reads of a user's mount namespace: mount points there are named by the user. */
#include "agent/core/mountinfo.h"
#include "tests/fuzz/fuzz.h"

static void read_layers(const char *options)
{
	char *copy = strdup(options);
	char *at = copy;
	char *value;

	FUZZ_CHECK(copy != NULL);
	while ((value = mountinfo_option(&at, "lowerdir", "lowerdir+")))
		while (mountinfo_layer(&value))
			;
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = fuzz_text(data, bytes);
	char *rest = text;
	char *line;
	struct mountinfo m;

	while ((line = strsep(&rest, "\n")))
		if (mountinfo_parse(line, &m)) {
			FUZZ_CHECK(m.mount_point && m.fs_type && m.super_options);
			read_layers(m.super_options);
		}
	free(text);
	return 0;
}
