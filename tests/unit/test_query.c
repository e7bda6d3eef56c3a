/* JMESPath as guides to AWS's command line use it, what is no expression, the bounds, and results as lines of text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/output.h"
#include "tools/query.h"

static int run(const char *text, const char *given, struct buffer *out, struct error *error)
{
	struct json *root;
	struct query *query = NULL;
	assert_int_equal(json_parse(slice_of_text(given), &json_default_limits, &root, NULL), 0);
	int result = query_parse(slice_of_text(text), &query, error);
	if (result == 0)
		result = query_run(query, root, out, error);
	query_free(query);
	json_free(root);
	return result;
}

static void gives(const char *given, const char *text, const char *expected)
{
	struct buffer out = BUFFER_INIT;
	struct error error = { 0 };
	if (run(text, given, &out, &error) < 0)
		fail_msg("%s: %s", text, error_text(&error));
	if (strcmp(buffer_text(&out), expected) != 0)
		fail_msg("%s of %s: %s, not %s", text, given, buffer_text(&out), expected);
	buffer_free(&out);
}

static void fails(const char *given, const char *text, int code, const char *reason)
{
	struct buffer out = BUFFER_INIT;
	struct error error = { 0 };
	int result = run(text, given, &out, &error);
	if (result != code || strcmp(error_text(&error), reason) != 0)
		fail_msg("%s: %d, %s", text, result, error_text(&error));
	buffer_free(&out);
}

static void is_refused(const char *text, const char *reason)
{
	fails("{}", text, -EINVAL, reason);
}

static const char backups[] = "{\"BackupSummaries\":["
			      "{\"BackupName\":\"x\",\"BackupArn\":\"arn:1\",\"BackupSizeBytes\":30},"
			      "{\"BackupName\":\"y\",\"BackupArn\":\"arn:2\",\"BackupSizeBytes\":9},"
			      "{\"BackupName\":\"x\",\"BackupArn\":\"arn:3\",\"BackupSizeBytes\":100}]}";

static void guides_work(void **state)
{
	(void)state;
	gives("{\"Table\":{\"TableStatus\":\"ACTIVE\"}}", "Table.TableStatus", "\"ACTIVE\"");
	gives(backups, "BackupSummaries[0].BackupArn", "\"arn:1\"");
	gives(backups, "BackupSummaries[-1].BackupArn", "\"arn:3\"");
	gives(backups, "BackupSummaries[*].[BackupName,BackupArn]",
		"[[\"x\",\"arn:1\"],[\"y\",\"arn:2\"],[\"x\",\"arn:3\"]]");
	gives(backups, "BackupSummaries[?BackupName=='x'].BackupArn | [0]", "\"arn:1\"");
	gives(backups, "BackupSummaries[?BackupName==`y`].BackupArn", "[\"arn:2\"]");
	gives(backups, "BackupSummaries[?BackupSizeBytes > `9` && BackupName != 'y'] | length(@)", "2");
	gives(backups, "sort_by(BackupSummaries, &BackupSizeBytes)[].BackupArn", "[\"arn:2\",\"arn:1\",\"arn:3\"]");
	gives(backups, "max_by(BackupSummaries, &BackupSizeBytes).BackupArn", "\"arn:3\"");
	gives(backups, "reverse(sort_by(BackupSummaries,&BackupName))[0].{N:BackupName,\"a b\":BackupArn}",
		"{\"N\":\"y\",\"a b\":\"arn:2\"}");
	gives("{\"Items\":[1,2]}", "length(Items)", "2");
	gives("{\"D\":{\"P\":{\"E\":\"1\",\"L\":\"2\"}}}", "D.P.{Earliest:E,Latest:L}",
		"{\"Earliest\":\"1\",\"Latest\":\"2\"}");
	gives("{\"Items\":[{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}}]}", "Items[].[id.S, to_number(n.N)]",
		"[[\"a\",1]]");
}

static void paths_projections_and_slices(void **state)
{
	(void)state;
	gives("{\"a\":{\"b\":1}}", "a.c.d", "null");
	gives("{\"a b\":1}", "\"a b\"", "1");
	gives("{\"a\":[[1,[2]],3]}", "a[]", "[1,[2],3]");
	gives("{\"a\":[{\"b\":[1,2]},{\"b\":[3]},{}]}", "a[*].b[0]", "[1,3]");
	gives("{\"a\":[{\"b\":[1,2]},{\"b\":[3]},{}]}", "a[].b[]", "[1,2,3]");
	gives("{\"a\":[{\"b\":[1,2]},{\"b\":[3]},{}]}", "a[].b | [0]", "[1,2]");
	gives("{\"x\":{\"v\":1},\"y\":{\"v\":2},\"z\":3}", "*.v", "[1,2]");
	gives("[0,1,2,3,4]", "[1:3]", "[1,2]");
	gives("[0,1,2,3,4]", "[::-2]", "[4,2,0]");
	gives("[0,1,2,3,4]", "[-2:]", "[3,4]");
	gives("[0,1]", "[9223372036854775807]", "null");
	gives("[0,1]", "[::9223372036854775807]", "[0]");
	gives("{\"a\":1}", "[a, b, @]", "[1,null,{\"a\":1}]");
	gives("{\"a\":1}", "{x:a,x:b}", "{\"x\":null}");
	gives("[{\"a\":1},{\"a\":2}]", "[?a==`1`][]", "[{\"a\":1}]");
}

static void conditions(void **state)
{
	(void)state;
	gives("{\"a\":\"\",\"b\":0}", "a || b", "0");
	gives("{\"a\":\"\",\"b\":0}", "a && b", "\"\"");
	gives("{\"a\":[]}", "!a", "true");
	gives("{\"a\":1}", "a == `1.0`", "true");
	gives("{\"a\":12345678901234567890123}", "a > `12345678901234567890122`", "true");
	gives("{\"a\":\"2025-03-01\"}", "a >= '2025-02-28T00:00:00'", "true");
	gives("{\"a\":\"1\"}", "a > `0`", "null");
	gives("{\"a\":{\"x\":null}}", "a == `{\"y\":null}`", "false");
	gives("{\"a\":true,\"b\":false}", "a && (b || !b)", "true");
	gives("{}", "'it\\'s' == `it's`", "true");
}

static void functions(void **state)
{
	(void)state;
	gives("[1,2.5,-3]", "[sum(@),avg(@),max(@),min(@),abs([2]),ceil([1]),floor([1])]",
		"[0.5,0.16666666666666666,2.5,-3,3,3,2]");
	gives("[1,2]", "[sum(@), avg(@)]", "[3,1.5]");
	gives("[]", "[sum(@), avg(@), max(@)]", "[0,null,null]");
	gives("{\"b\":1,\"a\":2}", "[keys(@), values(@), sort(keys(@))]", "[[\"b\",\"a\"],[1,2],[\"a\",\"b\"]]");
	gives("[\"b\",\"a\"]", "join(', ', sort(@))", "\"a, b\"");
	gives("\"h\\u00e9\"", "[length(@), reverse(@), starts_with(@,'h'), ends_with(@,'x'), contains(@,'\xc3\xa9')]",
		"[2,\"\xc3\xa9h\",true,false,true]");
	gives("[1,[2]]", "[contains(@,`[2]`), contains(@,`2`)]", "[true,false]");
	gives("[{\"a\":1},{}]", "map(&a, @)", "[1,null]");
	gives("{\"a\":1}", "merge(@, `{\"b\":2}`, `{\"a\":3}`)", "{\"a\":3,\"b\":2}");
	gives("{\"a\":1}", "[not_null(b, 'x'), type(b), to_array(a), to_string(@)]",
		"[\"x\",\"null\",[1],\"{\\\"a\\\":1}\"]");
	gives("[\"1e3\",\"01\",\"x\",true]", "[].to_number(@)", "[1e3]");
}

static void digits_stay(void **state)
{
	(void)state;
	gives("{\"n\":1.10,\"m\":12345678901234567890.123456789}", "[n,m,abs(m)]",
		"[1.10,12345678901234567890.123456789,12345678901234567890.123456789]");
	gives("[3,10,9007199254740993,9007199254740992]", "sort(@)", "[3,10,9007199254740992,9007199254740993]");
}

static void what_is_wrong_has_a_column(void **state)
{
	(void)state;
	is_refused("", "column 1: the expression ends where an expression is expected");
	is_refused("a.", "column 3: the expression ends where a name, *, [ or { is expected");
	is_refused("Table[Name]", "column 7: expected a number, * or :, found Name");
	is_refused("a[?b=`1`]", "column 5: a single = compares nothing; use ==");
	is_refused("a[?b=='1'", "column 10: the expression ends where ] is expected");
	is_refused("a-b", "column 2: a - stands before the digits of an index; names with a - in them are written in "
			  "double quotes");
	is_refused("'\xc3\xa9' x", "column 5: expected an operator or the end, found x");
	is_refused("'a", "column 1: the text that begins here has no closing '");
	is_refused("a b", "column 3: expected an operator or the end, found b");
	is_refused("nope(a)", "column 1: there is no function of this name");
	is_refused("length()", "column 1: the function needs more arguments");
	is_refused("length(a, b)", "column 1: the function takes fewer arguments");
	is_refused("sort_by(a, b)", "column 1: the function takes an expression with & there");
	is_refused("&a", "column 1: & stands only before an argument of a function");
	is_refused("a[::0]", "column 6: the step of a slice is 0");
	is_refused("a[99999999999999999999]", "column 3: the number is too large");
	is_refused("\xff", "the expression is not UTF-8");
	is_refused("length(a)", "length() takes string or array or object as argument 1, and was given null");
	fails("[1,\"x\"]", "sort(@)", -EINVAL,
		"sort() takes array of numbers or array of strings as argument 1, and was given array of others");
	fails("[{\"a\":1},{}]", "sort_by(@, &a)", -EINVAL,
		"sort_by() orders by numbers or by strings, and met both, or null");
}

static void repeat(struct buffer *out, const char *text, int times)
{
	buffer_clear(out);
	for (int i = 0; i < times; i++)
		buffer_append_text(out, text);
}

static void work_is_bounded(void **state)
{
	struct buffer text = BUFFER_INIT;
	(void)state;
	repeat(&text, "a", QUERY_TEXT_MAX + 1);
	is_refused(buffer_text(&text), "the expression is longer than 4096 bytes");
	repeat(&text, "[", QUERY_DEPTH_MAX + 1);
	is_refused(buffer_text(&text), "column 65: the expression is nested too deeply");
	repeat(&text, "a.", 300);
	buffer_append_text(&text, "a");
	is_refused(buffer_text(&text), "column 402: the expression is too long a chain");
	repeat(&text, "[@,@]|", 60);
	buffer_append_text(&text, "@");
	fails("1", buffer_text(&text), -EFBIG, "the expression makes too much of its input");
	repeat(&text, "[@,@]|", 60);
	struct buffer twice = BUFFER_INIT;
	buffer_append_format(&twice, "[%s@,%s@] | [0] == [1]", buffer_text(&text), buffer_text(&text));
	fails("1", buffer_text(&twice), -EFBIG, "the expression asks for too much work");
	buffer_free(&twice);
	repeat(&text, "[@,@][]|", 60);
	buffer_append_text(&text, "length(@)");
	fails("[1]", buffer_text(&text), -EFBIG, "the expression makes too much of its input");
	buffer_free(&text);
}

static void prints(const char *given, bool is_response, const char *expected)
{
	struct buffer out = BUFFER_INIT;
	struct json *root;
	assert_int_equal(json_parse(slice_of_text(given), &json_default_limits, &root, NULL), 0);
	output_text_append(&out, root, is_response);
	assert_string_equal(buffer_text(&out), expected);
	buffer_free(&out);
	json_free(root);
}

static void lines_of_text(void **state)
{
	(void)state;
	prints("\"ACTIVE\"", false, "ACTIVE\n");
	prints("null", false, "None\n");
	prints("[true,false,null,1.50]", false, "True\tFalse\tNone\t1.50\n");
	prints("[]", false, "");
	prints("[[\"x\",\"arn:1\"],[\"y\",\"arn:2\"]]", false, "x\tarn:1\ny\tarn:2\n");
	prints("[1,[2,3]]", false, "1\n2\t3\n");
	prints("{\"b\":1,\"a\":\"x\"}", false, "x\t1\n");
	prints("{\"TableNames\":[\"a\",\"b\"]}", false, "TABLENAMES\ta\nTABLENAMES\tb\n");
	prints("{\"Table\":{\"Name\":\"t\",\"Keys\":[{\"N\":\"id\",\"K\":\"HASH\"},{\"N\":\"s\",\"Z\":1}]}}", false,
		"TABLE\tt\nKEYS\tHASH\tid\t\nKEYS\t\ts\t1\n");
	prints("{\"Items\":[{\"id\":{\"S\":\"1\"}}],\"Count\":1}", false, "1\nID\t1\n");
	prints("{\"TableNames\":[\"a\"],\"NextToken\":\"t\"}", true, "TABLENAMES\ta\nNEXTTOKEN\tt\n");
	prints("{\"TableNames\":[\"a\"],\"NextToken\":\"t\"}", false, "t\nTABLENAMES\ta\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guides_work),
		cmocka_unit_test(paths_projections_and_slices),
		cmocka_unit_test(conditions),
		cmocka_unit_test(functions),
		cmocka_unit_test(digits_stay),
		cmocka_unit_test(what_is_wrong_has_a_column),
		cmocka_unit_test(work_is_bounded),
		cmocka_unit_test(lines_of_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
