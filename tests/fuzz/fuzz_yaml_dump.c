/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is written as YAML reads back as the same value. */
#include "lib/text/yaml.h"
#include "lib/text/yaml_dump.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	json_t *value = json_loadb((const char *)data, bytes, JSON_REJECT_DUPLICATES, NULL);
	json_t *docs = NULL;
	char *text = NULL;
	struct err err;

	if (value != NULL && yaml_dump_text(value, &text, &err) == 0) {
		FUZZ_CHECK(yaml_load_text(text, strlen(text), "dump", &docs, &err) == 0);
		FUZZ_CHECK(json_equal(json_array_get(docs, 0), value));
		json_decref(docs);
	}
	free(text);
	json_decref(value);
	return 0;
}
