/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash - hashes of texts, for tables and to find out whether a text has changed
 *
 * hash_text() and hash_bytes() are the same in each process, and whoever chooses the texts can make
 * them collide. Tables whose keys others choose (hosts, names) use hash_secret(): its key is random
 * in each process, so that nobody can make a chain long.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** hash_text() - FNV-1a, 32 bits */
uint32_t hash_text(const char *text);

/** hash_secret() - SipHash-2-4 with this process's random key, cut to 32 bits */
uint32_t hash_secret(const char *text);

/** hash_sip() - SipHash-2-4 (Aumasson and Bernstein, 2012) */
uint64_t hash_sip(const unsigned char key[16], const void *bytes, size_t size);

/** hash_bytes() - FNV-1a, 64 bits, of what @hash was of and these; begins with HASH_BEGIN */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size);

#define HASH_BEGIN UINT64_C(14695981039346656037)
