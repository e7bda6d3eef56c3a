#include "tests/support/scratch_store.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "item_json.h"
#include "snapshot.h"

static const char author[] = "{\"by\":\"test\"}";

void scratch_must(long long result, long long wanted, const char *text, const char *file, int line)
{
	if (result == wanted)
		return;
	fprintf(stderr, "%s:%d: %s: %lld, not %lld\n", file, line, text, result, wanted);
	abort();
}

static struct error last_error;

/* The same for calls that tell why. */
static void must_tell(int result, const char *what)
{
	if (!result)
		return;
	fprintf(stderr, "%s: %s\n", what, error_text(&last_error));
	abort();
}

char *scratch_directory(void)
{
	const char *parent = getenv("TMPDIR");
	char *path = scratch_path(parent && *parent ? parent : "/tmp", "pitr-scratch-XXXXXX");
	must_be(true, mkdtemp(path) != NULL);
	return path;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	(void)stat;
	(void)kind;
	(void)where;
	return remove(path);
}

void scratch_remove(char *directory)
{
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(directory);
}

char *scratch_path(const char *directory, const char *name)
{
	char *path = NULL;
	must_be(true, asprintf(&path, "%s/%s", directory, name) > 0);
	return path;
}

void scratch_read_file(const char *path, struct buffer *out)
{
	FILE *file = fopen(path, "rb");
	must_be(true, file != NULL);
	char bytes[4096];
	for (size_t n; (n = fread(bytes, 1, sizeof(bytes), file)) > 0;)
		buffer_append(out, bytes, n);
	fclose(file);
	must(buffer_error(out));
}

void scratch_write_file(const char *path, struct slice bytes)
{
	FILE *file = fopen(path, "wb");
	must_be(true, file != NULL);
	must_be((long long)bytes.size, (long long)fwrite(bytes.data, 1, bytes.size, file));
	must(fclose(file));
}

void scratch_copy_file(const char *from, const char *to)
{
	struct buffer bytes = BUFFER_INIT;
	scratch_read_file(from, &bytes);
	scratch_write_file(to, buffer_slice(&bytes));
	buffer_free(&bytes);
}

unsigned scratch_count_files(const char *directory, const char *name)
{
	char *path = scratch_path(directory, name);
	DIR *dir = opendir(path);
	free(path);
	if (!dir)
		return 0;
	unsigned count = 0;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

struct history *scratch_open(const char *directory)
{
	char *path = scratch_path(directory, "store");
	struct history_options options = { .is_volatile = true, .map_size_bytes = SCRATCH_MAP_BYTES };
	struct history *history;
	if (access(path, F_OK) < 0)
		must_tell(history_init(path, &last_error), "make a store");
	must_tell(history_open(path, &options, &history, &last_error), "open a store");
	free(path);
	return history;
}

void scratch_create_table(struct history *history, const char *name, bool has_sort, struct table *ret_table)
{
	char request[512];
	snprintf(request, sizeof(request),
		"{\"TableName\":\"%s\",\"BillingMode\":\"PAY_PER_REQUEST\",\"KeySchema\":["
		"{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}%s],\"AttributeDefinitions\":["
		"{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}%s]}",
		name, has_sort ? ",{\"AttributeName\":\"sort\",\"KeyType\":\"RANGE\"}" : "",
		has_sort ? ",{\"AttributeName\":\"sort\",\"AttributeType\":\"S\"}" : "");
	struct json *json;
	struct batch *batch;
	struct change_context context = { 0 };
	must(json_parse(slice_of_text(request), &json_default_limits, &json, NULL));
	must_tell(batch_begin(history, &batch, &last_error), "begin");
	must_tell(table_create(batch, json, &context, 0, ret_table, &last_error), "make a table");
	must_tell(batch_commit(batch, &last_error), "commit");
	json_free(json);
}

int scratch_update_table(struct batch *batch, const struct table *table, const char *document)
{
	struct json *json;
	struct change_context context = { 0 };
	must(json_parse(slice_of_text(document), &json_default_limits, &json, NULL));
	int r = table_update(batch, table, json, &context, NULL);
	json_free(json);
	return r;
}

void scratch_find_table(struct history *history, const char *name, struct table *ret_table)
{
	struct store_txn *txn;
	must(store_begin(history_store(history), false, &txn));
	must_tell(table_find(txn, slice_of_text(name), TIME_NOW, ret_table, &last_error), "find a table");
	store_abort(txn);
}

static void append_key_text(const struct table *table, unsigned key, struct buffer *out)
{
	if (table->schema.has_sort)
		buffer_append_format(out, "\"id\":\"partition %u\",\"sort\":\"item %u\"", key / 10, key);
	else
		buffer_append_format(out, "\"id\":\"item %u\"", key);
}

void scratch_item(const struct table *table, unsigned key, unsigned version, unsigned size, struct buffer *out)
{
	struct buffer text = BUFFER_INIT;
	uint32_t random = key * 2654435761u + version;
	buffer_append_text(&text, "{");
	append_key_text(table, key, &text);
	buffer_append_format(&text, ",\"version\":%u,\"text\":\"", version);
	for (unsigned i = 0; i < size; i++) {
		random = random * 1664525u + 1013904223u;
		buffer_append_byte(&text, (uint8_t)("abcdefghijklmnop"[random >> 28]));
	}
	buffer_append_text(&text, "\"}");
	buffer_clear(out);
	must_tell(item_from_json(buffer_slice(&text), ITEM_PLAIN, out, &last_error), "make an item");
	buffer_free(&text);
}

void scratch_key(const struct table *table, unsigned key, struct buffer *out)
{
	struct buffer item = BUFFER_INIT;
	struct key parts;
	scratch_item(table, key, 0, 0, &item);
	must_tell(key_of_item(buffer_slice(&item), &table->schema, &parts, &last_error), "take a key");
	buffer_clear(out);
	key_append_encoded(&parts, out);
	must(buffer_error(out));
	buffer_free(&item);
}

int scratch_version(struct history *history, const struct table *table, unsigned key)
{
	struct store_txn *txn;
	struct buffer bytes = BUFFER_INIT;
	struct snapshot live = snapshot_live(table->number);
	struct node node;
	struct value value;
	int version = -1;
	scratch_key(table, key, &bytes);
	must(store_begin(history_store(history), false, &txn));
	int r = snapshot_find(txn, &live, buffer_slice(&bytes), &node);
	if (!r) {
		must(snapshot_content(txn, &live, node.number, &bytes));
		must_be(true, item_attribute(buffer_slice(&bytes), slice_of_text("version"), &value));
		version = 0;
		for (size_t i = 0; i < value.bytes.size; i++)
			version = version * 10 + (value.bytes.data[i] - '0');
	} else {
		must_be(-ENOENT, r);
	}
	store_abort(txn);
	buffer_free(&bytes);
	return version;
}

uint64_t scratch_changes(struct history *history, uint32_t table)
{
	struct store_txn *txn;
	struct table_statistics statistics;
	must(store_begin(history_store(history), false, &txn));
	must(table_statistics(txn, table, &statistics));
	store_abort(txn);
	return statistics.seq;
}

int scratch_submit(struct writer *writer, const struct table *table, unsigned key, int version, unsigned size,
	uint64_t *ret_ticket)
{
	struct buffer encoded = BUFFER_INIT, item = BUFFER_INIT;
	struct pending_change change = { .table = table->number, .is_removal = version < 0 };
	scratch_key(table, key, &encoded);
	if (version >= 0)
		scratch_item(table, key, (unsigned)version, size, &item);
	change.encoded_key = buffer_slice(&encoded);
	change.item = buffer_slice(&item);
	change.author = slice_of_text(author);
	uint64_t ticket = 0;
	int r = writer_submit(writer, &change, &ticket);
	if (ret_ticket)
		*ret_ticket = ticket;
	buffer_free(&encoded);
	buffer_free(&item);
	return r;
}

int fault_hook(void *context, enum store_op op)
{
	struct fault *fault = context;
	if (fault->only && !(fault->only & 1u << op))
		return 0;
	uint64_t n = atomic_fetch_add(&fault->seen, 1) + 1, at = atomic_load(&fault->fail_at);
	bool is_hit = at && (n == at || (n > at && atomic_load(&fault->is_lasting)));
	return is_hit ? atomic_load(&fault->code) : 0;
}

void fault_arm(struct fault *fault, uint64_t fail_at, int code, bool is_lasting)
{
	atomic_store(&fault->code, code);
	atomic_store(&fault->is_lasting, is_lasting);
	atomic_store(&fault->fail_at, fail_at);
	atomic_store(&fault->seen, 0);
}
