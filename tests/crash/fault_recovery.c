/* Makes every call to the store fail in turn while tables are restored, backed up, held, undone and forgotten. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "clock.h"
#include "hold.h"
#include "restore.h"
#include "retention.h"
#include "tests/support/faulty_world.h"
#include "undo.h"

static int find_in(struct world *world, struct batch *batch, const char *name, struct table *ret_table)
{
	return table_find(batch_txn(batch), slice_of_text(name), TIME_NOW, ret_table, &world->error);
}

static int begin_restore_in(struct world *world, struct batch *batch)
{
	struct table table;
	struct change_context context = { 0 };
	int r = restore_begin(batch, slice_of_text("copied"), &world->flat, &context, &table, &world->error);
	if (!r)
		table_free(&table);
	return r;
}

static int begin_restore(struct world *world)
{
	return change_table(world, begin_restore_in);
}

static int expect_in(struct world *world, struct batch *batch)
{
	static const char text[] =
		"{\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}],"
		"\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}],"
		"\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"},\"ItemCount\":3,"
		"\"Snapshot\":{\"Table\":\"flat\",\"TableId\":\"other\",\"Instant\":\"2025-03-01T12:30:00.00001Z\"}}";
	struct change_context context = { 0 };
	struct table table;
	struct json *document;
	int r = find_in(world, batch, "copied", &table);
	if (r)
		return r;
	must(json_parse(slice_of_text(text), &json_default_limits, &document, NULL));
	r = restore_expect(batch, &table, document, &context, &world->error);
	json_free(document);
	table_free(&table);
	return r;
}

static int expect_three(struct world *world)
{
	return change_table(world, expect_in);
}

static int change_copied(struct world *world, unsigned first, unsigned count, int version)
{
	struct table table;
	struct store_txn *txn;
	int r = store_begin(history_store(world->history), false, &txn);
	if (r)
		return error_set(&world->error, r, "read");
	r = table_find(txn, slice_of_text("copied"), TIME_NOW, &table, &world->error);
	store_abort(txn);
	if (r)
		return r;
	r = change(world, &table, first, count, version);
	table_free(&table);
	return r;
}

static int copy_two(struct world *world)
{
	return change_copied(world, 0, 2, 1);
}

static int copy_last(struct world *world)
{
	return change_copied(world, 2, 1, 1);
}

/* Of "parts", in which keys 10 to 19 had been removed. */
static int end_inherited(struct world *world)
{
	return change_copied(world, 30, 5, -1);
}

static int begin_again(struct world *world)
{
	return change_copied(world, 12, 1, 4);
}

static int accept_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	struct table table;
	int r = find_in(world, batch, "copied", &table);
	if (r)
		return r;
	r = restore_accept(batch, &table, &context, &world->error);
	table_free(&table);
	return r;
}

static int accept_copied(struct world *world)
{
	return change_table(world, accept_in);
}

static int drop_copied_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	struct table table;
	int r = find_in(world, batch, "copied", &table);
	if (r)
		return r;
	r = table_drop(batch, &table, &context, &world->error);
	table_free(&table);
	return r;
}

static int drop_copied(struct world *world)
{
	return change_table(world, drop_copied_in);
}

static int back_up_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	struct pin pin;
	return backup_create(batch, &world->parts, NULL, slice_of_text("nightly"), &context, &pin, &world->error);
}

static int back_up(struct world *world)
{
	return change_table(world, back_up_in);
}

static int find_backup(struct world *world, struct batch *batch, struct pin *ret_pin)
{
	int r = backup_find_name(
		batch_txn(batch), UINT32_MAX, slice_of_text("parts"), slice_of_text("nightly"), ret_pin);
	return r ? error_set(&world->error, r, "find the backup") : 0;
}

static int share_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	struct pin pin;
	struct restore_source source;
	struct table table;
	int r = find_backup(world, batch, &pin);
	if (!r)
		r = backup_source(batch_txn(batch), &pin, &source, &world->error);
	if (r)
		return r;
	r = restore_share(batch, &source, slice_of_text("copied"), NULL, &context, &table, &world->error);
	if (!r)
		table_free(&table);
	restore_source_free(&source);
	return r;
}

static int share_backup(struct world *world)
{
	return change_table(world, share_in);
}

static int delete_backup_in(struct world *world, struct batch *batch)
{
	struct pin pin;
	int r = find_backup(world, batch, &pin);
	return r ? r : backup_delete(batch, &pin, &world->error);
}

static int delete_backup(struct world *world)
{
	return change_table(world, delete_backup_in);
}

static int hold_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	struct pin pin;
	return hold_add(batch, &world->parts, NULL, slice_of_text("q1"), "audit", 0, &context, &pin, &world->error);
}

static int hold(struct world *world)
{
	return change_table(world, hold_in);
}

static int release_in(struct world *world, struct batch *batch)
{
	struct pin pin;
	return hold_release(batch, slice_of_text("q1"), &pin, &world->error);
}

static int release(struct world *world)
{
	return change_table(world, release_in);
}

static int drop_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	return table_drop(batch, &world->parts, &context, &world->error);
}

static int drop_table(struct world *world)
{
	return change_table(world, drop_in);
}

/* --- what is forgotten --- */

static int change_flat(struct world *world)
{
	return change(world, &world->flat, 0, 30, 2);
}

static int forget(struct world *world)
{
	int r = retention_step(world->history, NULL, &world->error);
	return r < 0 ? r : 0;
}

/* After the window, and 35 days after what was deleted at first. */
static int forget_later(struct world *world)
{
	clock_set(WORLD_US + 40 * DAY_US);
	return forget(world);
}

static int forget_much_later(struct world *world)
{
	clock_set(WORLD_US + 80 * DAY_US);
	return forget(world);
}

static int turn_off_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	return table_set_recovery(batch, &world->flat, false, 0, &context, &world->error);
}

static int turn_off(struct world *world)
{
	return change_table(world, turn_off_in);
}

/* --- what is undone --- */

/* The removal of keys 10 to 19 and what came after, also where it was changed again. */
static int undo_in(struct world *world, struct batch *batch)
{
	struct undo_options options = { .from_seq = 36, .to_seq = 60, .conflicts = UNDO_CONFLICTS_UNDO };
	struct change_context context = { 0 };
	struct undo_counts counts;
	return undo_apply(batch, &world->parts, NULL, &options, &context, NULL, NULL, &counts, &world->error);
}

static int undo(struct world *world)
{
	return change_table(world, undo_in);
}

static int change_more(struct world *world)
{
	return change(world, &world->parts, 5, 20, 2);
}

static int change_again(struct world *world)
{
	return change(world, &world->parts, 0, 8, -1);
}

static const struct scenario scenarios[] = {
	{ "restore by copying", { begin_restore, expect_three, copy_two, expect_three, copy_last, drop_copied } },
	{ "restore taken as it is", { begin_restore, copy_two, accept_copied, copy_last } },
	{ "interrupted restore", { begin_restore, expect_three, copy_two, drop_copied, begin_restore } },
	{ "backups", { back_up, share_backup, copy_two, delete_backup, drop_copied } },
	{ "a shared restore's first changes",
		{ back_up, share_backup, end_inherited, begin_again, copy_two, drop_table } },
	{ "holds", { hold, release, drop_table } },
};

/* Of many calls. */
static const struct scenario long_scenarios[] = {
	{ "an undo", { change_more, change_again, undo } },
	{ "the window moves on", { change_flat, forget_later, forget, change_flat, forget_much_later, forget } },
	{ "a backup keeps a state, and goes",
		{ back_up, change_more, change_again, forget_later, forget, delete_backup, forget } },
	{ "a deleted table goes when the one that shares it is gone",
		{ back_up, share_backup, delete_backup, drop_table, forget_later, forget, end_inherited, drop_copied,
			forget_much_later, forget, forget } },
	{ "no history is kept", { turn_off, change_flat, forget, change_flat } },
};

int main(int argc, char **argv)
{
	uint64_t seed = 0, every = 19;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--operations"))
			every = 1;
	}
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		run_scenario(&scenarios[i], false);
	fail_one_in(every, seed);
	for (size_t i = 0; i < sizeof(long_scenarios) / sizeof(long_scenarios[0]); i++)
		run_scenario(&long_scenarios[i], false);
	return print_outcome();
}
