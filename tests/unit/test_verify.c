/* Damage that happens: bytes that flip, and records that are missing, elsewhere or older than they should be. test_verify_forged.c has
 * what is done by whoever knows the format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/state.h"
#include "core/table.h"
#include "tests/support/verified_store.h"

#define CHOSEN 4u /* of records of one kind */

static uint64_t seed = 7;

/* What was done to which record. It must be found by whoever looks at its table alone. */
static void assert_found(const char *what, const struct record *record)
{
	struct store_txn *txn = fixture_read(&verified);
	struct table table = { 0 };
	uint32_t number = verified_table_of(record);
	if (number != CATALOGUE)
		table_load(txn, number, TIME_NOW, &table);
	store_abort(txn);
	struct told told = verified_look(table.name[0] ? table.name : NULL, false);
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
	snprintf(path, sizeof(path), "%s/data.mdb", verified.directory);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, bytes, size, place), size);
	close(fd);
}

/* Where a record's key and value are, as they are stored: the key may be damaged afterwards. */
static void find(const struct record *record, off_t *ret_key, off_t *ret_value)
{
	struct store_txn *txn = fixture_read(&verified);
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
	struct store_txn *txn = fixture_read(&verified);
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
	struct told told = verified_look(NULL, true);
	assert_int_equal(told.counts.findings, 0);
	assert_int_equal(told.counts.tables, 7);
	assert_true(told.counts.changes > 90 && told.counts.versions > 120 && told.counts.dropped > 60);
	assert_true(told.counts.items > 100 && told.counts.records == verified_now.count);
}

/* Any byte of any record: once in its value or the checksum behind it, once in its key. */
static void every_flipped_byte_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < verified_now.count; i++) {
		const struct record *record = &verified_now.all[i];
		off_t key, value;
		if (!is_chosen(&verified_now, i))
			continue;
		find(record, &key, &value);
		for (unsigned is_key = 0; is_key < 2; is_key++) {
			const struct buffer *part = is_key ? &record->key : &record->value;
			size_t size = part->size + (is_key ? 0 : 4), at = fixture_random_below(&seed, size);
			off_t place = (is_key ? key : value) + (off_t)at;
			char path[300];
			uint8_t old, new;
			snprintf(path, sizeof(path), "%s/data.mdb", verified.directory);
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
	for (size_t i = 0; i < verified_now.count; i++) {
		const struct record *record = &verified_now.all[i];
		struct census census = read_census();
		if (is_census(record) || !is_chosen(&verified_now, i))
			continue;
		struct store_txn *txn = verified_begin();
		assert_int_equal(store_delete(txn, record->space, buffer_slice(&record->key)), 0);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
		assert_found("taken away", record);
		txn = verified_begin();
		verified_put(txn, record, &record->value);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
	}
	assert_sound();
}

/* With checksums that are right, as whoever knows the format could do it. */
static void swapped_values_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < verified_now.count; i++) {
		const struct record *a = &verified_now.all[i], *b = &verified_now.all[i + 1];
		if (a->space != b->space || !is_chosen(&verified_now, i) || is_census(a) || is_census(b) ||
			slice_equal(buffer_slice(&a->value), buffer_slice(&b->value)))
			continue;
		struct census census = read_census();
		struct store_txn *txn = verified_begin();
		verified_put(txn, a, &b->value);
		verified_put(txn, b, &a->value);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
		assert_found("swapped with the next", a);
		txn = verified_begin();
		verified_put(txn, a, &a->value);
		verified_put(txn, b, &b->value);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
	}
	assert_sound();
}

static const struct record *find_now(const struct record *old)
{
	for (size_t i = 0; i < verified_now.count; i++)
		if (verified_now.all[i].space == old->space &&
			slice_equal(buffer_slice(&verified_now.all[i].key), buffer_slice(&old->key)))
			return &verified_now.all[i];
	return NULL;
}

static void older_values_are_found(void **state)
{
	unsigned tried = 0;
	(void)state;
	for (size_t i = 0; i < verified_earlier.count; i++) {
		const struct record *record = find_now(&verified_earlier.all[i]);
		if (!record || !is_chosen(&verified_earlier, i) || is_census(record) ||
			slice_equal(buffer_slice(&record->value), buffer_slice(&verified_earlier.all[i].value)))
			continue;
		struct census census = read_census();
		struct store_txn *txn = verified_begin();
		verified_put(txn, record, &verified_earlier.all[i].value);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
		assert_found("an older value", record);
		txn = verified_begin();
		verified_put(txn, record, &record->value);
		assert_int_equal(store_commit(txn), 0);
		put_census_back(&census);
		tried++;
	}
	assert_true(tried > 20);
	assert_sound();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_found_in_a_sound_store),
		cmocka_unit_test(every_flipped_byte_is_found),
		cmocka_unit_test(every_missing_record_is_found),
		cmocka_unit_test(swapped_values_are_found),
		cmocka_unit_test(older_values_are_found),
	};
	return cmocka_run_group_tests(tests, verified_store_make, verified_store_end);
}
