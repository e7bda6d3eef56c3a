#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "commit.h"
#include "loop.h"
#include "mount.h"
#include "restore.h"
#include "restoring.h"
#include "restoring_parts.h"

/* Who copies by way of another mount can't be seen, only what was copied. */
#define QUIET_US (5 * SECOND_US)
#define ROUND_MAX 16

static bool is_left_alone(struct mount *mount, struct store_txn *txn, uint32_t table, bool with_others)
{
	struct table_statistics statistics;
	bool is_known, is_busy = sessions_is_busy(mount->restoring->sessions, table, &is_known);

	if (is_known)
		return !is_busy;
	return with_others && table_statistics(txn, table, &statistics) == 0 && statistics.items > 0 &&
	       clock_now_us() - statistics.last_us > QUIET_US;
}

/* The tables to be accepted, if there is anything in them. */
static size_t find_left_alone(struct mount *mount, bool with_others, uint32_t *ret_tables)
{
	struct restore_progress progress;
	struct store_txn *txn;
	struct table table;
	uint32_t number = 0;
	size_t count = 0;

	if (store_begin(mount->store, false, &txn) < 0)
		return 0;
	while (count < ROUND_MAX && restore_next(txn, &number, &table) == 1) {
		if (restore_progress(txn, &table, &progress) == 0 && progress.expected < 0 &&
			is_left_alone(mount, txn, table.number, with_others))
			ret_tables[count++] = table.number;
		table_free(&table);
	}
	store_abort(txn);
	return count;
}

static bool has_items(struct mount *mount, uint32_t number)
{
	struct table_statistics statistics;
	struct store_txn *txn;
	bool has;

	loop_blocks();
	if (writer_drain(mount->writer, number) < 0 || store_begin(mount->store, false, &txn) < 0)
		return false;
	has = table_statistics(txn, number, &statistics) == 0 && statistics.items > 0;
	store_abort(txn);
	return has;
}

static void accept_table(struct mount *mount, uint32_t number)
{
	const struct who who = { .uid = getuid(), .gid = getgid(), .pid = getpid(), .process = "pitrfs" };
	struct restore_progress progress;
	struct change_context context;
	struct batch *batch;
	struct table table;
	int result;

	if (!has_items(mount, number) || commit_begin(mount, &who, &batch, &context, NULL) < 0)
		return;
	result = table_load(batch_txn(batch), number, TIME_NOW, &table);
	if (result == 0) {
		result = restore_progress(batch_txn(batch), &table, &progress);
		if (result == 0 && progress.expected < 0)
			result = restore_accept(batch, &table, &context, NULL);
		table_free(&table);
	}
	(void)commit_finish(batch, result, NULL);
}

void restoring_tidy(struct mount *mount, bool with_others)
{
	uint32_t tables[ROUND_MAX];
	size_t count;

	if (mount->writer == NULL || (!with_others && !sessions_any(mount->restoring->sessions)))
		return;
	count = find_left_alone(mount, with_others, tables);
	for (size_t i = 0; i < count; i++)
		accept_table(mount, tables[i]);
}
