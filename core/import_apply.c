#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "import_parts.h"
#include "instant.h"
#include "json.h"
#include "snapshot.h"

#define BATCH_RECORDS_MAX 10000 /* also of those that change nothing: others want to write too */
#define PROGRESS_EVERY 256

/* The second pass. Records at or before the table's last change are looked for in its log, from `next` on, up to
 * `last`: they are there, or change nothing, or contradict it. */
struct applying {
	struct import *import;
	struct batch *batch;
	struct table table;
	uint64_t author, ttl_author;
	int64_t untimed_us;    /* the one time of records without; 0: not given yet */
	struct log_entry last; /* of the table before the import; seq 0: none */
	uint64_t next;
	bool has_grown;
	struct import_counts committed;
	struct buffer spooled, content;
	struct error *error;
};

/* A record as it was spooled. */
struct spooled {
	const struct import_entry *entry;
	bool is_removal, is_ttl;
	struct slice key, item;
};

static int compare_entries(const void *left, const void *right)
{
	const struct import_entry *a = left, *b = right;
	if (a->time_us != b->time_us)
		return a->time_us < b->time_us ? -1 : 1;
	int order = memcmp(a->sequence, b->sequence, IMPORT_SEQUENCE_BYTES);
	if (order != 0)
		return order;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int load(struct applying *applying, const struct import_entry *entry, struct spooled *ret_spooled)
{
	struct buffer *spooled = &applying->spooled;
	buffer_clear(spooled);
	int result = buffer_reserve(spooled, entry->size);
	if (result < 0)
		return error_set(applying->error, result, "out of memory for a record of %u bytes", entry->size);
	ssize_t count = spool_read(applying->import->spool, entry->offset, spooled->data, entry->size);
	if (count != (ssize_t)entry->size)
		return error_set(applying->error, count < 0 ? (int)count : -EIO,
			"what was read could not be read back from the temporary file: %s",
			strerror(count < 0 ? (int)-count : EIO));
	struct reader reader = reader_of(slice_of(spooled->data, entry->size));
	uint8_t flags = reader_byte(&reader);
	ret_spooled->entry = entry;
	ret_spooled->is_removal = (flags & IMPORT_IS_REMOVAL) != 0;
	ret_spooled->is_ttl = (flags & IMPORT_IS_TTL) != 0;
	ret_spooled->key = reader_blob(&reader);
	ret_spooled->item = reader_blob(&reader);
	return 0;
}

/* --- What is there already ------------------------------------------------------------------------------------------
 */

/* Finds the key as of a change. 1; 0 when it did not live then. */
static int find_at(struct applying *applying, struct slice key, uint64_t seq, struct node *ret_node)
{
	struct snapshot snapshot = { applying->table.number, seq, applying->last.time_us };
	if (seq == 0)
		return 0;
	int result = snapshot_find(batch_txn(applying->batch), &snapshot, key, ret_node);
	return result == -ENOENT ? 0 : result < 0 ? result : 1;
}

static int has_content(struct applying *applying, uint64_t number, uint64_t seq, struct slice item)
{
	struct snapshot snapshot = { applying->table.number, seq, applying->last.time_us };
	int result = snapshot_content(batch_txn(applying->batch), &snapshot, number, &applying->content);
	return result < 0 ? result : slice_equal(buffer_slice(&applying->content), item);
}

/* Would the record have changed nothing after change `seq`? */
static int is_idle(struct applying *applying, const struct spooled *spooled, uint64_t seq)
{
	struct node node;
	int found = find_at(applying, spooled->key, seq, &node);
	if (found <= 0 || spooled->is_removal)
		return found < 0 ? found : spooled->is_removal && !found;
	return has_content(applying, node.number, seq, spooled->item);
}

/* Is this logged change the record? *ret_same_key tells whether it is at least of its key. */
static int is_logged_as(
	struct applying *applying, const struct spooled *spooled, const struct log_entry *entry, bool *ret_same_key)
{
	bool is_removal = entry->op == CHANGE_REMOVE;
	struct node node;
	int found = find_at(applying, spooled->key, is_removal ? entry->seq - 1 : entry->seq, &node);
	*ret_same_key = found > 0 && node.number == entry->number;
	if (found < 0 || !*ret_same_key || is_removal != spooled->is_removal)
		return found < 0 ? found : 0;
	return is_removal ? 1 : has_content(applying, node.number, entry->seq, spooled->item);
}

static int skip_earlier(struct applying *applying, int64_t time_us)
{
	struct log_entry entry;
	while (applying->next <= applying->last.seq) {
		int result = log_get(batch_txn(applying->batch), applying->table.number, applying->next, &entry);
		if (result < 0)
			return result;
		if (entry.time_us >= time_us)
			break;
		applying->next++;
	}
	return 0;
}

/* Is the record the logged change `seq`, made at the same time? *ret_is_past: that change is of another time. */
static int is_change(
	struct applying *applying, const struct spooled *spooled, uint64_t seq, bool *ret_is_past, bool *ret_same_key)
{
	struct log_entry entry;
	int result = log_get(batch_txn(applying->batch), applying->table.number, seq, &entry);
	*ret_same_key = false;
	*ret_is_past = result == 0 && entry.time_us != spooled->entry->time_us;
	if (result < 0 || *ret_is_past)
		return result;
	result = is_logged_as(applying, spooled, &entry, ret_same_key);
	if (result > 0)
		applying->next = seq + 1;
	return result;
}

/* Looks for the record among the logged changes of its time, from `next` on. 1 and `next` behind it; 1 when it changes
 * nothing there; else 0, and whether another change of its key is among them. */
static int find_logged(struct applying *applying, const struct spooled *spooled, bool *ret_has_same_key)
{
	uint64_t first = applying->next;
	bool is_past, is_same_key;
	int result = is_change(applying, spooled, first, &is_past, ret_has_same_key);
	if (result == 0 && !applying->has_grown)
		result = is_idle(applying, spooled, first - 1);
	for (uint64_t seq = first + 1; result == 0 && !is_past && seq <= applying->last.seq; seq++) {
		result = is_change(applying, spooled, seq, &is_past, &is_same_key);
		*ret_has_same_key = *ret_has_same_key || is_same_key;
	}
	return result;
}

static int contradiction(struct applying *applying, const struct spooled *spooled)
{
	const struct import_entry *entry = spooled->entry;
	char time_text[INSTANT_TEXT_MAX], last_text[INSTANT_TEXT_MAX];
	instant_format_z(entry->time_us, time_text, sizeof(time_text));
	instant_format_z(applying->last.time_us, last_text, sizeof(last_text));
	return error_set(applying->error, -ERANGE,
		"%s: history can only grow at its end: line %llu of %s is of %s, the table's last change is of %s",
		applying->table.name, (unsigned long long)entry->line, applying->import->sources[entry->source],
		time_text, last_text);
}

/* 1: the history has it already, or needs no change for it; 0: it is new; -ERANGE: it is neither. */
static int recognise(struct applying *applying, const struct spooled *spooled)
{
	int64_t time_us = spooled->entry->time_us;
	bool has_same_key = false;
	if (time_us > applying->last.time_us || applying->last.seq == 0)
		return 0;
	int result = skip_earlier(applying, time_us);
	if (result == 0 && applying->next > applying->last.seq)
		return 0;
	if (result == 0)
		result = find_logged(applying, spooled, &has_same_key);
	if (result < 0)
		return error_set(applying->error, result, "%s: the history that is there could not be read: %s",
			applying->table.name, strerror(-result));
	if (result > 0)
		return 1;
	if (time_us < applying->last.time_us || has_same_key)
		return contradiction(applying, spooled);
	applying->has_grown = true;
	return 0;
}

/* --- Bringing in ----------------------------------------------------------------------------------------------------
 */

static void count_change(struct import_counts *counts, const struct change_result *change)
{
	if (!change->is_changed)
		counts->unchanged++;
	else if (change->op == CHANGE_INSERT)
		counts->inserted++;
	else if (change->op == CHANGE_MODIFY)
		counts->modified++;
	else
		counts->removed++;
}

static int bring_in(struct applying *applying, const struct spooled *spooled)
{
	const struct import_entry *entry = spooled->entry;
	bool has_time = entry->time_us != IMPORT_NO_TIME;
	struct change_context context = { .time_us = has_time ? entry->time_us : applying->untimed_us,
		.author = spooled->is_ttl ? applying->ttl_author : applying->author };
	struct change_result change = { 0 };
	int result = spooled->is_removal ? batch_remove(applying->batch, &applying->table, spooled->key, &context,
						   &change, applying->error)
					 : batch_put(applying->batch, &applying->table, spooled->item, &context,
						   &change, applying->error);
	if (result < 0) {
		error_prefix(applying->error, "%s line %llu", applying->import->sources[entry->source],
			(unsigned long long)entry->line);
		return result;
	}
	if (!has_time && change.is_changed)
		applying->untimed_us = change.time_us;
	count_change(&applying->import->counts, &change);
	return 0;
}

static int apply_record(struct applying *applying, const struct import_entry *entry)
{
	struct spooled spooled = { 0 };
	int result = load(applying, entry, &spooled);
	if (result == 0 && entry->time_us != IMPORT_NO_TIME)
		result = recognise(applying, &spooled);
	if (result == 1) {
		applying->import->counts.already_there++;
		return 0;
	}
	return result < 0 ? result : bring_in(applying, &spooled);
}

/* --- The table ------------------------------------------------------------------------------------------------------
 */

static void append_attribute(struct buffer *request, const struct key_attribute *attribute, const char *role)
{
	buffer_append_text(request, "{\"AttributeName\":");
	json_append_string(request, slice_of_text(attribute->name));
	if (role)
		buffer_append_format(request, ",\"KeyType\":\"%s\"}", role);
	else
		buffer_append_format(request, ",\"AttributeType\":\"%c\"}", (char)attribute->type);
}

static void append_request(struct buffer *request, const char *name, const struct key_schema *schema)
{
	buffer_append_text(request, "{\"TableName\":");
	json_append_string(request, slice_of_text(name));
	buffer_append_text(request, ",\"BillingMode\":\"PAY_PER_REQUEST\",\"KeySchema\":[");
	append_attribute(request, &schema->partition, "HASH");
	if (schema->has_sort) {
		buffer_append_byte(request, ',');
		append_attribute(request, &schema->sort, "RANGE");
	}
	buffer_append_text(request, "],\"AttributeDefinitions\":[");
	append_attribute(request, &schema->partition, NULL);
	if (schema->has_sort) {
		buffer_append_byte(request, ',');
		append_attribute(request, &schema->sort, NULL);
	}
	buffer_append_text(request, "],\"PointInTimeRecoverySpecification\":"
				    "{\"PointInTimeRecoveryEnabled\":true,\"RecoveryPeriodInDays\":\"forever\"}}");
}

/* The table exists from its first change on; its history is kept for ever. */
static int create_table(struct applying *applying)
{
	const struct import *import = applying->import;
	int64_t first_us = import->entries[0].time_us;
	struct change_context context = { .author = applying->author };
	struct buffer request = BUFFER_INIT;
	struct json *root = NULL;
	append_request(&request, import->table_name, &import->schema);
	int result = buffer_error(&request);
	if (result == 0)
		result = json_parse(buffer_slice(&request), &json_default_limits, &root, applying->error);
	if (result == 0)
		result = table_create(applying->batch, root, &context, first_us == IMPORT_NO_TIME ? 0 : first_us,
			&applying->table, applying->error);
	json_free(root);
	buffer_free(&request);
	return result;
}

static int too_early(struct applying *applying)
{
	const struct import *import = applying->import;
	const struct import_entry *first = &import->entries[0];
	char first_text[INSTANT_TEXT_MAX], from_text[INSTANT_TEXT_MAX];
	instant_format_z(first->time_us, first_text, sizeof(first_text));
	instant_format_z(applying->table.exists_from_us, from_text, sizeof(from_text));
	return error_set(applying->error, -ERANGE,
		"%s: history can only grow at its end: line %llu of %s is of %s, the table exists from %s on; import "
		"into a new table, which exists from its first change on",
		applying->table.name, (unsigned long long)first->line, import->sources[first->source], first_text,
		from_text);
}

/* Where in the log the first record may be found. */
static int begin_recognising(struct applying *applying)
{
	struct store_txn *txn = batch_txn(applying->batch);
	int64_t first_us = applying->import->entries[0].time_us;
	struct log_entry entry;
	if (first_us < applying->table.exists_from_us)
		return too_early(applying);
	int result = log_last(txn, applying->table.number, &applying->last);
	if (result == -ENOENT) {
		applying->last = (struct log_entry){ 0 };
		return 0;
	}
	if (result == 0 && first_us > applying->last.time_us) {
		applying->next = applying->last.seq + 1;
		return 0;
	}
	if (result == 0)
		result = log_at_time(txn, applying->table.number, first_us - 1, &entry);
	if (result == 0)
		applying->next = entry.seq + 1;
	if (result == -ENOENT) {
		result = log_first(txn, applying->table.number, &entry);
		applying->next = entry.seq;
	}
	return result < 0 ? error_set(applying->error, result, "%s: the change log could not be read: %s",
				    applying->table.name, strerror(-result))
			  : 0;
}

static int find_or_create_table(struct applying *applying)
{
	struct import *import = applying->import;
	struct error absent = { 0 };
	int result = table_find(
		batch_txn(applying->batch), slice_of_text(import->table_name), TIME_NOW, &applying->table, &absent);
	if (result == -ENOENT)
		return create_table(applying);
	if (result < 0) {
		*applying->error = absent;
		return result;
	}
	if (applying->table.is_restoring)
		return import_refuse_restoring(import->table_name, applying->error);
	if (!import_same_schema(&import->schema, &applying->table.schema))
		return error_set(applying->error, -EINVAL, "table %s was made anew while its records were being read",
			import->table_name);
	return begin_recognising(applying);
}

/* --- Batches --------------------------------------------------------------------------------------------------------
 */

static int begin_batch(struct applying *applying)
{
	const struct import_options *options = &applying->import->options;
	int result = batch_begin(applying->import->history, &applying->batch, applying->error);
	if (result < 0)
		return result;
	result = batch_author(applying->batch, options->author, &applying->author);
	if (result == 0)
		result = batch_author(applying->batch, options->ttl_author, &applying->ttl_author);
	return result < 0 ? error_set(applying->error, result, "the author could not be stored: %s", strerror(-result))
			  : 0;
}

/* Others may have changed the table between two batches. */
static int check_table(struct applying *applying)
{
	struct store_txn *txn = batch_txn(applying->batch);
	struct table_statistics statistics;
	struct table now = { 0 };
	int result = table_load(txn, applying->table.number, TIME_NOW, &now);
	table_free(&now);
	if (result < 0)
		return error_set(applying->error, result, "table %s was deleted while it was being imported into",
			applying->table.name);
	result = table_statistics(txn, applying->table.number, &statistics);
	if (result < 0)
		return error_set(applying->error, result, "table %s could not be read: %s", applying->table.name,
			strerror(-result));
	if (statistics.last_us > applying->untimed_us)
		applying->untimed_us = 0;
	return 0;
}

static int commit_batch(struct applying *applying)
{
	int result = batch_commit(applying->batch, applying->error);
	applying->batch = NULL;
	if (result == 0)
		applying->committed = applying->import->counts;
	return result;
}

static int next_batch(struct applying *applying)
{
	int result = commit_batch(applying);
	if (result == 0)
		result = begin_batch(applying);
	return result < 0 ? result : check_table(applying);
}

static int apply_records(struct applying *applying)
{
	const struct import *import = applying->import;
	const struct import_options *options = &import->options;
	for (size_t i = 0; i < import->count; i++) {
		int result = apply_record(applying, &import->entries[i]);
		if (result == 0 && (i + 1) % BATCH_RECORDS_MAX == 0)
			result = next_batch(applying);
		if (result < 0)
			return result;
		if (options->progress && i % PROGRESS_EVERY == 0)
			options->progress(options->context, import->counts.lines, i + 1, import->count);
	}
	return 0;
}

static int apply_all(struct applying *applying)
{
	int result = begin_batch(applying);
	if (result == 0)
		result = find_or_create_table(applying);
	if (result == 0)
		result = apply_records(applying);
	return result < 0 ? result : commit_batch(applying);
}

int import_apply(struct import *import, struct import_counts *ret_counts, struct error *error)
{
	struct error own = { 0 };
	struct applying applying = { .import = import, .error = error ? error : &own };
	int result = 0;
	applying.committed = import->counts;
	if (import->is_unordered)
		qsort(import->entries, import->count, sizeof(*import->entries), compare_entries);
	if (import->count > 0)
		result = apply_all(&applying);
	batch_abort(applying.batch);
	table_free(&applying.table);
	buffer_free(&applying.spooled);
	buffer_free(&applying.content);
	*ret_counts = applying.committed;
	return result;
}
