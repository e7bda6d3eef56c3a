#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "item.h"
#include "item_json.h"
#include "json.h"
#include "number.h"
#include "record.h"
#include "tools/incident.h"

#define NUMBER_END (INCIDENT_FIRST_NUMBER + INCIDENT_LISTED + INCIDENT_LATER)

/* A record of the incident, read once for all tests. The item is empty for a removal. */
struct step {
	int64_t time_us;
	char sequence[RECORD_SEQUENCE_MAX + 1];
	int number;
	bool is_removal;
	struct buffer item;
};

static char *text;
static size_t text_size;
static struct slice text_left;
static struct step steps[INCIDENT_RECORDS];
static int step_count;

static void begin(void)
{
	text_left = slice_of(text, text_size);
}

static bool next_line(struct slice *ret_line)
{
	if (text_left.size == 0)
		return false;
	const uint8_t *newline = memchr(text_left.data, '\n', text_left.size);
	assert_non_null(newline);
	*ret_line = slice_of(text_left.data, (size_t)(newline - text_left.data));
	text_left = slice_of(newline + 1, text_left.size - ret_line->size - 1);
	return true;
}

static int number_of(struct slice keys)
{
	struct value id;
	char digits[16] = { 0 };
	assert_true(item_attribute(keys, slice_of_text(INCIDENT_KEY), &id));
	assert_int_equal(id.tag, VALUE_S);
	assert_true(id.bytes.size < sizeof(digits));
	memcpy(digits, id.bytes.data, id.bytes.size);
	int number = atoi(digits);
	assert_in_range(number, INCIDENT_FIRST_NUMBER, NUMBER_END - 1);
	return number;
}

static void read_step(struct slice line, struct record *record, struct step *step)
{
	struct error error = { 0 };
	if (record_parse(line, record, &error) < 0)
		fail_msg("%s", error.message);
	assert_int_equal(record->format, RECORD_STREAMS);
	assert_true(record->has_time);
	assert_false(record->is_ttl);
	assert_true(slice_equal(record->table_name, slice_of_text(INCIDENT_TABLE)));
	step->time_us = record->time_us;
	strcpy(step->sequence, record->sequence);
	step->number = number_of(record->keys);
	step->is_removal = record->op == RECORD_REMOVE;
	buffer_append_slice(&step->item, record->item);
}

static int read_incident(void **state)
{
	struct record record = { 0 };
	struct slice line;
	FILE *out = open_memstream(&text, &text_size);
	(void)state;
	if (!out || incident_write(out) != 0 || fclose(out) != 0)
		return -1;
	for (begin(); next_line(&line);) {
		assert_true(step_count < INCIDENT_RECORDS);
		read_step(line, &record, &steps[step_count++]);
	}
	record_free(&record);
	return 0;
}

static int free_incident(void **state)
{
	(void)state;
	free(text);
	for (int i = 0; i < step_count; i++)
		buffer_free(&steps[i].item);
	return 0;
}

static void is_the_same_every_time(void **state)
{
	char *again;
	size_t again_size;
	FILE *out = open_memstream(&again, &again_size);
	(void)state;
	assert_non_null(out);
	assert_int_equal(incident_write(out), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(again_size, text_size);
	assert_memory_equal(again, text, text_size);
	free(again);
}

static void is_in_order(void **state)
{
	(void)state;
	assert_int_equal(step_count, INCIDENT_RECORDS);
	assert_true(steps[0].time_us > INCIDENT_BEGIN_US);
	assert_true(steps[step_count - 1].time_us == INCIDENT_END_US);
	for (int i = 0; i < step_count; i++) {
		assert_in_range(strlen(steps[i].sequence), 21, 40);
		assert_true(i == 0 || steps[i].time_us > steps[i - 1].time_us);
		assert_true(i == 0 || record_compare_sequence(steps[i].sequence, steps[i - 1].sequence) > 0);
	}
}

struct tally {
	int inserted, changed, removed;
};

/* What happened from `from_us` until just before `until_us`. */
static struct tally tally_between(int64_t from_us, int64_t until_us)
{
	static bool is_live[NUMBER_END];
	struct tally tally = { 0 };
	memset(is_live, 0, sizeof(is_live));
	for (int i = 0; i < step_count; i++) {
		bool *live = &is_live[steps[i].number];
		bool counts = steps[i].time_us >= from_us && steps[i].time_us < until_us;
		if (steps[i].is_removal) {
			assert_true(*live);
			tally.removed += counts;
		} else if (*live) {
			tally.changed += counts;
		} else {
			tally.inserted += counts;
		}
		*live = !steps[i].is_removal;
	}
	return tally;
}

static int live_at(int64_t time_us)
{
	struct tally tally = tally_between(0, time_us + 1);
	return tally.inserted - tally.removed;
}

static void numbers_are_those_promised(void **state)
{
	(void)state;
	assert_int_equal(live_at(INCIDENT_BEGIN_US), 0);
	assert_int_equal(live_at(INCIDENT_LIST_US), INCIDENT_LISTED);
	assert_int_equal(live_at(INCIDENT_SCRIPT_BEGIN_US - 1), INCIDENT_LIVE_BEFORE);
	assert_int_equal(live_at(INCIDENT_SCRIPT_BEGIN_US), INCIDENT_LIVE_BEFORE);
	assert_int_equal(live_at(INCIDENT_END_US), INCIDENT_LIVE_AT_END);
	struct tally all = tally_between(0, INT64_MAX);
	assert_int_equal(all.inserted, INCIDENT_LISTED + INCIDENT_LATER);
	assert_int_equal(all.removed, INCIDENT_REMOVED);
	assert_int_equal(all.inserted + all.changed + all.removed, INCIDENT_RECORDS);
}

static void life_goes_on_around_the_removals(void **state)
{
	(void)state;
	struct tally before = tally_between(INCIDENT_LIST_US, INCIDENT_SCRIPT_BEGIN_US);
	struct tally during = tally_between(INCIDENT_SCRIPT_BEGIN_US, INCIDENT_SCRIPT_END_US);
	struct tally after = tally_between(INCIDENT_SCRIPT_END_US, INT64_MAX);
	assert_int_equal(before.removed, 0);
	assert_int_equal(during.removed, INCIDENT_REMOVED);
	assert_int_equal(after.removed, 0);
	assert_true(before.inserted == 100 && before.changed > 100);
	assert_true(during.inserted > 0 && during.changed > 0);
	assert_true(after.inserted > 250 && after.changed > 100);
}

static void the_script_removes_the_even_orders_of_its_list(void **state)
{
	(void)state;
	for (int i = 0; i < step_count; i++) {
		if (!steps[i].is_removal)
			continue;
		assert_int_equal(steps[i].number % 2, 0);
		assert_true(steps[i].number < INCIDENT_FIRST_NUMBER + INCIDENT_LISTED);
	}
}

static void append_member(struct buffer *out, const struct json *change, const char *name)
{
	const struct json *member = json_member(change, name);
	buffer_clear(out);
	if (member)
		json_append(out, member);
}

static void each_old_image_is_the_new_image_before(void **state)
{
	static struct buffer images[NUMBER_END];
	struct slice line;
	(void)state;
	begin();
	for (int i = 0; next_line(&line); i++) {
		struct json *root;
		struct buffer old_image = BUFFER_INIT;
		assert_int_equal(json_parse(line, &json_default_limits, &root, NULL), 0);
		const struct json *change = json_member(root, "dynamodb");
		struct buffer *image = &images[steps[i].number];
		append_member(&old_image, change, "OldImage");
		assert_true(slice_equal(buffer_slice(&old_image), buffer_slice(image)));
		append_member(image, change, "NewImage");
		assert_int_equal(image->size == 0, steps[i].is_removal);
		buffer_free(&old_image);
		json_free(root);
	}
	for (size_t i = 0; i < NUMBER_END; i++)
		buffer_free(&images[i]);
}

static size_t size_of_image(const struct json *change, const char *name)
{
	const struct json *member = json_member(change, name);
	struct buffer item = BUFFER_INIT;
	if (!member)
		return 0;
	assert_int_equal(item_from_tree(member, ITEM_DYNAMODB, &item, NULL), 0);
	size_t size = item_size_bytes(buffer_slice(&item));
	buffer_free(&item);
	return size;
}

static void sizes_are_as_dynamodb_counts_them(void **state)
{
	struct slice line;
	int count = 0;
	(void)state;
	for (begin(); next_line(&line); count++) {
		struct json *root;
		int64_t size;
		if (count % 10 != 0)
			continue;
		assert_int_equal(json_parse(line, &json_default_limits, &root, NULL), 0);
		const struct json *change = json_member(root, "dynamodb");
		assert_true(json_get_i64(change, "SizeBytes", &size));
		assert_int_equal(size, size_of_image(change, "Keys") + size_of_image(change, "OldImage") +
					       size_of_image(change, "NewImage"));
		json_free(root);
	}
}

/* Prices are cents, so a sum of them is exact in a long. */
static long cents_of(struct slice canonical)
{
	char digits[NUMBER_TEXT_MAX + 1] = { 0 };
	memcpy(digits, canonical.data, canonical.size);
	char *point = strchr(digits, '.');
	long cents = atol(digits) * 100;
	if (point)
		cents += atol(point + 1) * (strlen(point + 1) == 1 ? 10 : 1);
	return cents;
}

static long number_attribute(struct slice item, const char *name)
{
	struct value value;
	assert_true(item_attribute(item, slice_of_text(name), &value));
	assert_int_equal(value.tag, VALUE_N);
	return cents_of(value.bytes);
}

static void totals_are_the_sums_of_the_lines(void **state)
{
	(void)state;
	for (int i = 0; i < step_count; i++) {
		struct slice item = buffer_slice(&steps[i].item);
		struct value lines, line;
		long cents = 0;
		if (steps[i].is_removal)
			continue;
		assert_true(item_attribute(item, slice_of_text("lines"), &lines));
		struct reader r = reader_of(lines.body);
		while (value_next(&lines, &r, NULL, &line))
			cents += number_attribute(line.whole, "quantity") / 100 * number_attribute(line.whole, "price");
		assert_int_equal(number_attribute(item, "total"), cents);
	}
}

static void items_are_of_an_ordinary_size(void **state)
{
	struct buffer json = BUFFER_INIT;
	(void)state;
	for (int i = 0; i < step_count; i++) {
		struct slice item = buffer_slice(&steps[i].item);
		if (steps[i].is_removal)
			continue;
		buffer_clear(&json);
		assert_int_equal(item_to_json(item, ITEM_PLAIN, ITEM_COMPACT, &(struct item_order){ 0 }, &json), 0);
		if (json.size < 300 || json.size > 500)
			fail_msg("%zu bytes: %s", json.size, buffer_text(&json));
	}
	assert_non_null(memmem(text, text_size, "ü", strlen("ü")));
	assert_non_null(memmem(text, text_size, "O'Brien", strlen("O'Brien")));
	buffer_free(&json);
}

static void tells_of_a_full_disk(void **state)
{
	FILE *out = fopen("/dev/full", "w");
	(void)state;
	assert_non_null(out);
	assert_int_equal(incident_write(out), -ENOSPC);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_same_every_time),
		cmocka_unit_test(is_in_order),
		cmocka_unit_test(numbers_are_those_promised),
		cmocka_unit_test(life_goes_on_around_the_removals),
		cmocka_unit_test(the_script_removes_the_even_orders_of_its_list),
		cmocka_unit_test(each_old_image_is_the_new_image_before),
		cmocka_unit_test(sizes_are_as_dynamodb_counts_them),
		cmocka_unit_test(totals_are_the_sums_of_the_lines),
		cmocka_unit_test(items_are_of_an_ordinary_size),
		cmocka_unit_test(tells_of_a_full_disk),
	};
	return cmocka_run_group_tests(tests, read_incident, free_incident);
}
