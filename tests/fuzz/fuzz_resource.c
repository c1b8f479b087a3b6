/* SPDX-License-Identifier: Apache-2.0 */
/* A StoppableContainer as any writer of the API could have stored it. */
#include "lib/api/resource.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	json_t *object = json_loadb((const char *)data, bytes, 0, NULL);
	struct resource *r = NULL;
	struct err err;

	if (object == NULL)
		return 0;
	if (resource_parse(object, &r, &err) == 0) {
		FUZZ_CHECK(r->ns && r->name && r->uid && r->activation.hosts);
		FUZZ_CHECK(!r->activation.enabled || r->activation.port > 0);
		resource_free(r);
	} else {
		FUZZ_CHECK(r == NULL && err.text[0]);
	}
	json_decref(object);
	return 0;
}
