/* Invariant: everything is read in one transaction, so that a store that is being written to is one state here. */
#include "verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verify_parts.h"

#define PROGRESS_EVERY 4096u

/* --- telling --- */

int verify_tell(struct verify *verify, struct verify_about about, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	const struct verify_finding finding = { .table = about.table ? about.table->table.name : NULL,
		.part = about.part,
		.what = text,
		.seq = about.seq,
		.number = about.number,
		.encoded_key = about.encoded_key };
	verify->counts.findings++;
	return verify->options->finding ? verify->options->finding(verify->options->context, &finding) : 0;
}

int verify_is_damage(int r)
{
	return r == -EIO || r == -ENOENT || r == -ESTALE || r == -EINVAL || r == -EPROTO;
}

int verify_progress(struct verify *verify, uint64_t changes)
{
	uint64_t before = verify->done / PROGRESS_EVERY;
	verify->done += changes;
	if (!verify->options->progress || before == verify->done / PROGRESS_EVERY)
		return 0;
	return verify->options->progress(verify->options->context, verify->done, verify->total);
}

/* --- records --- */

int verify_walk_begin(struct verify_walk *walk, struct verify *verify, enum store_space space, struct layout_key prefix)
{
	*walk = (struct verify_walk){ .verify = verify, .from = prefix, .prefix = prefix };
	return store_cursor_open(verify->txn, space, &walk->cursor);
}

int verify_walk_next(struct verify_walk *walk)
{
	int r = walk->is_begun ? store_cursor_next(walk->cursor, &walk->key, &walk->value)
			       : store_cursor_seek(walk->cursor, layout_slice(&walk->from), &walk->key, &walk->value);
	walk->is_begun = true;
	walk->is_damaged = r == -EIO && walk->key.size;
	if (r && !walk->is_damaged)
		return r == -ENOENT ? 0 : r;
	if (walk->key.size < walk->prefix.size || memcmp(walk->key.data, walk->prefix.bytes, walk->prefix.size) != 0)
		return 0;
	walk->verify->counts.records++;
	walk->verify->counts.bytes += walk->key.size + walk->value.size;
	return 1;
}

void verify_walk_end(struct verify_walk *walk)
{
	store_cursor_close(walk->cursor);
	walk->cursor = NULL;
}

uint64_t verify_key_number(struct slice key, size_t offset, unsigned size)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < size && offset + i < key.size; i++)
		value = value << 7 | (key.data[offset + i] & 0x7f);
	return value;
}

/* --- all tables --- */

int verify_next_table(struct verify_tables *tables, struct verify *verify, uint32_t *ret_number)
{
	struct layout_key first = layout_log_prefix(CATALOGUE);
	struct slice key = { 0 }, value;
	uint64_t seq, number = tables->last;
	int r = tables->cursor ? 0 : store_cursor_open(verify->txn, STORE_VERSIONS, &tables->cursor);
	while (!r && number == tables->last) {
		r = tables->is_begun ? store_cursor_next(tables->cursor, &key, &value)
				     : store_cursor_seek(tables->cursor, layout_slice(&first), &key, &value);
		r = r == -EIO && key.size ? 0 : r; /* told with the catalogue */
		tables->is_begun = true;
		if (!r && key.size == layout_version(CATALOGUE, 0, 0).size)
			layout_version_read(key, &number, &seq);
	}
	tables->last = number;
	*ret_number = (uint32_t)number & TABLE_NUMBER_MAX;
	return r;
}

void verify_end_tables(struct verify_tables *tables)
{
	store_cursor_close(tables->cursor);
}

static bool is_wanted(const struct verify *verify, const struct verify_table *table)
{
	return !verify->options->table || strcmp(verify->options->table, table->table.name) == 0;
}

/* Calls for the catalogue and every table that is wanted. */
static int for_each_table(struct verify *verify, int (*call)(struct verify *, uint32_t), bool with_catalogue)
{
	struct verify_tables tables = { 0 };
	uint32_t number;
	int r = with_catalogue ? call(verify, CATALOGUE) : 0;
	while (!r && !(r = verify_next_table(&tables, verify, &number))) {
		struct verify_table table;
		r = verify_load_table(verify, number, &table);
		bool is_right = !r && is_wanted(verify, &table);
		verify_unload_table(&table);
		if (is_right)
			r = call(verify, number);
	}
	verify_end_tables(&tables);
	return r == -ENOENT || verify_is_damage(r) ? 0 : r;
}

static int count_changes(struct verify *verify, uint32_t number)
{
	struct table_counters counters;
	struct retention_table retention;
	if (counters_read(verify->txn, number, &counters) || retention_table_read(verify->txn, number, &retention))
		return 0;
	if (retention.floor < counters.seq)
		verify->total += counters.seq - retention.floor;
	return 0;
}

static int run(struct verify *verify)
{
	bool is_all = !verify->options->table;
	int r = state_read(verify->txn, &verify->state);
	if (verify_is_damage(r))
		r = 0; /* told by verify_meta */
	if (!r)
		r = for_each_table(verify, count_changes, is_all);
	if (!r && is_all)
		r = verify_meta(verify);
	if (!r && is_all)
		r = verify_authors(verify);
	if (!r && is_all)
		r = verify_strays(verify);
	if (!r)
		r = for_each_table(verify, verify_one_table, is_all);
	if (!r && verify->options->against)
		r = verify_sealed(verify, verify->options->against);
	return r;
}

int verify(struct history *history, const struct verify_options *options, struct verify_counts *ret_counts,
	struct error *error)
{
	struct verify verify = { .history = history, .options = options };
	verify.directory = history_is_read_only(history) ? P_tmpdir : history_directory(history);
	int r = store_begin(history_store(history), false, &verify.txn);
	if (!r)
		verify.now_us = history_now(history, verify.txn);
	if (!r)
		r = run(&verify);
	store_abort(verify.txn);
	buffer_free(&verify.text);
	*ret_counts = verify.counts;
	return r ? error_set(error, r, "verify %s: %s", history_directory(history), strerror(-r)) : 0;
}
