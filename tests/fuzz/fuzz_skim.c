/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of JSON is JSON, and keeping it again changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "lib/text/json_read.h"
#include "lib/text/skim.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *kept = malloc(bytes + 1), *again = malloc(bytes + 1);
	size_t kept_bytes = skim_object(&SKIM_COMMON, (const char *)data, bytes, kept);
	json_t *whole = json_read((const char *)data, bytes);
	json_t *part = json_read(kept, kept_bytes);

	FUZZ_CHECK(kept_bytes <= bytes);
	FUZZ_CHECK(!json_is_object(whole) || part != NULL);
	FUZZ_CHECK(kept_bytes == 0 ||
	           (skim_object(&SKIM_COMMON, kept, kept_bytes, again) == kept_bytes &&
	            memcmp(kept, again, kept_bytes) == 0));
	json_decref(whole);
	json_decref(part);
	free(kept);
	free(again);
	return 0;
}
