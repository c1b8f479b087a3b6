/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as a user writes it: both readers, with line numbers and without, agree about it. */
#include "lib/text/yaml.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	json_t *docs = NULL;
	json_t *again = NULL;
	json_t *at = NULL;
	struct err err;
	int plain = yaml_load_text((const char *)data, bytes, "f", &docs, &err);
	const struct yaml_text from = {(const char *)data, bytes, "f"};
	int with_lines = yaml_load_text_lines(&from, &again, &at, &err);

	FUZZ_CHECK(plain == with_lines);
	if (plain == 0) {
		char *text = json_dumps(docs, JSON_ENCODE_ANY);

		FUZZ_CHECK(json_is_array(docs) && json_is_object(at) && json_equal(docs, again));
		FUZZ_CHECK(text != NULL);
		free(text);
	}
	json_decref(docs);
	json_decref(again);
	json_decref(at);
	return 0;
}
