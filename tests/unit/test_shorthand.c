/* The AWS command line's shorthand: every form that guides use, and what is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/shorthand.h"

static void becomes(const char *text, const char *expected)
{
	struct buffer json = BUFFER_INIT;
	struct error error = { 0 };
	int result = shorthand_to_json(text, &json, &error);
	if (result < 0)
		fail_msg("%s: %s", text, error_text(&error));
	assert_string_equal(buffer_text(&json), expected);
	buffer_free(&json);
}

static void is_refused(const char *text, const char *reason)
{
	struct buffer json = BUFFER_INIT;
	struct error error = { 0 };
	assert_int_equal(shorthand_to_json(text, &json, &error), -EINVAL);
	assert_string_equal(error_text(&error), reason);
	buffer_free(&json);
}

static void members_are_texts(void **state)
{
	(void)state;
	becomes("AttributeName=id,AttributeType=S", "{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}");
	becomes("Key=Owner,Value=a b", "{\"Key\":\"Owner\",\"Value\":\"a b\"}");
	becomes("Key=Owner,Value=\"a,b\"", "{\"Key\":\"Owner\",\"Value\":\"a,b\"}");
	becomes("Key=Owner,Value='it\\'s'", "{\"Key\":\"Owner\",\"Value\":\"it's\"}");
	becomes("Key=n,Value=5", "{\"Key\":\"n\",\"Value\":\"5\"}");
	becomes("Key=n,Value=true", "{\"Key\":\"n\",\"Value\":\"true\"}");
	becomes("Key=n,Value=", "{\"Key\":\"n\",\"Value\":\"\"}");
}

static void what_is_a_number_or_boolean_in_dynamodb_becomes_one(void **state)
{
	(void)state;
	becomes("ReadCapacityUnits=5,WriteCapacityUnits=6", "{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6}");
	becomes("MaxReadRequestUnits=-1", "{\"MaxReadRequestUnits\":-1}");
	becomes("Enabled=true,AttributeName=ttl", "{\"Enabled\":true,\"AttributeName\":\"ttl\"}");
	becomes("StreamEnabled=false", "{\"StreamEnabled\":false}");
	becomes("PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=7",
		"{\"PointInTimeRecoveryEnabled\":true,\"RecoveryPeriodInDays\":7}");
	becomes("RecoveryPeriodInDays=forever", "{\"RecoveryPeriodInDays\":\"forever\"}");
	becomes("id={S=true},ok={BOOL=true}", "{\"id\":{\"S\":\"true\"},\"ok\":{\"BOOL\":true}}");
}

static void booleans_may_be_in_capitals(void **state)
{
	(void)state;
	becomes("PointInTimeRecoveryEnabled=True", "{\"PointInTimeRecoveryEnabled\":true}");
	becomes("PointInTimeRecoveryEnabled=FALSE", "{\"PointInTimeRecoveryEnabled\":false}");
	becomes("Enabled=truely", "{\"Enabled\":\"truely\"}");
}

static void blanks_between_members_do_not_matter(void **state)
{
	(void)state;
	becomes("Enabled=true, AttributeName=ttl", "{\"Enabled\":true,\"AttributeName\":\"ttl\"}");
	becomes("Enabled = true ,AttributeName = ttl", "{\"Enabled\":true,\"AttributeName\":\"ttl\"}");
}

static void lists_and_structures_nest(void **state)
{
	(void)state;
	becomes("NonKeyAttributes=a,b,ProjectionType=INCLUDE",
		"{\"NonKeyAttributes\":[\"a\",\"b\"],\"ProjectionType\":\"INCLUDE\"}");
	becomes("NonKeyAttributes=[a],ProjectionType=INCLUDE",
		"{\"NonKeyAttributes\":[\"a\"],\"ProjectionType\":\"INCLUDE\"}");
	becomes("IndexName=i,KeySchema=[{AttributeName=a,KeyType=HASH},{AttributeName=b,KeyType=RANGE}],Projection={"
		"ProjectionType=ALL}",
		"{\"IndexName\":\"i\",\"KeySchema\":[{\"AttributeName\":\"a\",\"KeyType\":\"HASH\"},"
		"{\"AttributeName\":\"b\",\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"ALL\"}}");
	becomes("Update={IndexName=i,ProvisionedThroughput={ReadCapacityUnits=1,WriteCapacityUnits=2}}",
		"{\"Update\":{\"IndexName\":\"i\",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":1,"
		"\"WriteCapacityUnits\":2}}}");
}

static void what_is_no_shorthand_is_refused_with_its_place(void **state)
{
	char deep[512] = "";
	(void)state;
	is_refused("id", "expected '=' at character 3 of: id");
	is_refused("", "expected a name at character 1 of: ");
	is_refused("a={b=c", "expected '}' at character 7 of: a={b=c");
	is_refused("a=\"b", "expected the closing quote at character 5 of: a=\"b");
	for (int i = 0; i < 100; i++)
		strcat(deep, "a={");
	struct buffer json = BUFFER_INIT;
	assert_int_equal(shorthand_to_json(deep, &json, NULL), -EINVAL);
	buffer_free(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_texts),
		cmocka_unit_test(what_is_a_number_or_boolean_in_dynamodb_becomes_one),
		cmocka_unit_test(booleans_may_be_in_capitals),
		cmocka_unit_test(blanks_between_members_do_not_matter),
		cmocka_unit_test(lists_and_structures_nest),
		cmocka_unit_test(what_is_no_shorthand_is_refused_with_its_place),
	};
	return cmocka_run_group_tests_name("shorthand", tests, NULL, NULL);
}
