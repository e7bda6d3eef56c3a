#include "tests/support/consistency.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "author.h"
#include "hash.h"
#include "item_json.h"
#include "layout.h"
#include "lineage.h"
#include "log.h"
#include "node.h"
#include "pack.h"
#include "pin.h"
#include "roster.h"
#include "snapshot.h"
#include "state.h"
#include "table.h"
#include "table_document.h"

#define CHECKPOINTS 6u

/* What the log has told about a node so far. */
struct known {
	uint64_t seq, hash, size_bytes;
	bool is_item, is_alive;
};

struct check {
	struct store_txn *txn;
	const struct table *table;
	struct table_counters counters;
	bool has_lineage;
	struct lineage lineage; /* all zero when it has none */
	struct known *nodes;    /* by number */
	struct log_entry at;    /* the last entry replayed */
	uint64_t last_author;
	struct error *error;
};

static int wrong(const struct check *check, const char *what, uint64_t number)
{
	return error_set(check->error, -EIO, "table %s, after change %llu: %s (%llu)", check->table->name,
		(unsigned long long)check->at.seq, what, (unsigned long long)number);
}

/* --- the log, replayed --- */

/* Keys could be chosen anew while the table was empty, so the key is judged by the schema of the time. */
static bool is_key_of_item(const struct check *check, const struct node *node, struct slice item)
{
	struct table then = { 0 };
	struct key key;
	struct buffer encoded = BUFFER_INIT;
	bool is_same = false;
	if (key_of_item(item, &check->table->schema, &key, NULL) == 0) {
		key_append_encoded(&key, &encoded);
		is_same = slice_equal(buffer_slice(&encoded), node->encoded_key);
	}
	if (!is_same && table_load(check->txn, check->table->number, check->at.time_us, &then) == 0) {
		buffer_clear(&encoded);
		if (key_of_item(item, &then.schema, &key, NULL) == 0)
			key_append_encoded(&key, &encoded);
		is_same = slice_equal(buffer_slice(&encoded), node->encoded_key);
		table_free(&then);
	}
	buffer_free(&encoded);
	return is_same;
}

static int replay_content(struct check *check, const struct node *node, const struct node_place *place)
{
	struct known *known = &check->nodes[node->number];
	struct buffer item = BUFFER_INIT;
	uint64_t before = known->is_alive ? known->size_bytes : 0;
	int r = 0;
	known->size_bytes = 0;
	known->is_alive = !node->version.is_removal;
	if (known->is_alive && pack_content(place->pack, place->place, &item))
		r = wrong(check, "content of a version cannot be read: node", node->number);
	if (known->is_alive && !r) {
		known->hash = hash_checksum64(buffer_slice(&item), 0);
		known->size_bytes = item_size_bytes(buffer_slice(&item));
		if (!is_key_of_item(check, node, buffer_slice(&item)))
			r = wrong(check, "an item has another key than its node", node->number);
	}
	buffer_free(&item);
	if (!r && check->at.growth_bytes != (int64_t)(known->size_bytes - before))
		r = wrong(check, "the log tells a wrong growth: node", node->number);
	return r;
}

static int replay_entry(struct check *check)
{
	const struct log_entry *entry = &check->at;
	struct node node, found;
	struct node_place place;
	struct slice text;
	if (entry->number >= check->counters.next_number)
		return wrong(check, "a node number that was never given", entry->number);
	struct known *known = &check->nodes[entry->number];
	if (known->is_alive ? entry->op == CHANGE_INSERT : entry->op != CHANGE_INSERT || known->seq)
		return wrong(check, "an operation that cannot follow the one before: node", entry->number);
	if (node_read(check->txn, check->table->number, entry->number, entry->seq, &node, &place))
		return wrong(check, "the version of a change cannot be read: node", entry->number);
	if (node.kind != NODE_ITEM || node.version.seq != entry->seq || node.version.time_us != entry->time_us ||
		node.version.is_removal != (entry->op == CHANGE_REMOVE))
		return wrong(check, "the version is not the one the log tells of: node", entry->number);
	if (node_find(check->txn, check->table->number, node.encoded_key, entry->seq, &found, NULL) ||
		found.number != entry->number)
		return wrong(check, "the index leads elsewhere: node", entry->number);
	if (entry->author && entry->author != check->last_author && author_text(check->txn, entry->author, &text))
		return wrong(check, "an unknown author", entry->author);
	check->last_author = entry->author;
	known->seq = entry->seq;
	known->is_item = true;
	return replay_content(check, &node, &place);
}

/* --- what a restored table began with --- */

static int begin_item(struct check *check, const struct snapshot *base, const struct node *node, struct buffer *item)
{
	struct known *known = &check->nodes[node->number];
	if (node->number >= check->counters.next_number || snapshot_content(check->txn, base, node->number, item))
		return wrong(check, "an inherited content cannot be read: node", node->number);
	*known = (struct known){ .seq = node->version.seq,
		.hash = hash_checksum64(buffer_slice(item), 0),
		.size_bytes = item_size_bytes(buffer_slice(item)),
		.is_item = true,
		.is_alive = true };
	return 0;
}

/* As if the log had told of everything in the parent, as of the base. */
static int begin_directory(struct check *check, const struct snapshot *base, uint64_t directory)
{
	struct snapshot_walk walk;
	struct node node;
	struct buffer item = BUFFER_INIT;
	int r = snapshot_walk_begin(&walk, check->txn, base, directory, 0), more = 0;
	while (!r && (more = snapshot_walk_next(&walk, &node)) == 1)
		r = node.kind == NODE_PARTITION ? begin_directory(check, base, node.number)
						: begin_item(check, base, &node, &item);
	snapshot_walk_end(&walk);
	buffer_free(&item);
	return r || !more ? r : wrong(check, "the parent cannot be listed: directory", directory);
}

static int check_child_pin(struct check *check)
{
	struct pin_place place = { 0 };
	struct pin pin;
	unsigned found = 0;
	while (pin_next(check->txn, check->lineage.parent, &place, &pin) == 1)
		found += pin.kind == PIN_CHILD && pin.child == check->table->number && pin.seq == check->lineage.base;
	return found == 1 ? 0 : wrong(check, "what it began with is not pinned, but table", check->lineage.parent);
}

static int begin_from_lineage(struct check *check)
{
	struct snapshot base = { .table = check->lineage.parent, .seq = check->lineage.base };
	check->at.seq = check->lineage.base;
	check->at.items = check->lineage.items;
	check->at.bytes = check->lineage.bytes;
	if (!check->has_lineage)
		return 0;
	int r = check_child_pin(check);
	return r ? r : begin_directory(check, &base, 0);
}

/* --- rosters --- */

/* Does the roster list the slot as of a change? */
static bool is_listed(struct check *check, uint64_t directory, uint64_t slot, uint64_t seq)
{
	struct roster_walk walk;
	uint64_t number, found;
	return roster_walk_begin(&walk, check->txn, check->table->number, directory, seq, slot) == 0 &&
	       roster_walk_next(&walk, &number, &found) == 1 && found == slot;
}

static int check_roster(struct check *check, uint64_t directory)
{
	struct roster_walk walk;
	struct roster_head head;
	struct node node;
	uint32_t table = check->table->number;
	uint64_t number, slot, slots = 0, alive = 0;
	int r = roster_head(check->txn, table, directory, &head), more = 0;
	if (!r)
		r = roster_walk_begin(&walk, check->txn, table, directory, 0, 0);
	while (!r && slots < head.slots && (more = roster_walk_next(&walk, &number, &slot)) == 1) {
		if (slot != slots++ || node_read(check->txn, table, number, SEQ_MAX, &node, NULL))
			return wrong(check, "a roster's slot has no node", number);
		if (node.directory != directory || node.slot != slot)
			return wrong(check, "a node stands elsewhere than its roster tells", number);
		alive += !node.version.is_removal;
		if (!is_listed(check, directory, slot, node.version.is_removal ? node.version.seq - 1 : SEQ_MAX) ||
			(node.version.is_removal && is_listed(check, directory, slot, node.version.seq)))
			return wrong(check, "a roster tells another end than its node", number);
	}
	if (r || more < 0 || slots != head.slots || alive != head.alive)
		return wrong(check, "a roster's head differs from its slots: directory", directory);
	return 0;
}

/* --- a view, compared with the replay --- */

struct seen {
	uint64_t items, bytes;
};

static int see_item(struct check *check, const struct snapshot *view, const struct node *node, struct buffer *item,
	struct seen *seen)
{
	const struct known *known = &check->nodes[node->number];
	struct node found;
	if (!known->is_alive || known->seq != node->version.seq)
		return wrong(check, "listed with another version than the log tells: node", node->number);
	if (snapshot_content(check->txn, view, node->number, item) ||
		hash_checksum64(buffer_slice(item), 0) != known->hash)
		return wrong(check, "another content than the log led to: node", node->number);
	if (snapshot_find(check->txn, view, node->encoded_key, &found) || found.number != node->number)
		return wrong(check, "listed, but not found by its key: node", node->number);
	seen->items++;
	seen->bytes += known->size_bytes;
	return 0;
}

static int see_directory(struct check *check, const struct snapshot *view, uint64_t directory, struct seen *seen);

static int see_node(struct check *check, const struct snapshot *view, const struct node *node, struct buffer *item,
	struct seen *seen)
{
	struct node found;
	if (node->number >= check->counters.next_number || !node->kind)
		return wrong(check, "a listed node cannot be read", node->number);
	if (node->kind == NODE_ITEM)
		return see_item(check, view, node, item, seen);
	if (snapshot_find(check->txn, view, node->encoded_key, &found) || found.number != node->number)
		return wrong(check, "a partition is listed, but not found by its key", node->number);
	uint64_t before = seen->items;
	int r = see_directory(check, view, node->number, seen);
	if (!r && view->seq == SEQ_MAX)
		r = check_roster(check, node->number);
	if (!r && seen->items == before)
		r = wrong(check, "a listed partition is empty", node->number);
	return r;
}

static int see_directory(struct check *check, const struct snapshot *view, uint64_t directory, struct seen *seen)
{
	struct snapshot_walk walk;
	struct node node;
	struct buffer item = BUFFER_INIT;
	uint64_t slot = 0;
	int r = snapshot_walk_begin(&walk, check->txn, view, directory, 0), listed = 0;
	while (!r && (listed = snapshot_walk_next(&walk, &node)) == 1) {
		if (node.slot < slot || node.directory != directory)
			r = wrong(check, "listed out of place: node", node.number);
		slot = node.slot + 1;
		if (!r)
			r = see_node(check, view, &node, &item, seen);
	}
	snapshot_walk_end(&walk);
	buffer_free(&item);
	if (listed < 0)
		r = wrong(check, "a listing ended with an error: directory", directory);
	return r;
}

static int compare_view(struct check *check, uint64_t seq)
{
	struct snapshot view = { .table = check->table->number, .seq = seq, .time_us = check->at.time_us };
	struct seen seen = { 0 };
	uint64_t items, bytes, alive = 0;
	struct node node;
	int r = see_directory(check, &view, 0, &seen);
	if (!r &&
		(snapshot_statistics(check->txn, &view, &items, &bytes) || items != seen.items || bytes != seen.bytes))
		r = wrong(check, "the statistics differ from what is listed; items", seen.items);
	for (uint64_t n = 0; n < check->counters.next_number && !r; n++) {
		alive += check->nodes[n].is_alive;
		if (check->nodes[n].is_item && !check->nodes[n].is_alive &&
			snapshot_node(check->txn, &view, n, &node) != -ENOENT)
			r = wrong(check, "a node can be read after its end", n);
	}
	if (!r && (seen.items != alive || check->at.items != alive || check->at.bytes != seen.bytes))
		r = wrong(check, "as many are alive by the log, but not listed", alive);
	return r;
}

static int replay_log(struct check *check)
{
	struct log_walk walk;
	struct log_entry entry;
	struct table_counters *counters = &check->counters;
	uint64_t base = check->lineage.base, step = (counters->seq - base) / CHECKPOINTS + 1, first_us = 0;
	int r = begin_from_lineage(check), more = 0;
	if (!r)
		r = log_walk_begin(&walk, check->txn, check->table->number, 0);
	if (!r)
		r = compare_view(check, base);
	while (!r && (more = log_walk_next(&walk, &entry)) == 1) {
		if (entry.seq != check->at.seq + 1 || entry.time_us < check->at.time_us)
			return wrong(check, "the log goes on with the wrong number or time", entry.seq);
		check->at = entry;
		first_us = entry.seq == base + 1 ? (uint64_t)entry.time_us : first_us;
		r = replay_entry(check);
		if (!r && (entry.seq % step == 0 || entry.seq == counters->seq))
			r = compare_view(check, entry.seq);
	}
	if (r || more < 0)
		return r ? r : wrong(check, "the log cannot be read on", check->at.seq);
	if (check->at.seq != counters->seq || check->at.items != counters->items ||
		check->at.bytes != counters->bytes || check->at.time_us != counters->last_us ||
		first_us != (uint64_t)counters->first_us)
		return wrong(check, "the counters differ from the log; changes", counters->seq);
	return compare_view(check, SEQ_MAX);
}

/* --- records, one by one --- */

static uint64_t read_number(const uint8_t *bytes)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < 6; i++)
		value = value << 7 | (bytes[i] & 0x7f);
	return value;
}

static int check_version(
	struct check *check, struct slice pack, const struct pack_header *header, unsigned place, struct buffer *item)
{
	struct version version;
	if (pack_version(pack, place, &version))
		return -EIO;
	if (version.is_removal || header->kind == NODE_PARTITION)
		return 0;
	int r = pack_content(pack, place, item);
	if (r || item->size != version.item_bytes || item_check(buffer_slice(item)))
		return -EIO;
	return item_json_size(buffer_slice(item), ITEM_PLAIN, NULL) == version.plain_size &&
			       item_json_size(buffer_slice(item), ITEM_DYNAMODB, NULL) == version.dynamodb_size
		       ? 0
		       : wrong(check, "a version tells a wrong size; place", place);
}

struct packs {
	uint64_t number, oldest_seq; /* of the pack before */
	uint64_t nodes, item_versions;
	struct buffer item;
};

static bool is_inherited(struct check *check, uint64_t number)
{
	struct node node;
	return check->has_lineage &&
	       node_read(check->txn, check->table->number, number, check->lineage.base, &node, NULL) == 0;
}

static int check_pack(struct check *check, struct packs *packs, struct slice key, struct slice pack)
{
	uint64_t number = read_number(key.data + 4), oldest = SEQ_MAX - read_number(key.data + 10);
	struct pack_header header;
	struct version first, last;
	if (key.size != 16 || pack_read(pack, &header) || number >= check->counters.next_number)
		return wrong(check, "a pack cannot be read: node", number);
	for (unsigned place = 0; place < header.count; place++)
		if (check_version(check, pack, &header, place, &packs->item))
			return wrong(check, "a version in a pack cannot be read: node", number);
	if (pack_version(pack, 0, &first) || pack_version(pack, header.count - 1, &last) || last.seq != oldest)
		return wrong(check, "a pack stands under another change than its oldest: node", number);
	if (check->has_lineage && oldest <= check->lineage.base)
		return wrong(check, "a version of its own is older than its base: node", number);
	if (number == packs->number && first.seq >= packs->oldest_seq)
		return wrong(check, "two packs of a node overlap", number);
	bool is_new = number != packs->number;
	packs->number = number;
	packs->oldest_seq = oldest;
	packs->nodes += is_new && !is_inherited(check, number);
	packs->item_versions += header.kind == NODE_ITEM ? header.count : 0;
	return is_new && header.kind == NODE_PARTITION ? check_roster(check, number) : 0;
}

static bool has_prefix(struct slice key, const struct layout_key *prefix)
{
	return key.size > prefix->size && memcmp(key.data, prefix->bytes, prefix->size) == 0;
}

static int check_packs(struct check *check, uint64_t *ret_nodes)
{
	struct store_cursor *cursor;
	struct packs packs = { 0 };
	struct slice key, pack;
	struct layout_key prefix = layout_log_prefix(check->table->number);
	int r = store_cursor_open(check->txn, STORE_VERSIONS, &cursor);
	if (r)
		return wrong(check, "no cursor", 0);
	r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &pack);
	while (!r && has_prefix(key, &prefix)) {
		r = check_pack(check, &packs, key, pack);
		if (!r)
			r = store_cursor_next(cursor, &key, &pack);
	}
	store_cursor_close(cursor);
	buffer_free(&packs.item);
	*ret_nodes = packs.nodes;
	if (r && r != -ENOENT)
		return r;
	return packs.item_versions == check->counters.seq - check->lineage.base
		       ? 0
		       : wrong(check, "the log does not tell of as many versions", packs.item_versions);
}

static int check_index_entry(struct check *check, struct slice key, struct slice value)
{
	struct reader reader = reader_of(value);
	uint64_t number = reader_varint(&reader), seq = SEQ_MAX - read_number(key.data + key.size - 6);
	struct node node;
	if (reader.is_bad || node_read(check->txn, check->table->number, number, seq, &node, NULL))
		return wrong(check, "the index names a node that is not there", number);
	struct layout_key right = layout_index(check->table->number, node.encoded_key, seq);
	if (node.version.seq != seq || !slice_equal(layout_slice(&right), key))
		return wrong(check, "the index has a node under another key", number);
	return 0;
}

static int check_index(struct check *check, uint64_t nodes)
{
	struct store_cursor *cursor;
	struct slice key, value;
	struct layout_key prefix = layout_log_prefix(check->table->number);
	uint64_t entries = 0;
	prefix.bytes[prefix.size++] = 'k';
	int r = store_cursor_open(check->txn, STORE_INDEX, &cursor);
	if (r)
		return wrong(check, "no cursor", 0);
	r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &value);
	while (!r && has_prefix(key, &prefix)) {
		entries++;
		r = check_index_entry(check, key, value);
		if (!r)
			r = store_cursor_next(cursor, &key, &value);
	}
	store_cursor_close(cursor);
	if (r && r != -ENOENT)
		return r;
	return entries == nodes ? 0 : wrong(check, "the index does not have as many entries as there are nodes", nodes);
}

static int check_table(struct store_txn *txn, const struct table *table, int64_t last_us, struct error *error)
{
	struct check check = { .txn = txn, .table = table, .error = error };
	uint64_t nodes = 0;
	if (counters_read(txn, table->number, &check.counters))
		return wrong(&check, "the counters cannot be read", 0);
	int r = lineage_read(txn, table->number, &check.lineage);
	if (r && r != -ENOENT)
		return wrong(&check, "the lineage cannot be read", 0);
	check.has_lineage = r == 0;
	if (check.counters.last_us > last_us)
		return wrong(&check, "a change is later than the last commit", check.counters.seq);
	check.nodes = calloc(check.counters.next_number, sizeof(*check.nodes));
	if (!check.nodes)
		return error_set(error, -ENOMEM, "out of memory");
	r = check_packs(&check, &nodes);
	if (!r)
		r = check_index(&check, nodes);
	if (!r)
		r = check_roster(&check, 0);
	if (!r)
		r = replay_log(&check);
	free(check.nodes);
	return r;
}

/* --- all tables --- */

/* A table by its number, with its last description, also when it was dropped. */
static int load_last(struct store_txn *txn, uint64_t number, struct table *ret_table)
{
	struct node node;
	struct node_place place;
	struct buffer description = BUFFER_INIT;
	int r = node_read(txn, CATALOGUE, number, SEQ_MAX, &node, &place);
	if (!r && node.version.is_removal)
		r = node_read(txn, CATALOGUE, number, node.version.seq - 1, &node, &place);
	if (!r)
		r = pack_content(place.pack, place.place, &description);
	if (!r)
		r = table_from_document((uint32_t)number, &description, ret_table);
	buffer_free(&description);
	return r;
}

static int check_tables(struct store_txn *txn, int64_t last_us, struct error *error)
{
	struct log_walk walk;
	struct log_entry entry;
	struct table table;
	table_catalogue(&table);
	int r = check_table(txn, &table, last_us, error);
	if (!r)
		r = log_walk_begin(&walk, txn, CATALOGUE, 0);
	while (!r && log_walk_next(&walk, &entry) == 1) {
		if (entry.op != CHANGE_INSERT)
			continue;
		if (load_last(txn, entry.number, &table))
			return error_set(error, -EIO, "the catalogue: table number %llu has no description",
				(unsigned long long)entry.number);
		r = check_table(txn, &table, last_us, error);
		table_free(&table);
	}
	return r;
}

int consistency_check(struct history *history, struct error *error)
{
	struct store_txn *txn;
	struct store_state state;
	struct slice note;
	int r = store_begin(history_store(history), false, &txn);
	if (r)
		return error_set(error, r, "begin: %s", strerror(-r));
	r = state_read(txn, &state);
	if (r)
		error_set(error, r, "the store's counters cannot be read");
	struct layout_key key = layout_meta_number('c', state.commits);
	if (!r && state.commits && store_get(txn, STORE_META, layout_slice(&key), &note))
		r = error_set(error, -EIO, "commit %llu left no note", (unsigned long long)state.commits);
	if (!r)
		r = check_tables(txn, state.last_us, error);
	store_abort(txn);
	return r;
}
