#include "lineage.h"

#include <errno.h>

#include "layout.h"
#include "state.h"

int lineage_read(struct store_txn *txn, uint32_t table, struct lineage *ret_lineage)
{
	struct layout_key key = layout_meta_number('l', table);
	struct slice value;
	int r = store_get(txn, STORE_META, layout_slice(&key), &value);
	if (r)
		return r;
	struct reader reader = reader_of(value);
	ret_lineage->parent = (uint32_t)reader_varint(&reader);
	ret_lineage->base = reader_varint(&reader);
	ret_lineage->items = reader_varint(&reader);
	ret_lineage->bytes = reader_varint(&reader);
	ret_lineage->time_us = (int64_t)reader_varint(&reader);
	/* Parents are older than their children: no chain runs in a circle. */
	return reader.is_bad || ret_lineage->parent >= table ? -EIO : 0;
}

static int write_lineage(struct store_txn *txn, uint32_t child, const struct lineage *lineage)
{
	struct layout_key key = layout_meta_number('l', child);
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, lineage->parent);
	buffer_append_varint(&value, lineage->base);
	buffer_append_varint(&value, lineage->items);
	buffer_append_varint(&value, lineage->bytes);
	buffer_append_varint(&value, (uint64_t)lineage->time_us);
	int r = buffer_error(&value);
	if (!r)
		r = store_put(txn, STORE_META, layout_slice(&key), buffer_slice(&value));
	buffer_free(&value);
	return r;
}

int lineage_up(struct store_txn *txn, uint32_t *table, uint64_t *seq)
{
	struct lineage lineage;
	int r = lineage_read(txn, *table, &lineage);
	if (r)
		return r;
	*table = lineage.parent;
	*seq = *seq < lineage.base ? *seq : lineage.base;
	return 0;
}

int lineage_begin(struct store_txn *txn, uint32_t child, const struct lineage *lineage)
{
	struct lineage begun = *lineage, above;
	struct table_counters own, parents;
	int r = 0;
	while (!r && !(r = lineage_read(txn, begun.parent, &above)) && above.base == begun.base)
		begun.parent = above.parent;
	if (r == -ENOENT)
		r = 0;
	if (!r)
		r = counters_read(txn, child, &own);
	if (!r)
		r = counters_read(txn, begun.parent, &parents);
	if (r)
		return r;
	if (begun.parent >= child || own.seq || begun.base > parents.seq)
		return -EINVAL;
	own = (struct table_counters){
		.next_number = parents.next_number, .seq = begun.base, .items = begun.items, .bytes = begun.bytes
	};
	r = write_lineage(txn, child, &begun);
	return r ? r : counters_write(txn, child, &own);
}

int lineage_end(struct store_txn *txn, uint32_t child)
{
	struct layout_key key = layout_meta_number('l', child);
	return store_delete(txn, STORE_META, layout_slice(&key));
}

struct lineage_path lineage_path(struct store_txn *txn, uint32_t table)
{
	return (struct lineage_path){ .txn = txn, .known = 1, .steps = { { table, SEQ_MAX } } };
}

int lineage_step(struct lineage_path *path, unsigned i, uint32_t *ret_table, uint64_t *ret_limit)
{
	unsigned at = i < path->known ? i : path->known - 1;
	*ret_table = path->steps[at].table;
	*ret_limit = path->steps[at].limit;
	if (at < i && path->is_whole)
		return -ENOENT;
	for (; at < i; at++) {
		int r = lineage_up(path->txn, ret_table, ret_limit);
		if (r == -ENOENT && at + 1 == path->known)
			path->is_whole = true;
		if (r)
			return r;
		if (at + 1 < LINEAGE_STEPS) {
			path->steps[at + 1].table = *ret_table;
			path->steps[at + 1].limit = *ret_limit;
			path->known = at + 2;
		}
	}
	return 0;
}
