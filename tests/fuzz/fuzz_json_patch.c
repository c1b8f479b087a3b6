/* SPDX-License-Identifier: Apache-2.0 */
/* Two JSON texts with a line between: a document, and a patch on it of each kind. */
#include "lib/kube/client/object.h"
#include "local/registry/core/json_patch.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const uint8_t *line = bytes ? memchr(data, '\n', bytes) : NULL;
	json_t *document = NULL;
	json_t *patch = NULL;
	json_t *result = NULL;
	json_t *before;
	struct err err;

	if (line == NULL)
		return 0;
	document = json_loadb((const char *)data, (size_t)(line - data), JSON_DECODE_ANY, NULL);
	patch = json_loadb((const char *)line + 1, bytes - (size_t)(line - data) - 1,
	                   JSON_DECODE_ANY, NULL);
	if (document && patch) {
		before = json_deep_copy(document);
		if (json_patch_apply(document, patch, &result, &err) == 0)
			FUZZ_CHECK(result != NULL);
		else
			FUZZ_CHECK(result == NULL && err.text[0]);
		FUZZ_CHECK(json_equal(before, document));
		json_decref(result);
		json_decref(strategic_merge_apply(document, patch));
		FUZZ_CHECK(json_equal(before, document));
		json_decref(before);
	}
	json_decref(document);
	json_decref(patch);
	return 0;
}
