#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "describe_backup.h"
#include "restore.h"
#include "tools/aws.h"
#include "tools/aws_restore.h"
#include "tools/verbs.h"

#define PERIOD_DAYS_MAX 35

/* --- describe-continuous-backups ------------------------------------------------------------------------------------ */

static int append_recovery(struct aws_call *call, const struct table *table)
{
	buffer_append_text(call->response, "{\"ContinuousBackupsDescription\":");
	int result = describe_continuous_backups(call->tool->history, call->txn, table, call->response);
	buffer_append_byte(call->response, '}');
	return result < 0 ? error_set(call->error, result, "the window of %s could not be read: %s", table->name,
				    strerror(-result))
			  : 0;
}

static int describe_work(struct aws_call *call)
{
	int result = aws_table(call->txn, call->request, AWS_FOR_BACKUPS, &call->table, call->error);
	return result < 0 ? result : append_recovery(call, &call->table);
}

static const struct aws_parameter describe_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ 0 },
};

static int run_describe(struct tool *tool)
{
	static const struct aws_operation operation = { "DescribeContinuousBackups", describe_parameters, false,
		.work = describe_work };
	return aws_run(tool, &operation);
}

const struct verb verb_describe_continuous_backups = {
	.name = "describe-continuous-backups",
	.summary = "whether a table keeps its history, and since when",
	.usage = "--table-name NAME",
	.help = "Prints the table's point-in-time recovery as `aws dynamodb describe-continuous-backups` does. The "
		"latest\n"
		"restorable time is now, not five minutes ago. A period of \"forever\" is pitr's own.\n",
	.run = run_describe,
};

/* --- update-continuous-backups -------------------------------------------------------------------------------------- */

struct recovery {
	bool is_on;
	int period_days;
};

static int read_period(const struct json *specification, struct recovery *recovery, struct error *error)
{
	const char *member = "RecoveryPeriodInDays";
	const struct json *given = json_member(specification, member);
	int64_t days = 0;
	if (!given)
		return 0;
	if (!recovery->is_on)
		return aws_invalid(error,
			"Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.");
	if (json_type(given) == JSON_STRING && slice_equal(json_text(given), slice_of_text("forever"))) {
		recovery->period_days = 0;
		return 0;
	}
	if (!json_get_i64(specification, member, &days))
		return aws_invalid(
			error, "%s must be a number of days, 1 to %d, or \"forever\"", member, PERIOD_DAYS_MAX);
	if (days < 1 || days > PERIOD_DAYS_MAX)
		return aws_invalid(error,
			"1 validation error detected: Value '%lld' at "
			"'pointInTimeRecoverySpecification.recoveryPeriodInDays' failed to satisfy constraint: Member "
			"must have value %s than or equal to %d",
			(long long)days, days < 1 ? "greater" : "less", days < 1 ? 1 : PERIOD_DAYS_MAX);
	recovery->period_days = (int)days;
	return 0;
}

/* The period stays what it is while it is on, and is AWS's when it is turned on. */
static int read_recovery(const struct aws_call *call, struct recovery *ret_recovery)
{
	const struct json *specification = json_member(call->request, "PointInTimeRecoverySpecification");
	struct recovery recovery = { .period_days = PERIOD_DAYS_MAX };
	if (call->table.is_pitr_on)
		recovery.period_days = call->table.period_days;
	if (!json_get_bool(specification, "PointInTimeRecoveryEnabled", &recovery.is_on))
		return aws_invalid(call->error,
			"1 validation error detected: Value null at "
			"'pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled' failed to satisfy constraint: "
			"Member must not be null");
	int result = read_period(specification, &recovery, call->error);
	*ret_recovery = recovery;
	return result;
}

static int update_work(struct aws_call *call)
{
	struct recovery recovery = { 0 };
	struct table updated = { 0 };
	int result = aws_table(call->txn, call->request, AWS_FOR_BACKUPS, &call->table, call->error);
	if (result == 0)
		result = read_recovery(call, &recovery);
	if (result == 0)
		result = table_set_recovery(call->batch, &call->table, recovery.is_on,
			recovery.is_on ? recovery.period_days : call->table.period_days, &call->context, call->error);
	if (result == 0)
		result = table_load(call->txn, call->table.number, TIME_NOW, &updated);
	if (result == 0)
		result = append_recovery(call, &updated);
	table_free(&updated);
	return result;
}

static const struct aws_parameter update_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "PointInTimeRecoverySpecification", "point-in-time-recovery-specification", AWS_STRUCTURE, AWS_REQUIRED },
	{ 0 },
};

static int run_update(struct tool *tool)
{
	static const struct aws_operation operation = { "UpdateContinuousBackups", update_parameters, true,
		.work = update_work };
	return aws_run(tool, &operation);
}

const struct verb verb_update_continuous_backups = {
	.name = "update-continuous-backups",
	.summary = "turn a table's history on or off, or change its period",
	.usage = "--table-name NAME --point-in-time-recovery-specification "
		 "PointInTimeRecoveryEnabled=true[,RecoveryPeriodInDays=N]",
	.help = "  pitr update-continuous-backups --table-name orders \\\n"
		"      --point-in-time-recovery-specification "
		"PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=7\n\n"
		"1 to 35 days, or `forever`. Off forgets the history; on again begins a new window; a shorter period "
		"forgets at\n"
		"once, a longer one grows.\n",
	.run = run_update,
};

/* --- restore-table-to-point-in-time --------------------------------------------------------------------------------- */

/* Which table, as of when. */
struct wanted {
	struct slice source;
	struct instant instant;
};

static int read_source(const struct json *request, struct wanted *wanted, struct error *error)
{
	struct slice arn;
	bool has_name = json_get_text(request, "SourceTableName", &wanted->source);
	if (!json_get_text(request, "SourceTableArn", &arn))
		return has_name ? 0 : aws_invalid(error, "The parameter 'TableName' is required");
	if (has_name)
		return aws_invalid(error, "Must provide exactly one of: sourceTableArn, sourceTableName");
	wanted->source = aws_name_of_arn(arn);
	if (wanted->source.data == arn.data)
		return aws_invalid(
			error, "One or more parameter values were invalid: sourceTableArn is not a valid ARN");
	return 0;
}

static int read_wanted(struct tool *tool, const struct json *request, struct wanted *wanted, struct error *error)
{
	bool is_latest = false, is_given;
	int result = read_source(request, wanted, error);
	if (result == 0)
		result = aws_time(tool, request, "RestoreDateTime", &wanted->instant, &is_given, error);
	if (result < 0)
		return result;
	json_get_bool(request, "UseLatestRestorableTime", &is_latest);
	if (is_given && is_latest)
		return aws_invalid(error,
			"Invalid Request: Both RestoreDateTime and UseLatestRestorableTime cannot be set for "
			"point-in-time "
			"restore request. Please specify either RestoreDateTime time or UseLatestRestorableTime");
	if (!is_given && !is_latest)
		return aws_invalid(error,
			"Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must "
			"be specified, but not both");
	if (is_latest)
		wanted->instant = (struct instant){ .kind = INSTANT_BEFORE_NOW };
	return aws_check_target(request, error);
}

static int64_t whole_second(int64_t time_us)
{
	return time_us - time_us % SECOND_US;
}

/* AWS tells whole seconds; those that are told are inside. A window of less than a second is told as it is. */
static int outside(struct aws_call *call, const struct instant *instant, int result)
{
	char asked[INSTANT_TEXT_MAX], earliest[INSTANT_TEXT_MAX], latest[INSTANT_TEXT_MAX];
	int64_t now_us = history_now(call->tool->history, call->txn), earliest_us = 0, latest_us = 0;
	bool is_known = instant->kind == INSTANT_AT || instant->kind == INSTANT_BEFORE_NOW;
	int64_t time_us = instant->kind == INSTANT_AT ? instant->time_us : now_us - instant->time_us;
	bool is_told = is_known && result == -ENOENT &&
		       table_window(call->txn, &call->table, now_us, &earliest_us, &latest_us) == 0;
	if (!is_told || (time_us >= earliest_us && time_us <= latest_us)) {
		call->error->aws = "InvalidRestoreTimeException";
		return result;
	}
	int64_t from_us = whole_second(earliest_us + SECOND_US - 1), to_us = whole_second(latest_us);
	bool is_short = from_us > to_us;
	instant_format_z(time_us < 0 ? 0 : is_short ? time_us : whole_second(time_us), asked, sizeof(asked));
	instant_format_z(is_short ? earliest_us : from_us, earliest, sizeof(earliest));
	instant_format_z(is_short ? latest_us : to_us, latest, sizeof(latest));
	return error_set_aws(call->error, result, "InvalidRestoreTimeException",
		"RestoreDateTime '%s' must be within EarliestRestorableDateTime '%s' and LatestRestorableDateTime '%s'",
		asked, earliest, latest);
}

static int resolve(struct aws_call *call, const struct wanted *wanted, struct restore_source *ret_source)
{
	int result = aws_find_table(call->txn, wanted->source, AWS_FOR_BACKUPS, &call->table, call->error);
	if (result < 0)
		return result;
	if (!call->table.is_pitr_on)
		return error_set_aws(call->error, -ENODATA, "PointInTimeRecoveryUnavailableException",
			"Point in time recovery is not enabled for table '%s'", call->table.name);
	result = restore_source_at(
		call->tool->history, call->txn, &call->table, &wanted->instant, ret_source, call->error);
	return result == -ENOENT || result == -ESTALE ? outside(call, &wanted->instant, result) : result;
}

static int restore_read(struct aws_call *call)
{
	struct wanted wanted = { 0 };
	struct restore_source *source = call->more;
	int result = read_wanted(call->tool, call->request, &wanted, call->error);
	return result < 0 ? result : resolve(call, &wanted, source);
}

static int restore(struct tool *tool, const struct json *request, struct buffer *response, struct error *error)
{
	return aws_restore(tool, request, response, error, restore_read);
}

static const struct aws_parameter restore_parameters[] = {
	{ "SourceTableName", "source-table-name", AWS_TEXT, AWS_OPTIONAL },
	{ "SourceTableArn", "source-table-arn", AWS_TEXT, AWS_OPTIONAL },
	{ "TargetTableName", "target-table-name", AWS_TEXT, AWS_REQUIRED },
	{ "UseLatestRestorableTime", "use-latest-restorable-time", AWS_BOOLEAN, AWS_OPTIONAL },
	{ "RestoreDateTime", "restore-date-time", AWS_TIME, AWS_OPTIONAL },
	AWS_RESTORE_OVERRIDES,
	{ 0 },
};

static int run_restore(struct tool *tool)
{
	static const struct aws_operation operation = { "RestoreTableToPointInTime", restore_parameters, true,
		.run = restore };
	return aws_run(tool, &operation);
}

const struct verb verb_restore_table_to_point_in_time = {
	.name = "restore-table-to-point-in-time",
	.summary = "make a new table of a table as it was",
	.usage = "--source-table-name NAME --target-table-name NEW (--restore-date-time TIME | "
		 "--use-latest-restorable-time) [overrides]",
	.help = "  pitr restore-table-to-point-in-time --source-table-name orders --target-table-name orders-fixed \\\n"
		"      --restore-date-time 2025-03-01T09:14:59Z\n\n"
		"TIME is what the AWS command line takes (epoch seconds, ISO 8601), or any instant: -2h, earliest, "
		"seq-123. The\n"
		"new table shares the source's history, so this takes the same few milliseconds at any size. "
		"Overrides:\n"
		"--billing-mode-override, --provisioned-throughput-override, --on-demand-throughput-override,\n"
		"--global-secondary-index-override, --local-secondary-index-override, --sse-specification-override.\n",
	.run = run_restore,
};
