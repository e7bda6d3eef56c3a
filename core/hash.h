/* Checksums against damage (xxHash) and hashes against collisions (SHA-256 of libsodium). */
#ifndef PITR_HASH_H
#define PITR_HASH_H

#include "bytes.h"

uint32_t hash_checksum(struct slice bytes);                  /* XXH3, low 32 bits */
uint64_t hash_checksum64(struct slice bytes, uint64_t seed); /* XXH3 */
/* The first 16 bytes of SHA-256: names and long keys. */
void hash_strong(struct slice bytes, uint8_t ret_hash[16]);
/* Random bytes from the kernel, for identifiers. */
void hash_random(void *ret_bytes, size_t size);

#endif
