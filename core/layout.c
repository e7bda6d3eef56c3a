#include "layout.h"

#include <assert.h>
#include <string.h>

#include "hash.h"

#define TABLE_BYTES 4
#define NUMBER_BYTES 6
#define INDEX_KEY_ROOM (STORE_KEY_MAX - TABLE_BYTES - 1 - 1 - NUMBER_BYTES)
#define HASH_BYTES 19 /* 16 bytes in groups of 7 bits */
#define CUT_MARK 0xff /* above every byte that an encoded key can hold in this place */

static void add_bytes(struct layout_key *key, const void *bytes, size_t size)
{
	assert(key->size + size <= STORE_KEY_MAX);
	memcpy(key->bytes + key->size, bytes, size);
	key->size += size;
}

static inline void add_byte(struct layout_key *key, uint8_t byte)
{
	assert(key->size < STORE_KEY_MAX);
	key->bytes[key->size++] = byte;
}

static inline void add_number(struct layout_key *key, uint64_t value, unsigned size)
{
	assert(value >> (7 * size) == 0 && key->size + size <= STORE_KEY_MAX);
#pragma GCC unroll 9
	for (unsigned i = size; i-- > 0; value >>= 7)
		key->bytes[key->size + i] = (uint8_t)(0x80 | (value & 0x7f));
	key->size += size;
}

static uint64_t read_number(const uint8_t *bytes, unsigned size)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < size; i++)
		value = value << 7 | (bytes[i] & 0x7f);
	return value;
}

static void add_hash(struct layout_key *key, const uint8_t hash[16])
{
	unsigned bits = 0, held = 0;
	for (unsigned i = 0; i < 16; i++) {
		held = held << 8 | hash[i];
		for (bits += 8; bits >= 7; bits -= 7)
			add_byte(key, (uint8_t)(0x80 | ((held >> (bits - 7)) & 0x7f)));
	}
	add_byte(key, (uint8_t)(0x80 | ((held << (7 - bits)) & 0x7f)));
}

static inline struct layout_key table_key(uint32_t table)
{
	assert(table <= TABLE_NUMBER_MAX);
	struct layout_key key;
	key.size = 0;
	add_number(&key, table, TABLE_BYTES);
	return key;
}

/* Encoded keys never hold 01 01 at their end, so 01 01 01 closes one without being the prefix of another's bytes. */
struct layout_key layout_index_prefix(uint32_t table, struct slice encoded_key)
{
	struct layout_key key = table_key(table);
	add_byte(&key, 'k');
	if (encoded_key.size + 3 <= INDEX_KEY_ROOM) {
		add_bytes(&key, encoded_key.data, encoded_key.size);
		add_bytes(&key, "\1\1\1", 3);
		return key;
	}
	uint8_t hash[16];
	hash_strong(encoded_key, hash);
	add_bytes(&key, encoded_key.data, INDEX_KEY_ROOM - HASH_BYTES - 1);
	add_byte(&key, CUT_MARK);
	add_hash(&key, hash);
	return key;
}

struct layout_key layout_index(uint32_t table, struct slice encoded_key, uint64_t seq)
{
	struct layout_key key = layout_index_prefix(table, encoded_key);
	add_number(&key, SEQ_MAX - seq, NUMBER_BYTES);
	return key;
}

struct slice layout_without_seq(const struct layout_key *key)
{
	return slice_of(key->bytes, key->size - NUMBER_BYTES);
}

struct layout_key layout_long_name(uint32_t table, uint64_t directory, const uint8_t hash[16])
{
	struct layout_key key = table_key(table);
	add_byte(&key, 'n');
	add_number(&key, directory, NUMBER_BYTES);
	add_hash(&key, hash);
	return key;
}

struct layout_key layout_gone(uint32_t table, uint64_t number)
{
	struct layout_key key = table_key(table);
	add_byte(&key, 'g');
	add_number(&key, number, NUMBER_BYTES);
	return key;
}

struct layout_key layout_gone_partition(uint32_t table, const uint8_t hash[16])
{
	struct layout_key key = table_key(table);
	add_byte(&key, 'h');
	add_hash(&key, hash);
	return key;
}

struct layout_key layout_gone_in(uint32_t table, const uint8_t hash[16], uint64_t number)
{
	struct layout_key key = layout_gone_partition(table, hash);
	add_number(&key, number, NUMBER_BYTES);
	return key;
}

size_t layout_gone_prefix_size(struct slice key)
{
	assert(key.size > NUMBER_BYTES);
	return key.size - NUMBER_BYTES;
}

uint64_t layout_gone_number(struct slice key)
{
	return read_number(key.data + layout_gone_prefix_size(key), NUMBER_BYTES);
}

bool layout_is_gone(struct slice key)
{
	return key.size > TABLE_BYTES && (key.data[TABLE_BYTES] == 'g' || key.data[TABLE_BYTES] == 'h');
}

struct layout_key layout_version_prefix(uint32_t table, uint64_t number)
{
	struct layout_key key = table_key(table);
	add_number(&key, number, NUMBER_BYTES);
	return key;
}

struct layout_key layout_version(uint32_t table, uint64_t number, uint64_t seq)
{
	struct layout_key key = table_key(table);
	add_number(&key, number, NUMBER_BYTES);
	add_number(&key, SEQ_MAX - seq, NUMBER_BYTES);
	return key;
}

void layout_version_read(struct slice key, uint64_t *ret_number, uint64_t *ret_seq)
{
	assert(key.size == TABLE_BYTES + 2 * NUMBER_BYTES);
	*ret_number = read_number(key.data + TABLE_BYTES, NUMBER_BYTES);
	*ret_seq = SEQ_MAX - read_number(key.data + TABLE_BYTES + NUMBER_BYTES, NUMBER_BYTES);
}

struct layout_key layout_roster(uint32_t table, uint64_t directory, unsigned level, uint64_t index)
{
	struct layout_key key = table_key(table);
	add_number(&key, directory, NUMBER_BYTES);
	add_number(&key, level, 1);
	add_number(&key, index, NUMBER_BYTES);
	return key;
}

struct layout_key layout_log_prefix(uint32_t table)
{
	return table_key(table);
}

struct layout_key layout_log(uint32_t table, uint64_t first_seq)
{
	struct layout_key key = table_key(table);
	add_number(&key, first_seq, NUMBER_BYTES);
	return key;
}

uint64_t layout_log_seq(struct slice key)
{
	assert(key.size == TABLE_BYTES + NUMBER_BYTES);
	return read_number(key.data + TABLE_BYTES, NUMBER_BYTES);
}

struct layout_key layout_meta(char kind)
{
	struct layout_key key;
	key.size = 0;
	add_byte(&key, (uint8_t)kind);
	return key;
}

struct layout_key layout_meta_number(char kind, uint64_t number)
{
	struct layout_key key = layout_meta(kind);
	add_number(&key, number, 9);
	return key;
}

uint64_t layout_meta_read_number(struct slice key)
{
	assert(key.size == 10);
	return read_number(key.data + 1, 9);
}

struct layout_key layout_meta_bytes(char kind, struct slice bytes)
{
	struct layout_key key = layout_meta(kind);
	add_bytes(&key, bytes.data, bytes.size);
	return key;
}

struct layout_key layout_pin_table(uint32_t table)
{
	struct layout_key key = layout_meta('p');
	add_number(&key, table, TABLE_BYTES);
	return key;
}

struct layout_key layout_pin(uint32_t table, uint64_t seq, uint64_t number)
{
	struct layout_key key = layout_pin_table(table);
	add_number(&key, seq, NUMBER_BYTES);
	add_number(&key, number, NUMBER_BYTES);
	return key;
}

void layout_pin_read(struct slice key, uint32_t *ret_table, uint64_t *ret_seq, uint64_t *ret_number)
{
	assert(key.size == 1 + TABLE_BYTES + 2 * NUMBER_BYTES);
	*ret_table = (uint32_t)read_number(key.data + 1, TABLE_BYTES);
	*ret_seq = read_number(key.data + 1 + TABLE_BYTES, NUMBER_BYTES);
	*ret_number = read_number(key.data + 1 + TABLE_BYTES + NUMBER_BYTES, NUMBER_BYTES);
}

struct layout_key layout_author(uint64_t number)
{
	struct layout_key key = layout_meta('i');
	add_number(&key, number, NUMBER_BYTES);
	return key;
}

struct layout_key layout_author_hash(const uint8_t hash[16])
{
	struct layout_key key = layout_meta('h');
	add_hash(&key, hash);
	return key;
}
