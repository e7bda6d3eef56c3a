#include "life.h"

#include <errno.h>
#include <string.h>

#include "layout.h"
#include "name.h"
#include "roster.h"

static int put_index(const struct lives *lives, struct slice encoded_key, uint64_t seq, uint64_t number)
{
	struct layout_key key = layout_index(lives->table, encoded_key, seq);
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, number);
	int r = buffer_error(&value);
	if (!r)
		r = store_put(lives->txn, STORE_INDEX, layout_slice(&key), buffer_slice(&value));
	buffer_free(&value);
	return r;
}

/* Names that don't fit a file name are found by their hash. */
static int put_long_name(const struct lives *lives, uint64_t directory, enum node_kind kind, struct slice encoded_key)
{
	if (encoded_key.size * 3 + sizeof(".json") <= FILE_NAME_MAX)
		return 0;
	struct key key;
	struct buffer storage = BUFFER_INIT;
	char name[FILE_NAME_MAX + 1];
	bool is_cut = false;
	int r = key_decode(encoded_key, &storage, &key);
	if (!r) {
		const struct value *part = key.has_sort ? &key.sort : &key.partition;
		name_of_value(part, kind == NODE_ITEM ? ".json" : "", name, &is_cut);
		if (is_cut) {
			uint8_t hash[NAME_HASH_BYTES];
			name_hash_of_value(part, hash);
			struct layout_key long_name = layout_long_name(lives->table, directory, hash);
			r = store_put(lives->txn, STORE_INDEX, layout_slice(&long_name), encoded_key);
		}
	}
	buffer_free(&storage);
	return r;
}

int life_begin(const struct lives *lives, enum node_kind kind, uint64_t directory, struct slice encoded_key,
	const struct version *version, struct slice item, uint64_t *ret_number)
{
	uint64_t slot;
	int r = roster_add(lives->txn, lives->table, directory, lives->next_number, ret_number, &slot);
	buffer_clear(lives->scratch);
	if (!r)
		r = pack_new(kind, directory, slot, encoded_key, version, item, lives->scratch);
	struct layout_key key = layout_version(lives->table, *ret_number, version->seq);
	if (!r)
		r = store_append(lives->txn, STORE_VERSIONS, layout_slice(&key), buffer_slice(lives->scratch));
	if (!r)
		r = put_index(lives, encoded_key, version->seq, *ret_number);
	return r ? r : put_long_name(lives, directory, kind, encoded_key);
}

int life_add_version(const struct lives *lives, const struct node *node, const struct node_place *place,
	const struct version *version, struct slice item)
{
	struct layout_key key = { .size = place->key.size };
	memcpy(key.bytes, place->key.data, place->key.size);
	buffer_clear(lives->scratch);
	/* Another table's pack is left as it is. */
	int r = node_is_own(place, lives->table) ? pack_add(place->pack, version, item, lives->scratch) : 1;
	if (r == 1) {
		key = layout_version(lives->table, node->number, version->seq);
		r = pack_new(node->kind, node->directory, node->slot, node->encoded_key, version, item, lives->scratch);
	}
	return r ? r : store_put(lives->txn, STORE_VERSIONS, layout_slice(&key), buffer_slice(lives->scratch));
}

int life_need_partition(
	const struct lives *lives, const struct key *key, const struct version *item_version, uint64_t *ret_number)
{
	struct buffer encoded = BUFFER_INIT;
	key_append_partition(&key->partition, &encoded);
	int r = buffer_error(&encoded);
	struct node node;
	if (!r)
		r = node_find(lives->txn, lives->table, buffer_slice(&encoded), SEQ_MAX, &node, NULL);
	if (!r && !node.version.is_removal && node.kind == NODE_PARTITION) {
		*ret_number = node.number;
	} else if (!r || r == -ENOENT) {
		struct version version = { .seq = item_version->seq, .time_us = item_version->time_us };
		r = life_begin(
			lives, NODE_PARTITION, 0, buffer_slice(&encoded), &version, (struct slice){ 0 }, ret_number);
	}
	buffer_free(&encoded);
	return r;
}

int life_end(const struct lives *lives, const struct node *node, const struct node_place *place, uint64_t seq,
	int64_t time_us)
{
	struct version end = { .seq = seq, .time_us = time_us, .is_removal = true };
	uint64_t directory = node->directory, alive;
	int r = roster_end(lives->txn, lives->table, directory, node->slot, seq, &alive);
	/* roster_end wrote: what `place` borrowed is read again. */
	struct node again;
	struct node_place place_again = *place;
	if (!r)
		r = node_read(lives->txn, lives->table, node->number, SEQ_MAX, &again, &place_again);
	if (!r)
		r = life_add_version(lives, &again, &place_again, &end, (struct slice){ 0 });
	if (r || alive || !directory)
		return r;
	r = node_read(lives->txn, lives->table, directory, SEQ_MAX, &again, &place_again);
	return r ? (r == -ENOENT ? -EIO : r) : life_end(lives, &again, &place_again, seq, time_us);
}
