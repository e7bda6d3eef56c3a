/* Makes the store that benchmarks share: make_store DIRECTORY ITEMS. Table `orders` (key id) has ITEMS documents of 400 to 500
 * bytes in VERSIONS versions that differ in one attribute, each round of them in an order of its own, 100 changes a second from
 * 2025-01-01 on, kept for ever. DIRECTORY.stamp tells what made it: a store of the same making is left as it is. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/item.h"
#include "core/state.h"
#include "tests/support/bench.h"
#include "tests/support/fixture.h"

#define MAKING 1 /* another number when what is made changes */
#define VERSIONS 10
#define START INT64_C(1735689600000000)
#define STEP_US INT64_C(10000)
#define BATCH_CHANGES 20000
#define STRIDE 611953 /* prime: a round meets each item once */

struct making {
	struct fixture fixture;
	struct table table;
	uint64_t items;
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

static void put(struct making *making, struct batch *batch, unsigned version, uint64_t place)
{
	uint64_t change = version * making->items + place;
	uint64_t i = version == 0 ? place : (place * STRIDE + version * 7) % making->items;
	struct change_context context = { .time_us = START + (int64_t)change * STEP_US };
	struct change_result result;
	struct error error = { 0 };

	make_item(&making->item, i, version);
	fixture_require(batch_put(batch, &making->table, buffer_slice(&making->item), &context, &result, &error) == 0,
		"put an item", &error);
	fixture_require(result.is_changed && result.seq == change + 1, "an item that changes", NULL);
}

static void fill_round(struct making *making, unsigned version)
{
	struct batch *batch = fixture_begin(&making->fixture);

	for (uint64_t place = 0; place < making->items; place++) {
		put(making, batch, version, place);
		if ((place + 1) % BATCH_CHANGES != 0)
			continue;
		fixture_commit(batch);
		bench_progress("changes made", version * making->items + place + 1, making->items * VERSIONS);
		batch = fixture_begin(&making->fixture);
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
	fixture_create_in(batch, "orders", "id", NULL, START, &making->table);
	fixture_commit(batch);
}

/* What was written without waiting is to be on the disk before it is called made, and before anything is measured. */
static void sync_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	fixture_require(fd >= 0 && syncfs(fd) == 0, "write to the disk", NULL);
	close(fd);
}

static bool is_made(const char *path, const char *stamp)
{
	char found[128] = "";
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return false;
	if (fgets(found, sizeof(found), file) == NULL)
		found[0] = '\0';
	fclose(file);
	return strcmp(found, stamp) == 0;
}

static void write_stamp(const char *path, const char *stamp)
{
	FILE *file = fopen(path, "w");

	fixture_require(file != NULL && fputs(stamp, file) >= 0 && fclose(file) == 0, path, NULL);
}

static void make(struct making *making)
{
	clock_set(START + (int64_t)(making->items * VERSIONS) * STEP_US);
	create(making);
	for (unsigned version = 0; version < VERSIONS; version++)
		fill_round(making, version);
	table_free(&making->table);
	buffer_free(&making->item);
	history_close(making->fixture.history);
	sync_all(making->fixture.directory);
}

int main(int argc, char **argv)
{
	struct making making = { .items = argc == 3 ? strtoull(argv[2], NULL, 10) : 0 };
	char stamp[128], path[512];

	if (making.items == 0 || making.items % STRIDE == 0 || strlen(argv[1]) >= sizeof(making.fixture.directory)) {
		fprintf(stderr, "usage: make_store DIRECTORY ITEMS\n");
		return 2;
	}
	snprintf(making.fixture.directory, sizeof(making.fixture.directory), "%s", argv[1]);
	snprintf(path, sizeof(path), "%s.stamp", argv[1]);
	snprintf(stamp, sizeof(stamp), "making %d, format %d, %" PRIu64 " items, %d versions\n", MAKING, STORE_FORMAT,
		making.items, VERSIONS);
	if (!is_made(path, stamp) || access(argv[1], X_OK) != 0) {
		unlink(path);
		fixture_remove_directory(argv[1]);
		make(&making);
		write_stamp(path, stamp);
	}
	return 0;
}
