/* Random changes to a store and to a plain model of one (tests/support/model.h), compared at random instants.
 *
 * model_history [--seed N] [--operations N]: the same seed makes the same model_run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/item_json.h"
#include "tests/support/model_items.h"
#include "tests/support/model_run.h"

#define START INT64_C(1740830400000000)
#define NAMES 9
#define TABLES_MAX 7
#define AUTHORS 4

/* --- changes --- */

static size_t live_tables(void)
{
	size_t count = 0;
	for (size_t i = 0; i < model_run.model.count; i++)
		count += model_run.model.tables[i]->end_us == INT64_MAX;
	return count;
}

static int64_t last_change_us(const struct model_table *table)
{
	return table->count ? table->changes[table->count - 1].entry.time_us : 0;
}

/* The time a change without one of its own gets. */
static int64_t next_live_us(const struct model_table *table)
{
	int64_t floor = model_most(model_run.model.last_us, model_run.model.served_us);
	if (table)
		floor = model_most(floor, last_change_us(table));
	return model_run.clock_us > floor ? model_run.clock_us : floor + 1;
}

/* Times of their own come close to each other, and equal. */
static int64_t choose_own_us(const struct model_table *table)
{
	int64_t limit = model_most(model_run.clock_us, model_run.model.last_us);
	int64_t time_us = model_most(last_change_us(table), table->begin_us);
	if (model_below(3))
		time_us += (int64_t)model_below(model_below(2) ? 3 : 200000);
	return time_us < limit ? time_us : limit;
}

static struct log_entry entry_of(const struct model_table *table, const struct change_result *result, uint64_t author,
	const struct model_version *old, struct slice item)
{
	struct log_entry entry = { .seq = model_last_seq(table) + 1,
		.time_us = result->time_us,
		.op = !old        ? CHANGE_INSERT
		      : item.size ? CHANGE_MODIFY
				  : CHANGE_REMOVE,
		.number = old ? old->number : result->number,
		.author = author };
	model_totals(table, SEQ_MAX, &entry.items, &entry.bytes);
	entry.growth_bytes = item.size ? (int64_t)item_size_bytes(item) : 0;
	entry.growth_bytes -= old ? (int64_t)item_size_bytes(buffer_slice(&old->item)) : 0;
	entry.bytes += (uint64_t)entry.growth_bytes;
	entry.items += entry.op == CHANGE_INSERT ? 1 : entry.op == CHANGE_REMOVE ? UINT64_MAX : 0;
	return entry;
}

static void note_change(struct model_table *table, unsigned k, const struct change_result *result, uint64_t author,
	const struct model_version *old)
{
	struct log_entry entry = entry_of(table, result, author, old, buffer_slice(&model_run.item));
	model_expect("op", result->op, entry.op);
	model_expect("seq", (int64_t)result->seq, (int64_t)entry.seq);
	model_expect("number", (int64_t)result->number, (int64_t)entry.number);
	model_change(
		&model_run.model, table, k, buffer_slice(&model_run.encoded), buffer_slice(&model_run.item), &entry);
	model_run.changes++;
}

static void change(struct batch *batch, struct model_table *table)
{
	/* Some keys change more often than others. */
	unsigned k = (unsigned)model_below(model_below(3) ? MODEL_KEYS : 1 + model_below(MODEL_KEYS / 2));
	const struct model_version *old = model_find(table, k, SEQ_MAX);
	bool is_removal = model_below(100) < 35;
	struct change_context context = { 0 };
	struct change_result result;
	struct error error = { 0 };
	char author[32];
	snprintf(author, sizeof(author), "{\"by\":\"model-%u\"}", (unsigned)model_below(AUTHORS));
	if (batch_author(batch, slice_of_text(author), &context.author))
		model_fail("batch_author");
	if (table->is_import && model_below(4))
		context.time_us = choose_own_us(table);
	int64_t wanted_us = context.time_us ? context.time_us : next_live_us(table);
	buffer_clear(&model_run.item);
	model_items_key(&table->table.schema, k, &model_run.encoded);
	if (!is_removal)
		model_items_make(&table->table.schema, k, model_below(200) ? model_below(6) : 6, &model_run.item);
	bool is_same = is_removal ? !old : old && slice_equal(buffer_slice(&old->item), buffer_slice(&model_run.item));
	int r = is_removal ? batch_remove(
				     batch, &table->table, buffer_slice(&model_run.encoded), &context, &result, &error)
			   : batch_put(batch, &table->table, buffer_slice(&model_run.item), &context, &result, &error);
	if (r)
		model_fail("change %s: %s", table->table.name, error_text(&error));
	model_expect("is_changed", result.is_changed, !is_same);
	if (!result.is_changed)
		return;
	model_expect("time", result.time_us, wanted_us);
	note_change(table, k, &result, context.author, old);
}

/* A change before the table's last, or after now, is refused and harms nothing. */
static void refused_change(struct batch *batch, struct model_table *table)
{
	struct change_context context = { .time_us = model_most(model_run.clock_us, model_run.model.last_us) + 1 };
	struct change_result result;
	if (model_below(2) && last_change_us(table) > 1)
		context.time_us = last_change_us(table) - 1;
	buffer_clear(&model_run.item);
	model_items_make(
		&table->table.schema, (unsigned)model_below(MODEL_KEYS), 1000 + model_run.operation, &model_run.item);
	model_expect("a change at a wrong time",
		batch_put(batch, &table->table, buffer_slice(&model_run.item), &context, &result, NULL), -ERANGE);
}

static struct model_table *last_of_name(const char *name)
{
	for (size_t i = model_run.model.count; i-- > 0;)
		if (!strcmp(model_run.model.tables[i]->table.name, name))
			return model_run.model.tables[i];
	return NULL;
}

static void create(struct batch *batch)
{
	char name[32];
	struct table table;
	struct error error = { 0 };
	struct change_context context = { 0 };
	snprintf(name, sizeof(name), "table-%u", (unsigned)model_below(NAMES));
	struct model_table *former = last_of_name(name);
	bool is_import = model_below(2);
	int64_t wanted_us = next_live_us(NULL), exists_us = 0;
	if (is_import)
		exists_us = model_run.clock_us - 1 - (int64_t)model_below(model_below(2) ? 300000000 : 3000);
	bool is_taken = former && (former->end_us == INT64_MAX || (is_import && former->end_us >= exists_us));
	struct json *request = model_items_request(name, &model_run.random);
	int r = table_create(batch, request, &context, exists_us, &table, &error);
	json_free(request);
	model_expect("table_create", r, is_taken ? -EEXIST : 0);
	if (r)
		return;
	model_expect("a table's creation", table.created_us, wanted_us);
	model_expect("a table's beginning", table.exists_from_us,
		exists_us && exists_us < wanted_us ? exists_us : wanted_us);
	model_create(&model_run.model, &table, is_import, table.exists_from_us, wanted_us);
}

/* A state of any table there ever was, and was committed: the last, the first it had, or any. */
static void restore(struct batch *batch)
{
	char name[32];
	struct table table;
	struct model_table *source = model_any_table(model_below(3) != 0);
	if (!source)
		return;
	snprintf(name, sizeof(name), "table-%u", (unsigned)model_below(NAMES));
	struct model_table *former = last_of_name(name);
	uint64_t choice = model_below(5), seq = source->base;
	if (choice)
		seq += choice < 3 ? source->committed : model_below(source->committed + 1);
	int64_t wanted_us = next_live_us(NULL);
	bool is_taken = former && former->end_us == INT64_MAX;
	int r = fixture_restore_in(batch, &source->table, seq, name, &table);
	model_expect("a restore", r, is_taken ? -EEXIST : 0);
	if (r)
		return;
	model_expect("a restored table's beginning", table.exists_from_us, wanted_us);
	model_restore(&model_run.model, &table, source, seq, wanted_us);
	model_run.restores++;
}

static void drop(struct batch *batch, struct model_table *table)
{
	struct change_context context = { 0 };
	struct error error = { 0 };
	int64_t wanted_us = next_live_us(NULL);
	if (table_drop(batch, &table->table, &context, &error))
		model_fail("drop %s: %s", table->table.name, error_text(&error));
	model_drop(&model_run.model, table, wanted_us);
}

static void run_batch(void)
{
	struct batch *batch = fixture_begin(&model_run.fixture);
	int64_t last_us = model_run.model.last_us;
	uint64_t count = model_below(5) ? 1 : 1 + model_below(12);
	while (count--) {
		struct model_table *table = model_any_table(true);
		uint64_t choice = model_below(1000);
		if (!table || (choice < 20 && live_tables() < TABLES_MAX))
			model_below(2) ? create(batch) : restore(batch);
		else if (choice == 20)
			drop(batch, table);
		else if (choice < 27)
			refused_change(batch, table);
		else
			change(batch, table);
	}
	if (model_below(10) == 0) {
		batch_abort(batch);
		model_abort(&model_run.model, last_us);
		return;
	}
	fixture_commit(batch);
	model_commit(&model_run.model);
}

/* --- the run --- */

static void step_clock(void)
{
	model_run.clock_us += (int64_t)model_below(2000);
	uint64_t choice = model_below(100);
	if (choice == 0)
		model_run.clock_us -= (int64_t)model_below(10 * SECOND_US);
	else if (choice == 1)
		model_run.clock_us += (int64_t)model_below(100 * SECOND_US);
	clock_set(model_run.clock_us);
}

static void operate(void)
{
	uint64_t choice = model_below(1000);
	step_clock();
	if (choice < 860)
		run_batch();
	else if (choice < 930)
		model_check_instant();
	else if (choice < 980)
		model_check_seq();
	else if (choice < 996)
		model_check_log();
	else
		fixture_reopen(&model_run.fixture);
}

int main(int argc, char **argv)
{
	model_run.operations = 10000;
	hash_random(&model_run.seed, sizeof(model_run.seed));
	model_run.seed >>= 24;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			model_run.seed = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--operations"))
			model_run.operations = strtoul(argv[i + 1], NULL, 10);
	}
	model_run.random = model_run.seed;
	model_run.clock_us = START;
	printf("seed %llu, %lu operations\n", (unsigned long long)model_run.seed, model_run.operations);
	fflush(stdout);
	clock_set(model_run.clock_us);
	fixture_open(&model_run.fixture);
	for (; model_run.operation < model_run.operations; model_run.operation++)
		operate();
	printf("%llu changes of %zu tables, %llu of them restored, %llu comparisons\n",
		(unsigned long long)model_run.changes, model_run.model.count, (unsigned long long)model_run.restores,
		(unsigned long long)model_run.checks);
	fixture_close(&model_run.fixture);
	model_free(&model_run.model);
	buffer_free(&model_run.item);
	buffer_free(&model_run.encoded);
	buffer_free(&model_run.content);
	printf("1 passed, 0 failed\n");
	return 0;
}
