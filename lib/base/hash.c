/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/hash.h"

uint32_t hash_text(const char *text)
{
	uint32_t hash = 2166136261U;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash;
}
