#include "compare.h"

#include <errno.h>
#include <string.h>

struct comparison {
	struct store_txn *txn;
	const struct snapshot *first, *second;
	compare_each each;
	void *context;
	struct compare_counts counts;
	struct buffer one, other;
};

static int walk_directory(
	struct store_txn *txn, const struct snapshot *snapshot, uint64_t directory, compare_visit visit, void *context)
{
	struct snapshot_walk walk;
	struct node node;
	int r = snapshot_walk_begin(&walk, txn, snapshot, directory, 0);
	while (!r && (r = snapshot_walk_next(&walk, &node)) == 1) {
		r = 0;
		if (node.kind == NODE_ITEM)
			r = visit(context, &node);
		else if (node.kind == NODE_PARTITION && !directory)
			r = walk_directory(txn, snapshot, node.number, visit, context);
		else
			r = -EIO;
	}
	snapshot_walk_end(&walk);
	return r;
}

int compare_walk(struct store_txn *txn, const struct snapshot *snapshot, compare_visit visit, void *context)
{
	return walk_directory(txn, snapshot, 0, visit, context);
}

static int tell(struct comparison *comparison, enum compare_kind kind, struct slice encoded_key)
{
	if (!comparison->each)
		return 0;
	int r = comparison->each(comparison->context, kind, encoded_key, buffer_slice(&comparison->one),
		buffer_slice(&comparison->other));
	return r < 0 ? r : 0;
}

/* What the second snapshot has at a key; *ret_is_there. */
static int find_other(struct comparison *comparison, const struct snapshot *snapshot, struct slice encoded_key,
	struct buffer *out, bool *ret_is_there)
{
	struct node node;
	buffer_clear(out);
	int r = snapshot_find(comparison->txn, snapshot, encoded_key, &node);
	*ret_is_there = r == 0;
	if (r)
		return r == -ENOENT ? 0 : r;
	r = snapshot_content(comparison->txn, snapshot, node.number, out);
	return r == -ENOENT ? -EIO : r;
}

static int look_at_first(void *context, const struct node *item)
{
	struct comparison *comparison = context;
	bool is_there;
	int r = snapshot_content(comparison->txn, comparison->first, item->number, &comparison->one);
	if (!r)
		r = find_other(comparison, comparison->second, item->encoded_key, &comparison->other, &is_there);
	if (r)
		return r == -ENOENT ? -EIO : r;
	if (is_there && slice_equal(buffer_slice(&comparison->one), buffer_slice(&comparison->other))) {
		comparison->counts.equal++;
		return 0;
	}
	comparison->counts.missing += !is_there;
	comparison->counts.different += is_there;
	return tell(comparison, is_there ? COMPARE_DIFFERENT : COMPARE_MISSING, item->encoded_key);
}

static int look_at_second(void *context, const struct node *item)
{
	struct comparison *comparison = context;
	struct node node;
	int r = snapshot_find(comparison->txn, comparison->first, item->encoded_key, &node);
	if (r != -ENOENT)
		return r;
	comparison->counts.extra++;
	buffer_clear(&comparison->one);
	r = snapshot_content(comparison->txn, comparison->second, item->number, &comparison->other);
	return r ? r : tell(comparison, COMPARE_EXTRA, item->encoded_key);
}

int compare_snapshots(struct store_txn *txn, const struct snapshot *first, const struct snapshot *second,
	compare_each each, void *context, struct compare_counts *ret_counts, struct error *error)
{
	struct comparison comparison = {
		.txn = txn, .first = first, .second = second, .each = each, .context = context
	};
	int r = compare_walk(txn, first, look_at_first, &comparison);
	if (!r)
		r = compare_walk(txn, second, look_at_second, &comparison);
	buffer_free(&comparison.one);
	buffer_free(&comparison.other);
	*ret_counts = comparison.counts;
	return r ? error_set(error, r, "compare two states: %s", strerror(-r)) : 0;
}
