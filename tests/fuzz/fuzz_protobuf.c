/* SPDX-License-Identifier: Apache-2.0 */
/* A body as an older kubectl sends it for Kubernetes' own kinds. */
#include "local/api/core/protobuf.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t *body = malloc(bytes + 4);
	json_t *object = NULL;
	struct err err = {0};

	/* The input is what follows the magic number, so that none is spent on finding it. */
	FUZZ_CHECK(body != NULL);
	memcpy(body, "k8s\0", 4);
	if (bytes > 0)
		memcpy(body + 4, data, bytes);
	if (protobuf_parse(body, bytes + 4, &object, &err) == 0)
		FUZZ_CHECK(json_is_object(object));
	else
		FUZZ_CHECK(object == NULL && err.text[0]);
	json_decref(object);
	free(body);
	return 0;
}
