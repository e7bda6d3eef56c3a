/* Checksums against damage (xxHash) and hashes against collisions (SHA-256 of OpenSSL, which uses the processor's instructions for it). */
#ifndef PITR_HASH_H
#define PITR_HASH_H

#include "bytes.h"

uint32_t hash_checksum(struct slice bytes);                  /* XXH3, low 32 bits */
uint64_t hash_checksum64(struct slice bytes, uint64_t seed); /* XXH3 */
/* The first 16 bytes of SHA-256: names and long keys. */
void hash_strong(struct slice bytes, uint8_t ret_hash[16]);

#define HASH_SIZE 32
/* SHA-256, of the whole or in pieces. */
void hash_sha256(struct slice bytes, uint8_t ret_hash[HASH_SIZE]);
struct hash {
	uint64_t opaque[16];
};
void hash_begin(struct hash *hash);
void hash_add(struct hash *hash, struct slice bytes);
void hash_end(struct hash *hash, uint8_t ret_hash[HASH_SIZE]);
/* Lower-case hex, without a NUL. */
void hash_hex(const uint8_t *bytes, size_t size, char *ret_text);

/* Random bytes from the kernel, for identifiers. */
void hash_random(void *ret_bytes, size_t size);

#endif
