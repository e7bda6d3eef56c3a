#include "undoing.h"

#include <string.h>

#include "core/author.h"

uint64_t undoing_author(struct batch *batch, const char *user)
{
	struct author author = { .by = "test", .user = user };
	struct buffer text = BUFFER_INIT;
	uint64_t number;
	author_format(&author, &text);
	fixture_require(batch_author(batch, buffer_slice(&text), &number) == 0, "an author", NULL);
	buffer_free(&text);
	return number;
}

uint64_t undoing_change(struct fixture *f, const struct table *table, int second, const char *user, const char *text)
{
	struct change_context context = { 0 };
	struct change_result result;
	struct buffer bytes = BUFFER_INIT;
	struct error error = { 0 };
	clock_set(UNDOING_AT(second));
	struct batch *batch = fixture_begin(f);
	context.author = undoing_author(batch, user);
	int r;
	if (text[0] == '-') {
		fixture_key(table, text + 1, &bytes);
		r = batch_remove(batch, table, buffer_slice(&bytes), &context, &result, &error);
	} else {
		fixture_item(text, &bytes);
		r = batch_put(batch, table, buffer_slice(&bytes), &context, &result, &error);
	}
	fixture_require(r == 0, text, &error);
	fixture_commit(batch);
	buffer_free(&bytes);
	return result.seq;
}

struct undo_counts undoing_do_into(
	struct fixture *f, const struct table *table, const struct table *into, const struct undo_options *options)
{
	struct change_context context = { 0 };
	struct undo_counts planned, done;
	struct error error = { 0 };
	struct store_txn *txn = fixture_read(f);
	int r = undo_plan(f->history, txn, table, options, NULL, NULL, &planned, &error);
	store_abort(txn);
	fixture_require(r == 0, "plan", &error);
	struct batch *batch = fixture_begin(f);
	context.author = undoing_author(batch, "undo");
	r = undo_apply(batch, table, into, options, &context, NULL, NULL, &done, &error);
	fixture_require(r == 0, "undo", &error);
	fixture_commit(batch);
	fixture_require(memcmp(&planned, &done, sizeof(done)) == 0, "what was planned was done", NULL);
	return done;
}

struct undo_counts undoing_do(struct fixture *f, const struct table *table, const struct undo_options *options)
{
	return undoing_do_into(f, table, NULL, options);
}

struct expression *undoing_parse(const char *text)
{
	struct expression *expression = NULL;
	struct error error = { 0 };
	fixture_require(expression_parse(slice_of_text(text), NULL, NULL, &expression, &error) == 0, text, &error);
	return expression;
}
