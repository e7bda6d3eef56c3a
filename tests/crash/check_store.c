/* check_store STORE: is the store sound? Without a STORE it tries itself: damages stores, one record each, and must
 * notice. */
#include <stdio.h>
#include <stdlib.h>

#include "layout.h"
#include "tests/support/consistency.h"
#include "tests/support/scratch_store.h"

static int check(const char *directory)
{
	struct history_options options = { 0 };
	struct history *history;
	struct error error = { 0 };
	int r = history_open(directory, &options, &history, &error);
	if (!r) {
		r = consistency_check(history, &error);
		history_close(history);
	}
	if (r)
		printf("%s: %s\n", directory, error_text(&error));
	return r != 0;
}

/* --- trying itself --- */

static struct history *make_example(const char *directory)
{
	struct history *history = scratch_open(directory);
	struct table tables[2];
	struct batch *batch;
	struct buffer bytes = BUFFER_INIT;
	struct change_context context = { 0 };
	struct change_result result;
	scratch_create_table(history, "flat", false, &tables[0]);
	scratch_create_table(history, "parts", true, &tables[1]);
	for (unsigned n = 0; n < 400; n++) {
		const struct table *table = &tables[n % 2];
		must(batch_begin(history, &batch, NULL));
		must(batch_author(batch, slice_of_text("{\"by\":\"test\"}"), &context.author));
		scratch_item(table, n * 7 % 90, n, 50, &bytes);
		must(batch_put(batch, table, buffer_slice(&bytes), &context, &result, NULL));
		scratch_key(table, n * 5 % 70, &bytes);
		must(batch_remove(batch, table, buffer_slice(&bytes), &context, &result, NULL));
		must(batch_commit(batch, NULL));
	}
	buffer_free(&bytes);
	table_free(&tables[0]);
	table_free(&tables[1]);
	return history;
}

/* Changes or takes away the record number `n` of a space, of the catalogue's or of the other tables'. False: there are not
 * as many. */
static bool damage(struct history *history, enum store_space space, bool is_catalogue, unsigned n, bool is_removed)
{
	struct layout_key first = layout_log_prefix(is_catalogue ? CATALOGUE : CATALOGUE + 1);
	struct store_txn *txn;
	struct store_cursor *cursor;
	struct slice key, value;
	struct buffer own_key = BUFFER_INIT, own_value = BUFFER_INIT;
	must(store_begin(history_store(history), true, &txn));
	must(store_cursor_open(txn, space, &cursor));
	int r = store_cursor_seek(cursor, layout_slice(&first), &key, &value);
	while (!r && n--)
		r = store_cursor_next(cursor, &key, &value);
	if (!r) {
		buffer_append_slice(&own_key, key);
		buffer_append_slice(&own_value, value);
		own_value.data[own_value.size / 2] ^= 0x21;
	}
	store_cursor_close(cursor);
	if (!r && is_removed)
		must(store_delete(txn, space, buffer_slice(&own_key)));
	else if (!r)
		must(store_put(txn, space, buffer_slice(&own_key), buffer_slice(&own_value)));
	must(store_commit(txn));
	buffer_free(&own_key);
	buffer_free(&own_value);
	return r == 0;
}

/* Damage in every record of the spaces that hold nothing but history, one at a time. */
static int try_itself(void)
{
	static const enum store_space spaces[] = { STORE_INDEX, STORE_VERSIONS, STORE_ROSTER, STORE_LOG };
	static const char *const names[] = { "index", "versions", "roster", "log" };
	char *directory = scratch_directory(), *data = scratch_path(directory, "store/data.mdb");
	char *aside = scratch_path(directory, "aside");
	unsigned passed = 0, failed = 0;
	struct history *history = make_example(directory);
	struct error error = { 0 };
	if (consistency_check(history, &error)) {
		failed++;
		printf("an undamaged store: %s\n", error_text(&error));
	}
	history_close(history);
	scratch_copy_file(data, aside);
	for (unsigned s = 0; s < 8; s++)
		for (unsigned n = 0, is_there = 1; is_there; n += 5) {
			scratch_copy_file(aside, data);
			history = scratch_open(directory);
			is_there = damage(history, spaces[s % 4], s >= 4, n / 2, n % 2);
			bool is_noticed = consistency_check(history, &error) != 0;
			history_close(history);
			passed += is_there && is_noticed;
			failed += is_there && !is_noticed;
			if (is_there && !is_noticed)
				printf("%s%s: record %u %s, unnoticed\n", s >= 4 ? "catalogue " : "", names[s % 4],
					n / 2, n % 2 ? "removed" : "changed");
		}
	free(data);
	free(aside);
	scratch_remove(directory);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}

int main(int argc, char **argv)
{
	return argc > 1 && argv[1][0] != '-' ? check(argv[1]) : try_itself();
}
