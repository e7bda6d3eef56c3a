/* What became of a key is found by sorting: its changes, in their order, and after them what the copy has.
 *
 *   record := 16 bytes hash of the key | u64 seq | u64 number of the node, times four, plus the change's op
 * Big-endian. The states it begins with are records of op 0; the copy's have the seq COPY. */
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "lineage.h"
#include "log.h"
#include "retention.h"
#include "retention_state.h"
#include "sorter.h"

#define COPY UINT64_MAX

struct replay {
	struct store_txn *txn;
	uint32_t table;
	uint64_t seq;
	const struct snapshot *copy;
	compare_each each;
	void *context;
	struct sorter *sorter;
	struct replay_counts counts;
	uint64_t items, bytes;
	struct buffer replayed, copied, key;
};

struct record {
	uint8_t hash[16];
	uint8_t seq[8], node[8];
};

static void put_u64(uint8_t bytes[8], uint64_t value)
{
	for (int i = 8; i-- > 0; value >>= 8)
		bytes[i] = (uint8_t)value;
}

static uint64_t get_u64(const uint8_t bytes[8])
{
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* --- Gathering ------------------------------------------------------------------------------------------------------ */

static int add(struct replay *replay, struct slice encoded_key, uint64_t seq, uint64_t number, unsigned op)
{
	struct record record;
	hash_strong(encoded_key, record.hash);
	put_u64(record.seq, seq);
	put_u64(record.node, number << 2 | op);
	return sorter_add(replay->sorter, &record);
}

static int add_beginning(void *context, const struct node *item)
{
	struct replay *replay = context;
	return add(replay, item->encoded_key, replay->counts.from_seq, item->number, 0);
}

static int add_copied(void *context, const struct node *item)
{
	return add(context, item->encoded_key, COPY, item->number, 0);
}

static int add_change(struct replay *replay, const struct log_entry *entry)
{
	struct snapshot snapshot = { .table = replay->table,
		.seq = entry->op == CHANGE_REMOVE ? entry->seq - 1 : entry->seq };
	struct node node;
	int r = snapshot_node(replay->txn, &snapshot, entry->number, &node);
	replay->counts.changes++;
	if (r == -ENOENT) {
		replay->counts.faults++;
		return 0;
	}
	return r ? r : add(replay, node.encoded_key, entry->seq, entry->number, entry->op);
}

static int add_changes(struct replay *replay)
{
	struct log_walk walk;
	struct log_entry entry;
	uint64_t wanted = replay->counts.from_seq + 1;
	int64_t time_us = 0;
	int r = log_walk_begin(&walk, replay->txn, replay->table, wanted);
	while (!r && wanted <= replay->seq && (r = log_walk_next(&walk, &entry)) == 1) {
		replay->counts.faults += entry.seq != wanted || entry.time_us < time_us;
		wanted = entry.seq + 1;
		time_us = entry.time_us;
		r = entry.seq <= replay->seq ? add_change(replay, &entry) : 0;
	}
	replay->counts.faults += !r && wanted <= replay->seq;
	return r;
}

/* --- Judging -------------------------------------------------------------------------------------------------------- */

/* What is known of a key when all its records have been seen. */
struct fate {
	uint8_t hash[16];
	bool is_begun, is_alive, is_copied;
	uint64_t seq, number; /* its last version */
	uint64_t copy_number;
};

static void go_on(struct replay *replay, struct fate *fate, const struct record *record)
{
	uint64_t seq = get_u64(record->seq), node = get_u64(record->node);
	unsigned op = node & 3;
	if (seq == COPY) {
		replay->counts.faults += fate->is_copied;
		fate->is_copied = true;
		fate->copy_number = node >> 2;
		return;
	}
	bool must_live = op == CHANGE_MODIFY || op == CHANGE_REMOVE;
	replay->counts.faults += fate->is_alive != must_live || (must_live && fate->number != node >> 2);
	fate->is_alive = op != CHANGE_REMOVE;
	fate->seq = seq;
	fate->number = node >> 2;
}

/* The version that the last change left. A fault: it is another's. */
static int read_replayed(struct replay *replay, const struct fate *fate)
{
	struct snapshot snapshot = { .table = replay->table, .seq = fate->seq };
	struct node node;
	int r = snapshot_node(replay->txn, &snapshot, fate->number, &node);
	if (!r && fate->seq > replay->counts.from_seq)
		replay->counts.faults += node.version.seq != fate->seq;
	if (!r) {
		buffer_clear(&replay->key);
		buffer_append_slice(&replay->key, node.encoded_key);
		r = snapshot_content(replay->txn, &snapshot, fate->number, &replay->replayed);
	}
	replay->items++;
	replay->bytes += r ? 0 : item_size_bytes(buffer_slice(&replay->replayed));
	return r;
}

static int read_copied(struct replay *replay, const struct fate *fate)
{
	struct node node;
	int r = snapshot_node(replay->txn, replay->copy, fate->copy_number, &node);
	if (!r) {
		buffer_clear(&replay->key);
		buffer_append_slice(&replay->key, node.encoded_key);
		r = snapshot_content(replay->txn, replay->copy, fate->copy_number, &replay->copied);
	}
	return r;
}

static int tell(struct replay *replay, enum compare_kind kind)
{
	if (!replay->each)
		return 0;
	int r = replay->each(replay->context, kind, buffer_slice(&replay->key), buffer_slice(&replay->replayed),
		buffer_slice(&replay->copied));
	return r < 0 ? r : 0;
}

static int judge(struct replay *replay, const struct fate *fate)
{
	struct compare_counts *compared = &replay->counts.compared;
	buffer_clear(&replay->replayed);
	buffer_clear(&replay->copied);
	int r = fate->is_alive ? read_replayed(replay, fate) : 0;
	if (!r && fate->is_copied)
		r = read_copied(replay, fate);
	if (r)
		return r == -ENOENT ? -EIO : r;
	if (fate->is_alive && fate->is_copied) {
		if (slice_equal(buffer_slice(&replay->replayed), buffer_slice(&replay->copied))) {
			compared->equal++;
			return 0;
		}
		compared->different++;
		return tell(replay, COMPARE_DIFFERENT);
	}
	compared->missing += fate->is_alive;
	compared->extra += fate->is_copied;
	return fate->is_alive || fate->is_copied ? tell(replay, fate->is_alive ? COMPARE_MISSING : COMPARE_EXTRA) : 0;
}

static int judge_all(struct replay *replay)
{
	struct record record;
	struct fate fate = { 0 };
	int r;
	while ((r = sorter_next(replay->sorter, &record)) == 1) {
		if (fate.is_begun && memcmp(fate.hash, record.hash, sizeof(fate.hash)) != 0) {
			r = judge(replay, &fate);
			fate = (struct fate){ 0 };
		}
		if (r < 0)
			return r;
		memcpy(fate.hash, record.hash, sizeof(fate.hash));
		fate.is_begun = true;
		go_on(replay, &fate, &record);
	}
	return !r && fate.is_begun ? judge(replay, &fate) : r;
}

static int check_totals(struct replay *replay)
{
	struct snapshot snapshot = { .table = replay->table, .seq = replay->seq };
	uint64_t items, bytes;
	int r = snapshot_statistics(replay->txn, &snapshot, &items, &bytes);
	if (!r)
		replay->counts.faults += items != replay->items || bytes != replay->bytes;
	return r == -ENOENT ? -EIO : r;
}

/* --- All of it ------------------------------------------------------------------------------------------------------ */

static int begin(struct replay *replay)
{
	struct retention_table retention;
	struct lineage lineage;
	int r = retention_check(replay->txn, replay->table, replay->seq);
	if (!r)
		r = retention_table_read(replay->txn, replay->table, &retention);
	if (r)
		return r;
	r = lineage_read(replay->txn, replay->table, &lineage);
	replay->counts.from_seq = r ? 0 : lineage.base;
	if (retention.floor > replay->counts.from_seq)
		replay->counts.from_seq = retention.floor;
	if (replay->counts.from_seq > replay->seq)
		replay->counts.from_seq = replay->seq;
	return r == -ENOENT ? 0 : r;
}

static int run(struct replay *replay)
{
	int r = begin(replay);
	struct snapshot beginning = { .table = replay->table, .seq = replay->counts.from_seq };
	if (!r && beginning.seq)
		r = compare_walk(replay->txn, &beginning, add_beginning, replay);
	if (!r)
		r = add_changes(replay);
	if (!r)
		r = compare_walk(replay->txn, replay->copy, add_copied, replay);
	if (!r)
		r = judge_all(replay);
	return r ? r : check_totals(replay);
}

int replay_compare(struct history *history, struct store_txn *txn, const struct table *source, uint64_t seq,
	const struct snapshot *copy, compare_each each, void *context, struct replay_counts *ret_counts,
	struct error *error)
{
	struct replay replay = {
		.txn = txn, .table = source->number, .seq = seq, .copy = copy, .each = each, .context = context
	};
	const char *directory = history_is_read_only(history) ? P_tmpdir : history_directory(history);
	int r = sorter_new(directory, sizeof(struct record), &replay.sorter);
	if (!r)
		r = run(&replay);
	sorter_free(replay.sorter);
	buffer_free(&replay.replayed);
	buffer_free(&replay.copied);
	buffer_free(&replay.key);
	*ret_counts = replay.counts;
	return r ? error_set(error, r, "replay the change log of %s: %s", source->name, strerror(-r)) : 0;
}
