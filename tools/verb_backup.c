/* backup create, list, delete. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "tools/output.h"
#include "tools/recovery.h"
#include "tools/verbs.h"

static struct option backup_options[] = {
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

/* --- create --------------------------------------------------------------------------------------------------------- */

struct creating {
	struct tool *tool;
	struct state_word state;
	const char *name;
	struct pin pin;
	char arn[BACKUP_ARN_MAX];
};

static int create_work(struct tool_change *change, void *context, struct error *error)
{
	struct creating *creating = context;
	struct table table;
	struct snapshot snapshot;
	struct store_txn *txn = batch_txn(change->batch);
	int result = state_word_find(creating->tool, txn, &creating->state, &table, &snapshot, error);
	if (result < 0)
		return result;
	result = backup_create(change->batch, &table, creating->state.at ? &snapshot : NULL,
		slice_of_text(creating->name), &change->context, &creating->pin, error);
	if (result == 0)
		result = backup_arn(txn, &creating->pin, creating->arn);
	table_free(&table);
	return result;
}

static int run_create(struct tool *tool)
{
	struct creating creating = { .tool = tool };
	struct error error = { 0 };
	if (tool->positionals.count != 3)
		return tool_usage(tool, "backup create: give TABLE or TABLE@TIME, and a NAME");
	creating.name = tool->positionals.values[2];
	if (state_word_parse(tool->positionals.values[1], &creating.state, &error) < 0)
		return tool_usage(tool, "%s", error_text(&error));
	int status = tool_open(tool, /* is_writable= */ true);
	if (status == STATUS_DONE)
		status = tool_finish(recovery_change(tool, create_work, &creating, &error), &error);
	if (status == STATUS_DONE)
		printf("%s\n", creating.arn);
	state_word_free(&creating.state);
	return status;
}

/* --- delete --------------------------------------------------------------------------------------------------------- */

static int delete_work(struct tool_change *change, void *context, struct error *error)
{
	struct pin pin;
	int result = recovery_find_backup(batch_txn(change->batch), context, &pin, error);
	return result < 0 ? result : backup_delete(change->batch, &pin, error);
}

static int run_delete(struct tool *tool)
{
	struct error error = { 0 };
	if (tool->positionals.count != 2)
		return tool_usage(tool, "backup delete: give TABLE/NAME, or the backup's ARN");
	int status = tool_open(tool, /* is_writable= */ true);
	if (status != STATUS_DONE)
		return status;
	return tool_finish(recovery_change(tool, delete_work, tool->positionals.values[1], &error), &error);
}

/* --- list ----------------------------------------------------------------------------------------------------------- */

/* One backup, as it is told. */
struct row {
	struct pin pin;
	char table[256], arn[BACKUP_ARN_MAX];
	struct buffer name; /* of its directory */
	bool is_gone;       /* the table */
};

static int read_row(struct store_txn *txn, struct row *row)
{
	buffer_clear(&row->name);
	int result = recovery_table_name(txn, &row->pin, row->table, &row->is_gone);
	if (result == 0)
		result = backup_directory_name(txn, &row->pin, &row->name);
	return result < 0 ? result : backup_arn(txn, &row->pin, row->arn);
}

static void append_json(struct buffer *out, struct row *row)
{
	const struct pin *pin = &row->pin;
	buffer_append_text(out, out->data[out->size - 1] == '[' ? "{" : ",{");
	recovery_append_text(out, "table", row->table);
	recovery_append_text(out, "name", buffer_text(&row->name));
	recovery_append_text(out, "type", pin->kind == PIN_SYSTEM ? "SYSTEM" : "USER");
	recovery_append_time(out, "at", pin->is_range ? pin->created_us : pin->time_us);
	recovery_append_time(out, "from", pin->is_range ? pin->time_us : 0);
	recovery_append_time(out, "created", pin->created_us);
	recovery_append_time(out, "expires", pin->expires_us);
	buffer_append_format(out,
		",\"sequenceNumber\":%" PRIu64 ",\"items\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"isTableDeleted\":%s",
		pin->seq, pin->items, pin->bytes, row->is_gone ? "true" : "false");
	recovery_append_text(out, "arn", row->arn);
	if (pin->author[0] != '\0')
		buffer_append_format(out, ",\"author\":%s", pin->author);
	buffer_append_byte(out, '}');
}

static void append_row(struct buffer *out, struct row *row)
{
	char at[INSTANT_TEXT_MAX], expires[INSTANT_TEXT_MAX], size[32];
	const struct pin *pin = &row->pin;
	int64_t state_us = pin->is_range ? pin->created_us : pin->time_us;
	if (out->size == 0)
		buffer_append_format(out, "%-20s  %-28s  %-26s  %10s  %8s  %s\n", "TABLE", "NAME", "STATE", "ITEMS",
			"SIZE", "KEPT UNTIL");
	output_size(pin->bytes, size, sizeof(size));
	buffer_append_format(out, "%-20s  %-28s  %-26s  %10" PRIu64 "  %8s  %s%s\n", row->table,
		buffer_text(&row->name), recovery_time(state_us, at), pin->items, size,
		pin->expires_us == 0 ? "it is deleted" : recovery_time(pin->expires_us, expires),
		row->is_gone ? "   (table deleted)" : "");
}

static int list(struct store_txn *txn, const char *table, bool is_json, struct buffer *out)
{
	struct pin_place place = { 0 };
	struct row row = { 0 };
	int result;
	if (is_json)
		buffer_append_text(out, "{\"backups\":[");
	while ((result = backup_next(txn, UINT32_MAX, slice_of_text(table), &place, &row.pin)) > 0) {
		result = read_row(txn, &row);
		if (result < 0)
			break;
		(is_json ? append_json : append_row)(out, &row);
	}
	buffer_free(&row.name);
	if (is_json)
		buffer_append_text(out, "]}\n");
	return result;
}

static int run_list(struct tool *tool)
{
	if (tool->positionals.count > 2)
		return tool_usage(tool, "backup list: one TABLE, or none for all");
	const char *table = tool->positionals.count == 2 ? tool->positionals.values[1] : "";
	return recovery_list(tool, list, table, option_is_given(backup_options, "json"), "no backups");
}

static int run_backup(struct tool *tool)
{
	const char *what = tool->positionals.count > 0 ? tool->positionals.values[0] : "";
	if (strcmp(what, "create") == 0)
		return run_create(tool);
	if (strcmp(what, "list") == 0)
		return run_list(tool);
	if (strcmp(what, "delete") == 0)
		return run_delete(tool);
	return tool_usage(tool, "backup what? There are create, list and delete");
}

const struct verb verb_backup = {
	.name = "backup",
	.summary = "keep a state of a table under a name until it is deleted",
	.usage = "create TABLE[@TIME] NAME | list [TABLE] [--json] | delete TABLE/NAME|ARN",
	.help = "A backup costs nothing to make, survives its table, and never expires. create prints its ARN. What is "
		"kept of\n"
		"a deleted table for 35 days is listed too.\n\n"
		"  pitr backup create orders pre-release\n"
		"  pitr backup create orders@2025-03-31T23:59:59 q1\n"
		"  pitr restore --backup orders/pre-release orders-then\n\n"
		"In a mount: mkdir orders/@/backups/pre-release. The verbs create-backup, list-backups, "
		"describe-backup, "
		"delete-backup\n"
		"and restore-table-from-backup do the same as AWS has it.\n",
	.run = run_backup,
	.options = backup_options,
};
