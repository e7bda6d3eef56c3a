#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"
#include "item_json.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char item_text[] =
	"{\"id\":\"o-1\",\"status\":\"shipped\",\"total\":12.50,\"big\":12345678901234567890.5,\"zero\":0,"
	"\"paid\":true,\"open\":false,\"none\":null,\"empty\":\"\",\"name\":\"Malm\\u00f6 \\u20ac\","
	"\"data\":{\"$binary\":\"aGkgdGhlcmU=\"},\"tags\":{\"$stringSet\":[\"red\",\"blue\"]},"
	"\"sizes\":{\"$numberSet\":[2,4,7]},\"blobs\":{\"$binarySet\":[\"aGk=\",\"eW8=\"]},"
	"\"lines\":[{\"sku\":\"A1\",\"n\":2},\"text\",3,[1,2],{\"$numberSet\":[1,2]}],"
	"\"address\":{\"city\":\"Berlin\",\"geo\":{\"lat\":52.5}},\"order-no\":7,\"a.b\":1,\"and\":5,\"n2\":12.5,"
	"\"say \\\"hi\\\"\":1,\"in`side\":2}";

static const char names_text[] = "{\"#s\":\"status\",\"#dot\":\"a.b\",\"#city\":\"city\",\"#n\":7,\"#e\":\"\"}";
static const char values_text[] =
	"{\":s\":{\"S\":\"shipped\"},\":n\":{\"N\":\"12.5\"},\":b\":{\"B\":\"aGkgdGhlcmU=\"},\":hi\":{\"B\":\"aGk=\"},"
	"\":ss\":{\"SS\":[\"blue\",\"red\"]},\":ns\":{\"NS\":[\"7\",\"2\",\"4.0\"]},\":n12\":{\"NS\":[\"2\",\"1\"]},"
	"\":l\":{\"L\":[{\"N\":\"1\"},{\"N\":\"2\"}]},\":m\":{\"M\":{\"lat\":{\"N\":\"52.50\"}}},\":t\":{\"BOOL\":true}"
	","
	"\":null\":{\"NULL\":true},\":low\":{\"B\":\"aGg=\"},\":high\":{\"B\":\"aGo=\"},\":type\":{\"S\":\"NS\"},"
	"\":bad\":{\"N\":\"x\"},\":odd\":5}";

struct fixture {
	struct buffer item;
	struct json *names, *values;
};

static struct fixture fixture;

static int setup(void **state)
{
	(void)state;
	struct error error = { 0 };
	if (item_from_json(slice_of_text(item_text), ITEM_PLAIN, &fixture.item, &error) < 0)
		fail_msg("%s", error.message);
	assert_int_equal(json_parse(slice_of_text(names_text), &json_default_limits, &fixture.names, NULL), 0);
	assert_int_equal(json_parse(slice_of_text(values_text), &json_default_limits, &fixture.values, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buffer_free(&fixture.item);
	json_free(fixture.names);
	json_free(fixture.values);
	return 0;
}

static struct expression *parse(const char *text)
{
	struct expression *expression = NULL;
	struct error error = { 0 };
	if (expression_parse(slice_of_text(text), fixture.names, fixture.values, &expression, &error) < 0)
		fail_msg("%s: %s", text, error.message);
	return expression;
}

static int holds_for(const char *text, struct slice item)
{
	struct expression *expression = parse(text);
	int result = expression_holds(expression, item);
	expression_free(expression);
	return result;
}

static void require_all(const char *const *texts, size_t count, int expected)
{
	for (size_t i = 0; i < count; i++) {
		int result = holds_for(texts[i], buffer_slice(&fixture.item));
		if (result != expected)
			fail_msg("%s: %d", texts[i], result);
	}
}

static void test_what_holds(void **state)
{
	static const char *const texts[] = {
		/* equality, of every type */
		"id = 'o-1'",
		"status = :s",
		"#s = :s",
		"status = \"shipped\"",
		"\"status\" = \"shipped\"",
		"`status` = 'shipped'",
		"total = 12.5",
		"total = 12.500",
		"total = 1.25e1",
		"total = +12.5",
		"total = :n",
		"total = n2",
		"paid = TRUE",
		"paid = true",
		"paid = :t",
		"open = FALSE",
		"none = NULL",
		"none = :null",
		"data = :b",
		"tags = :ss",
		"sizes = :ns",
		"lines[3] = :l",
		"address.geo = :m",
		"lines[4] = :n12",
		"big = 12345678901234567890.5",
		"empty = ''",
		"zero = 0",
		"zero = -0",
		"12.5 = total",
		":n = total",
		"'shipped' = status",
		/* not equal: other values, other types, nothing there */
		"status <> 'open'",
		"total <> '12.5'",
		"total <> 12",
		"missing <> 1",
		"missing <> gone",
		"paid <> open",
		"paid <> 1",
		"tags <> :ns",
		"address.zip <> 1",
		"id.sub <> 1",
		"NOT status <> 'shipped'",
		/* order */
		"total < 13",
		"total <= 12.5",
		"total > 12.49999999999999999999999999999999999",
		"total >= 12.5",
		"big > 12345678901234567890.4",
		"zero > -1",
		"status > 'ship'",
		"status < 'shipper'",
		"status >= 'Shipped'",
		"data > :hi",
		"data < :high",
		"zero < total",
		"name > 'Malm'",
		/* BETWEEN and IN */
		"total BETWEEN 12 AND 13",
		"total between 12.5 and 12.5",
		"status BETWEEN 'a' AND 'z'",
		"data BETWEEN :low AND :high",
		"total BETWEEN zero AND big",
		"13 BETWEEN total AND big",
		"total BETWEEN 1 AND 20 AND status = 'shipped'",
		"size(tags) BETWEEN 1 AND 2",
		"status IN ('open', 'shipped')",
		"status in (:s)",
		"total IN ('x', :t, 12.5)",
		"tags IN (:ss)",
		"paid IN (FALSE, TRUE)",
		"total IN (zero, n2)",
		"status IN (\"open\", \"shipped\")",
		"NOT status IN ('open')",
		"size(tags) IN (1, 2)",
		/* paths */
		"address.city = 'Berlin'",
		"address.#city = 'Berlin'",
		"address.geo.lat > 52",
		"lines[0].sku = 'A1'",
		"lines[2] = 3",
		"lines[3][1] = 2",
		"\"order-no\" = 7",
		"`order-no` = 7",
		"#dot = 1",
		"\"a.b\" = 1",
		"`and` = 5",
		"\"and\" = 5",
		"\"say \"\"hi\"\"\" = 1",
		"`in``side` = 2",
		"\"address\".city = 'Berlin'",
		"address.\"city\" = 'Berlin'",
		"'Berlin' = \"address\".city",
		"address . city = 'Berlin'",
		"lines [ 2 ] = 3",
		/* functions */
		"attribute_exists(id)",
		"attribute_exists (lines[4])",
		"attribute_exists(none)",
		"attribute_exists(\"order-no\")",
		"attribute_not_exists(lines[5])",
		"attribute_not_exists(address.city.x)",
		"attribute_not_exists(id[0])",
		"attribute_type(id, 'S')",
		"attribute_type(total, 'N')",
		"attribute_type(data, 'B')",
		"attribute_type(paid, 'BOOL')",
		"attribute_type(open, 'BOOL')",
		"attribute_type(none, 'NULL')",
		"attribute_type(lines, 'L')",
		"attribute_type(address, 'M')",
		"attribute_type(tags, \"SS\")",
		"attribute_type(sizes, :type)",
		"attribute_type(blobs, 'BS')",
		"attribute_type(5, 'N')",
		"begins_with(status, 'ship')",
		"begins_with(status, '')",
		"begins_with(data, :hi)",
		"begins_with('o-1-2', id)",
		"contains(status, 'ipp')",
		"contains(status, '')",
		"contains(data, :hi)",
		"contains(tags, 'red')",
		"contains(sizes, 4.0)",
		"contains(sizes, :n) OR contains(sizes, 7)",
		"contains(blobs, :hi)",
		"contains(lines, 'text')",
		"contains(lines, 3)",
		"contains(lines, :l)",
		"contains(lines, :n12)",
		"contains('xo-1x', id)",
		"contains(empty, '')",
		/* size */
		"size(status) = 7",
		"size(name) = 7",
		"size(data) = 8",
		"size(tags) = 2",
		"size(lines) = 5",
		"size(address) = 2",
		"size(empty) = 0",
		"size(lines[0]) = 2",
		"size(total) <> 4",
		"size(missing) <> 0",
		"5 = size(lines)",
		"size(id) < size(status)",
		"size (lines) = 5",
		"size(status) = `order-no`",
		/* logic */
		"id = 'o-1' AND paid = TRUE",
		"id = 'x' OR paid = TRUE",
		"NOT id = 'x'",
		"NOT NOT NOT id = 'x'",
		"id = 'o-1' OR id = 'x' AND id = 'y'",
		"(id = 'x' OR id = 'o-1') and (paid = true)",
		"((id = 'o-1'))",
		"NOT (id = 'x' AND paid = TRUE)",
		"not id = 'x' And paid = TRUE",
		"id='o-1'AND paid=TRUE",
		"\tid\n=\r\n'o-1' ",
		"id = 'o-1' AND id = 'o-1' AND id = 'o-1' OR id = 'x'",
	};
	(void)state;
	require_all(texts, COUNT_OF(texts), 1);
}

static void test_what_does_not_hold(void **state)
{
	static const char *const texts[] = {
		"id = 'o-2'",
		"id = 'O-1'",
		"total = '12.5'",
		"paid = 'true'",
		"paid = FALSE",
		"none = FALSE",
		"none = ''",
		"missing = 1",
		"missing = gone",
		"missing = NULL",
		"tags = :ns",
		"id.x = 1",
		"lines[9] = 1",
		"lines.sku = 1",
		"address[0] = 1",
		"total <> 12.5",
		"status <> \"shipped\"",
		"tags <> :ss",
		/* other types have no order among each other, and neither has what is missing */
		"total < '13'",
		"total > '13'",
		"'9' < total",
		"status < 5",
		"status >= 5",
		"paid < 2",
		"none < 1",
		"tags < 'z'",
		"lines >= 1",
		"missing < 1",
		"missing >= 1",
		"missing < gone",
		"data < 'z'",
		"paid <= open",
		"total BETWEEN 13 AND 14",
		"total BETWEEN '1' AND '2'",
		"missing BETWEEN 1 AND 2",
		"paid BETWEEN 0 AND 2",
		"total BETWEEN big AND zero",
		"total BETWEEN zero AND status",
		"status IN ('open')",
		"missing IN (1, gone)",
		"missing IN (NULL)",
		"total IN ('12.5')",
		"attribute_exists(missing)",
		"attribute_exists(address.zip)",
		"attribute_exists(lines[5])",
		"attribute_not_exists(none)",
		"attribute_type(id, 'N')",
		"attribute_type(missing, 'NULL')",
		"attribute_type(tags, 'S')",
		"attribute_type(paid, 'B')",
		"attribute_type(sizes, 'N')",
		"begins_with(status, 'hip')",
		"begins_with(status, :hi)",
		"begins_with(data, 'hi')",
		"begins_with(total, '1')",
		"begins_with(missing, '')",
		"begins_with(tags, 'red')",
		"begins_with(id, 'o-1-')",
		"begins_with(id, missing)",
		"contains(status, 'Ship')",
		"contains(status, 5)",
		"contains(total, 1)",
		"contains(tags, 'gree')",
		"contains(tags, 're')",
		"contains(tags, 2)",
		"contains(sizes, '2')",
		"contains(sizes, 3)",
		"contains(data, 'hi')",
		"contains(blobs, 'aGk=')",
		"contains(lines, 2)",
		"contains(lines, missing)",
		"contains(address, 'Berlin')",
		"contains(address, 'city')",
		"contains(missing, '')",
		"contains(paid, TRUE)",
		"size(total) = 4",
		"size(paid) = 1",
		"size(none) = 0",
		"size(missing) = 0",
		"size(missing) < 1",
		"size(status) = '7'",
		"size(total) >= 0",
		"id = 'x' AND paid = TRUE",
		"id = 'x' OR paid = FALSE",
		"NOT id = 'o-1'",
		"NOT (id = 'o-1' OR id = 'x')",
		"NOT id = 'o-1' AND id = 'o-1'",
		"NOT id = 'o-1' OR id = 'x'",
	};
	(void)state;
	require_all(texts, COUNT_OF(texts), 0);
}

static void test_an_item_that_is_not_there(void **state)
{
	static const struct {
		const char *text;
		int expected;
	} cases[] = { { "attribute_not_exists(id)", 1 }, { "attribute_exists(id)", 0 }, { "id = 'o-1'", 0 },
		{ "id <> 'o-1'", 1 }, { "size(id) > 0", 0 }, { "1 = 1", 1 }, { "contains(tags, 'x')", 0 } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (holds_for(cases[i].text, (struct slice){ 0 }) != cases[i].expected)
			fail_msg("%s", cases[i].text);
	assert_int_equal(holds_for("id = 1", slice_of("S\1x", 3)), -EIO);
	assert_int_equal(holds_for("id = 1", slice_of("M\x7f", 2)), -EIO);
}

static void test_messages_point_at_the_place(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "status =", "at column 9: expected a value after '=', found end of text" },
		{ "total > 5 AND", "at column 14: expected a condition after 'AND', found end of text" },
		{ "", "The expression can not be empty; write a condition such as status = 'open'" },
		{ "  ", "The expression can not be empty; write a condition such as status = 'open'" },
		{ "status",
			"at column 7: expected =, <>, <, <=, >, >=, BETWEEN or IN after 'status', found end of text" },
		{ "status 'x'", "at column 8: expected =, <>, <, <=, >, >=, BETWEEN or IN after 'status', found 'x'" },
		{ "a = 1 b = 2", "at column 7: expected AND, OR or the end after '1', found 'b'" },
		{ "a = 1)", "at column 6: expected AND, OR or the end after '1', found ')'" },
		{ "(a = 1", "at column 7: expected AND, OR or ) after '1', found end of text" },
		{ "(a = 1 b", "at column 8: expected AND, OR or ) after '1', found 'b'" },
		{ "AND a = 1", "at column 1: expected a condition, found 'AND'" },
		{ "a = 1 AND OR b = 2", "at column 11: expected a condition after 'AND', found 'OR'" },
		{ ")", "at column 1: expected a condition, found ')'" },
		{ "a = AND", "at column 5: expected a value after '=', found 'AND'" },
		{ "a = = 1", "at column 5: expected a value after '=', found '='" },
		{ "a == 1", "at column 3: equal is written =, with one sign" },
		{ "a != 1", "at column 3: not equal is written <>" },
		{ "!a", "at column 1: not is written NOT" },
		{ "a = 1 && b = 2", "at column 7: and is written AND" },
		{ "a = 1 || b = 2", "at column 7: or is written OR" },
		{ "a LIKE 'x%'",
			"at column 3: there is no LIKE; use begins_with(path, 'text') or contains(path, 'text')" },
		{ "a IS NULL",
			"at column 3: there is no IS; use attribute_exists(path), attribute_not_exists(path) or path "
			"= NULL" },
		{ "a NOT IN (1)", "at column 3: NOT stands in front of a condition: NOT path IN (...)" },
		{ "order-no = 7",
			"at column 6: a name with other characters than letters, digits and _ stands in quotes, "
			"\"so\", and a text too, 'so'" },
		{ "größe = 1", "at column 3: a name with other characters than letters, digits and _ stands in quotes, "
			       "\"so\", and a text too, 'so'" },
		{ "'ö' = %", "at column 7: this character has no meaning here" },
		{ "a = 'x", "at column 5: the quotes that open here are not closed; a quote inside is written twice" },
		{ "a = 5abc", "at column 5: The parameter cannot be converted to a numeric value: 5abc" },
		{ "a = 1e999", "at column 5: Number overflow. Attempting to store a number with magnitude larger than "
			       "supported range" },
		{ "a = -", "at column 5: a name with other characters than letters, digits and _ stands in quotes, "
			   "\"so\", "
			   "and a text too, 'so'" },
		{ "a.5 = 1", "at column 3: expected the name of an attribute after '.', found '5'" },
		{ "a. = 1", "at column 4: expected the name of an attribute after '.', found '='" },
		{ "a[x] = 1", "at column 3: expected the place in a list, 0 or more, after '[', found 'x'" },
		{ "a[-1] = 1", "at column 3: expected the place in a list, 0 or more, after '[', found '-1'" },
		{ "a[1.5] = 1", "at column 3: expected the place in a list, 0 or more, after '[', found '1.5'" },
		{ "a[1 = 1", "at column 5: expected ] after '1', found '='" },
		{ "a[9999999999] = 1",
			"at column 3: expected the place in a list, 0 or more, after '[', found '9999999999'" },
		{ "\"\" = 1", "at column 1: a name has one character at least" },
		{ "# = 1", "at column 1: a name's placeholder is # and letters or digits" },
		{ "a = :", "at column 5: a value's placeholder is : and letters or digits" },
		{ "a = :nope", "at column 5: An expression attribute value used in expression is not defined; "
			       "attribute value: "
			       "':nope'" },
		{ "#nope = 1",
			"at column 1: An expression attribute name used in the document path is not defined; attribute "
			"name: '#nope'" },
		{ "#n = 1", "at column 1: the expression attribute name '#n' is not a text" },
		{ "#e = 1", "at column 1: the expression attribute name '#e' is not a text" },
		{ "contain(a, 1)",
			"at column 1: there is no function 'contain'; there are attribute_exists, "
			"attribute_not_exists, attribute_type, begins_with, contains and size, in small letters" },
		{ "a = contains(b, 1)", "at column 5: 'contains' is no function that gives a value; only size() is" },
		{ "size(a)", "at column 8: expected =, <>, <, <=, >, >=, BETWEEN or IN after ')', found end of text" },
		{ "size('x') = 1", "at column 6: expected the path of an attribute after '(', found 'x'" },
		{ "size(a, b) = 1", "at column 7: expected ) after 'a', found ','" },
		{ "attribute_exists(:s)", "at column 18: expected the path of an attribute after '(', found ':s'" },
		{ "attribute_exists(a) = TRUE", "at column 21: expected AND, OR or the end after ')', found '='" },
		{ "begins_with(a)", "at column 14: expected a comma and the second operand after 'a', found ')'" },
		{ "begins_with(,)", "at column 13: expected an attribute or a value after '(', found ','" },
		{ "begins_with(a, 5)", "at column 16: begins_with takes texts and binary values, not one of type N" },
		{ "begins_with(a, size(b))", "at column 16: size() gives a number, and begins_with takes none" },
		{ "attribute_type(a, 'DOG')",
			"at column 19: attribute_type wants the code of a type: 'S', 'N', 'B', 'BOOL', "
			"'NULL', 'L', 'M', 'SS', 'NS' or 'BS'" },
		{ "attribute_type(a, b)",
			"at column 19: attribute_type wants the code of a type: 'S', 'N', 'B', 'BOOL', "
			"'NULL', 'L', 'M', 'SS', 'NS' or 'BS'" },
		{ "a < TRUE", "at column 5: < takes texts, numbers and binary values, not one of type BOOL" },
		{ ":l >= a", "at column 1: >= takes texts, numbers and binary values, not one of type L" },
		{ "a BETWEEN :ss AND :ss",
			"at column 11: BETWEEN takes texts, numbers and binary values, not one of type SS" },
		{ "NULL BETWEEN a AND b",
			"at column 1: BETWEEN takes texts, numbers and binary values, not one of type NULL" },
		{ "a BETWEEN 5 AND 4", "at column 17: the upper bound of BETWEEN is below the lower one" },
		{ "a BETWEEN 5 AND 'x'", "at column 17: the bounds of BETWEEN are of different types, N and S" },
		{ "a BETWEEN 5, 6", "at column 12: expected AND and the upper bound after '5', found ','" },
		{ "a IN ()", "at column 7: expected a value after '(', found ')'" },
		{ "a IN 5", "at column 6: expected ( and the list of values after 'IN', found '5'" },
		{ "a IN (1,)", "at column 9: expected a value after ',', found ')'" },
		{ "a IN (1 2)", "at column 9: expected , or ) after '1', found '2'" },
		{ "a = a", "at column 5: the two sides are the same attribute; they must be distinct" },
		{ "#s = \"status\".x OR #s = status",
			"at column 25: the two sides are the same attribute; they must be distinct" },
		{ "contains(a[1], a[1])",
			"at column 16: the two operands are the same attribute; they must be distinct" },
		{ "\"shipped\" = status",
			"at column 1: double quotes in front of an attribute can be meant for a text or a "
			"name; write 'so' for a text, `so` for a name" },
		{ "a = 'new\nline' x", "at column 16: expected AND, OR or the end after 'new line', found 'x'" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct expression *expression = NULL;
		struct error error = { 0 };
		int result = expression_parse(
			slice_of_text(cases[i].text), fixture.names, fixture.values, &expression, &error);
		assert_null(expression);
		assert_int_equal(result, -EINVAL);
		assert_string_equal(error.aws, "ValidationException");
		if (strcmp(error.message, cases[i].message) != 0)
			fail_msg("%s\n  says  %s\n  wants %s", cases[i].text, error.message, cases[i].message);
	}
}

static int result_of(struct slice text, struct error *error)
{
	struct expression *expression = NULL;
	*error = (struct error){ 0 };
	int result = expression_parse(text, fixture.names, fixture.values, &expression, error);
	expression_free(expression);
	return result;
}

static void test_bad_values_and_bytes(void **state)
{
	struct error error;
	(void)state;
	assert_int_equal(result_of(slice_of_text("a = :bad"), &error), -EINVAL);
	assert_non_null(strstr(error.message, "at column 5: the value of ':bad': "));
	assert_int_equal(result_of(slice_of_text("a = :odd"), &error), -EINVAL);
	assert_non_null(strstr(error.message, "at column 5: the value of ':odd': "));
	assert_int_equal(result_of(slice_of_text("a = '\xff'"), &error), -EINVAL);
	assert_string_equal(error.message, "at column 6: what stands here is not UTF-8");
	assert_int_equal(result_of(slice_of("a\0= 1", 5), &error), -EINVAL);
}

/* `count` times `part`, between `head` and `tail`. */
static struct slice repeat(struct buffer *out, const char *head, const char *part, size_t count, const char *tail)
{
	buffer_clear(out);
	buffer_append_text(out, head);
	for (size_t i = 0; i < count; i++)
		buffer_append_text(out, part);
	buffer_append_text(out, tail);
	return buffer_slice(out);
}

static void test_limits(void **state)
{
	struct buffer text = BUFFER_INIT;
	struct error error;
	(void)state;
	assert_int_equal(result_of(repeat(&text, "a=1", " ", 4093, ""), &error), 0);
	assert_int_equal(result_of(repeat(&text, "a=1", " ", 4094, ""), &error), -EINVAL);
	assert_non_null(strstr(error.message, "it has 4097 bytes, 4096 are allowed"));

	assert_int_equal(result_of(repeat(&text, "", "a=1 OR ", 149, "a=1 AND b<2"), &error), -EINVAL);
	assert_non_null(strstr(error.message, "300 operators and functions at most"));
	assert_int_equal(result_of(repeat(&text, "", "a=1 OR ", 149, "NOT a=1"), &error), 0);
	assert_int_equal(result_of(repeat(&text, "", "a=1 OR ", 149, "NOT size(a)=1"), &error), -EINVAL);

	assert_int_equal(result_of(repeat(&text, "a IN (1", ",1", 99, ")"), &error), 0);
	assert_int_equal(result_of(repeat(&text, "a IN (1", ",1", 100, ")"), &error), -EINVAL);
	assert_string_equal(error.message, "at column 3: IN takes 100 values at most, here are 101");

	assert_int_equal(result_of(repeat(&text, "", "NOT ", 100, "a=1"), &error), 0);
	assert_int_equal(result_of(repeat(&text, "", "NOT ", 101, "a=1"), &error), -EINVAL);
	assert_string_equal(error.message, "at column 401: nested more than 100 levels deep");
	assert_int_equal(result_of(repeat(&text, "", "(", 101, "a=1"), &error), -EINVAL);
	assert_string_equal(error.message, "at column 101: nested more than 100 levels deep");
	assert_int_equal(result_of(repeat(&text, "", "(", 2000, ""), &error), -EINVAL);
	buffer_free(&text);
}

/* Depth is of what is open at once; levels that were closed do not count. */
static void test_groups_side_by_side(void **state)
{
	struct buffer text = BUFFER_INIT;
	struct error error;
	(void)state;
	assert_int_equal(result_of(repeat(&text, "", "(a=1)OR", 140, "(a=1)"), &error), 0);
	buffer_free(&text);
}

static void test_longest_paths(void **state)
{
	struct buffer text = BUFFER_INIT;
	(void)state;
	repeat(&text, "a", ".a", 2000, "=1");
	assert_int_equal(holds_for(buffer_text(&text), buffer_slice(&fixture.item)), 0);
	repeat(&text, "a", "[0]", 1300, "=1");
	assert_int_equal(holds_for(buffer_text(&text), buffer_slice(&fixture.item)), 0);
	buffer_free(&text);
}

static void test_placeholders_that_nobody_uses(void **state)
{
	struct json *names, *values;
	struct error error = { 0 };
	(void)state;
	assert_int_equal(
		json_parse(slice_of_text("{\"#a\":\"a\",\"#b\":\"b\"}"), &json_default_limits, &names, NULL), 0);
	assert_int_equal(json_parse(slice_of_text("{\":v\":{\"N\":\"1\"},\":vv\":{\"N\":\"1\"}}"), &json_default_limits,
				 &values, NULL),
		0);
	struct expression *both[2];
	assert_int_equal(expression_parse(slice_of_text("#a = :v"), names, values, &both[0], NULL), 0);
	assert_int_equal(expression_parse(slice_of_text("x.#b = ':vv'"), names, values, &both[1], NULL), 0);
	const struct expression *const *given = (const struct expression *const *)both;
	assert_int_equal(expression_check_used(given, 2, names, NULL, &error), 0);
	assert_int_equal(expression_check_used(given, 2, NULL, NULL, &error), 0);
	assert_int_equal(expression_check_used(given, 1, names, NULL, &error), -EINVAL);
	assert_string_equal(
		error.message, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}");
	assert_int_equal(expression_check_used(given, 2, names, values, &error), -EINVAL);
	assert_string_equal(
		error.message, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:vv}");
	expression_free(both[0]);
	expression_free(both[1]);
	json_free(names);
	json_free(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_holds),
		cmocka_unit_test(test_what_does_not_hold),
		cmocka_unit_test(test_an_item_that_is_not_there),
		cmocka_unit_test(test_messages_point_at_the_place),
		cmocka_unit_test(test_bad_values_and_bytes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_groups_side_by_side),
		cmocka_unit_test(test_longest_paths),
		cmocka_unit_test(test_placeholders_that_nobody_uses),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
