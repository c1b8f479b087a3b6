/* SPDX-License-Identifier: Apache-2.0 */
/* A container runtime's answers, each as both kinds. */
#include "agent/core/cri.h"
#include "agent/core/image.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const char *text = (const char *)data;
	char digest[CRI_DIGEST_BYTES];
	char image[CRI_NAME_BYTES];
	json_t *config = NULL;
	struct err err;

	(void)cri_container_answer(text, bytes, image, &err);
	if (cri_image_answer(text, bytes, digest, &config, &err) == 0)
		json_decref(image_status(config, NULL));
	json_decref(config);
	return 0;
}
