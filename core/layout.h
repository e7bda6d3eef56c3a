/* What is on disk: the keys of every space. Values are described where they are made (pack.h, log.h, roster.h,
 * batch.h).
 *
 * Integers in keys are big-endian groups of 7 bits, each with the top bit set: ordered and without zero bytes.
 *   table 4 bytes (28 bits) - node and directory numbers 6 bytes (42 bits) - change numbers 6 bytes (42 bits)
 *   ~x is the complement within the field, so that the newest comes first.
 *
 *   INDEX     table 'k' <encoded key> 01 01 01 ~first_seq  -> varint number
 *             table 'n' directory hash                 -> encoded key whose file name is cut
 *             table 'g' number | 'h' hash [number]     -> what is gone (gone.h)
 *   VERSIONS  table number ~oldest_seq                     -> pack (pack.h)
 *   ROSTER    table directory level index                  -> roster block (roster.h)
 *   LOG       table first_seq                              -> log block (log.h)
 *   META      "f" format | "s" store counters | "t" table -> table counters | "c" commit % WATCH_COMMITS -> news.h
 *             | "j" journal id | "b" backdated | "d" defaults | "l" lineage | "p" table seq number -> pin | "q" last pin
 *             | "g" "h" retention | "r" restore in progress | "x" temporary table of a drill
 *             (what most commits change stands at the end, together)
 *   AUTHORS   'i' number -> text | 'h' hash -> number */
#ifndef PITR_LAYOUT_H
#define PITR_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "store.h"

#define TABLE_NUMBER_MAX ((UINT32_C(1) << 28) - 1)
#define NODE_NUMBER_MAX ((UINT64_C(1) << 40) - 1) /* fits an inode number beside its view */
#define SEQ_MAX ((UINT64_C(1) << 42) - 1)         /* also: "now", as the change number of a live view */

struct layout_key {
	uint8_t bytes[STORE_KEY_MAX];
	size_t size;
};

static inline struct slice layout_slice(const struct layout_key *key)
{
	return (struct slice){ key->bytes, key->size };
}

/* One lifespan of a key: `seq` is the change that began it. layout_index(.., SEQ_MAX) seeks the newest, and the prefix
 * (layout_index_prefix) tells whether what was found is still the same key. Long keys are cut and hashed. */
struct layout_key layout_index(uint32_t table, struct slice encoded_key, uint64_t seq);
struct layout_key layout_index_prefix(uint32_t table, struct slice encoded_key);
/* A key of layout_index or layout_version without its change number: what all of one key's or node's have in common. Borrowed. */
struct slice layout_without_seq(const struct layout_key *key);
/* Names too long for a file name: hash -> encoded key. */
struct layout_key layout_long_name(uint32_t table, uint64_t directory, const uint8_t hash[16]);
/* What is gone: in the table itself, a partition, in a partition. */
struct layout_key layout_gone(uint32_t table, uint64_t number);
struct layout_key layout_gone_partition(uint32_t table, const uint8_t hash[16]);
struct layout_key layout_gone_in(uint32_t table, const uint8_t hash[16], uint64_t number);
size_t layout_gone_prefix_size(struct slice key); /* of the first and the last of these, without the number */
uint64_t layout_gone_number(struct slice key);
/* Is this key in INDEX one of these? */
bool layout_is_gone(struct slice key);
struct layout_key layout_version(uint32_t table, uint64_t number, uint64_t seq);
struct layout_key layout_version_prefix(uint32_t table, uint64_t number);
void layout_version_read(struct slice key, uint64_t *ret_number, uint64_t *ret_seq);
struct layout_key layout_roster(uint32_t table, uint64_t directory, unsigned level, uint64_t index);
struct layout_key layout_log(uint32_t table, uint64_t first_seq);
struct layout_key layout_log_prefix(uint32_t table);
uint64_t layout_log_seq(struct slice key); /* first_seq of a log key */
struct layout_key layout_meta(char kind);  /* "f" */
struct layout_key layout_meta_number(char kind, uint64_t number);
uint64_t layout_meta_read_number(struct slice key);
struct layout_key layout_meta_bytes(char kind, struct slice bytes); /* bytes must be free of zeros */
/* Pins: prefix of all, of a table's, and of one. */
struct layout_key layout_pin_table(uint32_t table);
struct layout_key layout_pin(uint32_t table, uint64_t seq, uint64_t number);
void layout_pin_read(struct slice key, uint32_t *ret_table, uint64_t *ret_seq, uint64_t *ret_number);
struct layout_key layout_author(uint64_t number);
struct layout_key layout_author_hash(const uint8_t hash[16]);

#endif
