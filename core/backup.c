#include "backup.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "describe.h"
#include "pin_state.h"
#include "retention.h"

#define SYSTEM_SUFFIX "$DeletedTableBackup"
#define ID_MAX 40

static bool is_backup(const struct pin *pin)
{
	return pin->kind == PIN_BACKUP || pin->kind == PIN_SYSTEM;
}

/* --- making and deleting --- */

static int check_name(struct slice name, struct error *error)
{
	static const char *const constraints[] = { "have length greater than or equal to 3",
		"have length less than or equal to 255", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+" };
	const char *broken = name.size < 3 ? constraints[0] : name.size > PIN_NAME_MAX ? constraints[1] : NULL;
	for (size_t i = 0; i < name.size && !broken; i++)
		if (!isalnum(name.data[i]) && !strchr("_.-", name.data[i]))
			broken = constraints[2];
	if (!broken)
		return 0;
	return error_set_aws(error, -EINVAL, "ValidationException",
		"1 validation error detected: Value '%.*s' at 'backupName' failed to satisfy constraint: Member must "
		"%s",
		name.size < PIN_NAME_MAX ? (int)name.size : PIN_NAME_MAX, (const char *)name.data, broken);
}

int backup_create(struct batch *batch, const struct table *table, const struct snapshot *snapshot, struct slice name,
	const struct change_context *context, struct pin *ret_pin, struct error *error)
{
	*ret_pin = (struct pin){ .kind = PIN_BACKUP };
	int r = check_name(name, error);
	if (r)
		return r;
	if (table->is_restoring)
		return error_set_aws(error, -ENOENT, "TableNotFoundException", "Table not found: %s", table->name);
	memcpy(ret_pin->name, name.data, name.size);
	r = pin_set_state(batch, table, snapshot, ret_pin);
	if (!r)
		r = pin_set_author(batch_txn(batch), context->author, ret_pin);
	if (!r)
		r = pin_add(batch_txn(batch), ret_pin);
	batch_note(batch);
	return r ? pin_failed(r, "make a backup", table, error) : 0;
}

int backup_delete(struct batch *batch, const struct pin *pin, struct error *error)
{
	char arn[BACKUP_ARN_MAX], expiry[INSTANT_TEXT_MAX];
	int r = backup_arn(batch_txn(batch), pin, arn);
	if (r)
		return error_set(error, r, "delete the backup %s: %s", pin->name, strerror(-r));
	instant_format_z(pin->expires_us, expiry, sizeof(expiry));
	if (pin->kind == PIN_SYSTEM)
		return error_set_aws(error, -EPERM, "ValidationException",
			"Invalid Request: User is not allowed to delete the system backup with arn %.380s. It will "
			"automatically expire on %s",
			arn, expiry);
	r = pin_remove(batch_txn(batch), pin);
	batch_note(batch);
	if (r == -ENOENT)
		return error_set_aws(error, r, "BackupNotFoundException", "Backup not found: %.400s", arn);
	return r ? error_set(error, r, "delete the backup %s: %s", pin->name, strerror(-r)) : 0;
}

int backup_of_dropped(struct batch *batch, const struct table *table, int64_t end_us)
{
	struct pin pin = { .kind = PIN_SYSTEM, .expires_us = end_us + BACKUP_SYSTEM_DAYS * DAY_US };
	if (!table->is_pitr_on || table->is_restoring)
		return 0;
	snprintf(pin.name, sizeof(pin.name), "%.*s%s", (int)(PIN_NAME_MAX - strlen(SYSTEM_SUFFIX)), table->name,
		SYSTEM_SUFFIX);
	int r = pin_set_window(batch, table, end_us, &pin);
	return r ? r : pin_add(batch_txn(batch), &pin);
}

/* --- what they stand for --- */

/* The instant whose settings hold. What is kept of a deleted table is restored as it was right before its end. */
static int64_t state_us(const struct pin *pin)
{
	return pin->kind == PIN_SYSTEM ? pin->created_us - 1 : pin->time_us;
}

int backup_table(struct store_txn *txn, const struct pin *pin, struct table *ret_table)
{
	int r = table_load(txn, pin->table, state_us(pin), ret_table);
	return r == -ENOENT ? table_load(txn, pin->table, pin->created_us, ret_table) : r;
}

int backup_snapshot(struct store_txn *txn, const struct pin *pin, struct snapshot *ret_snapshot)
{
	struct log_entry last = { .seq = pin->seq };
	int r = pin->kind == PIN_SYSTEM ? pin_last_change(txn, pin->table, &last) : 0;
	*ret_snapshot = (struct snapshot){ .table = pin->table, .seq = last.seq, .time_us = state_us(pin) };
	return r;
}

int backup_of_snapshot(struct store_txn *txn, const struct snapshot *snapshot, struct pin *ret_pin)
{
	struct pin_place place = { 0 };
	struct pin pin;
	bool is_found = false;
	int r;
	while ((r = pin_next(txn, snapshot->table, &place, &pin)) == 1) {
		struct snapshot of_pin;
		if (!is_backup(&pin) || state_us(&pin) != snapshot->time_us)
			continue;
		r = backup_snapshot(txn, &pin, &of_pin);
		if (r)
			return r;
		if (of_pin.seq != snapshot->seq || (is_found && pin.number < ret_pin->number))
			continue;
		*ret_pin = pin;
		is_found = true;
	}
	return r < 0 ? r : is_found ? 0 : -ENOENT;
}

int backup_source(struct store_txn *txn, const struct pin *pin, struct restore_source *ret_source, struct error *error)
{
	char arn[BACKUP_ARN_MAX];
	struct table table;
	struct snapshot snapshot;
	int r = backup_arn(txn, pin, arn);
	if (!r)
		r = backup_snapshot(txn, pin, &snapshot);
	if (!r)
		r = backup_table(txn, pin, &table);
	if (r)
		return error_set(error, r == -ENOENT ? -EIO : r, "restore the backup %s: %s", pin->name, strerror(-r));
	r = restore_source_of(txn, &table, &snapshot, arn, ret_source, error);
	table_free(&table);
	return r;
}

/* --- ARNs --- */

static void format_id(const struct pin *pin, char id[ID_MAX])
{
	snprintf(id, ID_MAX, "%014lld-%08x", (long long)(pin->created_us / 1000),
		pin->kind == PIN_SYSTEM ? 0u : (unsigned)pin->number);
}

static int append_arn(struct store_txn *txn, const struct pin *pin, struct buffer *out)
{
	struct table table;
	char id[ID_MAX];
	int r = backup_table(txn, pin, &table);
	if (r)
		return r;
	format_id(pin, id);
	describe_arn(&table, out);
	buffer_append_format(out, "/backup/%s", id);
	table_free(&table);
	return buffer_error(out);
}

int backup_arn(struct store_txn *txn, const struct pin *pin, char ret_arn[BACKUP_ARN_MAX])
{
	struct buffer arn = BUFFER_INIT;
	int r = append_arn(txn, pin, &arn);
	if (!r && arn.size >= BACKUP_ARN_MAX)
		r = -EIO;
	if (!r) {
		memcpy(ret_arn, arn.data, arn.size);
		ret_arn[arn.size] = '\0';
	}
	buffer_free(&arn);
	return r;
}

/* arn:...:table/NAME/backup/ID. Region and account are nobody's business here. */
static bool split_arn(struct slice arn, struct slice *ret_table, struct slice *ret_id)
{
	static const char start[] = ":table/", middle[] = "/backup/";
	const uint8_t *table = slice_starts_with(arn, "arn:") ? memmem(arn.data, arn.size, start, strlen(start)) : NULL;
	if (!table)
		return false;
	table += strlen(start);
	size_t left = arn.size - (size_t)(table - arn.data);
	const uint8_t *id = memmem(table, left, middle, strlen(middle));
	if (!id)
		return false;
	*ret_table = slice_of(table, (size_t)(id - table));
	id += strlen(middle);
	*ret_id = slice_of(id, arn.size - (size_t)(id - arn.data));
	return ret_id->size > 0 && !memchr(id, '/', ret_id->size);
}

int backup_find_arn(struct store_txn *txn, struct slice arn, struct pin *ret_pin, struct error *error)
{
	struct slice table, id;
	struct pin_place place = { 0 };
	struct pin pin;
	bool is_found = false;
	int r, shown = arn.size < 400 ? (int)arn.size : 400;
	if (!split_arn(arn, &table, &id))
		return error_set_aws(error, -EINVAL, "ValidationException", "Invalid Backup ARN");
	while ((r = backup_next(txn, UINT32_MAX, table, &place, &pin)) == 1) {
		char text[ID_MAX];
		format_id(&pin, text);
		if (!slice_equal(id, slice_of_text(text)) || (is_found && pin.number < ret_pin->number))
			continue;
		*ret_pin = pin;
		is_found = true;
	}
	if (r < 0)
		return error_set(error, r, "look up a backup: %s", strerror(-r));
	if (!is_found)
		return error_set_aws(error, -ENOENT, "BackupNotFoundException", "Backup not found: %.*s", shown,
			(const char *)arn.data);
	return 0;
}

/* --- names --- */

static int has_name(struct store_txn *txn, const struct pin *pin, struct slice name)
{
	struct table table;
	int r = backup_table(txn, pin, &table);
	if (r)
		return r == -ENOENT ? -EIO : r;
	r = slice_equal(slice_of_text(table.name), name);
	table_free(&table);
	return r;
}

int backup_next(
	struct store_txn *txn, uint32_t table, struct slice table_name, struct pin_place *place, struct pin *ret_pin)
{
	int r;
	while ((r = pin_next(txn, table, place, ret_pin)) == 1) {
		if (!is_backup(ret_pin))
			continue;
		int is_wanted = table == UINT32_MAX && table_name.size ? has_name(txn, ret_pin, table_name) : 1;
		if (is_wanted)
			return is_wanted;
	}
	return r;
}

int backup_next_table_name(struct store_txn *txn, struct slice after, char ret_name[256])
{
	struct pin_place place = { 0 };
	struct pin pin;
	char first[256] = "";
	int r;
	while ((r = backup_next(txn, UINT32_MAX, slice_of(NULL, 0), &place, &pin)) == 1) {
		struct table table;
		r = backup_table(txn, &pin, &table);
		if (r)
			return r == -ENOENT ? -EIO : r;
		bool is_after = slice_compare(slice_of_text(table.name), after) > 0;
		if (is_after && (!first[0] || strcmp(table.name, first) < 0))
			strcpy(first, table.name);
		table_free(&table);
	}
	if (r < 0 || !first[0])
		return r;
	strcpy(ret_name, first);
	return 1;
}

/* Does a newer backup of a table of the same name have its name? */
static int is_outdone(struct store_txn *txn, const struct pin *pin)
{
	struct table table = { 0 };
	struct pin_place place = { 0 };
	struct pin other;
	int r, is = 0;
	while (!is && (r = pin_next(txn, UINT32_MAX, &place, &other)) == 1) {
		if (!is_backup(&other) || other.number <= pin->number || strcmp(other.name, pin->name) != 0)
			continue;
		if (other.table != pin->table && !table.number) {
			r = backup_table(txn, pin, &table);
			if (r)
				return r == -ENOENT ? -EIO : r;
		}
		is = other.table == pin->table ? 1 : has_name(txn, &other, slice_of_text(table.name));
	}
	table_free(&table);
	return is ? is : r;
}

int backup_directory_name(struct store_txn *txn, const struct pin *pin, struct buffer *out)
{
	char id[ID_MAX];
	int r = is_outdone(txn, pin);
	if (r < 0)
		return r;
	format_id(pin, id);
	buffer_append_text(out, pin->name);
	if (r)
		buffer_append_format(out, "~%s", id);
	return buffer_error(out);
}

/* NAME, or NAME~ID. */
static bool has_directory_name(const struct pin *pin, struct slice name)
{
	struct slice own = slice_of_text(pin->name);
	char id[ID_MAX];
	if (name.size < own.size || !slice_equal(slice_of(name.data, own.size), own))
		return false;
	if (name.size == own.size)
		return true;
	format_id(pin, id);
	return name.data[own.size] == '~' &&
	       slice_equal(slice_of(name.data + own.size + 1, name.size - own.size - 1), slice_of_text(id));
}

int backup_find_name(
	struct store_txn *txn, uint32_t table, struct slice table_name, struct slice name, struct pin *ret_pin)
{
	struct pin_place place = { 0 };
	struct pin pin;
	bool is_found = false;
	int r;
	while ((r = backup_next(txn, table, table_name, &place, &pin)) == 1) {
		if (!has_directory_name(&pin, name) || (is_found && pin.number < ret_pin->number))
			continue;
		*ret_pin = pin;
		is_found = true;
	}
	return r < 0 ? r : is_found ? 0 : -ENOENT;
}
