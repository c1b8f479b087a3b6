/* SPDX-License-Identifier: Apache-2.0 */
/* It reads what jansson reads, and refuses what jansson refuses. */
#include "lib/text/json_read.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	json_t *want = json_loadb((const char *)data, bytes, 0, NULL);
	json_t *have = json_read((const char *)data, bytes);

	FUZZ_CHECK((want == NULL) == (have == NULL));
	FUZZ_CHECK(want == NULL || json_equal(want, have));
	json_decref(want);
	json_decref(have);
	return 0;
}
