#include "hash.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#define XXH_INLINE_ALL
#include <sodium/crypto_hash_sha256.h>
#include <xxhash.h>

uint32_t hash_checksum(struct slice bytes)
{
	return (uint32_t)XXH3_64bits(bytes.data, bytes.size);
}

uint64_t hash_checksum64(struct slice bytes, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

void hash_strong(struct slice bytes, uint8_t ret_hash[16])
{
	static const uint8_t nothing[1];
	uint8_t digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(digest, bytes.size > 0 ? bytes.data : nothing, bytes.size);
	memcpy(ret_hash, digest, 16);
}

void hash_random(void *ret_bytes, size_t size)
{
	uint8_t *at = ret_bytes;
	while (size > 0) {
		ssize_t count = getrandom(at, size, 0);
		if (count < 0) {
			/* A signal before the kernel's pool was ready; nothing else can fail here on Linux 3.17 and
			 * later. */
			assert(errno == EINTR);
			continue;
		}
		at += count;
		size -= (size_t)count;
	}
}
