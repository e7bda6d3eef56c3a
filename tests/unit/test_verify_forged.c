/* What is done by whoever knows the format, with every checksum right: the chain tells, or the seal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/change.h"
#include "core/change_chain.h"
#include "core/clock.h"
#include "core/layout.h"
#include "core/log.h"
#include "core/node.h"
#include "core/pack.h"
#include "core/retention.h"
#include "core/state.h"
#include "tests/support/verified_store.h"

static void load(const char *name, struct table *ret_table)
{
	struct store_txn *txn = fixture_read(&verified);
	assert_int_equal(table_find(txn, slice_of_text(name), TIME_NOW, ret_table, NULL), 0);
	store_abort(txn);
}

/* Puts back every record of a table that is not what it was. */
static void put_table_back(const struct table *table)
{
	struct store_txn *txn = verified_begin();
	struct layout_key counters = layout_meta_number('t', table->number);
	for (size_t i = 0; i < verified_now.count; i++)
		if (verified_table_of(&verified_now.all[i]) == table->number ||
			slice_equal(buffer_slice(&verified_now.all[i].key), layout_slice(&counters)))
			verified_put(txn, &verified_now.all[i], &verified_now.all[i].value);
	assert_int_equal(store_commit(txn), 0);
}

/* Another content of the version that change `seq` made, of the same length, with every checksum right. */
static void forge_version(struct store_txn *txn, const struct table *table, uint64_t seq)
{
	struct log_entry entry;
	struct node node;
	struct node_place place;
	struct pack_header header;
	struct version versions[PACK_VERSIONS_MAX];
	struct buffer item = BUFFER_INIT, packs[2] = { BUFFER_INIT, BUFFER_INIT }, key = BUFFER_INIT;
	unsigned from = 0;
	assert_int_equal(log_get(txn, table->number, seq, &entry), 0);
	assert_int_equal(node_read(txn, table->number, entry.number, seq, &node, &place), 0);
	assert_int_equal(pack_versions(place.pack, &header, versions), 0);
	for (unsigned i = header.count; i-- > 0; from = !from) {
		buffer_clear(&item);
		buffer_clear(&packs[!from]);
		if (!versions[i].is_removal)
			assert_int_equal(pack_content(place.pack, i, &item), 0);
		if (versions[i].seq == seq) {
			uint8_t *text = memmem(item.data, item.size, "number", 6);
			assert_non_null(text);
			memcpy(text, "NUMBER", 6);
		}
		int r = i + 1 == header.count ? pack_new(header.kind, header.directory, header.slot, header.encoded_key,
							&versions[i], buffer_slice(&item), &packs[!from])
					      : pack_add(buffer_slice(&packs[from]), &versions[i], buffer_slice(&item),
							&packs[!from]);
		assert_int_equal(r, 0);
	}
	buffer_append_slice(&key, place.key);
	assert_int_equal(store_put(txn, STORE_VERSIONS, buffer_slice(&key), buffer_slice(&packs[from])), 0);
	buffer_free(&item);
	buffer_free(&key);
	buffer_free(&packs[0]);
	buffer_free(&packs[1]);
}

static void forged_contents_are_found(void **state)
{
	struct table table;
	(void)state;
	load("flat", &table);
	for (uint64_t seq = 3; seq <= 30; seq += 9) {
		struct store_txn *txn = verified_begin();
		forge_version(txn, &table, seq);
		assert_int_equal(store_commit(txn), 0);
		struct told told = verified_look("flat", false);
		assert_int_equal(told.counts.findings, 1);
		assert_string_equal(told.parts, "chain ");
		put_table_back(&table);
	}
	assert_sound();
	table_free(&table);
}

#define CHANGES_MAX 80

/* Writes a table's log anew, with another author or op of a change, or two changes for each other; the heads between are those that
 * there were. */
static void forge_log(struct store_txn *txn, const struct table *table, uint64_t at, bool is_swap)
{
	struct log_walk walk;
	struct log_entry entries[CHANGES_MAX];
	struct chain heads[CHANGES_MAX];
	unsigned count = 0;
	assert_int_equal(log_walk_begin(&walk, txn, table->number, 1), 0);
	for (; log_walk_next(&walk, &entries[count]) == 1; count++) {
		assert_true(count + 1 < CHANGES_MAX);
		assert_int_equal(chain_head_at(txn, table, entries[count].seq - 1, &heads[count]), 0);
	}
	for (size_t i = 0; i < verified_now.count; i++)
		if (verified_now.all[i].space == STORE_LOG && verified_table_of(&verified_now.all[i]) == table->number)
			assert_int_equal(store_delete(txn, STORE_LOG, buffer_slice(&verified_now.all[i].key)), 0);
	struct log_entry *one = &entries[at - 1];
	if (is_swap) {
		struct log_entry other = one[1];
		int64_t time_us = one[0].time_us;
		one[1] = one[0];
		one[1].time_us = other.time_us;
		one[0] = other;
		one[0].time_us = time_us;
	} else {
		one->author = one->author == 1 ? 2 : 1;
	}
	for (unsigned i = 0; i < count; i++) {
		entries[i].seq = i + 1;
		assert_int_equal(log_append(txn, table->number, &entries[i], &heads[i]), 0);
	}
}

static void forged_logs_are_found(void **state)
{
	struct table table;
	(void)state;
	load("flat", &table);
	for (uint64_t at = 2; at < 39; at += 6) {
		struct store_txn *txn = verified_begin();
		forge_log(txn, &table, at, at % 4 == 0);
		assert_int_equal(store_commit(txn), 0);
		struct told told = verified_look("flat", false);
		assert_true(told.counts.findings > 0);
		assert_true(at % 4 == 0 || strstr(told.parts, "chain "));
		put_table_back(&table);
	}
	assert_sound();
	table_free(&table);
}

/* The table's last change as if it had not been made. */
static void removed_changes_are_found(void **state)
{
	struct table table;
	struct table_counters counters;
	struct log_entry last;
	(void)state;
	load("flat", &table);
	struct store_txn *txn = verified_begin();
	assert_int_equal(counters_read(txn, table.number, &counters), 0);
	assert_int_equal(log_get(txn, table.number, counters.seq - 1, &last), 0);
	assert_int_equal(chain_head_at(txn, &table, last.seq, &counters.head), 0);
	counters.seq = last.seq;
	counters.items = last.items;
	counters.bytes = last.bytes;
	counters.last_us = last.time_us;
	assert_int_equal(counters_write(txn, table.number, &counters), 0);
	assert_int_equal(store_commit(txn), 0);
	struct told told = verified_look("flat", false);
	assert_true(told.counts.findings > 0);
	put_table_back(&table);
	assert_sound();
	table_free(&table);
}

/* --- seals --- */

static void seals_hold(void **state)
{
	(void)state;
	struct seal seal = verified_store_seal();
	struct told told = verified_look_against(&seal, NULL, true);
	assert_int_equal(told.counts.findings, 0);
	assert_int_equal(told.sealed, seal.count);
	assert_true(told.present > 90 && told.dropped == told.counts.dropped);
	told = verified_look_against(&verified_earlier_seal, NULL, true);
	assert_int_equal(told.counts.findings, 0);
	assert_int_equal(told.sealed, verified_earlier_seal.count);
	assert_true(told.present > 80 && told.dropped > 60);
	seal_free(&seal);
}

/* A content, with the chain made right again from there to its end: only the seal knows. */
static void seals_tell_what_was_made_right_again(void **state)
{
	struct table table;
	struct table_counters counters;
	struct chain head;
	(void)state;
	struct seal seal = verified_store_seal();
	load("sorted", &table);
	struct store_txn *txn = verified_begin();
	assert_int_equal(counters_read(txn, table.number, &counters), 0);
	uint64_t forged = counters.seq - 1; /* the last but one, of which a version is left */
	assert_int_equal(chain_head_at(txn, &table, forged - 1, &head), 0);
	forge_version(txn, &table, forged);
	assert_int_equal(chain_add_changes(txn, &table, forged - 1, counters.seq, &head), 0);
	counters.head = head;
	assert_int_equal(counters_write(txn, table.number, &counters), 0);
	assert_int_equal(store_commit(txn), 0);
	struct told told = verified_look("sorted", true);
	assert_int_equal(told.counts.findings, 0);
	told = verified_look_against(&seal, "sorted", false);
	assert_int_equal(told.counts.findings, 1);
	assert_string_equal(told.parts, "seal ");
	put_table_back(&table);
	assert_sound();
	table_free(&table);
	seal_free(&seal);
}

static void seals_of_other_stores_are_told(void **state)
{
	(void)state;
	struct seal seal = verified_store_seal();
	seal.store[0] = seal.store[0] == '0' ? '1' : '0';
	struct told told = verified_look_against(&seal, "flat", false);
	assert_string_equal(told.parts, "seal ");
	seal.store[0] = verified_earlier_seal.store[0];
	for (size_t i = 0; i < seal.count; i++)
		seal.tables[i].id[0] = seal.tables[i].id[0] == '0' ? '1' : '0';
	told = verified_look_against(&seal, NULL, false);
	assert_int_equal(told.counts.findings, seal.count);
	seal_free(&seal);
}

/* The last: nothing but what is pinned or lives is left of what was sealed. */
static void seals_account_for_what_was_dropped(void **state)
{
	(void)state;
	struct seal seal = verified_store_seal();
	int r;
	clock_set(clock_now_us() + 40 * DAY_US);
	while ((r = retention_step(verified.history, NULL, NULL)) == 1)
		;
	assert_int_equal(r, 0);
	struct told told = verified_look_against(&seal, NULL, true);
	assert_int_equal(told.counts.findings, 0);
	assert_int_equal(told.sealed, seal.count);
	assert_true(told.dropped > 100);
	seal_free(&seal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forged_contents_are_found),
		cmocka_unit_test(forged_logs_are_found),
		cmocka_unit_test(removed_changes_are_found),
		cmocka_unit_test(seals_hold),
		cmocka_unit_test(seals_tell_what_was_made_right_again),
		cmocka_unit_test(seals_of_other_stores_are_told),
		cmocka_unit_test(seals_account_for_what_was_dropped),
	};
	return cmocka_run_group_tests(tests, verified_store_make, verified_store_end);
}
