/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash - of texts, for tables and to tell whether one has changed; not against who chooses them
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** hash_text() - FNV-1a, 32 bits */
uint32_t hash_text(const char *text);

/** hash_bytes() - FNV-1a, 64 bits, of what @hash was of and these; begins with HASH_BEGIN */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size);

#define HASH_BEGIN UINT64_C(14695981039346656037)
