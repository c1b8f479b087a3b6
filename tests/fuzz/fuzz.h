/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz - what every fuzz target has: one function, named as libFuzzer wants it
 *
 * A target checks what must hold of any input with FUZZ_CHECK(), not only that nothing crashes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define FUZZ_CHECK(holds)                                                                          \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds);          \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/** fuzz_text() - the input as a string. Return: to be freed; never NULL */
static inline char *fuzz_text(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1);

	FUZZ_CHECK(text != NULL);
	if (bytes > 0)
		memcpy(text, data, bytes);
	text[bytes] = '\0';
	return text;
}
