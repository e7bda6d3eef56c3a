#include "model_run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/author.h"
#include "core/item_json.h"
#include "core/layout.h"
#include "core/name.h"
#include "model_items.h"

struct model_run model_run;

void model_fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	printf("operation %lu of seed %llu: ", model_run.operation, (unsigned long long)model_run.seed);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\nagain: --seed %llu --operations %lu\n0 passed, 1 failed\n", (unsigned long long)model_run.seed,
		model_run.operation + 1);
	exit(1);
}

void model_expect(const char *what, int64_t got, int64_t wanted)
{
	model_run.checks++;
	if (got != wanted)
		model_fail("%s is %lld, should be %lld", what, (long long)got, (long long)wanted);
}

uint64_t model_below(uint64_t bound)
{
	return fixture_random_below(&model_run.random, bound);
}

int64_t model_most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

struct model_table *model_any_table(bool is_live_only)
{
	struct model_table *found = NULL;
	uint64_t seen = 0;
	for (size_t i = 0; i < model_run.model.count; i++) {
		struct model_table *table = model_run.model.tables[i];
		bool is_alive = table->end_us == INT64_MAX;
		if ((is_alive || !is_live_only) && model_below(++seen) == 0)
			found = table;
	}
	return found;
}

/* --- checks --- */

static void check_node(const struct node *node, const struct model_version *wanted, struct store_txn *txn,
	const struct snapshot *snapshot, const struct model_table *table)
{
	char name[FILE_NAME_MAX + 1];
	struct node found;
	model_expect("a node's kind", node->kind, NODE_ITEM);
	model_expect("a node's number", (int64_t)node->number, (int64_t)wanted->number);
	model_expect("a version's number", (int64_t)node->version.seq, (int64_t)wanted->seq);
	model_expect("a version's time", node->version.time_us, wanted->time_us);
	model_expect("a version's size", node->version.item_bytes, (int64_t)wanted->item.size);
	model_expect("a content", snapshot_content(txn, snapshot, node->number, &model_run.content), 0);
	if (!slice_equal(buffer_slice(&model_run.content), buffer_slice(&wanted->item)))
		model_fail("the content of node %llu differs", (unsigned long long)node->number);
	if (model_below(8))
		return;
	model_expect("plain size", node->version.plain_size,
		(int64_t)item_json_size(buffer_slice(&wanted->item), ITEM_PLAIN, NULL));
	model_expect("DynamoDB size", node->version.dynamodb_size,
		(int64_t)item_json_size(buffer_slice(&wanted->item), ITEM_DYNAMODB, NULL));
	int size = snapshot_name(&table->table, node, name);
	model_expect("finding a name",
		size < 0 ? size
			 : snapshot_find_name(txn, snapshot, &table->table, node->directory,
				   slice_of(name, (size_t)size), &found, NULL),
		0);
	model_expect("what a name finds", (int64_t)found.number, (int64_t)wanted->number);
}

struct wanted {
	uint64_t birth;
	unsigned which;
};

static int compare_births(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	return x->birth < y->birth ? -1 : x->birth > y->birth;
}

static size_t wanted_items(
	const struct model_table *table, uint64_t seq, unsigned first, unsigned end, struct wanted wanted[MODEL_KEYS])
{
	size_t count = 0;
	for (unsigned k = first; k < end; k++) {
		const struct model_version *version = model_find(table, k, seq);
		if (version)
			wanted[count++] = (struct wanted){ version->birth, k };
	}
	qsort(wanted, count, sizeof(*wanted), compare_births);
	return count;
}

static void next_node(struct snapshot_walk *walk, struct store_txn *txn, const struct snapshot *snapshot,
	uint64_t directory, struct node *node)
{
	uint64_t slot = walk->roster.slot;
	if (model_below(20) == 0) {
		snapshot_walk_end(walk);
		model_expect("going on with a listing", snapshot_walk_begin(walk, txn, snapshot, directory, slot), 0);
	}
	model_expect("the next in a listing", snapshot_walk_next(walk, node), 1);
}

static void check_items(const struct model_table *table, struct store_txn *txn, const struct snapshot *snapshot,
	uint64_t directory, unsigned first, unsigned end)
{
	struct wanted wanted[MODEL_KEYS];
	struct snapshot_walk walk;
	struct node node;
	size_t count = wanted_items(table, snapshot->seq, first, end, wanted);
	model_expect("a listing", snapshot_walk_begin(&walk, txn, snapshot, directory, 0), 0);
	for (size_t i = 0; i < count; i++) {
		const struct model_key *key = &table->keys[wanted[i].which];
		next_node(&walk, txn, snapshot, directory, &node);
		if (!slice_equal(node.encoded_key, buffer_slice(&key->encoded)))
			model_fail("place %zu of a listing of %s has another key", i, table->table.name);
		model_expect("a node's directory", (int64_t)node.directory, (int64_t)directory);
		check_node(&node, model_find(table, wanted[i].which, snapshot->seq), txn, snapshot, table);
	}
	model_expect("the end of a listing", snapshot_walk_next(&walk, &node), 0);
	snapshot_walk_end(&walk);
}

static void check_partitions(const struct model_table *table, struct store_txn *txn, const struct snapshot *snapshot)
{
	struct wanted wanted[MODEL_KEYS / MODEL_SORTS];
	struct snapshot_walk walk;
	struct node node;
	size_t count = 0;
	for (unsigned p = 0; p < MODEL_KEYS / MODEL_SORTS; p++) {
		const struct model_life *life = model_partition(table, p, snapshot->seq);
		if (life)
			wanted[count++] = (struct wanted){ life->begin, p };
	}
	qsort(wanted, count, sizeof(*wanted), compare_births);
	model_expect("a listing", snapshot_walk_begin(&walk, txn, snapshot, 0, 0), 0);
	for (size_t i = 0; i < count; i++) {
		unsigned p = wanted[i].which;
		next_node(&walk, txn, snapshot, 0, &node);
		model_expect("a partition's kind", node.kind, NODE_PARTITION);
		model_expect("a partition's beginning", (int64_t)node.version.seq, (int64_t)wanted[i].birth);
		model_items_partition(&table->table.schema, p, &model_run.encoded);
		if (!slice_equal(node.encoded_key, buffer_slice(&model_run.encoded)))
			model_fail("partition %zu of %s has another key", i, table->table.name);
		check_items(table, txn, snapshot, node.number, p * MODEL_SORTS, (p + 1) * MODEL_SORTS);
	}
	model_expect("the end of a listing", snapshot_walk_next(&walk, &node), 0);
	snapshot_walk_end(&walk);
}

static void check_keys(const struct model_table *table, struct store_txn *txn, const struct snapshot *snapshot)
{
	struct node node;
	for (int i = 0; i < 6; i++) {
		unsigned k = (unsigned)model_below(MODEL_KEYS);
		const struct model_version *wanted = model_find(table, k, snapshot->seq);
		model_items_key(&table->table.schema, k, &model_run.encoded);
		model_expect("finding a key", snapshot_find(txn, snapshot, buffer_slice(&model_run.encoded), &node),
			wanted ? 0 : -ENOENT);
		if (wanted)
			check_node(&node, wanted, txn, snapshot, table);
		const struct model_version *last = model_last(table, k);
		if (last && !wanted)
			model_expect("a node that does not live", snapshot_node(txn, snapshot, last->number, &node),
				-ENOENT);
	}
}

static void check_snapshot(const struct model_table *table, struct store_txn *txn, const struct snapshot *snapshot)
{
	uint64_t items, bytes, all_items, all_bytes;
	model_totals(table, snapshot->seq, &all_items, &all_bytes);
	model_expect("statistics", snapshot_statistics(txn, snapshot, &items, &bytes), 0);
	model_expect("items", (int64_t)items, (int64_t)all_items);
	model_expect("bytes", (int64_t)bytes, (int64_t)all_bytes);
	if (table->table.schema.has_sort)
		check_partitions(table, txn, snapshot);
	else
		check_items(table, txn, snapshot, 0, 0, MODEL_KEYS);
	check_keys(table, txn, snapshot);
}

static const struct model_table *table_at(const char *name, int64_t time_us)
{
	for (size_t i = 0; i < model_run.model.count; i++) {
		const struct model_table *table = model_run.model.tables[i];
		if (!strcmp(table->table.name, name) && table->begin_us <= time_us && time_us < table->end_us)
			return table;
	}
	return NULL;
}

static void check_tables(struct store_txn *txn, int64_t time_us)
{
	struct table table;
	uint64_t place = 0, seen = 0, wanted = 0;
	int r;
	while ((r = table_list(txn, time_us, &place, &table)) == 1) {
		const struct model_table *known = table_at(table.name, time_us);
		if (!known || known->table.number != table.number)
			model_fail("%s (%u) is listed at %lld", table.name, table.number, (long long)time_us);
		seen++;
		table_free(&table);
	}
	model_expect("the end of the tables", r, 0);
	for (size_t i = 0; i < model_run.model.count; i++)
		wanted += model_run.model.tables[i]->begin_us <= time_us && time_us < model_run.model.tables[i]->end_us;
	model_expect("the tables", (int64_t)seen, (int64_t)wanted);
}

/* Around the table's beginning, its end, one of its changes, or anywhere. */
static int64_t choose_instant(const struct model_table *table)
{
	int64_t now = model_most(model_most(model_run.clock_us, model_run.model.last_us), model_run.model.served_us),
		time_us = now;
	uint64_t choice = model_below(10);
	if (choice < 6 && table->count)
		time_us = table->changes[model_below(table->count)].entry.time_us;
	else if (choice == 6)
		time_us = table->begin_us;
	else if (choice == 7 && table->end_us < INT64_MAX)
		time_us = table->end_us;
	else if (choice == 8)
		time_us = table->begin_us + (int64_t)model_below((uint64_t)(now - table->begin_us) + 1);
	time_us += (int64_t)model_below(3) - 1;
	return time_us;
}

void model_check_instant(void)
{
	const struct model_table *any = model_any_table(model_below(3) != 0);
	if (!any)
		return;
	int64_t now = model_most(model_most(model_run.clock_us, model_run.model.last_us), model_run.model.served_us),
		time_us = choose_instant(any);
	const struct model_table *wanted = table_at(any->table.name, time_us);
	struct store_txn *txn = fixture_read(&model_run.fixture);
	struct table table;
	struct snapshot snapshot;
	struct instant instant = { .kind = INSTANT_AT, .time_us = time_us };
	int r = table_load(txn, any->table.number, time_us, &table);
	model_expect("a table by number", r, wanted == any ? 0 : -ENOENT);
	if (!r)
		table_free(&table);
	r = table_find(txn, slice_of_text(any->table.name), time_us, &table, NULL);
	model_expect("a table by name", r, wanted ? 0 : -ENOENT);
	if (!r) {
		model_expect("the table of a name", table.number, wanted->table.number);
		r = snapshot_resolve(model_run.fixture.history, txn, &table, &instant, &snapshot, NULL);
		model_expect("resolving an instant", r, time_us > now ? -ENOENT : 0);
		table_free(&table);
		if (!r) {
			model_run.model.served_us = model_most(model_run.model.served_us, time_us);
			model_expect("the change of an instant", (int64_t)snapshot.seq,
				(int64_t)model_seq_at(wanted, time_us));
			check_snapshot(wanted, txn, &snapshot);
		}
	}
	if (model_below(4) == 0)
		check_tables(txn, time_us);
	store_abort(txn);
}

void model_check_seq(void)
{
	const struct model_table *table = model_any_table(model_below(3) != 0);
	if (!table)
		return;
	struct store_txn *txn = fixture_read(&model_run.fixture);
	struct snapshot snapshot = snapshot_live(table->table.number);
	uint64_t seq = table->base + model_below(table->count + 3);
	if (model_below(3)) {
		struct instant instant = { .kind = INSTANT_SEQ, .seq = seq };
		int r = snapshot_resolve(model_run.fixture.history, txn, &table->table, &instant, &snapshot, NULL);
		model_expect("resolving a change number", r, seq && seq <= model_last_seq(table) ? 0 : -ENOENT);
		if (!r)
			model_run.model.served_us = model_most(model_run.model.served_us, snapshot.time_us);
	}
	check_snapshot(table, txn, &snapshot);
	store_abort(txn);
}

void model_check_log(void)
{
	const struct model_table *table = model_any_table(model_below(3) != 0);
	struct log_walk walk;
	struct log_entry entry;
	struct slice text;
	if (!table)
		return;
	struct store_txn *txn = fixture_read(&model_run.fixture);
	uint64_t seq = table->base + model_below(table->count + 2);
	model_expect("a log", log_walk_begin(&walk, txn, table->table.number, seq), 0);
	for (size_t i = seq > table->base ? seq - table->base - 1 : 0; i < table->count; i++) {
		const struct log_entry *wanted = &table->changes[i].entry;
		model_expect("the next in a log", log_walk_next(&walk, &entry), 1);
		model_expect("a logged change", (int64_t)entry.seq, (int64_t)wanted->seq);
		model_expect("a logged time", entry.time_us, wanted->time_us);
		model_expect("a logged op", entry.op, wanted->op);
		model_expect("a logged node", (int64_t)entry.number, (int64_t)wanted->number);
		model_expect("a logged author", (int64_t)entry.author, (int64_t)wanted->author);
		model_expect("a logged growth", entry.growth_bytes, wanted->growth_bytes);
		model_expect("logged items", (int64_t)entry.items, (int64_t)wanted->items);
		model_expect("logged bytes", (int64_t)entry.bytes, (int64_t)wanted->bytes);
	}
	model_expect("the end of a log", log_walk_next(&walk, &entry), 0);
	if (table->count)
		model_expect("an author", author_text(txn, table->changes[0].entry.author, &text), 0);
	store_abort(txn);
}
