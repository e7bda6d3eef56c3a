/* What retention will have forgotten when it is done, told from a read transaction.
 *
 * Invariant: a node is judged as steps in any number would judge it; retention_node.c and this agree on what goes. */
#include <errno.h>
#include <string.h>

#include "key.h"
#include "layout.h"
#include "log.h"
#include "name.h"
#include "pin.h"
#include "retention_node.h"
#include "retention_state.h"

#define TABLE_PREFIX 4u

/* A node, pack by pack, newest first. */
struct judged {
	uint64_t number, removed_seq, oldest, directory;
	bool is_item, is_removed, is_needed, is_damaged;
	struct slice encoded_key;
	/* what goes in any case, and the pack with the removal, which goes with the node */
	uint64_t versions, bytes;
	unsigned removal_versions; /* kept with the removal: itself alone */
	uint64_t removal_bytes;
};

struct preview {
	struct retention_trim trim;
	struct store_cursor *versions;
};

static void judge_pack(struct preview *preview, struct judged *node, struct slice key, struct slice pack,
	const struct pack_header *header, const struct version *versions, uint64_t end)
{
	struct buffer *scratch = &preview->trim.scratch;
	unsigned needed = retention_needed_versions(&preview->trim.needs, versions, header->count, end);
	unsigned removal = versions[0].is_removal ? 1 : 0, kept = (unsigned)__builtin_popcount(needed);
	size_t size = pack.size;
	node->directory = header->directory;
	node->is_item = header->kind == NODE_ITEM;
	node->encoded_key = header->encoded_key;
	node->oldest = versions[header->count - 1].seq;
	if (removal) {
		node->is_removed = true;
		node->removed_seq = versions[0].seq;
	}
	if (needed & ~removal)
		node->is_needed = true;
	if (kept && kept < header->count) {
		buffer_clear(scratch);
		if (pack_keep(pack, needed, scratch)) {
			node->is_damaged = true;
			return;
		}
		node->bytes += size - scratch->size;
		size = scratch->size;
	}
	node->versions += header->count - kept;
	if (!kept)
		node->bytes += key.size + size;
	if (needed == 1 && removal)
		node->removal_bytes = key.size + size;
}

/* Reads the node that begins at the cursor's pack, and moves the cursor behind it. 0, -ENOENT at the table's end. */
static int judge_node(struct preview *preview, struct slice *key, struct slice *pack, struct judged *ret)
{
	struct pack_header header;
	struct version versions[PACK_VERSIONS_MAX];
	uint64_t end = SEQ_NEVER, number, seq;
	*ret = (struct judged){ 0 };
	layout_version_read(*key, &ret->number, &seq);
	for (number = ret->number; number == ret->number;) {
		if (pack_versions(*pack, &header, versions)) {
			ret->is_damaged = true;
			layout_version_read(*key, &number, &end);
		} else {
			judge_pack(preview, ret, *key, *pack, &header, versions, end);
			end = versions[header.count - 1].seq;
		}
		struct layout_key before = layout_log_prefix(preview->trim.table);
		int r = store_cursor_next(preview->versions, key, pack);
		if (r == -ENOENT || (!r && memcmp(key->data, before.bytes, TABLE_PREFIX) != 0)) {
			*key = (struct slice){ 0 };
			return 0;
		}
		if (r)
			return r;
		layout_version_read(*key, &number, &seq);
	}
	return 0;
}

/* Does the whole node go? 1, 0, negative. */
static int is_going(const struct preview *preview, const struct judged *node)
{
	if (node->is_needed || node->is_damaged)
		return 0;
	return node->is_removed ? retention_may_forget_life(&preview->trim, node->number, node->removed_seq) : 1;
}

/* --- what is found by the key --- */

static bool has_prefix(struct slice key, const struct layout_key *prefix)
{
	return key.size > prefix->size && memcmp(key.data, prefix->bytes, prefix->size) == 0;
}

/* Another life of the key, by its index entry: does it stand in the directory, and does it go? 1: it goes; 0: it
 * stays; -ENOENT: it stands elsewhere. */
static int judge_neighbour(struct preview *preview, struct slice value, uint64_t directory)
{
	struct reader reader = reader_of(value);
	uint64_t number = reader_varint(&reader);
	struct layout_key from = layout_version_prefix(preview->trim.table, number);
	struct preview other = { .trim = preview->trim };
	struct judged node;
	struct slice key, pack;
	other.trim.scratch = BUFFER_INIT;
	int r = store_cursor_open(preview->trim.txn, STORE_VERSIONS, &other.versions);
	if (r)
		return r;
	r = store_cursor_seek(other.versions, layout_slice(&from), &key, &pack);
	if (!r && !has_prefix(key, &from))
		r = -ENOENT;
	if (!r)
		r = judge_node(&other, &key, &pack, &node);
	if (!r)
		r = node.directory == directory ? is_going(&other, &node) : -ENOENT;
	store_cursor_close(other.versions);
	buffer_free(&other.trim.scratch);
	return r;
}

/* The oldest life of a key in a directory speaks for all of them: do they all go? 1, 0, negative. */
static int speaks_for_all(struct preview *preview, const struct judged *node, const struct layout_key *index)
{
	struct layout_key prefix = layout_index_prefix(preview->trim.table, node->encoded_key);
	struct store_cursor *cursor;
	struct slice key, value;
	int r = store_cursor_open(preview->trim.txn, STORE_INDEX, &cursor);
	if (r)
		return r;
	int other = -ENOENT, all = 1;
	r = store_cursor_seek(cursor, layout_slice(index), &key, &value);
	if (!r)
		r = store_cursor_next(cursor, &key, &value);
	if (!r && has_prefix(key, &prefix))
		other = judge_neighbour(preview, value, node->directory);
	if (other != -ENOENT) {
		store_cursor_close(cursor);
		return other < 0 ? other : 0;
	}
	r = store_cursor_seek_before(cursor, layout_slice(index), &key, &value);
	while (!r && all == 1 && has_prefix(key, &prefix)) {
		all = judge_neighbour(preview, value, node->directory);
		r = store_cursor_previous(cursor, &key, &value);
	}
	store_cursor_close(cursor);
	return all == -ENOENT ? 1 : all;
}

static int count_long_name(struct preview *preview, const struct judged *node, const struct layout_key *index)
{
	char name[FILE_NAME_MAX + 1];
	uint8_t hash[NAME_HASH_BYTES];
	struct key key;
	struct buffer storage = BUFFER_INIT;
	bool is_cut = false;
	if (node->encoded_key.size * 3 + sizeof(".json") <= FILE_NAME_MAX)
		return 0;
	int r = key_decode(node->encoded_key, &storage, &key);
	if (!r) {
		const struct value *part = key.has_sort ? &key.sort : &key.partition;
		name_of_value(part, node->is_item ? ".json" : "", name, &is_cut);
		name_hash_of_value(part, hash);
	}
	buffer_free(&storage);
	if (r || !is_cut)
		return r;
	r = speaks_for_all(preview, node, index);
	if (r != 1)
		return r;
	struct layout_key long_name = layout_long_name(preview->trim.table, node->directory, hash);
	struct slice value;
	r = store_get(preview->trim.txn, STORE_INDEX, layout_slice(&long_name), &value);
	if (!r)
		preview->trim.counts->bytes += long_name.size + value.size;
	return r == -ENOENT ? 0 : r;
}

static int count_life(struct preview *preview, const struct judged *node)
{
	struct layout_key prefix = layout_index_prefix(preview->trim.table, node->encoded_key);
	struct layout_key index = layout_index(preview->trim.table, node->encoded_key, node->oldest);
	struct slice key, value;
	int r = retention_is_inherited(&preview->trim, node->number);
	if (r)
		return r < 0 ? r : 0;
	preview->trim.counts->lives++;
	r = store_seek(preview->trim.txn, STORE_INDEX, layout_slice(&index), &key, &value);
	if (r || key.size != index.size || !has_prefix(key, &prefix))
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	if (reader_varint(&reader) != node->number)
		return 0;
	memcpy(index.bytes, key.data, key.size);
	preview->trim.counts->bytes += key.size + value.size;
	return count_long_name(preview, node, &index);
}

/* --- a table --- */

static int count_node(struct preview *preview, const struct judged *node)
{
	struct retention_counts *counts = preview->trim.counts;
	int r = is_going(preview, node);
	/* Of a partition's node nothing goes before all of it does. */
	if (r < 0 || node->is_damaged || (!node->is_item && !r))
		return r < 0 ? r : 0;
	counts->versions += node->versions;
	counts->bytes += node->bytes;
	if (r && node->is_removed) {
		counts->versions++;
		counts->bytes += node->removal_bytes;
	}
	return r ? count_life(preview, node) : 0;
}

static int count_nodes(struct preview *preview)
{
	struct layout_key prefix = layout_log_prefix(preview->trim.table);
	struct slice key, pack;
	struct judged node;
	int r = store_cursor_open(preview->trim.txn, STORE_VERSIONS, &preview->versions);
	if (r)
		return r;
	r = store_cursor_seek(preview->versions, layout_slice(&prefix), &key, &pack);
	while (!r && has_prefix(key, &prefix)) {
		r = judge_node(preview, &key, &pack, &node);
		if (!r)
			r = count_node(preview, &node);
	}
	store_cursor_close(preview->versions);
	return r == -ENOENT ? 0 : r;
}

static int count_log(struct preview *preview)
{
	struct retention_trim *trim = &preview->trim;
	struct layout_key key;
	size_t bytes;
	uint64_t from = 0;
	int r;
	while (!(r = log_unneeded(trim->txn, trim->table, from, trim->needs.floor, &key, &bytes))) {
		trim->counts->log_blocks++;
		trim->counts->bytes += bytes;
		from = layout_log_seq(layout_slice(&key)) + 1;
	}
	return r == -ENOENT ? 0 : r;
}

/* A deleted table goes with all it has. */
static int count_all(struct preview *preview, enum store_space space)
{
	struct retention_counts *counts = preview->trim.counts;
	struct layout_key prefix = layout_log_prefix(preview->trim.table);
	struct store_cursor *cursor;
	struct slice key, value;
	struct pack_header header;
	int r = store_cursor_open(preview->trim.txn, space, &cursor);
	if (r)
		return r;
	for (r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &value); !r && has_prefix(key, &prefix);
		r = store_cursor_next(cursor, &key, &value)) {
		counts->bytes += space == STORE_INDEX && layout_is_gone(key) ? 0 : key.size + value.size;
		counts->log_blocks += space == STORE_LOG;
		counts->lives += space == STORE_INDEX && key.data[prefix.size] == 'k';
		if (space == STORE_VERSIONS && !pack_read(value, &header))
			counts->versions += header.count;
	}
	store_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

static int count_purge(struct preview *preview)
{
	int r = count_all(preview, STORE_VERSIONS);
	if (!r)
		r = count_all(preview, STORE_INDEX);
	if (!r)
		r = count_all(preview, STORE_LOG);
	preview->trim.counts->tables++;
	return r;
}

/* Pins that have expired, and whether any pin goes, for that or another reason. */
static int count_pins(struct preview *preview, int64_t now_us, bool *ret_is_any_going)
{
	struct pin_place place = { 0 };
	struct pin pin;
	size_t kept = preview->trim.needs.count, all = 0;
	bool has_range = false;
	int r;
	*ret_is_any_going = false;
	while ((r = pin_next(preview->trim.txn, preview->trim.table, &place, &pin)) == 1) {
		bool has_expired = pin.expires_us && pin.expires_us <= now_us;
		preview->trim.counts->pins += has_expired;
		all += !pin.is_range;
		has_range |= pin.is_range && has_expired;
	}
	*ret_is_any_going = has_range || all != kept;
	return r;
}

static int preview_table(struct preview *preview, int64_t now_us)
{
	struct retention_trim *trim = &preview->trim;
	struct retention_table state;
	bool is_any_going = false;
	int r = retention_needs_load(trim->txn, trim->table, now_us, true, &trim->needs);
	if (!r)
		r = retention_table_read(trim->txn, trim->table, &state);
	if (!r)
		r = lineage_read(trim->txn, trim->table, &trim->lineage);
	trim->has_parent = !r;
	if (r == -ENOENT)
		r = 0;
	if (!r)
		r = count_pins(preview, now_us, &is_any_going);
	if (!r && !trim->needs.is_alive && !trim->needs.is_pinned)
		r = count_purge(preview);
	else if (!r) {
		r = count_log(preview);
		if (!r && (is_any_going || state.sweep || state.floor < trim->needs.floor))
			r = count_nodes(preview);
	}
	retention_needs_free(&trim->needs);
	return r;
}

int retention_preview(struct history *history, uint32_t table, struct retention_counts *ret_counts, struct error *error)
{
	struct preview preview = { .trim = { .counts = ret_counts } };
	uint32_t number = table == UINT32_MAX ? CATALOGUE + 1 : table;
	*ret_counts = (struct retention_counts){ 0 };
	int r = store_begin(history_store(history), false, &preview.trim.txn);
	if (!r) {
		int64_t now_us = history_now(history, preview.trim.txn);
		while (!(r = retention_next_table(preview.trim.txn, &number)) &&
			(table == UINT32_MAX || number == table)) {
			preview.trim.table = number++;
			r = preview_table(&preview, now_us);
			if (r && r != -EIO)
				break;
		}
		store_abort(preview.trim.txn);
	}
	buffer_free(&preview.trim.scratch);
	return r && r != -ENOENT ? error_set(error, r, "look for what is not needed: %s", strerror(-r)) : 0;
}
