/* SPDX-License-Identifier: MIT */
/* Hashes of texts: FNV-1a, byte by byte. None of them withstands somebody who knows the start. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t
hash_byte(uint64_t hash, unsigned char byte)
{
	return (hash ^ byte) * UINT64_C(0x100000001b3);
}

/* hash_bytes() - go on from @hash, or HASH_START */
static inline uint64_t
hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++) {
		hash = hash_byte(hash, bytes[i]);
	}
	return hash;
}

static inline uint64_t
hash_text(const char *text)
{
	uint64_t hash = HASH_START;

	for (; *text; text++) {
		hash = hash_byte(hash, (unsigned char)*text);
	}
	return hash;
}

/* hash_text_seeded() - with a random @seed, nobody can choose texts that collide */
static inline uint64_t
hash_text_seeded(uint64_t seed, const char *text)
{
	uint64_t hash = seed ^ HASH_START;

	for (; *text; text++) {
		hash = hash_byte(hash, (unsigned char)*text);
		hash ^= hash >> 29; /* the seed must reach the low bits */
	}
	return hash;
}

/* hash_mix() - the last step of MurmurHash3: each bit changes all others, so what is nearly alike lies far apart */
static inline uint64_t
hash_mix(uint64_t hash)
{
	hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ (hash >> 33);
}
