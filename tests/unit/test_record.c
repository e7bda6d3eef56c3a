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
#include "record.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define KEYS "\"Keys\":{\"id\":{\"S\":\"1\"}}"
#define IMAGE "\"NewImage\":{\"id\":{\"S\":\"1\"},\"n\":{\"N\":\"2.50\"}}"
#define ARN "\"eventSourceARN\":\"arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2025-03-01T00:00:00.000\""

static void parse(const char *line, struct record *record)
{
	struct error error = { 0 };
	if (record_parse(slice_of_text(line), record, &error) < 0)
		fail_msg("%s: %s", line, error.message);
}

static void assert_item(struct slice item, const char *wanted)
{
	struct buffer json = BUFFER_INIT;
	assert_int_equal(item_to_json(item, ITEM_PLAIN, ITEM_COMPACT, &(struct item_order){ 0 }, &json), 0);
	assert_string_equal(buffer_text(&json), wanted);
	buffer_free(&json);
}

static void assert_text(struct slice text, const char *wanted)
{
	assert_true(slice_equal(text, slice_of_text(wanted)));
}

static void reads_a_streams_record(void **state)
{
	struct record record = { 0 };
	(void)state;
	parse("{\"eventID\":\"7de3041dd709b024af6f29e4fa13d34c\",\"eventName\":\"MODIFY\",\"eventVersion\":\"1.1\","
	      "\"eventSource\":\"aws:dynamodb\",\"awsRegion\":\"us-east-1\",\"dynamodb\":{"
	      "\"ApproximateCreationDateTime\":1740833231,\"Keys\":{\"pk\":{\"S\":\"CUST#100\"},\"sk\":{\"N\":\"1\"}},"
	      "\"OldImage\":{},\"NewImage\":{\"pk\":{\"S\":\"CUST#100\"},\"sk\":{\"N\":\"1.0\"},\"name\":{\"S\":"
	      "\"Ann\"}},"
	      "\"SequenceNumber\":\"13021600000000001596893679\",\"SizeBytes\":112,"
	      "\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"}," ARN "}",
		&record);
	assert_int_equal(record.format, RECORD_STREAMS);
	assert_int_equal(record.op, RECORD_PUT);
	assert_true(record.has_time);
	assert_int_equal(record.time_us, INT64_C(1740833231000000));
	assert_string_equal(record.sequence, "13021600000000001596893679");
	assert_string_equal(record.event_id, "");
	assert_false(record.is_ttl);
	assert_text(record.table_name, "orders");
	assert_item(record.keys, "{\"pk\":\"CUST#100\",\"sk\":1}");
	assert_item(record.item, "{\"name\":\"Ann\",\"pk\":\"CUST#100\",\"sk\":1}");
	record_free(&record);
}

static void reads_a_kinesis_record(void **state)
{
	struct record record = { 0 };
	(void)state;
	parse("{\"awsRegion\":\"us-east-2\",\"eventID\":\"f89436e0-627d-4d37-9879-42f86249aa83\",\"eventName\":"
	      "\"INSERT\","
	      "\"userIdentity\":null,\"recordFormat\":\"application/json\",\"tableName\":\"flight\",\"dynamodb\":{"
	      "\"ApproximateCreationDateTime\":1721011165891550," KEYS "," IMAGE ",\"SizeBytes\":137,"
	      "\"ApproximateCreationDateTimePrecision\":\"MICROSECOND\"},\"eventSource\":\"aws:dynamodb\"}",
		&record);
	assert_int_equal(record.format, RECORD_KINESIS);
	assert_int_equal(record.op, RECORD_PUT);
	assert_int_equal(record.time_us, INT64_C(1721011165891550));
	assert_string_equal(record.sequence, "");
	assert_string_equal(record.event_id, "f89436e0-627d-4d37-9879-42f86249aa83");
	assert_text(record.table_name, "flight");
	assert_item(record.item, "{\"id\":\"1\",\"n\":2.5}");
	record_free(&record);
}

static void reads_items_without_times(void **state)
{
	static const struct {
		const char *line;
		enum record_format format;
		const char *item;
	} cases[] = {
		{ "{\"Item\":{\"id\":{\"S\":\"1\"},\"n\":{\"N\":\"1E2\"}}}", RECORD_ITEM, "{\"id\":\"1\",\"n\":100}" },
		{ " { \"Item\" : { } } ", RECORD_ITEM, "{}" },
		{ "{\"id\":\"1\",\"n\":2.50,\"l\":[true,null]}", RECORD_PLAIN,
			"{\"id\":\"1\",\"l\":[true,null],\"n\":2.5}" },
		{ "{}", RECORD_PLAIN, "{}" },
		{ "{\"Item\":{\"id\":{\"S\":\"1\"}},\"x\":1}", RECORD_PLAIN,
			"{\"Item\":{\"id\":{\"S\":\"1\"}},\"x\":1}" },
		{ "{\"Item\":\"hammer\"}", RECORD_PLAIN, "{\"Item\":\"hammer\"}" },
		{ "{\"Item\":{\"name\":\"hammer\"}}", RECORD_PLAIN, "{\"Item\":{\"name\":\"hammer\"}}" },
		{ "{\"Item\":{\"a\":{\"S\":\"x\",\"N\":\"1\"}}}", RECORD_PLAIN,
			"{\"Item\":{\"a\":{\"N\":\"1\",\"S\":\"x\"}}}" },
		{ "{\"item\":{\"id\":{\"S\":\"1\"}}}", RECORD_PLAIN, "{\"item\":{\"id\":{\"S\":\"1\"}}}" },
		{ "{\"eventName\":\"INSERT\",\"id\":\"1\"}", RECORD_PLAIN, "{\"eventName\":\"INSERT\",\"id\":\"1\"}" },
		{ "{\"dynamodb\":{},\"id\":\"1\"}", RECORD_PLAIN, "{\"dynamodb\":{},\"id\":\"1\"}" },
	};
	struct record record = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		parse(cases[i].line, &record);
		assert_int_equal(record.format, cases[i].format);
		assert_int_equal(record.op, RECORD_PUT);
		assert_false(record.has_time);
		assert_string_equal(record.sequence, "");
		assert_int_equal(record.keys.size, 0);
		assert_int_equal(record.table_name.size, 0);
		assert_item(record.item, cases[i].item);
	}
	record_free(&record);
}

static void reads_removals(void **state)
{
	static const struct {
		const char *identity;
		bool is_ttl;
	} cases[] = {
		{ "", false },
		{ ",\"userIdentity\":null", false },
		{ ",\"userIdentity\":{\"type\":\"Service\",\"principalId\":\"dynamodb.amazonaws.com\"}", true },
		{ ",\"userIdentity\":{\"Type\":\"Service\",\"PrincipalId\":\"dynamodb.amazonaws.com\"}", true },
		{ ",\"userIdentity\":{\"type\":\"Service\",\"principalId\":\"replication.dynamodb.amazonaws.com\"}",
			false },
		{ ",\"userIdentity\":{\"principalId\":7}", false },
		{ ",\"userIdentity\":\"dynamodb.amazonaws.com\"", false },
	};
	struct record record = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char line[500];
		snprintf(line, sizeof(line), "{\"eventName\":\"REMOVE\",\"dynamodb\":{" KEYS ",\"OldImage\":{}}%s}",
			cases[i].identity);
		parse(line, &record);
		assert_int_equal(record.op, RECORD_REMOVE);
		assert_int_equal(record.is_ttl, cases[i].is_ttl);
		assert_int_equal(record.item.size, 0);
		assert_item(record.keys, "{\"id\":\"1\"}");
	}
	parse("{\"eventName\":\"INSERT\",\"dynamodb\":{" KEYS "," IMAGE "},"
	      "\"userIdentity\":{\"type\":\"Service\",\"principalId\":\"dynamodb.amazonaws.com\"}}",
		&record);
	assert_false(record.is_ttl);
	record_free(&record);
}

enum unit { SECONDS, MILLISECONDS, NAMED_MILLISECONDS, MICROSECONDS };

static void change_with_time(char line[500], enum unit unit, const char *time)
{
	static const char *const formats[] = {
		"{\"eventName\":\"INSERT\",\"dynamodb\":{\"ApproximateCreationDateTime\":%s," KEYS "," IMAGE "}}",
		"{\"eventName\":\"INSERT\",\"tableName\":\"t\",\"dynamodb\":{\"ApproximateCreationDateTime\":%s," KEYS
		"," IMAGE "}}",
		"{\"eventName\":\"INSERT\",\"tableName\":\"t\",\"dynamodb\":{\"ApproximateCreationDateTime\":%s," KEYS
		"," IMAGE ",\"ApproximateCreationDateTimePrecision\":\"MILLISECOND\"}}",
		"{\"eventName\":\"INSERT\",\"recordFormat\":\"application/json\",\"dynamodb\":{"
		"\"ApproximateCreationDateTime\":%s," KEYS "," IMAGE
		",\"ApproximateCreationDateTimePrecision\":\"MICROSECOND\"}}",
	};
	snprintf(line, 500, formats[unit], time);
}

static void reads_times_to_the_microsecond(void **state)
{
	static const struct {
		enum unit unit;
		const char *time;
		int64_t time_us;
	} cases[] = {
		{ SECONDS, "0", 0 },
		{ SECONDS, "1740833231", INT64_C(1740833231000000) },
		{ SECONDS, "1740833231.0", INT64_C(1740833231000000) },
		{ SECONDS, "1740833231.5", INT64_C(1740833231500000) },
		{ SECONDS, "1740833231.123456", INT64_C(1740833231123456) },
		{ SECONDS, "1740833231.000001", INT64_C(1740833231000001) },
		{ SECONDS, "1740833231.9999999", INT64_C(1740833231999999) },
		{ SECONDS, "1740833231.12345678901234567890123456789", INT64_C(1740833231123456) },
		{ SECONDS, "1.740833231E9", INT64_C(1740833231000000) },
		{ SECONDS, "1.740833231123456e+9", INT64_C(1740833231123456) },
		{ SECONDS, "17408332311234560e-7", INT64_C(1740833231123456) },
		{ SECONDS, "0.0000001", 0 },
		{ SECONDS, "1e-400", 0 },
		{ SECONDS, "0e99999999999999999999", 0 },
		{ SECONDS, "0.5e1", INT64_C(5000000) },
		{ SECONDS, "72057594037.927935", INT64_C(72057594037927935) },
		{ SECONDS, "\"2025-03-01T12:47:11+00:00\"", INT64_C(1740833231000000) },
		{ SECONDS, "\"2025-03-01T13:47:11+01:00\"", INT64_C(1740833231000000) },
		{ SECONDS, "\"2025-03-01T12:47:11.250Z\"", INT64_C(1740833231250000) },
		{ MILLISECONDS, "1740833231123", INT64_C(1740833231123000) },
		{ MILLISECONDS, "1.740833231123e12", INT64_C(1740833231123000) },
		{ NAMED_MILLISECONDS, "1740833231123", INT64_C(1740833231123000) },
		{ MICROSECONDS, "1740833231123456", INT64_C(1740833231123456) },
	};
	struct record record = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char line[500];
		change_with_time(line, cases[i].unit, cases[i].time);
		parse(line, &record);
		assert_true(record.has_time);
		if (record.time_us != cases[i].time_us)
			fail_msg("%s: %lld", cases[i].time, (long long)record.time_us);
	}
	parse("{\"eventName\":\"INSERT\",\"dynamodb\":{" KEYS "," IMAGE "}}", &record);
	assert_false(record.has_time);
	record_free(&record);
}

static void refuses_times_out_of_range(void **state)
{
	static const struct {
		enum unit unit;
		const char *time, *reason;
	} cases[] = {
		{ SECONDS, "-1", "in seconds" },
		{ SECONDS, "72057594037.927936", "in seconds" },
		{ SECONDS, "1740833231123456", "in seconds" },
		{ SECONDS, "1e400", "in seconds" },
		{ SECONDS, "1e99999999999999999999", "in seconds" },
		{ SECONDS, "99999999999999999999999999", "in seconds" },
		{ SECONDS, "null", "in seconds" },
		{ SECONDS, "\"\"", "in seconds" },
		{ SECONDS, "\"latest\"", "in seconds" },
		{ SECONDS, "\"-5m\"", "in seconds" },
		{ SECONDS, "[]", "in seconds" },
		{ MILLISECONDS, "\"2025-03-01T12:47:11Z\"", "in milliseconds" },
		{ MILLISECONDS, "-1", "in milliseconds" },
		{ MICROSECONDS, "true", "in microseconds" },
	};
	struct record record = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char line[500];
		struct error error = { 0 };
		change_with_time(line, cases[i].unit, cases[i].time);
		assert_int_equal(record_parse(slice_of_text(line), &record, &error), -EINVAL);
		assert_non_null(strstr(error.message, "ApproximateCreationDateTime"));
		if (!strstr(error.message, cases[i].reason))
			fail_msg("%s: %s", cases[i].time, error.message);
	}
	record_free(&record);
}

static void reads_sequence_numbers_as_numbers(void **state)
{
	static const struct {
		const char *member, *sequence; /* NULL: refused */
	} cases[] = {
		{ "", "" },
		{ ",\"SequenceNumber\":\"111\"", "111" },
		{ ",\"SequenceNumber\":\"000111\"", "111" },
		{ ",\"SequenceNumber\":\"0000\"", "0" },
		{ ",\"SequenceNumber\":\"1234567890123456789012345678901234567890\"",
			"1234567890123456789012345678901234567890" },
		{ ",\"SequenceNumber\":\"00001234567890123456789012345678901234567890\"",
			"1234567890123456789012345678901234567890" },
		{ ",\"SequenceNumber\":\"12345678901234567890123456789012345678901\"", NULL },
		{ ",\"SequenceNumber\":\"\"", NULL },
		{ ",\"SequenceNumber\":\"12a\"", NULL },
		{ ",\"SequenceNumber\":\"-1\"", NULL },
		{ ",\"SequenceNumber\":\"1\\u0000\"", NULL },
		{ ",\"SequenceNumber\":5", NULL },
		{ ",\"SequenceNumber\":null", NULL },
	};
	struct record record = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char line[500];
		struct error error = { 0 };
		snprintf(line, sizeof(line), "{\"eventName\":\"REMOVE\",\"dynamodb\":{" KEYS "%s}}", cases[i].member);
		int result = record_parse(slice_of_text(line), &record, &error);
		if (cases[i].sequence) {
			assert_int_equal(result, 0);
			assert_string_equal(record.sequence, cases[i].sequence);
		} else {
			assert_int_equal(result, -EINVAL);
			assert_non_null(strstr(error.message, "SequenceNumber"));
		}
	}
	record_free(&record);
}

static void reads_table_names_from_arns(void **state)
{
	static const struct {
		const char *member, *name;
	} cases[] = {
		{ ARN, "orders" },
		{ "\"eventSourceARN\":\"arn:aws-cn:dynamodb:cn-north-1:123456789012:table/a.b-c_d\"", "a.b-c_d" },
		{ "\"eventSourceARN\":\"arn:aws:dynamodb:us-east-1:123456789012:table/\"", "" },
		{ "\"eventSourceARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/x\"", "" },
		{ "\"eventSourceARN\":\"\"", "" },
		{ "\"eventSourceARN\":null", "" },
	};
	struct record record = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char line[500];
		snprintf(line, sizeof(line), "{\"eventName\":\"REMOVE\",\"dynamodb\":{" KEYS "},%s}", cases[i].member);
		parse(line, &record);
		assert_text(record.table_name, cases[i].name);
	}
	record_free(&record);
}

static void refuses_bad_lines_with_a_reason(void **state)
{
	static const struct {
		const char *line, *reason;
		int code;
	} cases[] = {
		{ "", "", -EINVAL },
		{ "[]", "JSON object", -EINVAL },
		{ "\"x\"", "JSON object", -EINVAL },
		{ "{\"id\":\"1\"} {}", "", -EINVAL },
		{ "{\"id\":", "", -EINVAL },
		{ "{\"eventName\":\"INSERT\",\"dynamodb\":[]}", "dynamodb", -EINVAL },
		{ "{\"eventName\":\"CREATE\",\"dynamodb\":{" KEYS "}}", "INSERT", -EINVAL },
		{ "{\"eventName\":null,\"dynamodb\":{" KEYS "}}", "INSERT", -EINVAL },
		{ "{\"eventName\":\"INSERT\",\"dynamodb\":{" KEYS "}}",
			"StreamViewType NEW_IMAGE or NEW_AND_OLD_IMAGES", -EINVAL },
		{ "{\"eventName\":\"MODIFY\",\"dynamodb\":{" KEYS ",\"OldImage\":{}}}", "StreamViewType", -EINVAL },
		{ "{\"eventName\":\"MODIFY\",\"dynamodb\":{" KEYS ",\"NewImage\":5}}", "NewImage", -EINVAL },
		{ "{\"eventName\":\"MODIFY\",\"dynamodb\":{" KEYS ",\"NewImage\":{}}}", "key", -EINVAL },
		{ "{\"eventName\":\"MODIFY\",\"dynamodb\":{" KEYS ",\"NewImage\":{\"id\":{\"S\":\"2\"}}}}", "key",
			-EINVAL },
		{ "{\"eventName\":\"MODIFY\",\"dynamodb\":{" KEYS ",\"NewImage\":{\"id\":{\"N\":\"1\"}}}}", "key",
			-EINVAL },
		{ "{\"eventName\":\"MODIFY\",\"dynamodb\":{" KEYS ",\"NewImage\":{\"id\":{\"Q\":\"1\"}}}}", "NewImage",
			-EINVAL },
		{ "{\"eventName\":\"MODIFY\",\"dynamodb\":{" KEYS
		  ",\"NewImage\":{\"id\":{\"S\":\"1\"},\"n\":{\"N\":\"x\"}}}}",
			"NewImage", -EINVAL },
		{ "{\"eventName\":\"REMOVE\",\"dynamodb\":{}}", "Keys", -EINVAL },
		{ "{\"eventName\":\"REMOVE\",\"dynamodb\":{\"Keys\":{}}}", "Keys", -EINVAL },
		{ "{\"eventName\":\"REMOVE\",\"dynamodb\":{\"Keys\":7}}", "Keys", -EINVAL },
		{ "{\"eventName\":\"REMOVE\",\"dynamodb\":{\"Keys\":{\"id\":\"1\"}}}", "Keys", -EINVAL },
		{ "{\"eventName\":\"REMOVE\",\"tableName\":\"t\",\"eventID\":5,\"dynamodb\":{" KEYS "}}", "eventID",
			-EINVAL },
		{ "{\"eventName\":\"REMOVE\",\"tableName\":\"t\",\"eventID\":\"a b\",\"dynamodb\":{" KEYS "}}",
			"eventID", -EINVAL },
		{ "{\"eventName\":\"REMOVE\",\"tableName\":\"t\",\"eventID\":"
		  "\"12345678901234567890123456789012345678901234567890123456789012345\",\"dynamodb\":{" KEYS "}}",
			"eventID", -EINVAL },
		{ "{\"eventName\":\"REMOVE\",\"tableName\":\"t\",\"dynamodb\":{" KEYS
		  ",\"ApproximateCreationDateTime\":1,"
		  "\"ApproximateCreationDateTimePrecision\":\"NANOSECOND\"}}",
			"Precision", -EINVAL },
		{ "{\"eventName\":\"REMOVE\",\"tableName\":\"t\",\"dynamodb\":{" KEYS
		  ",\"ApproximateCreationDateTime\":1,"
		  "\"ApproximateCreationDateTimePrecision\":null}}",
			"Precision", -EINVAL },
		{ "{\"Item\":{\"n\":{\"N\":\"x\"}}}", "n", -EINVAL },
	};
	struct record record = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error error = { 0 };
		int result = record_parse(slice_of_text(cases[i].line), &record, &error);
		if (result != cases[i].code || error.code != cases[i].code || !strstr(error.message, cases[i].reason))
			fail_msg("%s: %d, %s", cases[i].line, result, error.message);
		assert_true(error.message[0] != '\0' && !strchr(error.message, '\n'));
		assert_int_equal(record.item.size + record.keys.size + record.table_name.size, 0);
	}
	record_free(&record);
}

static void refuses_what_is_too_large(void **state)
{
	struct buffer line = BUFFER_INIT;
	struct record record = { 0 };
	(void)state;
	buffer_append_text(&line, "{\"id\":\"");
	assert_int_equal(buffer_reserve(&line, RECORD_LINE_MAX), 0);
	memset(line.data + line.size, 'x', RECORD_LINE_MAX);
	line.size += ITEM_MAX_SIZE_BYTES;
	buffer_append_text(&line, "\"}");
	assert_int_equal(record_parse(buffer_slice(&line), &record, NULL), -EFBIG);
	line.size = RECORD_LINE_MAX + 1;
	assert_int_equal(record_parse(buffer_slice(&line), &record, NULL), -EFBIG);
	buffer_free(&line);
	record_free(&record);
}

static void a_record_is_used_again(void **state)
{
	struct record record = { 0 };
	(void)state;
	parse("{\"eventName\":\"REMOVE\",\"tableName\":\"t\",\"eventID\":\"abc\",\"dynamodb\":{" KEYS
	      ",\"ApproximateCreationDateTime\":5},\"userIdentity\":{\"principalId\":\"dynamodb.amazonaws.com\"}}",
		&record);
	assert_true(record.is_ttl && record.has_time && record.event_id[0]);
	parse("{\"id\":\"2\"}", &record);
	assert_false(record.is_ttl || record.has_time || record.event_id[0] || record.time_us);
	assert_int_equal(record.keys.size + record.table_name.size, 0);
	assert_item(record.item, "{\"id\":\"2\"}");
	record_free(&record);
	record_free(&record);
}

static void compares_sequence_numbers(void **state)
{
	static const char *const ascending[] = { "", "0", "9", "10", "99", "100", "18446744073709551616",
		"1000000000000000000000000000000000000000" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ascending); i++)
		for (size_t j = 0; j < COUNT_OF(ascending); j++) {
			int order = record_compare_sequence(ascending[i], ascending[j]);
			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_streams_record),
		cmocka_unit_test(reads_a_kinesis_record),
		cmocka_unit_test(reads_items_without_times),
		cmocka_unit_test(reads_removals),
		cmocka_unit_test(reads_times_to_the_microsecond),
		cmocka_unit_test(refuses_times_out_of_range),
		cmocka_unit_test(reads_sequence_numbers_as_numbers),
		cmocka_unit_test(reads_table_names_from_arns),
		cmocka_unit_test(refuses_bad_lines_with_a_reason),
		cmocka_unit_test(refuses_what_is_too_large),
		cmocka_unit_test(a_record_is_used_again),
		cmocka_unit_test(compares_sequence_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
