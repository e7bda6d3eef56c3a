#include "restore.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "layout.h"
#include "name.h"
#include "pin_state.h"
#include "restore_document.h"
#include "restore_parts.h"

void restore_source_free(struct restore_source *source)
{
	table_free(&source->table);
}

int restore_check_usable(const struct table *table, struct error *error)
{
	if (!table->is_restoring)
		return 0;
	return error_set_aws(error, -ENOENT, "ResourceNotFoundException",
		"Requested resource not found: Table: %s not found", table->name);
}

/* --- sources --- */

/* The live state is what it is after its last change; it was that also when that change was made. */
static int resolve_live(struct store_txn *txn, struct snapshot *snapshot)
{
	struct log_entry last;
	if (snapshot->seq != SEQ_MAX)
		return 0;
	int r = pin_last_change(txn, snapshot->table, &last);
	snapshot->seq = last.seq;
	return r ? r : history_last_commit(txn, &snapshot->time_us);
}

/* With its settings as at the instant. */
static int load_then(struct store_txn *txn, const struct table *table, int64_t time_us, struct table *ret_table)
{
	int r = table_load(txn, table->number, time_us, ret_table);
	return r == -ENOENT ? table_copy(table, ret_table) : r;
}

int restore_source_of(struct store_txn *txn, const struct table *table, const struct snapshot *snapshot,
	const char *backup_arn, struct restore_source *ret_source, struct error *error)
{
	*ret_source = (struct restore_source){ .snapshot = *snapshot };
	if (backup_arn)
		strncpy(ret_source->backup_arn, backup_arn, sizeof(ret_source->backup_arn) - 1);
	int r = resolve_live(txn, &ret_source->snapshot);
	if (!r)
		r = snapshot_statistics(txn, &ret_source->snapshot, &ret_source->items, &ret_source->bytes);
	if (!r)
		r = load_then(txn, table, ret_source->snapshot.time_us, &ret_source->table);
	if (r)
		return pin_failed(r, "restore a state", table, error);
	if (!ret_source->table.is_restoring)
		return 0;
	restore_source_free(ret_source);
	return error_set(
		error, -ENOENT, "%s was still being restored at that instant; choose a later one", table->name);
}

int restore_source_at(struct history *history, struct store_txn *txn, const struct table *table,
	const struct instant *instant, struct restore_source *ret_source, struct error *error)
{
	struct snapshot snapshot;
	struct instant asked = *instant;
	if (asked.kind == INSTANT_AT && asked.time_us == TIME_NOW)
		asked = (struct instant){ .kind = INSTANT_BEFORE_NOW };
	int r = snapshot_resolve(history, txn, table, &asked, &snapshot, error);
	return r ? r : restore_source_of(txn, table, &snapshot, NULL, ret_source, error);
}

/* --- targets --- */

/* As AWS checks names, then as the mount needs them. */
static int check_name(struct slice name, struct error *error)
{
	static const char *const constraints[] = { "length greater than or equal to 3",
		"length less than or equal to 255", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+" };
	const char *broken = name.size < 3 ? constraints[0] : name.size > 255 ? constraints[1] : NULL;
	for (size_t i = 0; i < name.size && !broken; i++)
		if (!isalnum(name.data[i]) && !strchr("_.-", name.data[i]))
			broken = constraints[2];
	if (!broken)
		return name_check_table(name, error);
	return error_set_aws(error, -EINVAL, "ValidationException",
		"1 validation error detected: Value '%.*s' at 'targetTableName' failed to satisfy constraint: Member "
		"must %s%s",
		name.size < 255 ? (int)name.size : 255, (const char *)name.data,
		broken == constraints[2] ? "" : "have ", broken);
}

int restore_check_target(struct store_txn *txn, struct slice target, struct error *error)
{
	struct table table;
	struct restore_progress progress;
	int r = check_name(target, error);
	if (r)
		return r;
	r = table_find(txn, target, TIME_NOW, &table, NULL);
	if (r)
		return r == -ENOENT ? 0 : error_set(error, r, "restore a table: %s", strerror(-r));
	r = restore_progress(txn, &table, &progress);
	bool is_restoring = table.is_restoring;
	table_free(&table);
	if (is_restoring && !r && progress.backup_arn[0])
		return error_set_aws(error, -EEXIST, "TableInUseException",
			"Table: %.*s is already being restored from backup: %.300s", (int)target.size,
			(const char *)target.data, progress.backup_arn);
	if (is_restoring)
		return error_set_aws(error, -EEXIST, "TableInUseException", "Table: %.*s is already being restored",
			(int)target.size, (const char *)target.data);
	return error_set_aws(error, -EEXIST, "TableAlreadyExistsException", "Table already exists: %.*s",
		(int)target.size, (const char *)target.data);
}

void restore_own_name(struct slice instant_text, struct buffer *out)
{
	buffer_append_text(out, "restored-");
	for (size_t i = 0; i < instant_text.size && i < KEY_NAME_MAX - strlen("restored-"); i++) {
		uint8_t c = instant_text.data[i];
		buffer_append_byte(out, isalnum(c) || c == '.' || c == '_' ? c : '-');
	}
}

/* --- how far they are --- */

int restore_progress(struct store_txn *txn, const struct table *table, struct restore_progress *ret_progress)
{
	struct table_statistics statistics;
	int r = restore_record_read(buffer_slice(&table->description), ret_progress);
	if (r || !ret_progress->is_in_progress)
		return r;
	r = table_statistics(txn, table->number, &statistics);
	ret_progress->items = statistics.items;
	return r;
}

int restore_next(struct store_txn *txn, uint32_t *number, struct table *ret_table)
{
	for (;; (*number)++) {
		struct layout_key from = layout_meta_number('r', *number);
		struct slice key, value;
		int r = store_seek(txn, STORE_META, layout_slice(&from), &key, &value);
		r = store_within(r, key, slice_of(from.bytes, 1));
		if (r || key.size != from.size)
			return r == -ENOENT ? 0 : r;
		*number = (uint32_t)layout_meta_read_number(key);
		r = table_load(txn, *number, TIME_NOW, ret_table);
		if (r == -ENOENT)
			continue;
		(*number)++;
		return r ? r : 1;
	}
}
