#include "record.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "instant.h"
#include "item.h"
#include "item_json.h"
#include "json.h"

#define LINE_DEPTH_MAX 100
#define EXPONENT_MAX 1000
#define SECONDS_TO_US_DIGITS 6
#define MILLISECONDS_TO_US_DIGITS 3
#define TTL_PRINCIPAL "dynamodb.amazonaws.com"

/* Where the parts of a record lie in its storage, which moves while it grows: keys, then item, then table name. */
struct sizes {
	size_t keys, item;
};

static void reset(struct record *record)
{
	struct buffer storage = record->storage;
	buffer_clear(&storage);
	*record = (struct record){ .storage = storage };
}

void record_free(struct record *record)
{
	buffer_free(&record->storage);
	*record = (struct record){ 0 };
}

int record_compare_sequence(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b);
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return strcmp(a, b);
}

/* True when a value is an object with one member that is named as a DynamoDB type. */
static bool is_typed_value(const struct json *value)
{
	static const char *const types[] = { "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS" };
	if (json_type(value) != JSON_OBJECT || json_count(value) != 1)
		return false;
	struct slice name = json_name(json_first(value));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (slice_equal(name, slice_of_text(types[i])))
			return true;
	return false;
}

static bool is_dynamodb_item(const struct json *item)
{
	if (json_type(item) != JSON_OBJECT)
		return false;
	for (const struct json *value = json_first(item); value; value = json_next(value))
		if (!is_typed_value(value))
			return false;
	return true;
}

static enum record_format recognise(const struct json *root)
{
	if (json_member(root, "dynamodb") && json_member(root, "eventName"))
		return json_member(root, "recordFormat") || json_member(root, "tableName") ? RECORD_KINESIS
											   : RECORD_STREAMS;
	const struct json *item = json_member(root, "Item");
	return item && json_count(root) == 1 && is_dynamodb_item(item) ? RECORD_ITEM : RECORD_PLAIN;
}

/* The integer part of literal * 10^shift, for a JSON number that is not negative; what is smaller is cut off. */
static int scale_number(struct slice literal, int shift, int64_t *ret_value)
{
	const char *const end = (const char *)literal.data + literal.size;
	const char *at = (const char *)literal.data, *digits = at;
	int64_t exponent = 0, whole = 0, value = 0;
	bool is_fraction = false;
	if (at < end && *at == '-')
		return -ERANGE;
	for (; at < end && *at != 'e' && *at != 'E'; at++) {
		is_fraction = is_fraction || *at == '.';
		whole += !is_fraction;
	}
	const char *digits_end = at;
	bool is_negative = end - at > 1 && at[1] == '-';
	for (; at < end; at++)
		if (*at >= '0' && *at <= '9' && exponent < EXPONENT_MAX)
			exponent = exponent * 10 + (*at - '0');
	int64_t wanted = whole + (is_negative ? -exponent : exponent) + shift;
	for (int64_t i = 0; i < wanted && (digits < digits_end || value > 0); i++) {
		if (digits < digits_end && *digits == '.')
			digits++;
		int digit = digits < digits_end ? *digits++ - '0' : 0;
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
			return -ERANGE;
	}
	*ret_value = value;
	return 0;
}

/* The AWS command line writes the times of Streams records as ISO 8601. */
static int parse_time_text(struct slice text, int64_t *ret_us)
{
	struct instant instant;
	if (instant_parse(text, /* zone= */ NULL, &instant, /* error= */ NULL) < 0 || instant.kind != INSTANT_AT)
		return -ERANGE;
	*ret_us = instant.time_us;
	return 0;
}

static int time_digits(enum record_format format, const struct json *change, int *ret_digits, struct error *error)
{
	struct slice precision;
	if (format == RECORD_STREAMS) {
		*ret_digits = SECONDS_TO_US_DIGITS;
		return 0;
	}
	*ret_digits = MILLISECONDS_TO_US_DIGITS;
	if (!json_member(change, "ApproximateCreationDateTimePrecision"))
		return 0;
	if (json_get_text(change, "ApproximateCreationDateTimePrecision", &precision)) {
		if (slice_equal(precision, slice_of_text("MILLISECOND")))
			return 0;
		*ret_digits = 0;
		if (slice_equal(precision, slice_of_text("MICROSECOND")))
			return 0;
	}
	return error_set(
		error, -EINVAL, "ApproximateCreationDateTimePrecision must be \"MILLISECOND\" or \"MICROSECOND\"");
}

static int parse_time(const struct json *change, struct record *record, struct error *error)
{
	const struct json *time = json_member(change, "ApproximateCreationDateTime");
	int digits, result = -ERANGE;
	if (!time)
		return 0;
	if (time_digits(record->format, change, &digits, error) < 0)
		return -EINVAL;
	if (json_type(time) == JSON_NUMBER)
		result = scale_number(json_text(time), digits, &record->time_us);
	else if (json_type(time) == JSON_STRING && record->format == RECORD_STREAMS)
		result = parse_time_text(json_text(time), &record->time_us);
	if (result < 0 || record->time_us > TIME_MAX_US)
		return error_set(error, -EINVAL, "ApproximateCreationDateTime must be a time since 1970 in %s",
			digits == SECONDS_TO_US_DIGITS        ? "seconds"
			: digits == MILLISECONDS_TO_US_DIGITS ? "milliseconds"
							      : "microseconds");
	record->has_time = true;
	return 0;
}

static int parse_sequence(const struct json *change, struct record *record, struct error *error)
{
	struct slice text;
	if (!json_member(change, "SequenceNumber"))
		return 0;
	bool is_number = json_get_text(change, "SequenceNumber", &text) && text.size > 0;
	for (size_t i = 0; is_number && i < text.size; i++)
		is_number = text.data[i] >= '0' && text.data[i] <= '9';
	while (is_number && text.size > 1 && text.data[0] == '0')
		text = slice_of(text.data + 1, text.size - 1);
	if (!is_number || text.size > RECORD_SEQUENCE_MAX)
		return error_set(error, -EINVAL, "SequenceNumber must be a string of at most %d decimal digits",
			RECORD_SEQUENCE_MAX);
	memcpy(record->sequence, text.data, text.size);
	record->sequence[text.size] = '\0';
	return 0;
}

static int parse_event_id(const struct json *root, struct record *record, struct error *error)
{
	struct slice text;
	if (!json_member(root, "eventID"))
		return 0;
	bool is_fit = json_get_text(root, "eventID", &text) && text.size < sizeof(record->event_id);
	for (size_t i = 0; is_fit && i < text.size; i++)
		is_fit = text.data[i] > ' ' && text.data[i] <= '~';
	if (!is_fit)
		return error_set(error, -EINVAL, "eventID must be a string of at most %zu visible ASCII characters",
			sizeof(record->event_id) - 1);
	if (text.size > 0)
		memcpy(record->event_id, text.data, text.size);
	record->event_id[text.size] = '\0';
	return 0;
}

static int parse_op(const struct json *root, struct record *record, struct error *error)
{
	struct slice name = slice_of(NULL, 0);
	json_get_text(root, "eventName", &name);
	if (slice_equal(name, slice_of_text("REMOVE")))
		record->op = RECORD_REMOVE;
	else if (slice_equal(name, slice_of_text("INSERT")) || slice_equal(name, slice_of_text("MODIFY")))
		record->op = RECORD_PUT;
	else
		return error_set(error, -EINVAL, "eventName must be \"INSERT\", \"MODIFY\" or \"REMOVE\"");
	return 0;
}

/* The AWS API spells the member with a capital, Lambda without. */
static bool is_service_deletion(const struct json *root)
{
	const struct json *identity = json_member(root, "userIdentity");
	struct slice principal;
	return identity &&
	       (json_get_text(identity, "principalId", &principal) ||
		       json_get_text(identity, "PrincipalId", &principal)) &&
	       slice_equal(principal, slice_of_text(TTL_PRINCIPAL));
}

/* NAME of arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL; empty when the ARN is another. */
static struct slice table_of_arn(struct slice arn)
{
	static const char mark[] = ":table/";
	const size_t mark_size = sizeof(mark) - 1;
	const uint8_t *found = arn.size > 0 ? memmem(arn.data, arn.size, mark, mark_size) : NULL;
	if (!found)
		return slice_of(NULL, 0);
	struct slice rest = slice_of(found + mark_size, arn.size - (size_t)(found - arn.data) - mark_size);
	const uint8_t *slash = rest.size > 0 ? memchr(rest.data, '/', rest.size) : NULL;
	return slash ? slice_of(rest.data, (size_t)(slash - rest.data)) : rest;
}

static struct slice table_name(const struct json *root, enum record_format format)
{
	struct slice text = slice_of(NULL, 0);
	if (format == RECORD_KINESIS) {
		json_get_text(root, "tableName", &text);
		return text;
	}
	json_get_text(root, "eventSourceARN", &text);
	return table_of_arn(text);
}

/* Every key attribute is in the item, with the same value. */
static int check_keys(struct slice keys, struct slice item, struct error *error)
{
	struct reader whole = reader_of(keys);
	struct value container, key, attribute;
	struct slice name;
	if (!value_read(&whole, &container) || container.count == 0)
		return error_set(error, -EINVAL, "Keys is empty: a change record names the item's key there");
	struct reader r = reader_of(container.body);
	while (item.size > 0 && value_next(&container, &r, &name, &key))
		if (!item_attribute(item, name, &attribute) || !slice_equal(key.whole, attribute.whole))
			return error_set(error, -EINVAL, "NewImage has not the key that Keys has");
	return 0;
}

/* Appends one image of a change to the storage, and tells its size. */
static int parse_image(
	const struct json *change, const char *name, struct record *record, size_t *ret_size, struct error *error)
{
	const struct json *image = json_member(change, name);
	size_t before = record->storage.size;
	if (!image || json_type(image) != JSON_OBJECT)
		return error_set(error, -EINVAL, "the change record has no %s", name);
	int result = item_from_tree(image, ITEM_DYNAMODB, &record->storage, error);
	if (result < 0) {
		error_prefix(error, "%s", name);
		return result;
	}
	*ret_size = record->storage.size - before;
	return 0;
}

static int parse_images(const struct json *change, struct record *record, struct sizes *sizes, struct error *error)
{
	int result = parse_image(change, "Keys", record, &sizes->keys, error);
	if (result == 0 && record->op == RECORD_PUT) {
		if (!json_member(change, "NewImage"))
			return error_set(error, -EINVAL,
				"the change record has no NewImage: record the stream with StreamViewType NEW_IMAGE or "
				"NEW_AND_OLD_IMAGES");
		result = parse_image(change, "NewImage", record, &sizes->item, error);
	}
	if (result < 0)
		return result;
	struct slice both = buffer_slice(&record->storage);
	return check_keys(slice_of(both.data, sizes->keys), slice_of(both.data + sizes->keys, sizes->item), error);
}

static int parse_change(const struct json *root, struct record *record, struct sizes *sizes, struct error *error)
{
	const struct json *change = json_member(root, "dynamodb");
	if (json_type(change) != JSON_OBJECT)
		return error_set(error, -EINVAL, "the member \"dynamodb\" of a change record must be an object");
	int result = parse_op(root, record, error);
	if (result == 0)
		result = parse_time(change, record, error);
	if (result == 0 && record->format == RECORD_STREAMS)
		result = parse_sequence(change, record, error);
	if (result == 0 && record->format == RECORD_KINESIS)
		result = parse_event_id(root, record, error);
	if (result == 0)
		result = parse_images(change, record, sizes, error);
	if (result == 0) {
		record->is_ttl = record->op == RECORD_REMOVE && is_service_deletion(root);
		buffer_append_slice(&record->storage, table_name(root, record->format));
	}
	return result;
}

static int parse_item(const struct json *root, struct record *record, struct sizes *sizes, struct error *error)
{
	bool is_wrapped = record->format == RECORD_ITEM;
	int result = item_from_tree(is_wrapped ? json_member(root, "Item") : root,
		is_wrapped ? ITEM_DYNAMODB : ITEM_PLAIN, &record->storage, error);
	sizes->item = record->storage.size;
	return result;
}

static int parse_root(const struct json *root, struct record *record, struct error *error)
{
	struct sizes sizes = { 0 };
	if (json_type(root) != JSON_OBJECT)
		return error_set(error, -EINVAL, "a line must be a JSON object: a change record or an item");
	record->format = recognise(root);
	bool is_change = record->format == RECORD_STREAMS || record->format == RECORD_KINESIS;
	int result = is_change ? parse_change(root, record, &sizes, error) : parse_item(root, record, &sizes, error);
	if (result == 0 && buffer_error(&record->storage) < 0)
		result = error_set(error, -ENOMEM, "out of memory reading a change record");
	if (result < 0)
		return result;
	struct slice all = buffer_slice(&record->storage);
	size_t images = sizes.keys + sizes.item;
	record->keys = slice_of(all.data, sizes.keys);
	record->item = slice_of(all.data + sizes.keys, sizes.item);
	record->table_name = slice_of(all.data + images, all.size - images);
	return 0;
}

int record_parse(struct slice line, struct record *record, struct error *error)
{
	static const struct json_limits limits = { .max_size = RECORD_LINE_MAX, .max_depth = LINE_DEPTH_MAX };
	struct json *root;
	reset(record);
	int result = json_parse(line, &limits, &root, error);
	if (result < 0)
		return result;
	result = parse_root(root, record, error);
	if (result < 0)
		reset(record);
	json_free(root);
	return result;
}
