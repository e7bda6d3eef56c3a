/* Every line is a record or is refused with a message; a record that is written down again is the same record. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "clock.h"
#include "item.h"
#include "item_json.h"
#include "json.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append_member(struct buffer *out, const char *name, struct slice item)
{
	if (item.size == 0)
		return;
	buffer_append_format(out, ",\"%s\":", name);
	assert(item_to_json(item, ITEM_DYNAMODB, ITEM_COMPACT, &(struct item_order){ 0 }, out) == 0);
}

static void append_streams(struct buffer *out, const struct record *record)
{
	buffer_append_format(
		out, "{\"eventName\":\"%s\",\"eventSourceARN\":", record->op == RECORD_PUT ? "MODIFY" : "REMOVE");
	struct buffer arn = BUFFER_INIT;
	buffer_append_text(&arn, "arn:aws:dynamodb:x:0:table/");
	buffer_append_slice(&arn, record->table_name);
	json_append_string(out, buffer_slice(&arn));
	buffer_free(&arn);
	if (record->is_ttl)
		buffer_append_text(out, ",\"userIdentity\":{\"PrincipalId\":\"dynamodb.amazonaws.com\"}");
	buffer_append_text(out, ",\"dynamodb\":{\"StreamViewType\":\"NEW_IMAGE\"");
	if (record->has_time)
		buffer_append_format(out, ",\"ApproximateCreationDateTime\":%" PRId64 ".%06" PRId64,
			record->time_us / SECOND_US, record->time_us % SECOND_US);
	if (record->sequence[0])
		buffer_append_format(out, ",\"SequenceNumber\":\"%s\"", record->sequence);
	append_member(out, "Keys", record->keys);
	append_member(out, "NewImage", record->item);
	buffer_append_text(out, "}}");
}

static void append_kinesis(struct buffer *out, const struct record *record)
{
	buffer_append_format(
		out, "{\"eventName\":\"%s\",\"tableName\":", record->op == RECORD_PUT ? "INSERT" : "REMOVE");
	json_append_string(out, record->table_name);
	buffer_append_text(out, ",\"eventID\":");
	json_append_string(out, slice_of_text(record->event_id));
	if (record->is_ttl)
		buffer_append_text(out, ",\"userIdentity\":{\"principalId\":\"dynamodb.amazonaws.com\"}");
	buffer_append_text(out, ",\"dynamodb\":{\"ApproximateCreationDateTimePrecision\":\"MICROSECOND\"");
	if (record->has_time)
		buffer_append_format(out, ",\"ApproximateCreationDateTime\":%" PRId64, record->time_us);
	append_member(out, "Keys", record->keys);
	append_member(out, "NewImage", record->item);
	buffer_append_text(out, "}}");
}

static void append_record(struct buffer *out, const struct record *record)
{
	const struct item_order order = { 0 };
	switch (record->format) {
	case RECORD_STREAMS:
		append_streams(out, record);
		break;
	case RECORD_KINESIS:
		append_kinesis(out, record);
		break;
	case RECORD_ITEM:
		buffer_append_text(out, "{\"Item\":");
		assert(item_to_json(record->item, ITEM_DYNAMODB, ITEM_COMPACT, &order, out) == 0);
		buffer_append_byte(out, '}');
		break;
	case RECORD_PLAIN:
		assert(item_to_json(record->item, ITEM_PLAIN, ITEM_COMPACT, &order, out) == 0);
		break;
	}
}

static void check_same(const struct record *a, const struct record *b)
{
	assert(a->format == b->format && a->op == b->op);
	assert(a->has_time == b->has_time && a->time_us == b->time_us && a->is_ttl == b->is_ttl);
	assert(record_compare_sequence(a->sequence, b->sequence) == 0);
	assert(strcmp(a->event_id, b->event_id) == 0);
	assert(slice_equal(a->keys, b->keys) && slice_equal(a->item, b->item));
	assert(slice_equal(a->table_name, b->table_name));
}

static void check_record(const struct record *record)
{
	struct record again = { 0 };
	struct buffer line = BUFFER_INIT;
	assert((record->item.size == 0) == (record->op == RECORD_REMOVE));
	assert(record->item.size == 0 || item_check(record->item) == 0);
	assert(record->keys.size == 0 || item_check(record->keys) == 0);
	assert(record->time_us >= 0 && record->time_us <= TIME_MAX_US);
	append_record(&line, record);
	assert(buffer_error(&line) == 0);
	assert(record_parse(buffer_slice(&line), &again, NULL) == 0);
	check_same(record, &again);
	buffer_free(&line);
	record_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record record = { 0 };
	struct error error = { 0 };
	int result = record_parse(slice_of(data, size), &record, &error);
	if (result == 0)
		check_record(&record);
	else
		assert((result == -EINVAL || result == -EFBIG) && error.code == result && error.message[0]);
	record_free(&record);
	return 0;
}
