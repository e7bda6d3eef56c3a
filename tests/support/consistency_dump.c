#include <errno.h>

#include "hash.h"
#include "layout.h"
#include "log.h"
#include "restore.h"
#include "restore_document.h"
#include "snapshot.h"
#include "tests/support/consistency.h"

static int dump_directory(
	struct store_txn *txn, const struct snapshot *view, uint64_t directory, struct buffer *item, struct buffer *out)
{
	struct snapshot_walk walk;
	struct node node;
	int r = snapshot_walk_begin(&walk, txn, view, directory, 0), more = 0;
	while (!r && (more = snapshot_walk_next(&walk, &node)) == 1) {
		buffer_append_format(out, "  %llu/%llu slot %llu change %llu %.*s ", (unsigned long long)directory,
			(unsigned long long)node.number, (unsigned long long)node.slot,
			(unsigned long long)node.version.seq, (int)node.encoded_key.size,
			(const char *)node.encoded_key.data);
		r = node.kind ? 0 : -EIO;
		if (node.kind == NODE_PARTITION) {
			buffer_append_text(out, "\n");
			r = dump_directory(txn, view, node.number, item, out);
		} else if (!r) {
			r = snapshot_content(txn, view, node.number, item);
			buffer_append_format(out, "%zu bytes %016llx\n", item->size,
				(unsigned long long)hash_checksum64(buffer_slice(item), 0));
		}
	}
	snapshot_walk_end(&walk);
	return r ? r : more;
}

static int dump_log(struct store_txn *txn, uint32_t table, struct buffer *out)
{
	struct log_walk walk;
	struct log_entry entry;
	int r = log_walk_begin(&walk, txn, table, 0), more = 0;
	while (!r && (more = log_walk_next(&walk, &entry)) == 1)
		buffer_append_format(out, "  %llu: %lld op %d node %llu author %llu growth %lld\n",
			(unsigned long long)entry.seq, (long long)entry.time_us, (int)entry.op,
			(unsigned long long)entry.number, (unsigned long long)entry.author,
			(long long)entry.growth_bytes);
	return r ? r : more;
}

/* Without what is random in it: the ids of the table and of the one it was restored from. */
static int checksum_description(const struct table *table, uint64_t *ret_checksum)
{
	struct buffer described = BUFFER_INIT, item = BUFFER_INIT;
	struct restore_progress progress;
	int r = restore_record_read(buffer_slice(&table->description), &progress);
	bool is_restored = r == 0;
	if (is_restored)
		progress.source_id[0] = 0;
	if (is_restored)
		r = restore_record_write(buffer_slice(&table->description), &progress, &described);
	else if (r == -ENOENT)
		r = 0;
	if (!r)
		r = item_with_attribute(buffer_slice(is_restored ? &described : &table->description),
			slice_of_text("TableId"), (struct slice){ 0 }, &item);
	*ret_checksum = hash_checksum64(buffer_slice(&item), 0);
	buffer_free(&described);
	buffer_free(&item);
	return r;
}

static int dump_table(struct store_txn *txn, const struct table *table, struct buffer *out)
{
	struct buffer item = BUFFER_INIT;
	struct snapshot live = snapshot_live(table->number);
	uint64_t checksum;
	int r = checksum_description(table, &checksum);
	buffer_append_format(out, "%s %u %016llx\n", table->name, table->number, (unsigned long long)checksum);
	if (!r)
		r = dump_log(txn, table->number, out);
	if (!r)
		r = dump_directory(txn, &live, 0, &item, out);
	buffer_free(&item);
	return r;
}

/* Chains begin with the table's id, which is random: their heads, and what depends on them, are left out. */
static uint64_t checksum_block(struct slice block, uint64_t seed)
{
	struct reader r = reader_of(block);
	reader_u32(&r);
	struct slice body = slice_of(r.at, reader_left(&r));
	for (unsigned i = 0; i < 4; i++)
		reader_varint(&r);
	size_t before = body.size - reader_left(&r);
	reader_bytes(&r, CHAIN_BYTES);
	return hash_checksum64(slice_of(r.at, reader_left(&r)), hash_checksum64(slice_of(body.data, before), seed));
}

/* How many records a space has, and what they are. Descriptions in the catalogue have something random in them. */
static int dump_records(struct store_txn *txn, enum store_space space, struct buffer *out)
{
	struct store_cursor *cursor;
	struct layout_key first = layout_log_prefix(CATALOGUE + 1);
	struct slice key, value;
	uint64_t records = 0, checksum = 0;
	int r = store_cursor_open(txn, space, &cursor);
	if (r)
		return r;
	r = store_cursor_seek(cursor, layout_slice(&first), &key, &value);
	for (; !r; r = store_cursor_next(cursor, &key, &value), records++) {
		checksum = hash_checksum64(key, checksum);
		checksum = space == STORE_LOG ? checksum_block(value, checksum) : hash_checksum64(value, checksum);
	}
	store_cursor_close(cursor);
	buffer_append_format(out, "space %d: %llu records, %016llx\n", (int)space, (unsigned long long)records,
		(unsigned long long)checksum);
	return r == -ENOENT ? 0 : r;
}

static int dump_history(struct store_txn *txn, struct buffer *out)
{
	static const enum store_space spaces[] = { STORE_VERSIONS, STORE_INDEX, STORE_ROSTER, STORE_LOG };
	int r = 0;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]) && !r; i++)
		r = dump_records(txn, spaces[i], out);
	return r;
}

int consistency_dump(struct history *history, struct buffer *out)
{
	struct store_txn *txn;
	struct table table;
	uint64_t place = 0;
	int r = store_begin(history_store(history), false, &txn), more = 0;
	if (r)
		return r;
	r = dump_log(txn, CATALOGUE, out);
	while (!r && (more = table_list(txn, TIME_NOW, &place, &table)) == 1) {
		r = dump_table(txn, &table, out);
		table_free(&table);
	}
	if (!r && !more)
		r = dump_history(txn, out);
	store_abort(txn);
	return r ? r : more < 0 ? more : buffer_error(out);
}
