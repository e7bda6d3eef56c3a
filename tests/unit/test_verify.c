#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/change.h"
#include "core/change_chain.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/layout.h"
#include "core/log.h"
#include "core/node.h"
#include "core/pack.h"
#include "core/retention.h"
#include "core/seal.h"
#include "core/state.h"
#include "core/verify.h"
#include "tests/support/fixture.h"
#include "tests/support/varied_store.h"

#define CHOSEN 4u /* of records of one kind */

/* --- one store for all tests, in which every test puts everything back --- */

struct record {
	enum store_space space;
	struct buffer key, value;
};

struct records {
	struct record *all;
	size_t count, room;
};

static struct fixture fixture;
static struct records earlier, now;
static uint64_t seed = 7;

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
	struct store_txn *txn = fixture_read(&fixture);
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

static struct seal earlier_seal;

static struct seal make_seal(void)
{
	struct seal seal = { 0 };
	struct error error = { 0 };
	struct store_txn *txn = fixture_read(&fixture);
	fixture_require(seal_make(fixture.history, txn, &seal, &error) == 0, "seal", &error);
	store_abort(txn);
	return seal;
}

static void keep_earlier(struct fixture *unused)
{
	(void)unused;
	keep_all(&earlier);
	earlier_seal = make_seal();
}

static int make_store(void **state)
{
	(void)state;
	fixture_open(&fixture);
	varied_store_fill(&fixture, keep_earlier);
	keep_all(&now);
	return 0;
}

static int end_store(void **state)
{
	(void)state;
	forget_all(&earlier);
	forget_all(&now);
	seal_free(&earlier_seal);
	fixture_close(&fixture);
	clock_reset();
	return 0;
}

/* --- findings --- */

struct told {
	struct verify_counts counts;
	char first[600], parts[400];
	bool is_shown;
	uint64_t present, dropped, sealed; /* of the seal: changes, and tables */
};

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

static struct told look_against(const struct seal *seal, const char *table, bool is_shown)
{
	struct told told = { .is_shown = is_shown };
	struct verify_options options = {
		.table = table, .against = seal, .finding = note_finding, .sealed = note_sealed, .context = &told
	};
	struct error error = { 0 };
	fixture_require(verify(fixture.history, &options, &told.counts, &error) == 0, "verify", &error);
	return told;
}

static struct told look(const char *table, bool is_shown)
{
	return look_against(NULL, table, is_shown);
}

static void assert_sound(void)
{
	struct told told = look(NULL, true);
	assert_int_equal(told.counts.findings, 0);
}

static uint32_t table_of(const struct record *record)
{
	uint32_t number = 0;
	for (unsigned i = 0; i < 4; i++)
		number = number << 7 | (record->key.data[i] & 0x7f);
	return record->space >= STORE_INDEX && record->space <= STORE_LOG ? number : CATALOGUE;
}

/* What was done to which record. It must be found by whoever looks at its table alone. */
static void assert_found(const char *what, const struct record *record)
{
	struct store_txn *txn = fixture_read(&fixture);
	struct table table = { 0 };
	uint32_t number = table_of(record);
	if (number != CATALOGUE)
		table_load(txn, number, TIME_NOW, &table);
	store_abort(txn);
	struct told told = look(table.name[0] ? table.name : NULL, false);
	table_free(&table);
	if (told.counts.findings)
		return;
	print_error("not found: %s, space %d, key", what, (int)record->space);
	for (size_t i = 0; i < record->key.size; i++)
		print_error(
			record->key.data[i] > 32 && record->key.data[i] < 127 ? " %c" : " %02x", record->key.data[i]);
	print_error(" (%zu bytes)\n", record->value.size);
	fail();
}

/* --- doing it --- */

static struct store *store(void)
{
	return history_store(fixture.history);
}

static struct store_txn *begin(void)
{
	struct store_txn *txn;
	assert_int_equal(store_begin(store(), true, &txn), 0);
	return txn;
}

static void put(struct store_txn *txn, const struct record *record, const struct buffer *value)
{
	assert_int_equal(store_put(txn, record->space, buffer_slice(&record->key), buffer_slice(value)), 0);
}

/* Where in data.mdb a stored byte is, by where it is mapped. */
static off_t place_of(const uint8_t *byte)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	off_t place = -1;
	assert_non_null(maps);
	while (place < 0 && fgets(line, sizeof(line), maps)) {
		uintptr_t from, to, at = (uintptr_t)byte;
		unsigned long offset;
		if (sscanf(line, "%lx-%lx %*s %lx", &from, &to, &offset) == 3 && at >= from && at < to &&
			strstr(line, "data.mdb"))
			place = (off_t)(at - from + offset);
	}
	fclose(maps);
	assert_true(place >= 0);
	return place;
}

static void overwrite(off_t place, const void *bytes, size_t size)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/data.mdb", fixture.directory);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, bytes, size, place), size);
	close(fd);
}

/* Where a record's key and value are, as they are stored: the key may be damaged afterwards. */
static void find(const struct record *record, off_t *ret_key, off_t *ret_value)
{
	struct store_txn *txn = fixture_read(&fixture);
	struct slice key, value;
	assert_int_equal(store_seek(txn, record->space, buffer_slice(&record->key), &key, &value), 0);
	assert_true(slice_equal(key, buffer_slice(&record->key)));
	*ret_key = place_of(key.data);
	*ret_value = place_of(value.data);
	store_abort(txn);
}

/* What the store keeps to miss records of META is what it was before. */
struct census {
	off_t place;
	uint8_t bytes[12];
};

static const uint8_t census_key[] = "u";

static struct census read_census(void)
{
	struct census census;
	struct slice value;
	struct store_txn *txn = fixture_read(&fixture);
	assert_int_equal(store_get(txn, STORE_META, slice_of(census_key, 1), &value), 0);
	census.place = place_of(value.data);
	memcpy(census.bytes, value.data, sizeof(census.bytes));
	store_abort(txn);
	return census;
}

static void put_census_back(const struct census *old)
{
	struct census new = read_census();
	overwrite(new.place, old->bytes, sizeof(old->bytes));
}

static bool is_census(const struct record *record)
{
	return record->space == STORE_META && slice_equal(buffer_slice(&record->key), slice_of(census_key, 1));
}

/* Of records of one kind, of which there are many, some are enough; which, is another each time it is asked. */
static bool is_chosen(const struct records *records, size_t at)
{
	const struct record *record = &records->all[at];
	size_t alike = 0, prefix = record->space == STORE_META || record->space == STORE_AUTHORS ? 1 : 5;
	for (size_t i = 0; i < records->count; i++)
		alike += records->all[i].space == record->space &&
			 memcmp(records->all[i].key.data, record->key.data, prefix) == 0;
	return alike <= CHOSEN || fixture_random_below(&seed, alike) < CHOSEN;
}

/* --- tests --- */

static void nothing_is_found_in_a_sound_store(void **state)
{
	(void)state;
	struct told told = look(NULL, true);
	assert_int_equal(told.counts.findings, 0);
	assert_int_equal(told.counts.tables, 7);
	assert_true(told.counts.changes > 90 && told.counts.versions > 120 && told.counts.dropped > 60);
	assert_true(told.counts.items > 100 && told.counts.records == now.count);
}

/* Any byte of any record: once in its value or the checksum behind it, once in its key. */
static void every_flipped_byte_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < now.count; i++) {
		const struct record *record = &now.all[i];
		off_t key, value;
		if (!is_chosen(&now, i))
			continue;
		find(record, &key, &value);
		for (unsigned is_key = 0; is_key < 2; is_key++) {
			const struct buffer *part = is_key ? &record->key : &record->value;
			size_t size = part->size + (is_key ? 0 : 4), at = fixture_random_below(&seed, size);
			off_t place = (is_key ? key : value) + (off_t)at;
			char path[300];
			uint8_t old, new;
			snprintf(path, sizeof(path), "%s/data.mdb", fixture.directory);
			int fd = open(path, O_RDONLY);
			assert_int_equal(pread(fd, &old, 1, place), 1);
			close(fd);
			new = old ^ (uint8_t)(1 + fixture_random_below(&seed, 255));
			overwrite(place, &new, 1);
			assert_found(is_key ? "flipped in the key" : "flipped in the value", record);
			overwrite(place, &old, 1);
		}
	}
	assert_sound();
}

static void every_missing_record_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < now.count; i++) {
		const struct record *record = &now.all[i];
		struct census census = read_census();
		if (is_census(record) || !is_chosen(&now, i))
			continue;
		struct store_txn *txn = begin();
		assert_int_equal(store_delete(txn, record->space, buffer_slice(&record->key)), 0);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
		assert_found("taken away", record);
		txn = begin();
		put(txn, record, &record->value);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
	}
	assert_sound();
}

/* With checksums that are right, as whoever knows the format could do it. */
static void swapped_values_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < now.count; i++) {
		const struct record *a = &now.all[i], *b = &now.all[i + 1];
		if (a->space != b->space || !is_chosen(&now, i) || is_census(a) || is_census(b) ||
			slice_equal(buffer_slice(&a->value), buffer_slice(&b->value)))
			continue;
		struct census census = read_census();
		struct store_txn *txn = begin();
		put(txn, a, &b->value);
		put(txn, b, &a->value);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
		assert_found("swapped with the next", a);
		txn = begin();
		put(txn, a, &a->value);
		put(txn, b, &b->value);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
	}
	assert_sound();
}

static const struct record *find_now(const struct record *old)
{
	for (size_t i = 0; i < now.count; i++)
		if (now.all[i].space == old->space &&
			slice_equal(buffer_slice(&now.all[i].key), buffer_slice(&old->key)))
			return &now.all[i];
	return NULL;
}

static void older_values_are_found(void **state)
{
	unsigned tried = 0;
	(void)state;
	for (size_t i = 0; i < earlier.count; i++) {
		const struct record *record = find_now(&earlier.all[i]);
		if (!record || !is_chosen(&earlier, i) || is_census(record) ||
			slice_equal(buffer_slice(&record->value), buffer_slice(&earlier.all[i].value)))
			continue;
		struct census census = read_census();
		struct store_txn *txn = begin();
		put(txn, record, &earlier.all[i].value);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
		assert_found("an older value", record);
		txn = begin();
		put(txn, record, &record->value);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
		tried++;
	}
	assert_true(tried > 20);
	assert_sound();
}

/* --- by whoever knows the format --- */

static void load(const char *name, struct table *ret_table)
{
	struct store_txn *txn = fixture_read(&fixture);
	assert_int_equal(table_find(txn, slice_of_text(name), TIME_NOW, ret_table, NULL), 0);
	store_abort(txn);
}

/* Puts back every record of a table that is not what it was. */
static void put_table_back(const struct table *table)
{
	struct store_txn *txn = begin();
	struct layout_key counters = layout_meta_number('t', table->number);
	for (size_t i = 0; i < now.count; i++)
		if (table_of(&now.all[i]) == table->number ||
			slice_equal(buffer_slice(&now.all[i].key), layout_slice(&counters)))
			put(txn, &now.all[i], &now.all[i].value);
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
		struct store_txn *txn = begin();
		forge_version(txn, &table, seq);
		assert_int_equal(store_commit(txn), 0);
		struct told told = look("flat", false);
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
	for (size_t i = 0; i < now.count; i++)
		if (now.all[i].space == STORE_LOG && table_of(&now.all[i]) == table->number)
			assert_int_equal(store_delete(txn, STORE_LOG, buffer_slice(&now.all[i].key)), 0);
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
		struct store_txn *txn = begin();
		forge_log(txn, &table, at, at % 4 == 0);
		assert_int_equal(store_commit(txn), 0);
		struct told told = look("flat", false);
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
	struct store_txn *txn = begin();
	assert_int_equal(counters_read(txn, table.number, &counters), 0);
	assert_int_equal(log_get(txn, table.number, counters.seq - 1, &last), 0);
	assert_int_equal(chain_head_at(txn, &table, last.seq, &counters.head), 0);
	counters.seq = last.seq;
	counters.items = last.items;
	counters.bytes = last.bytes;
	counters.last_us = last.time_us;
	assert_int_equal(counters_write(txn, table.number, &counters), 0);
	assert_int_equal(store_commit(txn), 0);
	struct told told = look("flat", false);
	assert_true(told.counts.findings > 0);
	put_table_back(&table);
	assert_sound();
	table_free(&table);
}

/* --- seals --- */

static void seals_hold(void **state)
{
	(void)state;
	struct seal seal = make_seal();
	struct told told = look_against(&seal, NULL, true);
	assert_int_equal(told.counts.findings, 0);
	assert_int_equal(told.sealed, seal.count);
	assert_true(told.present > 90 && told.dropped == told.counts.dropped);
	told = look_against(&earlier_seal, NULL, true);
	assert_int_equal(told.counts.findings, 0);
	assert_int_equal(told.sealed, earlier_seal.count);
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
	struct seal seal = make_seal();
	load("sorted", &table);
	struct store_txn *txn = begin();
	assert_int_equal(counters_read(txn, table.number, &counters), 0);
	uint64_t forged = counters.seq - 1; /* the last but one, of which a version is left */
	assert_int_equal(chain_head_at(txn, &table, forged - 1, &head), 0);
	forge_version(txn, &table, forged);
	assert_int_equal(chain_add_changes(txn, &table, forged - 1, counters.seq, &head), 0);
	counters.head = head;
	assert_int_equal(counters_write(txn, table.number, &counters), 0);
	assert_int_equal(store_commit(txn), 0);
	struct told told = look("sorted", true);
	assert_int_equal(told.counts.findings, 0);
	told = look_against(&seal, "sorted", false);
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
	struct seal seal = make_seal();
	seal.store[0] = seal.store[0] == '0' ? '1' : '0';
	struct told told = look_against(&seal, "flat", false);
	assert_string_equal(told.parts, "seal ");
	seal.store[0] = earlier_seal.store[0];
	for (size_t i = 0; i < seal.count; i++)
		seal.tables[i].id[0] = seal.tables[i].id[0] == '0' ? '1' : '0';
	told = look_against(&seal, NULL, false);
	assert_int_equal(told.counts.findings, seal.count);
	seal_free(&seal);
}

/* The last: nothing but what is pinned or lives is left of what was sealed. */
static void seals_account_for_what_was_dropped(void **state)
{
	(void)state;
	struct seal seal = make_seal();
	int r;
	clock_set(clock_now_us() + 40 * DAY_US);
	while ((r = retention_step(fixture.history, NULL, NULL)) == 1)
		;
	assert_int_equal(r, 0);
	struct told told = look_against(&seal, NULL, true);
	assert_int_equal(told.counts.findings, 0);
	assert_int_equal(told.sealed, seal.count);
	assert_true(told.dropped > 100);
	seal_free(&seal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_found_in_a_sound_store),
		cmocka_unit_test(every_flipped_byte_is_found),
		cmocka_unit_test(every_missing_record_is_found),
		cmocka_unit_test(swapped_values_are_found),
		cmocka_unit_test(older_values_are_found),
		cmocka_unit_test(forged_contents_are_found),
		cmocka_unit_test(forged_logs_are_found),
		cmocka_unit_test(removed_changes_are_found),
		cmocka_unit_test(seals_hold),
		cmocka_unit_test(seals_tell_what_was_made_right_again),
		cmocka_unit_test(seals_of_other_stores_are_told),
		cmocka_unit_test(seals_account_for_what_was_dropped),
	};
	return cmocka_run_group_tests(tests, make_store, end_store);
}
