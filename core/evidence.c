/* Invariant: the manifest is written when all other files are on disk, and names what was written, not what stands there. */
#include "evidence.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "change.h"
#include "change_chain.h"
#include "compare.h"
#include "describe.h"
#include "evidence_parts.h"
#include "hash.h"
#include "instant.h"
#include "item_json.h"
#include "retention.h"
#include "seal.h"
#include "snapshot.h"
#include "sorter.h"
#include "text.h"

#define WRITE_BYTES ((size_t)128 << 10)
#define PROGRESS_EVERY 256u
/* What of a key takes part in the order of items; longer ones go on by their hash. */
#define KEY_ORDER_BYTES 104

static const char *const names[] = { "README.txt", "table.json", "changes.jsonl", "before.jsonl", "after.jsonl",
	"seal.json", "manifest.sha256" };
enum { README, TABLE, CHANGES, BEFORE, AFTER, SEAL, MANIFEST, FILES };

struct item_record {
	uint8_t key[KEY_ORDER_BYTES], hash[16], number[8];
};

struct export
{
	struct history *history;
	struct store_txn *txn;
	struct evidence_facts facts;
	const char *path;
	int directory; /* descriptor */
	bool is_new;
	uint64_t done, total;
	int (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
	struct error *error;
	/* The file that is being written. */
	int fd, which;
	struct hash hash;
	struct buffer out;
	struct buffer manifest;
};

/* --- the directory and its files --- */

static int file_failed(struct export *export, int r)
{
	return error_set(export->error, r, "write %s/%s: %s", export->path, names[export->which], strerror(-r));
}

static int check_empty(int directory)
{
	int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	if (!dir) {
		r = -errno;
		if (again >= 0)
			close(again);
		return r;
	}
	for (struct dirent *entry; !r && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = -EEXIST;
	closedir(dir);
	return r;
}

static int make_directory(struct export *export)
{
	export->is_new = mkdir(export->path, 0777) == 0;
	int r = export->is_new || errno == EEXIST ? 0 : -errno;
	if (!r) {
		export->directory = open(export->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = export->directory < 0 ? -errno : check_empty(export->directory);
	}
	if (!r)
		return 0;
	if (export->directory >= 0)
		close(export->directory);
	return error_set(export->error, r, "export to %s: %s", export->path,
		r == -EEXIST ? "the directory is not empty; name a new one" : strerror(-r));
}

static int flush(struct export *export)
{
	struct slice left = buffer_slice(&export->out);
	int r = buffer_error(&export->out);
	hash_add(&export->hash, left);
	while (!r && left.size > 0) {
		ssize_t count = write(export->fd, left.data, left.size);
		if (count < 0 && errno != EINTR)
			r = -errno;
		else if (count > 0)
			left = slice_of(left.data + count, left.size - (size_t)count);
	}
	export->facts.counts.bytes += export->out.size - left.size;
	buffer_clear(&export->out);
	return r ? file_failed(export, r) : 0;
}

static int flush_some(struct export *export)
{
	return export->out.size < WRITE_BYTES ? 0 : flush(export);
}

static int begin_file(struct export *export, int which)
{
	export->which = which;
	buffer_clear(&export->out);
	hash_begin(&export->hash);
	export->fd = openat(export->directory, names[which], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return export->fd < 0 ? file_failed(export, -errno) : 0;
}

static int end_file(struct export *export, int r)
{
	uint8_t digest[HASH_SIZE];
	char hex[2 * HASH_SIZE];
	if (!r)
		r = flush(export);
	if (!r && fsync(export->fd) < 0)
		r = file_failed(export, -errno);
	if (close(export->fd) < 0 && !r)
		r = file_failed(export, -errno);
	hash_end(&export->hash, digest);
	hash_hex(digest, sizeof(digest), hex);
	buffer_append_format(&export->manifest, "%.*s  %s\n", (int)sizeof(hex), hex, names[export->which]);
	return r;
}

static int write_file(struct export *export, int which, int (*fill)(struct export *export))
{
	int r = begin_file(export, which);
	return r ? r : end_file(export, fill(export));
}

/* --- changes --- */

static int advance(struct export *export)
{
	if (++export->done % PROGRESS_EVERY != 0 || !export->progress)
		return 0;
	return export->progress(export->context, export->done, export->total);
}

static int append_change(struct export *export, struct change_reader *reader, const struct log_entry *entry)
{
	const struct table *table = export->facts.table;
	size_t at = export->out.size;
	int r = change_read(reader, export->txn, table->number, entry);
	if (!r)
		r = change_append_line(table, &reader->change, &export->out);
	if (!r)
		r = buffer_error(&export->out);
	if (r)
		return error_set(export->error, r,
			"change %" PRIu64 " of %s could not be read: %s; pitr verify tells more", entry->seq,
			table->name, strerror(-r));
	chain_add(&export->facts.after, slice_of(export->out.data + at, export->out.size - at));
	buffer_append_byte(&export->out, '\n');
	export->facts.counts.changes++;
	if (!export->facts.first_us)
		export->facts.first_us = entry->time_us;
	export->facts.last_us = entry->time_us;
	r = flush_some(export);
	return r ? r : advance(export);
}

static int check_head(struct export *export)
{
	struct chain head;
	int r = chain_head_at(export->txn, export->facts.table, export->facts.to, &head);
	if (!r && memcmp(head.head, export->facts.after.head, CHAIN_BYTES) != 0)
		r = -EIO;
	return r ? error_set(export->error, r,
			   "the changes %" PRIu64 " to %" PRIu64 " of %s do not lead to the head of its chain; "
			   "pitr verify tells what is damaged",
			   export->facts.from + 1, export->facts.to, export->facts.table->name)
		 : 0;
}

static int fill_changes(struct export *export)
{
	struct evidence_facts *facts = &export->facts;
	struct change_reader reader = { 0 };
	struct log_walk walk;
	struct log_entry entry = { .seq = facts->from };
	int r = log_walk_begin(&walk, export->txn, facts->table->number, facts->from + 1);
	while (!r && entry.seq < facts->to) {
		r = log_walk_next(&walk, &entry);
		if (r == 1)
			r = append_change(export, &reader, &entry);
		else
			r = error_set(export->error, r ? r : -EIO,
				"the change log of %s could not be read; pitr verify tells more", facts->table->name);
	}
	change_reader_free(&reader);
	return r ? r : check_head(export);
}

/* --- states --- */

struct sorting {
	struct export *export;
	struct sorter *sorter;
};

static int sort_item(void *context, const struct node *item)
{
	struct sorting *sorting = context;
	struct item_record record = { 0 };
	struct slice key = item->encoded_key;
	memcpy(record.key, key.data, key.size < sizeof(record.key) ? key.size : sizeof(record.key));
	if (key.size > sizeof(record.key))
		hash_strong(key, record.hash);
	for (unsigned i = 0; i < sizeof(record.number); i++)
		record.number[i] = (uint8_t)(item->number >> (8 * (sizeof(record.number) - 1 - i)));
	return sorter_add(sorting->sorter, &record);
}

static int append_item(
	struct export *export, const struct snapshot *snapshot, const struct item_record *record, struct buffer *item)
{
	const struct key_schema *schema = &export->facts.table->schema;
	struct item_order order = { .partition = slice_of_text(schema->partition.name),
		.sort = slice_of_text(schema->has_sort ? schema->sort.name : "") };
	uint64_t number = 0;
	for (unsigned i = 0; i < sizeof(record->number); i++)
		number = number << 8 | record->number[i];
	int r = snapshot_content(export->txn, snapshot, number, item);
	if (r)
		return r == -ENOENT ? -EIO : r;
	buffer_append_text(&export->out, "{\"Item\":");
	r = item_to_json(buffer_slice(item), ITEM_DYNAMODB, ITEM_COMPACT, &order, &export->out);
	buffer_append_text(&export->out, "}\n");
	return r;
}

static int append_sorted(struct export *export, const struct snapshot *snapshot, struct sorter *sorter, uint64_t *items)
{
	struct item_record record;
	struct buffer item = BUFFER_INIT;
	int r;
	while ((r = sorter_next(sorter, &record)) == 1) {
		r = append_item(export, snapshot, &record, &item);
		if (!r)
			r = flush_some(export);
		if (!r)
			r = advance(export);
		if (r)
			break;
		++*items;
	}
	buffer_free(&item);
	return r;
}

static int fill_state(struct export *export, uint64_t seq, uint64_t *items)
{
	struct snapshot snapshot = { .table = export->facts.table->number, .seq = seq };
	struct sorting sorting = { .export = export };
	int r = sorter_new(P_tmpdir, sizeof(struct item_record), &sorting.sorter);
	if (!r)
		r = retention_check(export->txn, snapshot.table, seq);
	if (!r && seq > 0)
		r = compare_walk(export->txn, &snapshot, sort_item, &sorting);
	if (!r)
		r = append_sorted(export, &snapshot, sorting.sorter, items);
	sorter_free(sorting.sorter);
	if (r && !export->error->code)
		error_set(export->error, r, "the state of %s after change %" PRIu64 " could not be read: %s",
			export->facts.table->name, seq, strerror(-r));
	return r;
}

static int fill_before(struct export *export)
{
	return fill_state(export, export->facts.from, &export->facts.counts.before_items);
}

static int fill_after(struct export *export)
{
	return fill_state(export, export->facts.to, &export->facts.counts.after_items);
}

/* --- what tells of them --- */

static int fill_readme(struct export *export)
{
	evidence_append_readme(&export->facts, &export->out);
	return 0;
}

static int fill_table(struct export *export)
{
	const struct evidence_facts *facts = &export->facts;
	struct snapshot snapshot = { .table = facts->table->number, .seq = facts->to, .time_us = facts->last_us };
	int r = describe_table(export->txn, facts->table, &snapshot, &export->out);
	buffer_append_byte(&export->out, '\n');
	return r ? error_set(export->error, r, "%s could not be described: %s", facts->table->name, strerror(-r)) : 0;
}

static void append_time(struct buffer *out, const char *name, int64_t time_us)
{
	char text[INSTANT_TEXT_MAX];
	instant_format_z(time_us, text, sizeof(text));
	if (time_us)
		buffer_append_format(out, ",\"%s\":\"%s\"", name, text);
}

static int fill_seal(struct export *export)
{
	const struct evidence_facts *facts = &export->facts;
	struct buffer *out = &export->out;
	char before[CHAIN_TEXT_SIZE], after[CHAIN_TEXT_SIZE];
	struct seal seal;
	int r = seal_make(export->history, export->txn, &seal, export->error);
	if (r)
		return r;
	chain_text(&facts->before, before);
	chain_text(&facts->after, after);
	buffer_append_text(out, "{\"Evidence\":\"pitrfs 1\",\"Table\":");
	text_append_json(out, slice_of_text(facts->table->name));
	buffer_append_format(out,
		",\"TableId\":\"%s\",\"FirstSequenceNumber\":%" PRIu64 ",\"LastSequenceNumber\":%" PRIu64,
		facts->table->id, facts->from + 1, facts->to);
	append_time(out, "FirstTime", facts->first_us);
	append_time(out, "LastTime", facts->last_us);
	buffer_append_format(out,
		",\"Changes\":%" PRIu64 ",\"ItemsBefore\":%" PRIu64 ",\"ItemsAfter\":%" PRIu64
		",\"HeadBefore\":\"%s\",\"HeadAfter\":\"%s\",\"Seal\":",
		facts->counts.changes, facts->counts.before_items, facts->counts.after_items, before, after);
	r = seal_append_text(&seal, out);
	while (out->size > 0 && out->data[out->size - 1] == '\n')
		out->size--;
	buffer_append_text(out, "}\n");
	seal_free(&seal);
	return r;
}

static int fill_manifest(struct export *export)
{
	buffer_append_slice(&export->out, buffer_slice(&export->manifest));
	return buffer_error(&export->manifest);
}

/* --- all of it --- */

static int count_work(struct export *export)
{
	const struct evidence_facts *facts = &export->facts;
	uint64_t before = 0, after = 0, bytes;
	struct snapshot snapshot = { .table = facts->table->number, .seq = facts->from };
	int r = snapshot_statistics(export->txn, &snapshot, &before, &bytes);
	snapshot.seq = facts->to;
	if (!r)
		r = snapshot_statistics(export->txn, &snapshot, &after, &bytes);
	export->total = facts->to - facts->from + before + after;
	return r == -ENOENT ? 0 : r;
}

static int write_files(struct export *export)
{
	static int (*const fill[FILES])(struct export * export) = { [CHANGES] = fill_changes,
		[BEFORE] = fill_before,
		[AFTER] = fill_after,
		[TABLE] = fill_table,
		[SEAL] = fill_seal,
		[README] = fill_readme,
		[MANIFEST] = fill_manifest };
	static const int order[FILES] = { CHANGES, BEFORE, AFTER, TABLE, SEAL, README, MANIFEST };
	int r = 0;
	for (int i = 0; i < FILES && !r; i++)
		r = write_file(export, order[i], fill[order[i]]);
	if (!r && fsync(export->directory) < 0)
		r = file_failed(export, -errno);
	return r;
}

static void take_back(struct export *export)
{
	for (int i = FILES; i-- > 0;)
		(void)unlinkat(export->directory, names[i], 0);
	if (export->is_new)
		(void)rmdir(export->path);
}

static int export_all(struct export *export)
{
	struct evidence_facts *facts = &export->facts;
	int r = chain_head_at(export->txn, facts->table, facts->from, &facts->before);
	if (!r)
		r = count_work(export);
	if (r)
		return error_set(export->error, r, "%s after change %" PRIu64 ": %s", facts->table->name, facts->from,
			r == -ESTALE ? "retention has dropped it" : strerror(-r));
	facts->after = facts->before;
	r = make_directory(export);
	if (r)
		return r;
	r = write_files(export);
	if (r)
		take_back(export);
	close(export->directory);
	if (r && !export->error->code)
		error_set(export->error, r, "export to %s: %s", export->path, strerror(-r));
	return r;
}

/* The table as it was described at the end of the stretch, if it has got other keys since. */
static int find_table(struct export *export, struct table *ret_then)
{
	struct evidence_facts *facts = &export->facts;
	const struct table *table = facts->table;
	struct key_schema schema;
	struct log_entry entry;
	uint64_t from, end;
	int r = table->number == CATALOGUE ? -ENOENT
					   : table_keys_at(export->txn, table->number, facts->to, &schema, &from, &end);
	if (r || from == table->keys_from)
		return r == -ENOENT ? 0 : r;
	r = log_get(export->txn, table->number, facts->to, &entry);
	if (!r)
		r = table_load(export->txn, table->number, entry.time_us, ret_then);
	if (r == -ENOENT)
		r = table_copy(table, ret_then);
	if (r)
		return r;
	ret_then->schema = schema;
	facts->table = ret_then;
	return 0;
}

int evidence_export(struct history *history, struct store_txn *txn, const struct table *table, uint64_t from,
	uint64_t to, const char *directory, int (*progress)(void *context, uint64_t done, uint64_t total),
	void *context, struct evidence_counts *ret_counts, struct error *error)
{
	struct error unused = { 0 };
	struct export export = { .history = history,
		.txn = txn,
		.facts = { .table = table, .from = from, .to = to },
		.path = directory,
		.directory = -1,
		.progress = progress,
		.context = context,
		.error = error ? error : &unused };
	struct table then = { 0 };
	assert(from <= to);
	int r = find_table(&export, &then);
	r = r ? error_set(export.error, r, "%s could not be described: %s", table->name, strerror(-r))
	      : export_all(&export);
	*ret_counts = export.facts.counts;
	ret_counts->head_before = export.facts.before;
	ret_counts->head_after = export.facts.after;
	buffer_free(&export.out);
	buffer_free(&export.manifest);
	table_free(&then);
	return r;
}
