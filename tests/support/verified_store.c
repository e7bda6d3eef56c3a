#include "tests/support/verified_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/state.h"
#include "core/table.h"
#include "tests/support/varied_store.h"

struct fixture verified;
struct records verified_now, verified_earlier;
struct seal verified_earlier_seal;

static void keep(struct records *records, enum store_space space, struct slice key, struct slice value)
{
	if (records->count == records->room) {
		records->room = records->room ? 2 * records->room : 256;
		records->all = realloc(records->all, records->room * sizeof(*records->all));
		assert_non_null(records->all);
	}
	struct record *record = &records->all[records->count++];
	*record = (struct record){ .space = space };
	buffer_append_slice(&record->key, key);
	buffer_append_slice(&record->value, value);
}

static void keep_from(struct records *records, struct store_txn *txn, enum store_space space, const char *from)
{
	struct store_cursor *cursor;
	struct slice key, value;
	assert_int_equal(store_cursor_open(txn, space, &cursor), 0);
	int r = store_cursor_seek(cursor, slice_of_text(from), &key, &value);
	for (; !r; r = store_cursor_next(cursor, &key, &value))
		keep(records, space, key, value);
	assert_int_equal(r, -ENOENT);
	store_cursor_close(cursor);
}

static void keep_all(struct records *records)
{
	struct store_txn *txn = fixture_read(&verified);
	for (enum store_space space = STORE_META; space < STORE_SPACES; space++) {
		if (space >= STORE_INDEX && space <= STORE_LOG)
			keep_from(records, txn, space, "\x80\x80\x80\x80");
		keep_from(records, txn, space, space >= STORE_INDEX && space <= STORE_LOG ? "\x80\x80\x80\x81" : "\1");
	}
	store_abort(txn);
}

static void forget_all(struct records *records)
{
	for (size_t i = 0; i < records->count; i++) {
		buffer_free(&records->all[i].key);
		buffer_free(&records->all[i].value);
	}
	free(records->all);
	*records = (struct records){ 0 };
}

struct seal verified_store_seal(void)
{
	struct seal seal = { 0 };
	struct error error = { 0 };
	struct store_txn *txn = fixture_read(&verified);
	fixture_require(seal_make(verified.history, txn, &seal, &error) == 0, "seal", &error);
	store_abort(txn);
	return seal;
}

static void keep_earlier(struct fixture *unused)
{
	(void)unused;
	keep_all(&verified_earlier);
	verified_earlier_seal = verified_store_seal();
}

int verified_store_make(void **state)
{
	(void)state;
	fixture_open(&verified);
	varied_store_fill(&verified, keep_earlier);
	keep_all(&verified_now);
	return 0;
}

int verified_store_end(void **state)
{
	(void)state;
	forget_all(&verified_earlier);
	forget_all(&verified_now);
	seal_free(&verified_earlier_seal);
	fixture_close(&verified);
	clock_reset();
	return 0;
}

/* --- findings --- */

static int note_finding(void *context, const struct verify_finding *finding)
{
	struct told *told = context;
	char text[600];
	snprintf(text, sizeof(text), "%s: %s: %s", finding->table ? finding->table : "the store", finding->part,
		finding->what);
	if (!told->first[0])
		memcpy(told->first, text, sizeof(text));
	if (told->is_shown)
		print_error("%s\n", text);
	strncat(told->parts, finding->part, sizeof(told->parts) - strlen(told->parts) - 1);
	strncat(told->parts, " ", sizeof(told->parts) - strlen(told->parts) - 1);
	return 0;
}

static int note_sealed(void *context, const struct seal_table *table, uint64_t present, uint64_t dropped)
{
	struct told *told = context;
	told->sealed++;
	told->present += present;
	told->dropped += dropped;
	assert_true(present + dropped <= table->seq);
	return 0;
}

struct told verified_look_against(const struct seal *seal, const char *table, bool is_shown)
{
	struct told told = { .is_shown = is_shown };
	struct verify_options options = {
		.table = table, .against = seal, .finding = note_finding, .sealed = note_sealed, .context = &told
	};
	struct error error = { 0 };
	fixture_require(verify(verified.history, &options, &told.counts, &error) == 0, "verify", &error);
	return told;
}

struct told verified_look(const char *table, bool is_shown)
{
	return verified_look_against(NULL, table, is_shown);
}

void assert_sound(void)
{
	struct told told = verified_look(NULL, true);
	assert_int_equal(told.counts.findings, 0);
}

uint32_t verified_table_of(const struct record *record)
{
	uint32_t number = 0;
	for (unsigned i = 0; i < 4; i++)
		number = number << 7 | (record->key.data[i] & 0x7f);
	return record->space >= STORE_INDEX && record->space <= STORE_LOG ? number : CATALOGUE;
}

/* --- writing --- */

struct store_txn *verified_begin(void)
{
	struct store_txn *txn;
	assert_int_equal(store_begin(history_store(verified.history), true, &txn), 0);
	return txn;
}

void verified_put(struct store_txn *txn, const struct record *record, const struct buffer *value)
{
	assert_int_equal(store_put(txn, record->space, buffer_slice(&record->key), buffer_slice(value)), 0);
}
