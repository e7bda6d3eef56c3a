#include <errno.h>
#include <string.h>

#include "compare.h"
#include "restore_parts.h"

struct checking {
	struct store_txn *txn;
	struct snapshot state;
	bool is_foreign; /* one was found that the state has not */
};

static int look(void *context, const struct node *item)
{
	struct checking *checking = context;
	struct node found;
	int r = snapshot_find(checking->txn, &checking->state, item->encoded_key, &found);
	checking->is_foreign = r == -ENOENT;
	return r;
}

int restore_check_state(struct store_txn *txn, const struct table *table, uint64_t items,
	const struct restore_progress *wanted, struct error *error)
{
	struct snapshot copied = snapshot_live(table->number);
	struct checking checking = { .txn = txn,
		.state = { .table = wanted->source_number, .seq = wanted->seq, .time_us = wanted->instant_us } };
	uint64_t expected, bytes;
	if (!wanted->source_number || !wanted->seq || wanted->expected < 0)
		return 0;
	int r = snapshot_statistics(txn, &checking.state, &expected, &bytes);
	/* What is forgotten can't be asked; it was copied while it was there. */
	if (r)
		return r == -ENOENT || r == -ESTALE ? 0 : r;
	if (expected != (uint64_t)wanted->expected)
		return error_set(error, -EINVAL,
			"the description says ItemCount %lld, but that state of %s has %llu: copy .table.json as it is",
			(long long)wanted->expected, wanted->source, (unsigned long long)expected);
	r = items ? compare_walk(txn, &copied, look, &checking) : 0;
	if (checking.is_foreign)
		return error_set(error, -EINVAL,
			"restore/%s has items already that are not in this state of %s: remove those, or restore under "
			"another name",
			table->name, wanted->source);
	return r == -ESTALE ? 0 : r;
}
