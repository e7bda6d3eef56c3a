#include "tests/support/consistency_parts.h"

#include <errno.h>
#include <string.h>

#include "author.h"
#include "hash.h"
#include "item.h"
#include "layout.h"
#include "node.h"
#include "pack.h"
#include "pin.h"
#include "snapshot.h"

#define CHECKPOINTS 6u

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
		r = check_wrong(check, "content of a version cannot be read: node", node->number);
	if (known->is_alive && !r) {
		known->hash = hash_checksum64(buffer_slice(&item), 0);
		known->size_bytes = item_size_bytes(buffer_slice(&item));
		if (!is_key_of_item(check, node, buffer_slice(&item)))
			r = check_wrong(check, "an item has another key than its node", node->number);
	}
	buffer_free(&item);
	if (!r && check->at.growth_bytes != (int64_t)(known->size_bytes - before))
		r = check_wrong(check, "the log tells a wrong growth: node", node->number);
	return r;
}

static int replay_entry(struct check *check)
{
	const struct log_entry *entry = &check->at;
	struct node node, found;
	struct node_place place;
	struct slice text;
	if (entry->number >= check->counters.next_number)
		return check_wrong(check, "a node number that was never given", entry->number);
	struct known *known = &check->nodes[entry->number];
	if (known->is_alive ? entry->op == CHANGE_INSERT : entry->op != CHANGE_INSERT || known->seq)
		return check_wrong(check, "an operation that cannot follow the one before: node", entry->number);
	if (node_read(check->txn, check->table->number, entry->number, entry->seq, &node, &place))
		return check_wrong(check, "the version of a change cannot be read: node", entry->number);
	if (node.kind != NODE_ITEM || node.version.seq != entry->seq || node.version.time_us != entry->time_us ||
		node.version.is_removal != (entry->op == CHANGE_REMOVE))
		return check_wrong(check, "the version is not the one the log tells of: node", entry->number);
	if (node_find(check->txn, check->table->number, node.encoded_key, entry->seq, &found, NULL) ||
		found.number != entry->number)
		return check_wrong(check, "the index leads elsewhere: node", entry->number);
	if (entry->author && entry->author != check->last_author && author_text(check->txn, entry->author, &text))
		return check_wrong(check, "an unknown author", entry->author);
	check->last_author = entry->author;
	known->seq = entry->seq;
	known->is_item = true;
	return replay_content(check, &node, &place);
}

/* --- where the log begins --- */

static int begin_item(struct check *check, const struct snapshot *base, const struct node *node, struct buffer *item)
{
	struct known *known = &check->nodes[node->number];
	if (node->number >= check->counters.next_number || snapshot_content(check->txn, base, node->number, item))
		return check_wrong(check, "a content cannot be read: node", node->number);
	*known = (struct known){ .seq = node->version.seq,
		.hash = hash_checksum64(buffer_slice(item), 0),
		.size_bytes = item_size_bytes(buffer_slice(item)),
		.is_item = true,
		.is_alive = true };
	return 0;
}

/* As if the log had told of everything in a state. */
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
	return r || !more ? r : check_wrong(check, "what the log begins with cannot be listed: directory", directory);
}

static int check_child_pin(struct check *check)
{
	struct pin_place place = { 0 };
	struct pin pin;
	unsigned found = 0;
	while (pin_next(check->txn, check->lineage.parent, &place, &pin) == 1)
		found += pin.kind == PIN_CHILD && pin.child == check->table->number && pin.seq == check->lineage.base;
	return found == 1 ? 0
			  : check_wrong(check, "what it began with is not pinned, but table", check->lineage.parent);
}

static int begin_from_lineage(struct check *check)
{
	struct snapshot base = { .table = check->lineage.parent, .seq = check->lineage.base };
	check->at.seq = check->lineage.base;
	check->at.items = check->lineage.items;
	check->at.bytes = check->lineage.bytes;
	return check->has_lineage ? begin_directory(check, &base, 0) : 0;
}

/* Everything before was forgotten. */
static int begin_from_floor(struct check *check)
{
	struct snapshot view = { .table = check->table->number, .seq = check->floor };
	check->at.seq = check->floor;
	if (snapshot_statistics(check->txn, &view, &check->at.items, &check->at.bytes) ||
		log_get(check->txn, check->table->number, check->floor, &check->at))
		return check_wrong(check, "the log does not tell the state at the floor", check->floor);
	return begin_directory(check, &view, 0);
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
		return check_wrong(check, "listed with another version than the log tells: node", node->number);
	if (snapshot_content(check->txn, view, node->number, item) ||
		hash_checksum64(buffer_slice(item), 0) != known->hash)
		return check_wrong(check, "another content than the log led to: node", node->number);
	if (snapshot_find(check->txn, view, node->encoded_key, &found) || found.number != node->number)
		return check_wrong(check, "listed, but not found by its key: node", node->number);
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
		return check_wrong(check, "a listed node cannot be read", node->number);
	if (node->kind == NODE_ITEM)
		return see_item(check, view, node, item, seen);
	if (snapshot_find(check->txn, view, node->encoded_key, &found) || found.number != node->number)
		return check_wrong(check, "a partition is listed, but not found by its key", node->number);
	uint64_t before = seen->items;
	int r = see_directory(check, view, node->number, seen);
	if (!r && view->seq == SEQ_MAX)
		r = check_roster(check, node->number);
	if (!r && seen->items == before)
		r = check_wrong(check, "a listed partition is empty", node->number);
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
			r = check_wrong(check, "listed out of place: node", node.number);
		slot = node.slot + 1;
		if (!r)
			r = see_node(check, view, &node, &item, seen);
	}
	snapshot_walk_end(&walk);
	buffer_free(&item);
	if (listed < 0)
		r = check_wrong(check, "a listing ended with an error: directory", directory);
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
		r = check_wrong(check, "the statistics differ from what is listed; items", seen.items);
	for (uint64_t n = 0; n < check->counters.next_number && !r; n++) {
		alive += check->nodes[n].is_alive;
		if (check->nodes[n].is_item && !check->nodes[n].is_alive &&
			snapshot_node(check->txn, &view, n, &node) != -ENOENT)
			r = check_wrong(check, "a node can be read after its end", n);
	}
	if (!r && (seen.items != alive || check->at.items != alive || check->at.bytes != seen.bytes))
		r = check_wrong(check, "as many are alive by the log, but not listed", alive);
	return r;
}

static int replay_log(struct check *check)
{
	struct log_walk walk;
	struct log_entry entry;
	struct table_counters *counters = &check->counters;
	uint64_t floor = check->floor, step = (counters->seq - floor) / CHECKPOINTS + 1;
	bool is_whole = floor == check->lineage.base;
	int64_t first_us = is_whole ? 0 : counters->first_us;
	int r = is_whole ? begin_from_lineage(check) : begin_from_floor(check), more = 0;
	if (!r)
		r = log_walk_begin(&walk, check->txn, check->table->number, floor + 1);
	if (!r)
		r = compare_view(check, floor);
	while (!r && (more = log_walk_next(&walk, &entry)) == 1) {
		if (entry.seq != check->at.seq + 1 || entry.time_us < check->at.time_us)
			return check_wrong(check, "the log goes on with the wrong number or time", entry.seq);
		check->at = entry;
		first_us = is_whole && entry.seq == floor + 1 ? entry.time_us : first_us;
		r = replay_entry(check);
		if (!r && (entry.seq % step == 0 || entry.seq == counters->seq))
			r = compare_view(check, entry.seq);
	}
	if (r || more < 0)
		return r ? r : check_wrong(check, "the log cannot be read on", check->at.seq);
	if (check->at.seq != counters->seq || check->at.items != counters->items ||
		check->at.bytes != counters->bytes || check->at.time_us != counters->last_us ||
		first_us != counters->first_us)
		return check_wrong(check, "the counters differ from the log; changes", counters->seq);
	return compare_view(check, SEQ_MAX);
}

/* --- pins --- */

static int check_pinned(struct check *check, const struct pin *pin)
{
	struct snapshot view = { .table = check->table->number, .seq = pin->seq, .time_us = pin->time_us };
	check->at = (struct log_entry){ .seq = pin->seq, .items = pin->items, .bytes = pin->bytes };
	memset(check->nodes, 0, check->counters.next_number * sizeof(*check->nodes));
	int r = begin_directory(check, &view, 0);
	return r ? r : compare_view(check, pin->seq);
}

/* Those of which the log does not tell. */
static int check_pins(struct check *check)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r = 0, more = 0;
	while (!r && (more = pin_next(check->txn, check->table->number, &place, &pin)) == 1)
		if (pin.seq < check->floor)
			r = check_pinned(check, &pin);
	memset(check->nodes, 0, check->counters.next_number * sizeof(*check->nodes));
	check->at = (struct log_entry){ 0 };
	return r || !more ? r : check_wrong(check, "the pins cannot be read", 0);
}

int check_states(struct check *check)
{
	int r = check->has_lineage ? check_child_pin(check) : 0;
	if (!r)
		r = check_pins(check);
	if (!r && !check->is_ended)
		r = replay_log(check);
	return r ? r : check_gone(check);
}
