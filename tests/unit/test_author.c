#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "author.h"
#include "author_label.h"
#include "json.h"
#include "tests/support/fixture.h"

static const char *format(const struct author *author, struct buffer *out)
{
	buffer_clear(out);
	author_format(author, out);
	return buffer_text(out);
}

static void test_every_member(void **state)
{
	(void)state;
	struct buffer out = BUFFER_INIT;
	struct author author = { .by = "mount",
		.user = "ann",
		.uid = 1000,
		.gid = 100,
		.group = "staff",
		.pid = 4711,
		.process = "rsync",
		.command = "pitr put \"x\"",
		.source = "a.gz",
		.service = "ttl",
		.reason = "INC-17" };
	assert_string_equal(format(&author, &out),
		"{\"by\":\"mount\",\"user\":\"ann\",\"uid\":1000,\"gid\":100,\"group\":\"staff\",\"pid\":4711,"
		"\"process\":\"rsync\","
		"\"command\":\"pitr put \\\"x\\\"\",\"source\":\"a.gz\",\"service\":\"ttl\",\"reason\":\"INC-17\"}");
	buffer_free(&out);
}

static void test_what_is_not_known_is_left_out(void **state)
{
	(void)state;
	struct buffer out = BUFFER_INIT;
	struct author author = { .by = "import", .uid = 1000, .gid = 100 };
	assert_string_equal(format(&author, &out), "{\"by\":\"import\"}");
	buffer_free(&out);
}

static void test_bytes_that_are_no_text(void **state)
{
	(void)state;
	struct buffer out = BUFFER_INIT;
	struct author author = { .by = "pitr", .command = "put \xff\xc3 \n" };
	assert_string_equal(
		format(&author, &out), "{\"by\":\"pitr\",\"command\":\"put \xef\xbf\xbd\xef\xbf\xbd \\n\"}");
	buffer_free(&out);
}

/* A text of `length` bytes that ends in a character of three bytes, as it comes out. */
static size_t size_after_cut(size_t length)
{
	char text[600];
	struct buffer out = BUFFER_INIT;
	struct json *root;
	struct slice command;
	memset(text, 'x', length - 3);
	memcpy(text + length - 3, "\xe2\x82\xac", 4);
	struct author author = { .by = "pitr", .command = text };
	format(&author, &out);
	assert_int_equal(json_parse(buffer_slice(&out), &json_default_limits, &root, NULL), 0);
	assert_true(json_get_text(root, "command", &command));
	assert_true(utf8_is_valid(command));
	size_t size = command.size;
	json_free(root);
	buffer_free(&out);
	return size;
}

static void test_long_texts_are_cut_between_characters(void **state)
{
	(void)state;
	assert_int_equal(size_after_cut(512), 512);
	assert_int_equal(size_after_cut(513), 510);
	assert_int_equal(size_after_cut(514), 511);
	assert_int_equal(size_after_cut(515), 512);
}

static void test_stored_authors_are_found(void **state)
{
	(void)state;
	struct fixture fixture;
	struct slice text;
	uint64_t first, second, again;
	fixture_open(&fixture);
	struct batch *batch = fixture_begin(&fixture);
	assert_int_equal(batch_author(batch, slice_of_text("{\"by\":\"a\"}"), &first), 0);
	assert_int_equal(batch_author(batch, slice_of_text("{\"by\":\"b\"}"), &second), 0);
	assert_int_equal(batch_author(batch, slice_of_text("{\"by\":\"a\"}"), &again), 0);
	fixture_commit(batch);
	assert_int_equal(first, again);
	struct store_txn *txn = fixture_read(&fixture);
	assert_int_equal(author_text(txn, second, &text), 0);
	assert_true(slice_equal(text, slice_of_text("{\"by\":\"b\"}")));
	assert_int_equal(author_text(txn, second + 1, &text), -ENOENT);
	store_abort(txn);
	fixture_close(&fixture);
}

static const char *label(const char *text)
{
	static char label[AUTHOR_LABEL_MAX];
	author_label(slice_of_text(text), label);
	return label;
}

static void test_labels(void **state)
{
	(void)state;
	assert_string_equal(label(""), "unknown");
	assert_string_equal(label("no JSON"), "unknown");
	assert_string_equal(
		label("{\"by\":\"mount\",\"user\":\"ann\",\"pid\":1,\"process\":\"rsync\"}"), "rsync (ann)");
	assert_string_equal(label("{\"by\":\"mount\",\"uid\":7,\"pid\":1,\"process\":\"a\\u001bb\"}"), "a?b");
	assert_string_equal(
		label("{\"by\":\"pitr\",\"user\":\"ann\",\"command\":\"pitr rm orders/1 -x\"}"), "pitr rm (ann)");
	assert_string_equal(label("{\"by\":\"pitr\",\"user\":\"ann\",\"command\":\"pitr --no-pager --store "
				  "/a/path/that/is/longer/than/any/label/will/ever/be undo --table x\"}"),
		"pitr undo (ann)");
	assert_string_equal(label("{\"by\":\"pitr\",\"command\":\"pitr --store=/a\"}"), "pitr");
	assert_string_equal(label("{\"by\":\"import\",\"user\":\"ann\",\"source\":\"/data/a.gz\"}"), "import of a.gz");
	assert_string_equal(label("{\"by\":\"import\",\"user\":\"ann\",\"service\":\"ttl\"}"), "TTL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_member),
		cmocka_unit_test(test_what_is_not_known_is_left_out),
		cmocka_unit_test(test_bytes_that_are_no_text),
		cmocka_unit_test(test_long_texts_are_cut_between_characters),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_stored_authors_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
