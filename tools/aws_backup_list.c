#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "clock.h"
#include "describe_backup.h"
#include "tools/aws.h"
#include "tools/verbs.h"

/* --- Which are wanted ----------------------------------------------------------------------------------------------- */

struct filter {
	struct slice table; /* name; empty: of all */
	bool wants_user, wants_system;
	int64_t from_us, until_us; /* from <= creation < until */
};

static int read_type(const struct json *request, struct filter *filter, struct error *error)
{
	struct slice type = slice_of_text("USER");
	json_get_text(request, "BackupType", &type);
	bool is_all = slice_equal(type, slice_of_text("ALL"));
	filter->wants_user = is_all || slice_equal(type, slice_of_text("USER"));
	filter->wants_system = is_all || slice_equal(type, slice_of_text("SYSTEM"));
	if (filter->wants_user || filter->wants_system || slice_equal(type, slice_of_text("AWS_BACKUP")))
		return 0;
	return aws_invalid(error,
		"1 validation error detected: Value '%.*s' at 'backupType' failed to satisfy constraint: Member must "
		"satisfy "
		"enum value set: [USER, SYSTEM, AWS_BACKUP, ALL]",
		(int)type.size, (const char *)type.data);
}

static int read_bound(struct aws_call *call, const char *member, int64_t *time_us)
{
	struct instant instant;
	bool is_given;
	int result = aws_time(call->tool, call->request, member, &instant, &is_given, call->error);
	if (result < 0 || !is_given)
		return result;
	if (instant.kind != INSTANT_AT && instant.kind != INSTANT_BEFORE_NOW)
		return aws_invalid(call->error, "%s: latest, earliest and change numbers belong to tables", member);
	*time_us = instant.time_us;
	if (instant.kind == INSTANT_BEFORE_NOW)
		*time_us = history_now(call->tool->history, call->txn) - instant.time_us;
	return 0;
}

static int read_filter(struct aws_call *call, struct filter *ret_filter)
{
	struct filter filter = { .from_us = INT64_MIN, .until_us = INT64_MAX };
	if (json_get_text(call->request, "TableName", &filter.table))
		filter.table = aws_name_of_arn(filter.table);
	int result = read_type(call->request, &filter, call->error);
	if (result == 0)
		result = read_bound(call, "TimeRangeLowerBound", &filter.from_us);
	if (result == 0)
		result = read_bound(call, "TimeRangeUpperBound", &filter.until_us);
	if (result == 0 && filter.from_us > filter.until_us)
		result = aws_invalid(call->error,
			"One or more parameter values were invalid: Time range lower bound must "
			"be less than or equal to upper bound");
	*ret_filter = filter;
	return result;
}

/* AWS tells and compares creation times in milliseconds. */
static int64_t creation_us(const struct pin *pin)
{
	return pin->created_us - pin->created_us % 1000;
}

/* 1: it is wanted, 0: it is not, negative. */
static int is_wanted(struct store_txn *txn, const struct filter *filter, const struct pin *pin)
{
	struct table table;
	bool is_type =
		(pin->kind == PIN_BACKUP && filter->wants_user) || (pin->kind == PIN_SYSTEM && filter->wants_system);
	if (!is_type || creation_us(pin) < filter->from_us || creation_us(pin) >= filter->until_us)
		return 0;
	if (filter->table.size == 0)
		return 1;
	int result = backup_table(txn, pin, &table);
	if (result < 0)
		return result;
	bool is_table = slice_equal(slice_of_text(table.name), filter->table);
	table_free(&table);
	return is_table;
}

/* --- Listing -------------------------------------------------------------------------------------------------------- */

struct backups {
	struct pin *pins;
	size_t count, capacity;
};

static int add(struct backups *backups, const struct pin *pin)
{
	if (backups->count == backups->capacity) {
		size_t capacity = backups->capacity ? backups->capacity * 2 : 16;
		struct pin *larger = reallocarray(backups->pins, capacity, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		backups->pins = larger;
		backups->capacity = capacity;
	}
	backups->pins[backups->count++] = *pin;
	return 0;
}

static int collect(struct store_txn *txn, const struct filter *filter, struct backups *backups)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int result;
	while ((result = pin_next(txn, UINT32_MAX, &place, &pin)) > 0) {
		result = is_wanted(txn, filter, &pin);
		if (result > 0)
			result = add(backups, &pin);
		if (result < 0)
			break;
	}
	return result;
}

/* In order of creation, as it is told; their numbers tell those of one moment apart. */
static int compare(const void *a, const void *b)
{
	const struct pin *x = a, *y = b;
	if (creation_us(x) != creation_us(y))
		return creation_us(x) < creation_us(y) ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* What an ARN says by itself: the backup may be gone by now, and the listing goes on after where it stood. */
static int read_cursor(struct slice arn, struct pin *ret_cursor)
{
	static const char mark[] = "/backup/";
	char text[BACKUP_ARN_MAX];
	unsigned long long ms, number;
	int end = 0;
	if (arn.size >= sizeof(text))
		return -EINVAL;
	memcpy(text, arn.data, arn.size);
	text[arn.size] = '\0';
	const char *id = strstr(text, mark);
	if (!id || sscanf(id + strlen(mark), "%14llu-%8llx%n", &ms, &number, &end) != 2 ||
		id[strlen(mark) + (size_t)end])
		return -EINVAL;
	*ret_cursor = (struct pin){ .created_us = (int64_t)ms * 1000, .number = number };
	return 0;
}

/* The first backup after the one that has, or had, this ARN. The system's all have the number 0 in theirs. */
static int find_start(struct aws_call *call, const struct backups *backups, struct slice arn, size_t *ret_start)
{
	struct pin cursor, last;
	size_t start = 0;
	*ret_start = 0;
	if (arn.size == 0)
		return 0;
	if (read_cursor(arn, &cursor) < 0)
		return aws_invalid(call->error, "Invalid Backup ARN");
	if (backup_find_arn(call->txn, arn, &last, NULL) == 0)
		cursor = last;
	while (start < backups->count && compare(&backups->pins[start], &cursor) <= 0)
		start++;
	*ret_start = start;
	return 0;
}

static int append_rest(struct aws_call *call, const struct aws_page *page, const struct pin *last)
{
	char arn[BACKUP_ARN_MAX];
	int result = backup_arn(call->txn, last, arn);
	if (result < 0)
		return result;
	buffer_append_format(call->response, ",\"%s\":", page->rest);
	json_append_string(call->response, slice_of_text(arn));
	return 0;
}

static int append_backups(struct aws_call *call, const struct backups *backups, const struct aws_page *page)
{
	size_t start;
	int result = find_start(call, backups, page->after, &start);
	if (result < 0)
		return result;
	size_t left = backups->count - start;
	size_t count = page->limit < (int64_t)left ? (size_t)page->limit : left;
	buffer_append_text(call->response, "{\"BackupSummaries\":[");
	for (size_t i = start; i < start + count && result == 0; i++) {
		if (i > start)
			buffer_append_byte(call->response, ',');
		result = describe_backup_summary(call->txn, &backups->pins[i], call->response);
	}
	buffer_append_byte(call->response, ']');
	if (result == 0 && count > 0 && count < left)
		result = append_rest(call, page, &backups->pins[start + count - 1]);
	buffer_append_byte(call->response, '}');
	return result < 0 ? error_set(call->error, result, "the backups could not be listed: %s", strerror(-result))
			  : 0;
}

static int list_work(struct aws_call *call)
{
	struct backups backups = { 0 };
	struct aws_page page;
	struct filter filter;
	int result = aws_page(call->request, "ExclusiveStartBackupArn", "LastEvaluatedBackupArn", &page, call->error);
	if (result == 0)
		result = read_filter(call, &filter);
	if (result < 0)
		return result;
	result = collect(call->txn, &filter, &backups);
	if (backups.count > 0)
		qsort(backups.pins, backups.count, sizeof(*backups.pins), compare);
	result = result < 0 ? error_set(call->error, result, "the backups could not be listed: %s", strerror(-result))
			    : append_backups(call, &backups, &page);
	free(backups.pins);
	return result;
}

static const struct aws_parameter list_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_OPTIONAL },
	{ "TimeRangeLowerBound", "time-range-lower-bound", AWS_TIME, AWS_OPTIONAL },
	{ "TimeRangeUpperBound", "time-range-upper-bound", AWS_TIME, AWS_OPTIONAL },
	{ "BackupType", "backup-type", AWS_TEXT, AWS_OPTIONAL },
	{ "ExclusiveStartBackupArn", "exclusive-start-backup-arn", AWS_TEXT, AWS_OPTIONAL },
	{ "Limit", "limit", AWS_NUMBER, AWS_OPTIONAL },
	{ "MaxItems", "max-items", AWS_NUMBER, AWS_PLAIN },
	{ "StartingToken", "starting-token", AWS_TEXT, AWS_PLAIN },
	{ "PageSize", "page-size", AWS_NUMBER, AWS_PLAIN },
	{ 0 },
};

static int run_list(struct tool *tool)
{
	static const struct aws_operation operation = { "ListBackups", list_parameters, false, .work = list_work };
	return aws_run(tool, &operation);
}

const struct verb verb_list_backups = {
	.name = "list-backups",
	.summary = "the backups there are",
	.usage = "[--table-name NAME] [--backup-type USER|SYSTEM|ALL] [--time-range-lower-bound TIME] ...",
	.help = "Prints {\"BackupSummaries\": [...]} as `aws dynamodb list-backups` does, in order of creation. "
		"Without\n"
		"--backup-type only those on demand are listed; SYSTEM ones are what is kept of deleted tables. A list "
		"that\n"
		"was cut (--max-items) says where to go on: NextToken, for --starting-token.\n",
	.run = run_list,
};
