#include "import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "import_parts.h"
#include "instant.h"
#include "name.h"

/* One source being read. A line that is bad, and not fatal to the run, is told apart by is_bad. */
struct reading {
	struct import *import;
	const char *source;
	uint64_t line;
	struct record record;
	struct buffer spooled, key;
	bool is_bad;
	struct error *error;
};

int import_new(struct history *history, const struct import_options *options, struct import **ret_import)
{
	const char *directory = options->spool_directory ? options->spool_directory : history_directory(history);
	struct import *import = calloc(1, sizeof(*import));
	if (!import)
		return -ENOMEM;
	import->history = history;
	import->options = *options;
	int result = spool_new(directory, &import->spool);
	if (result < 0) {
		import_free(import);
		return result;
	}
	*ret_import = import;
	return 0;
}

void import_free(struct import *import)
{
	if (!import)
		return;
	for (size_t i = 0; i < import->source_count; i++)
		free(import->sources[i]);
	free(import->sources);
	free(import->entries);
	import_seen_free(&import->seen);
	spool_free(import->spool);
	free(import);
}

const char *import_table(const struct import *import)
{
	return import->table_name;
}

static int bad(struct reading *reading, int code)
{
	reading->is_bad = true;
	return code;
}

/* --- The table: which, and with what key -------------------------------------------------------------------------- */

static bool same_attribute(const struct key_attribute *asked, const struct key_attribute *is)
{
	return strcmp(asked->name, is->name) == 0 && (asked->type == 0 || asked->type == is->type);
}

bool import_same_schema(const struct key_schema *asked, const struct key_schema *is)
{
	return asked->has_sort == is->has_sort && same_attribute(&asked->partition, &is->partition) &&
	       (!asked->has_sort || same_attribute(&asked->sort, &is->sort));
}

static int take_name(struct reading *reading)
{
	struct import *import = reading->import;
	struct slice name = reading->record.table_name;
	if (import->options.table)
		name = slice_of_text(import->options.table);
	if (name.size == 0)
		return error_set(reading->error, -EINVAL,
			"%s line %llu does not say which table it is of: name the table (--table NAME)",
			reading->source, (unsigned long long)reading->line);
	int result = name_check_table(name, reading->error);
	if (result < 0)
		return result;
	memcpy(import->table_name, name.data, name.size);
	import->table_name[name.size] = '\0';
	return 0;
}

int import_refuse_restoring(const char *table, struct error *error)
{
	return error_set_aws(error, -ENOENT, "ResourceNotFoundException",
		"table %s is still being restored: import into it when it is whole, or into another one", table);
}

/* The key of a table that exists. 1, or 0 when there is none of that name. */
static int existing_schema(struct import *import, struct error *error)
{
	struct table table = { 0 };
	struct store_txn *txn;
	struct error absent = { 0 };
	int result = store_begin(history_store(import->history), /* is_writable= */ false, &txn);
	if (result < 0)
		return error_set(error, result, "the store could not be read: %s", strerror(-result));
	result = table_find(txn, slice_of_text(import->table_name), TIME_NOW, &table, &absent);
	store_abort(txn);
	if (result == -ENOENT)
		return 0;
	if (result < 0) {
		if (error)
			*error = absent;
		return result;
	}
	import->schema = table.schema;
	table_free(&table);
	if (table.is_restoring)
		return import_refuse_restoring(import->table_name, error);
	if (import->options.schema && !import_same_schema(import->options.schema, &import->schema))
		return error_set(error, -EINVAL, "table %s is there already, with the key %s (%c)%s%s: leave --key out",
			import->table_name, import->schema.partition.name, (char)import->schema.partition.type,
			import->schema.has_sort ? " and the sort key " : "",
			import->schema.has_sort ? import->schema.sort.name : "");
	return 1;
}

/* A type that was not given is that of the first record's value. */
static int complete_attribute(struct reading *reading, struct key_attribute *attribute)
{
	const struct record *record = &reading->record;
	struct value value;
	if (attribute->type != 0)
		return 0;
	if (!item_attribute(
		    record->item.size > 0 ? record->item : record->keys, slice_of_text(attribute->name), &value))
		return bad(reading, error_set(reading->error, -EINVAL, "there is no attribute %s, which is to be a key",
					    attribute->name));
	if (value.tag != VALUE_S && value.tag != VALUE_N && value.tag != VALUE_B)
		return bad(reading, error_set(reading->error, -EINVAL,
					    "attribute %s is to be a key: it must be a string, a number or binary",
					    attribute->name));
	attribute->type = value.tag;
	return 0;
}

static int schema_of_keys(struct reading *reading)
{
	struct import *import = reading->import;
	struct reader reader = reader_of(reading->record.keys);
	struct value keys, value;
	struct slice name = slice_of(NULL, 0);
	if (reading->record.keys.size == 0 || !value_read(&reader, &keys))
		return error_set(reading->error, -EINVAL,
			"there is no table %s yet, and items do not say what its key is: name it (--key id)",
			import->table_name);
	if (keys.count != 1)
		return error_set(reading->error, -EINVAL,
			"there is no table %s yet, and its key has %zu attributes: say which is the partition key and "
			"which the sort key (--key pk,sk)",
			import->table_name, keys.count);
	reader = reader_of(keys.body);
	if (!value_next(&keys, &reader, &name, &value) || name.size > KEY_NAME_MAX)
		return error_set(
			reading->error, -EINVAL, "the name of a key attribute has at most %d bytes", KEY_NAME_MAX);
	import->schema = (struct key_schema){ 0 };
	memcpy(import->schema.partition.name, name.data, name.size);
	return complete_attribute(reading, &import->schema.partition);
}

static int schema_of_new_table(struct reading *reading)
{
	struct import *import = reading->import;
	if (!import->options.schema)
		return schema_of_keys(reading);
	import->schema = *import->options.schema;
	int result = complete_attribute(reading, &import->schema.partition);
	if (result == 0 && import->schema.has_sort)
		result = complete_attribute(reading, &import->schema.sort);
	return result;
}

/* With the first record it is settled where everything goes. */
static int settle_table(struct reading *reading)
{
	struct import *import = reading->import;
	if (import->has_table)
		return 0;
	int result = take_name(reading);
	if (result == 0)
		result = existing_schema(import, reading->error);
	if (result == 0)
		result = schema_of_new_table(reading);
	if (result < 0)
		return result;
	import->has_table = true;
	return 0;
}

/* --- Checking one record --------------------------------------------------------------------------------------------
 */

static int check_table_name(struct reading *reading)
{
	const struct import *import = reading->import;
	struct slice name = reading->record.table_name;
	if (import->options.table || name.size == 0 || slice_equal(name, slice_of_text(import->table_name)))
		return 0;
	return bad(reading,
		error_set(reading->error, -EINVAL,
			"this is a change of table %.*s, and the others are of %s: --table brings all into one",
			(int)name.size, (const char *)name.data, import->table_name));
}

static int check_key(struct reading *reading, struct key *ret_key)
{
	const struct record *record = &reading->record;
	const struct key_schema *schema = &reading->import->schema;
	int result = 0;
	if (record->keys.size > 0)
		result = key_of_key_item(record->keys, schema, ret_key, reading->error);
	if (result == 0 && record->op == RECORD_PUT)
		result = key_of_item(record->item, schema, ret_key, reading->error);
	return result < 0 ? bad(reading, result) : 0;
}

static int check_time(struct reading *reading, int64_t *ret_time_us)
{
	const struct record *record = &reading->record;
	char time_text[INSTANT_TEXT_MAX];
	int64_t time_us = record->has_time ? record->time_us : reading->import->options.time_us;
	if (!record->has_time && time_us == 0) {
		*ret_time_us = IMPORT_NO_TIME;
		return 0;
	}
	if (time_us <= 0)
		return bad(reading, error_set(reading->error, -EINVAL, "the time must be after 1970-01-01T00:00:00Z"));
	if (time_us > clock_now_us()) {
		instant_format_z(time_us, time_text, sizeof(time_text));
		return bad(reading, error_set(reading->error, -EINVAL, "its time, %s, is in the future", time_text));
	}
	*ret_time_us = time_us;
	return 0;
}

/* --- Keeping it -----------------------------------------------------------------------------------------------------
 */

static void pack_sequence(const char *digits, uint8_t packed[IMPORT_SEQUENCE_BYTES])
{
	size_t length = strlen(digits);
	memset(packed, 0, IMPORT_SEQUENCE_BYTES);
	for (size_t i = 0; i < length; i++) {
		size_t from_right = length - 1 - i;
		unsigned digit = (unsigned)(digits[i] - '0');
		uint8_t *byte = &packed[IMPORT_SEQUENCE_BYTES - 1 - from_right / 2];
		*byte = (uint8_t)(*byte | (from_right % 2 ? digit << 4 : digit));
	}
}

static bool is_in_order(const struct import_entry *a, const struct import_entry *b)
{
	if (a->time_us != b->time_us)
		return a->time_us < b->time_us;
	return memcmp(a->sequence, b->sequence, IMPORT_SEQUENCE_BYTES) <= 0;
}

static int add_entry(struct import *import, const struct import_entry *entry)
{
	if (import->count == import->capacity) {
		size_t capacity = import->capacity ? import->capacity * 2 : 1024;
		struct import_entry *entries = reallocarray(import->entries, capacity, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		import->entries = entries;
		import->capacity = capacity;
	}
	if (import->count > 0 && !is_in_order(&import->entries[import->count - 1], entry))
		import->is_unordered = true;
	import->entries[import->count++] = *entry;
	return 0;
}

static void note_time(struct import_counts *counts, int64_t time_us)
{
	counts->changes++;
	if (time_us == IMPORT_NO_TIME)
		return;
	if (counts->first_us == 0 || time_us < counts->first_us)
		counts->first_us = time_us;
	if (time_us > counts->last_us)
		counts->last_us = time_us;
}

static int keep_record(struct reading *reading, const struct key *key, int64_t time_us)
{
	struct import *import = reading->import;
	const struct record *record = &reading->record;
	struct buffer *spooled = &reading->spooled;
	unsigned flags = (record->op == RECORD_REMOVE ? IMPORT_IS_REMOVAL : 0) | (record->is_ttl ? IMPORT_IS_TTL : 0);
	buffer_clear(spooled);
	buffer_clear(&reading->key);
	key_append_encoded(key, &reading->key);
	buffer_append_byte(spooled, (uint8_t)flags);
	buffer_append_blob(spooled, buffer_slice(&reading->key));
	buffer_append_blob(spooled, record->op == RECORD_PUT ? record->item : slice_of(NULL, 0));
	struct import_entry entry = { .time_us = time_us,
		.offset = spool_size(import->spool),
		.line = reading->line,
		.source = (uint32_t)(import->source_count - 1),
		.size = (uint32_t)spooled->size };
	pack_sequence(record->sequence, entry.sequence);
	int result = buffer_error(&reading->key) < 0 ? -ENOMEM : buffer_error(spooled);
	if (result == 0)
		result = spool_write(import->spool, entry.offset, spooled->data, spooled->size);
	if (result == 0)
		result = add_entry(import, &entry);
	if (result < 0)
		return error_set(reading->error, result, "what was read could not be kept for applying it: %s",
			strerror(-result));
	note_time(&import->counts, time_us);
	return 0;
}

/* 1 when this very event was read before. */
static int is_repeated(struct reading *reading)
{
	if (reading->record.event_id[0] == '\0')
		return 0;
	int result = import_seen_add(&reading->import->seen, reading->record.event_id);
	return result < 0 ? error_set(reading->error, result, "out of memory for the identifiers of events") : result;
}

static int take_record(struct reading *reading)
{
	struct key key;
	int64_t time_us = 0;
	int result = settle_table(reading);
	if (result == 0)
		result = check_table_name(reading);
	if (result == 0)
		result = check_key(reading, &key);
	if (result == 0)
		result = check_time(reading, &time_us);
	if (result == 0)
		result = is_repeated(reading);
	if (result == 1) {
		reading->import->counts.changes++;
		reading->import->counts.unchanged++;
		return 0;
	}
	return result < 0 ? result : keep_record(reading, &key, time_us);
}

/* --- Lines ----------------------------------------------------------------------------------------------------------
 */

static bool is_blank(struct slice line)
{
	for (size_t i = 0; i < line.size; i++)
		if (line.data[i] != ' ' && line.data[i] != '\t')
			return false;
	return true;
}

static int take_line(struct reading *reading, struct slice line, bool is_too_long)
{
	reading->is_bad = false;
	if (is_too_long)
		return bad(
			reading, error_set(reading->error, -EFBIG, "the line has more than %u bytes", RECORD_LINE_MAX));
	int result = record_parse(line, &reading->record, reading->error);
	if (result == -EINVAL || result == -EFBIG)
		return bad(reading, result);
	return result < 0 ? result : take_record(reading);
}

static int handle_bad(struct reading *reading, struct slice line, int code)
{
	struct import *import = reading->import;
	import->counts.bad++;
	if (!import->options.skip_bad) {
		error_prefix(reading->error, "%s line %llu", reading->source, (unsigned long long)reading->line);
		return code;
	}
	if (!import->options.bad_line)
		return 0;
	int result =
		import->options.bad_line(import->options.context, reading->source, reading->line, line, reading->error);
	return result < 0 ? error_set(reading->error, result, "the bad lines could not be set aside: %s",
				    strerror(-result))
			  : 0;
}

static int read_lines(struct reading *reading, struct line_reader *reader)
{
	struct import *import = reading->import;
	struct slice line;
	bool is_too_long;
	int result;
	while ((result = line_reader_next(reader, &line, &is_too_long, reading->error)) > 0) {
		reading->line++;
		if (is_blank(line))
			continue;
		import->counts.lines++;
		result = take_line(reading, line, is_too_long);
		if (result < 0 && reading->is_bad)
			result = handle_bad(reading, line, result);
		if (result < 0)
			return result;
		if (import->options.progress)
			import->options.progress(import->options.context, import->counts.lines, 0, 0);
	}
	if (result < 0)
		error_prefix(reading->error, "%s", reading->source);
	return result;
}

static int add_source(struct import *import, const char *source)
{
	char **sources = reallocarray(import->sources, import->source_count + 1, sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	import->sources = sources;
	sources[import->source_count] = strdup(source);
	if (!sources[import->source_count])
		return -ENOMEM;
	import->source_count++;
	return 0;
}

int import_read(struct import *import, int fd, const char *source, struct error *error)
{
	struct error own = { 0 };
	struct reading reading = { .import = import, .source = source, .error = error ? error : &own };
	struct line_reader *reader;
	int result = add_source(import, source);
	if (result == 0)
		result = line_reader_new(fd, &reader);
	if (result < 0)
		return error_set(error, result, "%s: %s", source, strerror(-result));
	result = read_lines(&reading, reader);
	line_reader_free(reader);
	record_free(&reading.record);
	buffer_free(&reading.spooled);
	buffer_free(&reading.key);
	return result;
}
