/* Random changes to a store and to a plain model of one (tests/support/model.h), compared at random instants.
 *
 * model_history [--seed N] [--operations N]: the same seed makes the same run. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/author.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/item_json.h"
#include "core/name.h"
#include "tests/support/fixture.h"
#include "tests/support/model.h"
#include "tests/support/model_items.h"

#define START INT64_C(1740830400000000)
#define NAMES 9
#define TABLES_MAX 7
#define AUTHORS 4

struct run {
	uint64_t seed, random;
	unsigned long operation, operations;
	uint64_t changes, checks;
	struct fixture fixture;
	struct model model;
	int64_t clock_us;
	struct buffer item, old, encoded, content;
};

static struct run run;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	printf("operation %lu of seed %llu: ", run.operation, (unsigned long long)run.seed);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\nagain: --seed %llu --operations %lu\n0 passed, 1 failed\n", (unsigned long long)run.seed,
		run.operation + 1);
	exit(1);
}

static void expect(const char *what, int64_t got, int64_t wanted)
{
	run.checks++;
	if (got != wanted)
		fail("%s is %lld, should be %lld", what, (long long)got, (long long)wanted);
}

static uint64_t below(uint64_t bound)
{
	return fixture_random_below(&run.random, bound);
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* --- changes --- */

static struct model_table *any_table(bool is_live_only)
{
	struct model_table *found = NULL;
	uint64_t seen = 0;
	for (size_t i = 0; i < run.model.count; i++) {
		struct model_table *table = run.model.tables[i];
		bool is_alive = table->end_us == INT64_MAX;
		if ((is_alive || !is_live_only) && below(++seen) == 0)
			found = table;
	}
	return found;
}

static size_t live_tables(void)
{
	size_t count = 0;
	for (size_t i = 0; i < run.model.count; i++)
		count += run.model.tables[i]->end_us == INT64_MAX;
	return count;
}

static int64_t last_change_us(const struct model_table *table)
{
	return table->count ? table->changes[table->count - 1].entry.time_us : 0;
}

/* The time a change without one of its own gets. */
static int64_t next_live_us(const struct model_table *table)
{
	int64_t floor = most(run.model.last_us, run.model.served_us);
	if (table)
		floor = most(floor, last_change_us(table));
	return run.clock_us > floor ? run.clock_us : floor + 1;
}

/* Times of their own come close to each other, and equal. */
static int64_t choose_own_us(const struct model_table *table)
{
	int64_t limit = most(run.clock_us, run.model.last_us);
	int64_t time_us = most(last_change_us(table), table->begin_us);
	if (below(3))
		time_us += (int64_t)below(below(2) ? 3 : 200000);
	return time_us < limit ? time_us : limit;
}

static struct log_entry entry_of(const struct model_table *table, const struct change_result *result, uint64_t author,
	const struct model_version *old, struct slice item)
{
	const struct log_entry *before = table->count ? &table->changes[table->count - 1].entry : NULL;
	struct log_entry entry = { .seq = table->count + 1,
		.time_us = result->time_us,
		.op = !old        ? CHANGE_INSERT
		      : item.size ? CHANGE_MODIFY
				  : CHANGE_REMOVE,
		.number = old ? old->number : result->number,
		.author = author,
		.items = before ? before->items : 0,
		.bytes = before ? before->bytes : 0 };
	entry.growth_bytes = item.size ? (int64_t)item_size_bytes(item) : 0;
	entry.growth_bytes -= old ? (int64_t)item_size_bytes(buffer_slice(&old->item)) : 0;
	entry.bytes += (uint64_t)entry.growth_bytes;
	entry.items += entry.op == CHANGE_INSERT ? 1 : entry.op == CHANGE_REMOVE ? UINT64_MAX : 0;
	return entry;
}

static void note_change(struct model_table *table, unsigned k, const struct change_result *result, uint64_t author,
	const struct model_version *old)
{
	struct log_entry entry = entry_of(table, result, author, old, buffer_slice(&run.item));
	expect("op", result->op, entry.op);
	expect("seq", (int64_t)result->seq, (int64_t)entry.seq);
	expect("number", (int64_t)result->number, (int64_t)entry.number);
	model_change(&run.model, table, k, buffer_slice(&run.encoded), buffer_slice(&run.item), &entry);
	run.changes++;
}

static void change(struct batch *batch, struct model_table *table)
{
	/* Some keys change more often than others. */
	unsigned k = (unsigned)below(below(3) ? MODEL_KEYS : 1 + below(MODEL_KEYS / 2));
	const struct model_version *old = model_find(table, k, SEQ_MAX);
	bool is_removal = below(100) < 35;
	struct change_context context = { 0 };
	struct change_result result;
	struct error error = { 0 };
	char author[32];
	snprintf(author, sizeof(author), "{\"by\":\"model-%u\"}", (unsigned)below(AUTHORS));
	if (batch_author(batch, slice_of_text(author), &context.author))
		fail("batch_author");
	if (table->is_import && below(4))
		context.time_us = choose_own_us(table);
	int64_t wanted_us = context.time_us ? context.time_us : next_live_us(table);
	buffer_clear(&run.item);
	model_items_key(&table->table.schema, k, &run.encoded);
	if (!is_removal)
		model_items_make(&table->table.schema, k, below(200) ? below(6) : 6, &run.item);
	bool is_same = is_removal ? !old : old && slice_equal(buffer_slice(&old->item), buffer_slice(&run.item));
	int r = is_removal ? batch_remove(batch, &table->table, buffer_slice(&run.encoded), &context, &result, &error)
			   : batch_put(batch, &table->table, buffer_slice(&run.item), &context, &result, &error);
	if (r)
		fail("change %s: %s", table->table.name, error_text(&error));
	expect("is_changed", result.is_changed, !is_same);
	if (!result.is_changed)
		return;
	expect("time", result.time_us, wanted_us);
	note_change(table, k, &result, context.author, old);
}

/* A change before the table's last, or after now, is refused and harms nothing. */
static void refused_change(struct batch *batch, struct model_table *table)
{
	struct change_context context = { .time_us = most(run.clock_us, run.model.last_us) + 1 };
	struct change_result result;
	if (below(2) && last_change_us(table) > 1)
		context.time_us = last_change_us(table) - 1;
	buffer_clear(&run.item);
	model_items_make(&table->table.schema, (unsigned)below(MODEL_KEYS), 1000 + run.operation, &run.item);
	expect("a change at a wrong time",
		batch_put(batch, &table->table, buffer_slice(&run.item), &context, &result, NULL), -ERANGE);
}

static struct model_table *last_of_name(const char *name)
{
	for (size_t i = run.model.count; i-- > 0;)
		if (!strcmp(run.model.tables[i]->table.name, name))
			return run.model.tables[i];
	return NULL;
}

static void create(struct batch *batch)
{
	char name[32];
	struct table table;
	struct error error = { 0 };
	struct change_context context = { 0 };
	snprintf(name, sizeof(name), "table-%u", (unsigned)below(NAMES));
	struct model_table *former = last_of_name(name);
	bool is_import = below(2);
	int64_t wanted_us = next_live_us(NULL), exists_us = 0;
	if (is_import)
		exists_us = run.clock_us - 1 - (int64_t)below(below(2) ? 300000000 : 3000);
	bool is_taken = former && (former->end_us == INT64_MAX || (is_import && former->end_us >= exists_us));
	struct json *request = model_items_request(name, &run.random);
	int r = table_create(batch, request, &context, exists_us, &table, &error);
	json_free(request);
	expect("table_create", r, is_taken ? -EEXIST : 0);
	if (r)
		return;
	expect("a table's creation", table.created_us, wanted_us);
	expect("a table's beginning", table.exists_from_us, exists_us && exists_us < wanted_us ? exists_us : wanted_us);
	model_create(&run.model, &table, is_import, table.exists_from_us, wanted_us);
}

static void drop(struct batch *batch, struct model_table *table)
{
	struct change_context context = { 0 };
	struct error error = { 0 };
	int64_t wanted_us = next_live_us(NULL);
	if (table_drop(batch, &table->table, &context, &error))
		fail("drop %s: %s", table->table.name, error_text(&error));
	model_drop(&run.model, table, wanted_us);
}

static void run_batch(void)
{
	struct batch *batch = fixture_begin(&run.fixture);
	int64_t last_us = run.model.last_us;
	uint64_t count = below(5) ? 1 : 1 + below(12);
	while (count--) {
		struct model_table *table = any_table(true);
		uint64_t choice = below(1000);
		if (!table || (choice < 20 && live_tables() < TABLES_MAX))
			create(batch);
		else if (choice == 20)
			drop(batch, table);
		else if (choice < 27)
			refused_change(batch, table);
		else
			change(batch, table);
	}
	if (below(10) == 0) {
		batch_abort(batch);
		model_abort(&run.model, last_us);
		return;
	}
	fixture_commit(batch);
	model_commit(&run.model);
}

/* --- checks --- */

static void check_node(const struct node *node, const struct model_version *wanted, struct store_txn *txn,
	const struct snapshot *snapshot, const struct model_table *table)
{
	char name[FILE_NAME_MAX + 1];
	struct node found;
	expect("a node's kind", node->kind, NODE_ITEM);
	expect("a node's number", (int64_t)node->number, (int64_t)wanted->number);
	expect("a version's number", (int64_t)node->version.seq, (int64_t)wanted->seq);
	expect("a version's time", node->version.time_us, wanted->time_us);
	expect("a version's size", node->version.item_bytes, (int64_t)wanted->item.size);
	expect("a content", snapshot_content(txn, snapshot, node->number, &run.content), 0);
	if (!slice_equal(buffer_slice(&run.content), buffer_slice(&wanted->item)))
		fail("the content of node %llu differs", (unsigned long long)node->number);
	if (below(8))
		return;
	expect("plain size", node->version.plain_size,
		(int64_t)item_json_size(buffer_slice(&wanted->item), ITEM_PLAIN, NULL));
	expect("DynamoDB size", node->version.dynamodb_size,
		(int64_t)item_json_size(buffer_slice(&wanted->item), ITEM_DYNAMODB, NULL));
	int size = snapshot_name(&table->table, node, name);
	expect("finding a name",
		size < 0 ? size
			 : snapshot_find_name(txn, snapshot, &table->table, node->directory,
				   slice_of(name, (size_t)size), &found, NULL),
		0);
	expect("what a name finds", (int64_t)found.number, (int64_t)wanted->number);
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
	if (below(20) == 0) {
		snapshot_walk_end(walk);
		expect("going on with a listing", snapshot_walk_begin(walk, txn, snapshot, directory, slot), 0);
	}
	expect("the next in a listing", snapshot_walk_next(walk, node), 1);
}

static void check_items(const struct model_table *table, struct store_txn *txn, const struct snapshot *snapshot,
	uint64_t directory, unsigned first, unsigned end)
{
	struct wanted wanted[MODEL_KEYS];
	struct snapshot_walk walk;
	struct node node;
	size_t count = wanted_items(table, snapshot->seq, first, end, wanted);
	expect("a listing", snapshot_walk_begin(&walk, txn, snapshot, directory, 0), 0);
	for (size_t i = 0; i < count; i++) {
		const struct model_key *key = &table->keys[wanted[i].which];
		next_node(&walk, txn, snapshot, directory, &node);
		if (!slice_equal(node.encoded_key, buffer_slice(&key->encoded)))
			fail("place %zu of a listing of %s has another key", i, table->table.name);
		expect("a node's directory", (int64_t)node.directory, (int64_t)directory);
		check_node(&node, model_find(table, wanted[i].which, snapshot->seq), txn, snapshot, table);
	}
	expect("the end of a listing", snapshot_walk_next(&walk, &node), 0);
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
	expect("a listing", snapshot_walk_begin(&walk, txn, snapshot, 0, 0), 0);
	for (size_t i = 0; i < count; i++) {
		unsigned p = wanted[i].which;
		next_node(&walk, txn, snapshot, 0, &node);
		expect("a partition's kind", node.kind, NODE_PARTITION);
		expect("a partition's beginning", (int64_t)node.version.seq, (int64_t)wanted[i].birth);
		model_items_partition(&table->table.schema, p, &run.encoded);
		if (!slice_equal(node.encoded_key, buffer_slice(&run.encoded)))
			fail("partition %zu of %s has another key", i, table->table.name);
		check_items(table, txn, snapshot, node.number, p * MODEL_SORTS, (p + 1) * MODEL_SORTS);
	}
	expect("the end of a listing", snapshot_walk_next(&walk, &node), 0);
	snapshot_walk_end(&walk);
}

static void check_keys(const struct model_table *table, struct store_txn *txn, const struct snapshot *snapshot)
{
	struct node node;
	for (int i = 0; i < 6; i++) {
		unsigned k = (unsigned)below(MODEL_KEYS);
		const struct model_version *wanted = model_find(table, k, snapshot->seq);
		model_items_key(&table->table.schema, k, &run.encoded);
		expect("finding a key", snapshot_find(txn, snapshot, buffer_slice(&run.encoded), &node),
			wanted ? 0 : -ENOENT);
		if (wanted)
			check_node(&node, wanted, txn, snapshot, table);
		const struct model_version *last = model_last(table, k);
		if (last && !wanted)
			expect("a node that does not live", snapshot_node(txn, snapshot, last->number, &node), -ENOENT);
	}
}

static void check_snapshot(const struct model_table *table, struct store_txn *txn, const struct snapshot *snapshot)
{
	uint64_t items, bytes, last = snapshot->seq < table->count ? snapshot->seq : table->count;
	expect("statistics", snapshot_statistics(txn, snapshot, &items, &bytes), 0);
	expect("items", (int64_t)items, last ? (int64_t)table->changes[last - 1].entry.items : 0);
	expect("bytes", (int64_t)bytes, last ? (int64_t)table->changes[last - 1].entry.bytes : 0);
	if (table->table.schema.has_sort)
		check_partitions(table, txn, snapshot);
	else
		check_items(table, txn, snapshot, 0, 0, MODEL_KEYS);
	check_keys(table, txn, snapshot);
}

static const struct model_table *table_at(const char *name, int64_t time_us)
{
	for (size_t i = 0; i < run.model.count; i++) {
		const struct model_table *table = run.model.tables[i];
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
			fail("%s (%u) is listed at %lld", table.name, table.number, (long long)time_us);
		seen++;
		table_free(&table);
	}
	expect("the end of the tables", r, 0);
	for (size_t i = 0; i < run.model.count; i++)
		wanted += run.model.tables[i]->begin_us <= time_us && time_us < run.model.tables[i]->end_us;
	expect("the tables", (int64_t)seen, (int64_t)wanted);
}

/* Around the table's beginning, its end, one of its changes, or anywhere. */
static int64_t choose_instant(const struct model_table *table)
{
	int64_t now = most(most(run.clock_us, run.model.last_us), run.model.served_us), time_us = now;
	uint64_t choice = below(10);
	if (choice < 6 && table->count)
		time_us = table->changes[below(table->count)].entry.time_us;
	else if (choice == 6)
		time_us = table->begin_us;
	else if (choice == 7 && table->end_us < INT64_MAX)
		time_us = table->end_us;
	else if (choice == 8)
		time_us = table->begin_us + (int64_t)below((uint64_t)(now - table->begin_us) + 1);
	time_us += (int64_t)below(3) - 1;
	return time_us;
}

static void check_instant(void)
{
	const struct model_table *any = any_table(below(3) != 0);
	if (!any)
		return;
	int64_t now = most(most(run.clock_us, run.model.last_us), run.model.served_us), time_us = choose_instant(any);
	const struct model_table *wanted = table_at(any->table.name, time_us);
	struct store_txn *txn = fixture_read(&run.fixture);
	struct table table;
	struct snapshot snapshot;
	struct instant instant = { .kind = INSTANT_AT, .time_us = time_us };
	int r = table_load(txn, any->table.number, time_us, &table);
	expect("a table by number", r, wanted == any ? 0 : -ENOENT);
	if (!r)
		table_free(&table);
	r = table_find(txn, slice_of_text(any->table.name), time_us, &table, NULL);
	expect("a table by name", r, wanted ? 0 : -ENOENT);
	if (!r) {
		expect("the table of a name", table.number, wanted->table.number);
		r = snapshot_resolve(run.fixture.history, txn, &table, &instant, &snapshot, NULL);
		expect("resolving an instant", r, time_us > now ? -ENOENT : 0);
		table_free(&table);
		if (!r) {
			run.model.served_us = most(run.model.served_us, time_us);
			expect("the change of an instant", (int64_t)snapshot.seq,
				(int64_t)model_seq_at(wanted, time_us));
			check_snapshot(wanted, txn, &snapshot);
		}
	}
	if (below(4) == 0)
		check_tables(txn, time_us);
	store_abort(txn);
}

static void check_seq(void)
{
	const struct model_table *table = any_table(below(3) != 0);
	if (!table)
		return;
	struct store_txn *txn = fixture_read(&run.fixture);
	struct snapshot snapshot = snapshot_live(table->table.number);
	uint64_t seq = below(table->count + 3);
	if (below(3)) {
		struct instant instant = { .kind = INSTANT_SEQ, .seq = seq };
		int r = snapshot_resolve(run.fixture.history, txn, &table->table, &instant, &snapshot, NULL);
		expect("resolving a change number", r, seq && seq <= table->count ? 0 : -ENOENT);
		if (!r)
			run.model.served_us = most(run.model.served_us, snapshot.time_us);
	}
	check_snapshot(table, txn, &snapshot);
	store_abort(txn);
}

static void check_log(void)
{
	const struct model_table *table = any_table(below(3) != 0);
	struct log_walk walk;
	struct log_entry entry;
	struct slice text;
	if (!table)
		return;
	struct store_txn *txn = fixture_read(&run.fixture);
	uint64_t seq = below(table->count + 2);
	expect("a log", log_walk_begin(&walk, txn, table->table.number, seq), 0);
	for (size_t i = seq ? seq - 1 : 0; i < table->count; i++) {
		const struct log_entry *wanted = &table->changes[i].entry;
		expect("the next in a log", log_walk_next(&walk, &entry), 1);
		expect("a logged change", (int64_t)entry.seq, (int64_t)wanted->seq);
		expect("a logged time", entry.time_us, wanted->time_us);
		expect("a logged op", entry.op, wanted->op);
		expect("a logged node", (int64_t)entry.number, (int64_t)wanted->number);
		expect("a logged author", (int64_t)entry.author, (int64_t)wanted->author);
		expect("a logged growth", entry.growth_bytes, wanted->growth_bytes);
		expect("logged items", (int64_t)entry.items, (int64_t)wanted->items);
		expect("logged bytes", (int64_t)entry.bytes, (int64_t)wanted->bytes);
	}
	expect("the end of a log", log_walk_next(&walk, &entry), 0);
	if (table->count)
		expect("an author", author_text(txn, table->changes[0].entry.author, &text), 0);
	store_abort(txn);
}

/* --- the run --- */

static void step_clock(void)
{
	run.clock_us += (int64_t)below(2000);
	uint64_t choice = below(100);
	if (choice == 0)
		run.clock_us -= (int64_t)below(10 * SECOND_US);
	else if (choice == 1)
		run.clock_us += (int64_t)below(100 * SECOND_US);
	clock_set(run.clock_us);
}

static void operate(void)
{
	uint64_t choice = below(1000);
	step_clock();
	if (choice < 860)
		run_batch();
	else if (choice < 930)
		check_instant();
	else if (choice < 980)
		check_seq();
	else if (choice < 996)
		check_log();
	else
		fixture_reopen(&run.fixture);
}

int main(int argc, char **argv)
{
	run.operations = 30000;
	hash_random(&run.seed, sizeof(run.seed));
	run.seed >>= 24;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			run.seed = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--operations"))
			run.operations = strtoul(argv[i + 1], NULL, 10);
	}
	run.random = run.seed;
	run.clock_us = START;
	printf("seed %llu, %lu operations\n", (unsigned long long)run.seed, run.operations);
	fflush(stdout);
	clock_set(run.clock_us);
	fixture_open(&run.fixture);
	for (; run.operation < run.operations; run.operation++)
		operate();
	printf("%llu changes of %zu tables, %llu comparisons\n", (unsigned long long)run.changes, run.model.count,
		(unsigned long long)run.checks);
	fixture_close(&run.fixture);
	model_free(&run.model);
	buffer_free(&run.item);
	buffer_free(&run.old);
	buffer_free(&run.encoded);
	buffer_free(&run.content);
	printf("1 passed, 0 failed\n");
	return 0;
}
