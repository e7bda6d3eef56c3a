#include "hash.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

/* SHA256_Init and its like are older than EVP, and don't allocate: half of what a short line costs. */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint32_t hash_checksum(struct slice bytes)
{
	return (uint32_t)XXH3_64bits(bytes.data, bytes.size);
}

uint64_t hash_checksum64(struct slice bytes, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

static SHA256_CTX *context(struct hash *hash)
{
	static_assert(sizeof(SHA256_CTX) <= sizeof(hash->opaque), "room for the library's state");
	return (SHA256_CTX *)hash->opaque;
}

void hash_begin(struct hash *hash)
{
	SHA256_Init(context(hash));
}

void hash_add(struct hash *hash, struct slice bytes)
{
	if (bytes.size > 0)
		SHA256_Update(context(hash), bytes.data, bytes.size);
}

void hash_end(struct hash *hash, uint8_t ret_hash[HASH_SIZE])
{
	SHA256_Final(ret_hash, context(hash));
}

void hash_sha256(struct slice bytes, uint8_t ret_hash[HASH_SIZE])
{
	struct hash hash;
	hash_begin(&hash);
	hash_add(&hash, bytes);
	hash_end(&hash, ret_hash);
}

void hash_strong(struct slice bytes, uint8_t ret_hash[16])
{
	uint8_t whole[HASH_SIZE];
	hash_sha256(bytes, whole);
	memcpy(ret_hash, whole, 16);
}

void hash_hex(const uint8_t *bytes, size_t size, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < size; i++) {
		ret_text[2 * i] = digits[bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes[i] & 15];
	}
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
