#include "bench_store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "core/clock.h"
#include "core/item.h"
#include "fixture.h"

#define BATCH_CHANGES 20000
#define STRIDE 611953 /* prime: a round meets each item once */

struct making {
	struct fixture fixture;
	struct table table;
	uint64_t items;
	int64_t step_us, at_us; /* between changes; of the next */
	uint64_t changes;
	struct buffer item;
};

static void append_text(struct buffer *out, const char *format, uint64_t number)
{
	char text[64];

	snprintf(text, sizeof(text), format, number);
	value_append_bytes(out, VALUE_S, slice_of_text(text));
}

static void append_number(struct buffer *out, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	value_append_bytes(out, VALUE_N, slice_of_text(text));
}

/* Words of up to eight digits that don't repeat, 190 to 290 bytes in all. */
static void append_note(struct buffer *out, uint64_t i)
{
	char text[288];
	size_t size = 0;

	for (uint64_t random = i * 7919 % 1000003 + 1; size < 190 + i % 90; text[size++] = ' ') {
		random = random * 48271 % 2147483647;
		for (uint64_t word = random; word > 0; word >>= 4)
			text[size++] = "0123456789abcdef"[word & 15];
	}
	value_append_bytes(out, VALUE_S, slice_of(text, size));
}

static struct value_builder *begin(enum value_tag tag)
{
	struct value_builder *builder;

	fixture_require(value_builder_new(tag, &builder) == 0, "memory for a value", NULL);
	return builder;
}

static struct buffer *member(struct value_builder *builder, const char *name)
{
	return value_builder_member(builder, slice_of_text(name));
}

static void finish(struct value_builder *builder, struct buffer *out)
{
	struct error error = { 0 };

	fixture_require(value_builder_finish(builder, out, &error) == 0, "make an item", &error);
	value_builder_free(builder);
}

static void make_item(struct buffer *out, uint64_t i, unsigned version)
{
	struct value_builder *item = begin(VALUE_M), *lines = begin(VALUE_L), *shipping = begin(VALUE_M);

	append_text(member(item, "id"), "order-%07" PRIu64, i);
	append_text(member(item, "customer"), "customer-%" PRIu64, i % 997);
	append_number(value_builder_member(lines, (struct slice){ 0 }), i);
	append_number(value_builder_member(lines, (struct slice){ 0 }), i * 3);
	finish(lines, member(item, "lines"));
	append_note(member(item, "note"), i);
	value_append_plain(member(item, "paid"), VALUE_TRUE);
	value_append_bytes(member(shipping, "city"), VALUE_S, slice_of_text("Springfield"));
	value_append_bytes(member(shipping, "method"), VALUE_S, slice_of_text("express"));
	finish(shipping, member(item, "shipping"));
	append_number(member(item, "total"), i * 137 + version);
	buffer_clear(out);
	finish(item, out);
}

static struct change_context next_change(struct making *making)
{
	struct change_context context = { .time_us = making->at_us };

	making->at_us += making->step_us;
	making->changes++;
	return context;
}

static void put(struct making *making, struct batch *batch, uint64_t i, unsigned version)
{
	struct change_context context = next_change(making);
	struct change_result result;
	struct error error = { 0 };

	make_item(&making->item, i, version);
	fixture_require(batch_put(batch, &making->table, buffer_slice(&making->item), &context, &result, &error) == 0,
		"put an item", &error);
	fixture_require(result.is_changed && result.seq == making->changes, "an item that changes", NULL);
}

static void make_round(struct making *making, unsigned version)
{
	struct batch *batch = fixture_begin(&making->fixture);

	for (uint64_t place = 0; place < making->items; place++) {
		put(making, batch, version == 0 ? place : (place * STRIDE + version * 7) % making->items, version);
		if ((place + 1) % BATCH_CHANGES != 0)
			continue;
		fixture_commit(batch);
		bench_progress("changes made", making->changes, making->items * BENCH_STORE_VERSIONS);
		batch = fixture_begin(&making->fixture);
	}
	fixture_commit(batch);
}

static void make_gone(struct making *making)
{
	struct batch *batch = fixture_begin(&making->fixture);
	char key[64];

	for (unsigned i = 0; i < BENCH_STORE_GONE; i++)
		put(making, batch, making->items + i, 0);
	for (unsigned i = 0; i < BENCH_STORE_GONE; i++) {
		snprintf(key, sizeof(key), "{'id':'order-%07" PRIu64 "'}", making->items + i);
		fixture_remove_in(batch, &making->table, key, next_change(making).time_us);
	}
	fixture_commit(batch);
}

static void create(struct making *making)
{
	struct error error = { 0 };
	struct history_options options = { .is_volatile = true };
	struct batch *batch;

	fixture_require(history_init(making->fixture.directory, &error) == 0, "make the store", &error);
	fixture_require(history_open(making->fixture.directory, &options, &making->fixture.history, &error) == 0,
		"open the store", &error);
	batch = fixture_begin(&making->fixture);
	fixture_create_in(batch, "orders", "id", NULL, BENCH_STORE_START_US, &making->table);
	fixture_commit(batch);
}

/* What was written without waiting is to be on the disk before it is called made, and before anything is measured. */
static void sync_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	fixture_require(fd >= 0 && syncfs(fd) == 0, "write to the disk", NULL);
	close(fd);
}

void bench_store_make(const char *directory, uint64_t items, int64_t step_us)
{
	struct making making = { .items = items, .step_us = step_us, .at_us = BENCH_STORE_START_US };

	fixture_require(
		items % STRIDE != 0 && strlen(directory) < sizeof(making.fixture.directory), "a store to make", NULL);
	snprintf(making.fixture.directory, sizeof(making.fixture.directory), "%s", directory);
	clock_set(BENCH_STORE_START_US + (int64_t)bench_store_changes(items) * step_us);
	create(&making);
	for (unsigned version = 0; version < BENCH_STORE_VERSIONS; version++)
		make_round(&making, version);
	make_gone(&making);
	table_free(&making.table);
	buffer_free(&making.item);
	history_close(making.fixture.history);
	sync_all(directory);
}
