#include "fixture.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/item_json.h"
#include "core/restore.h"

void fixture_require(bool holds, const char *what, const struct error *error)
{
	if (holds)
		return;
	fflush(stdout);
	fprintf(stderr, "%s%s%s\n", what, error && error->code ? ": " : "",
		error && error->code ? error_text(error) : "");
	abort();
}

void fixture_make_directory(char *ret_path, size_t size)
{
	const char *parent = getenv("TMPDIR");
	snprintf(ret_path, size, "%.200s/pitr-test.XXXXXX", parent ? parent : "/tmp");
	fixture_require(mkdtemp(ret_path) != NULL, "make a temporary directory", NULL);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

void fixture_remove_directory(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void open_history(struct fixture *fixture)
{
	struct history_options options = { .is_volatile = true };
	struct error error = { 0 };
	fixture_require(
		history_open(fixture->directory, &options, &fixture->history, &error) == 0, "open the store", &error);
}

void fixture_open(struct fixture *fixture)
{
	struct error error = { 0 };
	fixture_make_directory(fixture->directory, sizeof(fixture->directory));
	fixture_require(history_init(fixture->directory, &error) == 0, "make the store", &error);
	open_history(fixture);
}

void fixture_reopen(struct fixture *fixture)
{
	history_close(fixture->history);
	open_history(fixture);
}

void fixture_close(struct fixture *fixture)
{
	history_close(fixture->history);
	fixture->history = NULL;
	fixture_remove_directory(fixture->directory);
}

int fixture_begin_test(void **state, int64_t now_us)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture_require(fixture != NULL, "memory for a fixture", NULL);
	clock_set(now_us);
	fixture_open(fixture);
	*state = fixture;
	return 0;
}

int fixture_end_test(void **state)
{
	fixture_close(*state);
	free(*state);
	clock_reset();
	return 0;
}

struct batch *fixture_begin(struct fixture *fixture)
{
	struct batch *batch;
	struct error error = { 0 };
	fixture_require(batch_begin(fixture->history, &batch, &error) == 0, "begin a batch", &error);
	return batch;
}

void fixture_commit(struct batch *batch)
{
	struct error error = { 0 };
	fixture_require(batch_commit(batch, &error) == 0, "commit", &error);
}

struct store_txn *fixture_read(struct fixture *fixture)
{
	struct store_txn *txn;
	fixture_require(store_begin(history_store(fixture->history), false, &txn) == 0, "begin to read", NULL);
	return txn;
}

static void append_quoted(struct buffer *out, const char *text)
{
	for (; *text; text++)
		buffer_append_byte(out, (uint8_t)(*text == '\'' ? '"' : *text));
}

static void create_text_in(struct batch *batch, const char *request, int64_t exists_from_us, struct table *ret_table)
{
	struct buffer text = BUFFER_INIT;
	struct json *tree = NULL;
	struct error error = { 0 };
	struct change_context context = { 0 };
	append_quoted(&text, request);
	fixture_require(json_parse(buffer_slice(&text), &json_default_limits, &tree, &error) == 0, request, &error);
	fixture_require(
		table_create(batch, tree, &context, exists_from_us, ret_table, &error) == 0, "create a table", &error);
	json_free(tree);
	buffer_free(&text);
}

void fixture_create_text(struct fixture *fixture, const char *request, struct table *ret_table)
{
	struct batch *batch = fixture_begin(fixture);
	create_text_in(batch, request, 0, ret_table);
	fixture_commit(batch);
}

void fixture_create_in(struct batch *batch, const char *name, const char *partition, const char *sort,
	int64_t exists_from_us, struct table *ret_table)
{
	struct buffer text = BUFFER_INIT;
	buffer_append_format(&text,
		"{'TableName':'%s','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'%s',"
		"'KeyType':'HASH'}",
		name, partition);
	if (sort)
		buffer_append_format(&text, ",{'AttributeName':'%s','KeyType':'RANGE'}", sort);
	buffer_append_format(&text, "],'AttributeDefinitions':[{'AttributeName':'%s','AttributeType':'S'}", partition);
	if (sort)
		buffer_append_format(&text, ",{'AttributeName':'%s','AttributeType':'S'}", sort);
	buffer_append_text(&text, "],'PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':true,"
				  "'RecoveryPeriodInDays':'forever'}}");
	create_text_in(batch, buffer_text(&text), exists_from_us, ret_table);
	buffer_free(&text);
}

void fixture_create(struct fixture *fixture, const char *name, const char *sort, struct table *ret_table)
{
	struct batch *batch = fixture_begin(fixture);
	fixture_create_in(batch, name, "id", sort, 0, ret_table);
	fixture_commit(batch);
}

void fixture_drop(struct fixture *fixture, const struct table *table)
{
	struct change_context context = { 0 };
	struct error error = { 0 };
	struct batch *batch = fixture_begin(fixture);
	fixture_require(table_drop(batch, table, &context, &error) == 0, "drop a table", &error);
	fixture_commit(batch);
}

int fixture_restore_in(
	struct batch *batch, const struct table *table, uint64_t seq, const char *name, struct table *ret_table)
{
	struct snapshot snapshot = { .table = table->number, .seq = seq };
	struct restore_source source;
	struct change_context context = { 0 };
	struct error error = { 0 };
	fixture_require(history_last_commit(batch_txn(batch), &snapshot.time_us) == 0, "read the last commit", NULL);
	int r = restore_source_of(batch_txn(batch), table, &snapshot, NULL, &source, &error);
	fixture_require(r == 0, "find what to restore", &error);
	r = restore_share(batch, &source, slice_of_text(name), NULL, &context, ret_table, &error);
	fixture_require(r == 0 || r == -EEXIST, "restore a table", &error);
	restore_source_free(&source);
	return r;
}

void fixture_restore(
	struct fixture *fixture, const struct table *table, uint64_t seq, const char *name, struct table *ret_table)
{
	struct batch *batch = fixture_begin(fixture);
	int r = fixture_restore_in(batch, table, seq, name, ret_table);
	fixture_require(r == 0, "a name for a restored table", NULL);
	fixture_commit(batch);
}

void fixture_item(const char *text, struct buffer *ret_item)
{
	struct buffer quoted = BUFFER_INIT;
	struct error error = { 0 };
	append_quoted(&quoted, text);
	buffer_clear(ret_item);
	fixture_require(item_from_json(buffer_slice(&quoted), ITEM_PLAIN, ret_item, &error) == 0, text, &error);
	buffer_free(&quoted);
}

void fixture_key(const struct table *table, const char *text, struct buffer *ret_encoded)
{
	struct buffer item = BUFFER_INIT;
	struct key key;
	struct error error = { 0 };
	fixture_item(text, &item);
	buffer_clear(ret_encoded);
	fixture_require(key_of_item(buffer_slice(&item), &table->schema, &key, &error) == 0, text, &error);
	key_append_encoded(&key, ret_encoded);
	buffer_free(&item);
}

uint64_t fixture_put_in(struct batch *batch, const struct table *table, const char *text, int64_t time_us)
{
	struct buffer item = BUFFER_INIT;
	struct change_context context = { .time_us = time_us };
	struct change_result result;
	struct error error = { 0 };
	fixture_item(text, &item);
	fixture_require(
		batch_put(batch, table, buffer_slice(&item), &context, &result, &error) == 0, "put an item", &error);
	buffer_free(&item);
	return result.is_changed ? result.seq : 0;
}

uint64_t fixture_put(struct fixture *fixture, const struct table *table, const char *text)
{
	struct batch *batch = fixture_begin(fixture);
	uint64_t seq = fixture_put_in(batch, table, text, 0);
	fixture_commit(batch);
	return seq;
}

uint64_t fixture_remove_in(struct batch *batch, const struct table *table, const char *key, int64_t time_us)
{
	struct buffer encoded = BUFFER_INIT;
	struct change_context context = { .time_us = time_us };
	struct change_result result;
	struct error error = { 0 };
	fixture_key(table, key, &encoded);
	fixture_require(batch_remove(batch, table, buffer_slice(&encoded), &context, &result, &error) == 0,
		"remove an item", &error);
	buffer_free(&encoded);
	return result.is_changed ? result.seq : 0;
}

uint64_t fixture_remove(struct fixture *fixture, const struct table *table, const char *key)
{
	struct batch *batch = fixture_begin(fixture);
	uint64_t seq = fixture_remove_in(batch, table, key, 0);
	fixture_commit(batch);
	return seq;
}

int fixture_at(struct fixture *fixture, const struct table *table, int64_t time_us, struct snapshot *ret_snapshot)
{
	struct instant instant = { .kind = INSTANT_AT, .time_us = time_us };
	struct store_txn *txn = fixture_read(fixture);
	int r = snapshot_resolve(fixture->history, txn, table, &instant, ret_snapshot, NULL);
	store_abort(txn);
	return r;
}

static void show_directory(struct store_txn *txn, const struct table *table, const struct snapshot *snapshot,
	uint64_t directory, const char *path, struct buffer *out)
{
	struct snapshot_walk walk;
	struct node node;
	struct buffer content = BUFFER_INIT;
	char name[FILENAME_MAX];
	int r = snapshot_walk_begin(&walk, txn, snapshot, directory, 0);
	fixture_require(r == 0, "begin a listing", NULL);
	while ((r = snapshot_walk_next(&walk, &node)) == 1) {
		fixture_require(snapshot_name(table, &node, name) > 0, "name a node", NULL);
		if (node.kind == NODE_PARTITION) {
			show_directory(txn, table, snapshot, node.number, name, out);
			continue;
		}
		fixture_require(snapshot_content(txn, snapshot, node.number, &content) == 0, "read a content", NULL);
		buffer_append_format(out, "%s%s%s ", path, *path ? "/" : "", name);
		r = item_to_json(buffer_slice(&content), ITEM_PLAIN, ITEM_COMPACT, NULL, out);
		fixture_require(r == 0, "show an item", NULL);
		buffer_append_byte(out, '\n');
	}
	fixture_require(r == 0, "list a directory", NULL);
	snapshot_walk_end(&walk);
	buffer_free(&content);
}

const char *fixture_show(
	struct fixture *fixture, const struct table *table, const struct snapshot *snapshot, struct buffer *out)
{
	struct store_txn *txn = fixture_read(fixture);
	buffer_clear(out);
	show_directory(txn, table, snapshot, 0, "", out);
	store_abort(txn);
	return buffer_text(out);
}

const char *fixture_show_live(struct fixture *fixture, const struct table *table, struct buffer *out)
{
	struct snapshot live = snapshot_live(table->number);
	return fixture_show(fixture, table, &live, out);
}

void fixture_spoil(struct store_txn *txn, enum store_space space, struct slice key)
{
	struct buffer copy = BUFFER_INIT;
	struct slice value;
	int r = store_get(txn, space, key, &value);
	fixture_require(!r || r == -EIO, "find what is to be spoiled", NULL);
	/* What a transaction has written stands in its own memory. */
	if (!r) {
		buffer_append_slice(&copy, value);
		fixture_require(!store_put(txn, space, key, buffer_slice(&copy)), "write what is to be spoiled", NULL);
		fixture_require(!store_get(txn, space, key, &value), "find what is to be spoiled", NULL);
	}
	*(uint8_t *)(uintptr_t)value.data ^= 0x40;
	buffer_free(&copy);
}

uint64_t fixture_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t fixture_random_below(uint64_t *state, uint64_t bound)
{
	return fixture_random(state) % bound;
}
