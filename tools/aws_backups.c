#include <errno.h>
#include <string.h>

#include "backup.h"
#include "describe_backup.h"
#include "tools/aws_restore.h"
#include "tools/verbs.h"

static int told(const struct aws_call *call, int result)
{
	return result < 0 ? error_set(call->error, result, "the backup could not be described: %s", strerror(-result))
			  : 0;
}

static int find_backup(struct aws_call *call, struct pin *ret_pin)
{
	struct slice arn = slice_of(NULL, 0);
	json_get_text(call->request, "BackupArn", &arn);
	return backup_find_arn(call->txn, arn, ret_pin, call->error);
}

/* --- create-backup -------------------------------------------------------------------------------------------------- */

static bool is_name_character(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
	       c == '-';
}

/* AWS looks at the form of a name before it looks for the table. */
static int check_name(struct slice name, struct error *error)
{
	int size = (int)(name.size < PIN_NAME_MAX ? name.size : PIN_NAME_MAX);
	const char *text = name.size > 0 ? (const char *)name.data : "";
	if (name.size < 3 || name.size > PIN_NAME_MAX)
		return aws_invalid(error,
			"1 validation error detected: Value '%.*s' at 'backupName' failed to satisfy constraint: "
			"Member must "
			"have length %s than or equal to %d",
			size, text, name.size < 3 ? "greater" : "less", name.size < 3 ? 3 : PIN_NAME_MAX);
	for (size_t i = 0; i < name.size; i++)
		if (!is_name_character(name.data[i]))
			return aws_invalid(error,
				"1 validation error detected: Value '%.*s' at 'backupName' failed to satisfy "
				"constraint: "
				"Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
				size, text);
	return 0;
}

static int create_work(struct aws_call *call)
{
	struct pin pin;
	struct slice name = slice_of(NULL, 0);
	json_get_text(call->request, "BackupName", &name);
	int result = check_name(name, call->error);
	if (result == 0)
		result = aws_table(call->txn, call->request, AWS_FOR_BACKUPS, &call->table, call->error);
	if (result < 0)
		return result;
	struct snapshot live = snapshot_live(call->table.number);
	result = backup_create(call->batch, &call->table, &live, name, &call->context, &pin, call->error);
	if (result < 0)
		return result;
	buffer_append_text(call->response, "{\"BackupDetails\":");
	result = describe_backup_details(call->txn, &pin, "CREATING", call->response);
	buffer_append_byte(call->response, '}');
	return told(call, result);
}

static const struct aws_parameter create_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "BackupName", "backup-name", AWS_TEXT, AWS_REQUIRED },
	{ 0 },
};

static int run_create(struct tool *tool)
{
	static const struct aws_operation operation = { "CreateBackup", create_parameters, true, .work = create_work };
	return aws_run(tool, &operation);
}

const struct verb verb_create_backup = {
	.name = "create-backup",
	.summary = "keep a table as it is now",
	.usage = "--table-name NAME --backup-name NAME",
	.help = "  pitr create-backup --table-name orders --backup-name pre-release\n\n"
		"Takes no time and no space of its own, is not touched by retention, and outlives the table. It is "
		"also the\n"
		"directory orders/@/backups/pre-release of a mount.\n",
	.run = run_create,
};

/* --- describe-backup, delete-backup --------------------------------------------------------------------------------- */

static int append_backup(struct aws_call *call, const struct pin *pin, const char *status)
{
	buffer_append_text(call->response, "{\"BackupDescription\":");
	int result = describe_backup(call->txn, pin, status, call->response);
	buffer_append_byte(call->response, '}');
	return told(call, result);
}

static int describe_work(struct aws_call *call)
{
	struct pin pin;
	int result = find_backup(call, &pin);
	return result < 0 ? result : append_backup(call, &pin, NULL);
}

static const struct aws_parameter arn_parameters[] = {
	{ "BackupArn", "backup-arn", AWS_TEXT, AWS_REQUIRED },
	{ 0 },
};

static int run_describe(struct tool *tool)
{
	static const struct aws_operation operation = { "DescribeBackup", arn_parameters, false,
		.work = describe_work };
	return aws_run(tool, &operation);
}

const struct verb verb_describe_backup = {
	.name = "describe-backup",
	.summary = "what a backup is, and what the table was",
	.usage = "--backup-arn ARN",
	.help = "Prints {\"BackupDescription\": ...} as `aws dynamodb describe-backup` does.\n",
	.run = run_describe,
};

static int delete_work(struct aws_call *call)
{
	struct pin pin;
	int result = find_backup(call, &pin);
	if (result == 0)
		result = append_backup(call, &pin, "DELETED");
	return result < 0 ? result : backup_delete(call->batch, &pin, call->error);
}

static int run_delete(struct tool *tool)
{
	static const struct aws_operation operation = { "DeleteBackup", arn_parameters, true, .work = delete_work };
	return aws_run(tool, &operation);
}

const struct verb verb_delete_backup = {
	.name = "delete-backup",
	.summary = "let go of a backup",
	.usage = "--backup-arn ARN",
	.help = "Retention then forgets what nothing else needs. The backups of deleted tables go by themselves after "
		"35\n"
		"days, and not before.\n",
	.run = run_delete,
};

/* --- restore-table-from-backup -------------------------------------------------------------------------------------- */

static int restore_read(struct aws_call *call)
{
	struct pin pin;
	int result = aws_check_target(call->request, call->error);
	if (result == 0)
		result = find_backup(call, &pin);
	return result < 0 ? result : backup_source(call->txn, &pin, call->more, call->error);
}

static int restore(struct tool *tool, const struct json *request, struct buffer *response, struct error *error)
{
	return aws_restore(tool, request, response, error, restore_read);
}

static const struct aws_parameter restore_parameters[] = {
	{ "TargetTableName", "target-table-name", AWS_TEXT, AWS_REQUIRED },
	{ "BackupArn", "backup-arn", AWS_TEXT, AWS_REQUIRED },
	AWS_RESTORE_OVERRIDES,
	{ 0 },
};

static int run_restore(struct tool *tool)
{
	static const struct aws_operation operation = { "RestoreTableFromBackup", restore_parameters, true,
		.run = restore };
	return aws_run(tool, &operation);
}

const struct verb verb_restore_table_from_backup = {
	.name = "restore-table-from-backup",
	.summary = "make a new table of a backup",
	.usage = "--target-table-name NEW --backup-arn ARN [overrides]",
	.help = "  pitr restore-table-from-backup --target-table-name orders-fixed --backup-arn \"$ARN\"\n\n"
		"Also from what was kept of a deleted table: `pitr list-backups --backup-type SYSTEM`. The overrides "
		"are those of\n"
		"restore-table-to-point-in-time.\n",
	.run = run_restore,
};
