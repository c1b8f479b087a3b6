/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash - FNV-1a and SipHash-2-4
 */
#include "lib/base/hash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

uint32_t hash_text(const char *text)
{
	uint32_t hash = 2166136261U;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash;
}

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * UINT64_C(1099511628211);
	return hash;
}

/* ---- SipHash ---- */

struct sip {
	uint64_t v[4];
};

static uint64_t sip_left(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_rounds(struct sip *s, unsigned count)
{
	uint64_t *v = s->v;

	while (count-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = sip_left(v[1], 13) ^ v[0];
		v[3] = sip_left(v[3], 16) ^ v[2];
		v[0] = sip_left(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = sip_left(v[1], 17) ^ v[2];
		v[3] = sip_left(v[3], 21) ^ v[0];
		v[2] = sip_left(v[2], 32);
	}
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->v[3] ^= word;
	sip_rounds(s, 2);
	s->v[0] ^= word;
}

/* Up to 8 bytes, little-endian. */
static uint64_t sip_load(const unsigned char *at, size_t size)
{
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++)
		word |= (uint64_t)at[i] << (8 * i);
	return word;
}

uint64_t hash_sip(const unsigned char key[16], const void *bytes, size_t size)
{
	uint64_t k0 = sip_load(key, 8);
	uint64_t k1 = sip_load(key + 8, 8);
	struct sip s = {{k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
	                 k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)}};
	const unsigned char *at = bytes;
	size_t left = size;

	for (; left >= 8; left -= 8, at += 8)
		sip_word(&s, sip_load(at, 8));
	sip_word(&s, sip_load(at, left) | (uint64_t)size << 56);
	s.v[2] ^= 0xff;
	sip_rounds(&s, 4);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

uint32_t hash_secret(const char *text)
{
	static unsigned char key[16];
	static bool has_key;

	if (!has_key && getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
		abort(); /* a kernel without random numbers runs none of our TLS either */
	has_key = true;
	return (uint32_t)hash_sip(key, text, strlen(text));
}
