#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"
#include "tools/aws.h"
#include "tools/verbs.h"

/* --- create-table --------------------------------------------------------------------------------------------------- */

/* AWS tells apart names that are taken, and names whose table is still being restored. */
static int explain_taken(struct aws_call *call, int result)
{
	struct slice name;
	struct table taken = { 0 };
	if (result != -EEXIST || !json_get_text(call->request, "TableName", &name) ||
		table_find(call->txn, name, TIME_NOW, &taken, NULL) < 0)
		return result;
	if (taken.is_restoring)
		error_set_aws(call->error, result, "ResourceInUseException", "Table is being used: %s", taken.name);
	table_free(&taken);
	return result;
}

static int create_work(struct aws_call *call)
{
	int result = table_create(call->batch, call->request, &call->context, 0, &call->table, call->error);
	result = explain_taken(call, result);
	if (result == 0)
		result = aws_append_table(
			call->txn, &call->table, "TableDescription", NULL, call->response, call->error);
	return result;
}

static const struct aws_parameter create_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "AttributeDefinitions", "attribute-definitions", AWS_LIST, AWS_REQUIRED },
	{ "KeySchema", "key-schema", AWS_LIST, AWS_REQUIRED },
	{ "LocalSecondaryIndexes", "local-secondary-indexes", AWS_LIST, AWS_OPTIONAL },
	{ "GlobalSecondaryIndexes", "global-secondary-indexes", AWS_LIST, AWS_OPTIONAL },
	{ "BillingMode", "billing-mode", AWS_TEXT, AWS_OPTIONAL },
	{ "ProvisionedThroughput", "provisioned-throughput", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "StreamSpecification", "stream-specification", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "SSESpecification", "sse-specification", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "Tags", "tags", AWS_LIST, AWS_OPTIONAL },
	{ "TableClass", "table-class", AWS_TEXT, AWS_OPTIONAL },
	{ "DeletionProtectionEnabled", "deletion-protection-enabled", AWS_BOOLEAN, AWS_OPTIONAL },
	{ "WarmThroughput", "warm-throughput", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "OnDemandThroughput", "on-demand-throughput", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "ResourcePolicy", "resource-policy", AWS_TEXT, AWS_REFUSED },
	{ 0 },
};

static int run_create(struct tool *tool)
{
	static const struct aws_operation operation = { "CreateTable", create_parameters, true, .work = create_work };
	return aws_run(tool, &operation);
}

const struct verb verb_create_table = {
	.name = "create-table",
	.summary = "make a table",
	.usage = "--table-name NAME --attribute-definitions ... --key-schema ... [--billing-mode PAY_PER_REQUEST] ...",
	.help = "Takes the options of `aws dynamodb create-table`, in shorthand or JSON:\n\n"
		"  pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \\\n"
		"      --attribute-definitions AttributeName=id,AttributeType=S \\\n"
		"      --key-schema AttributeName=id,KeyType=HASH\n\n"
		"A new table keeps its history (PITR is on) for 35 days, unless `pitr settings` says otherwise.\n",
	.run = run_create,
};

/* --- describe-table ------------------------------------------------------------------------------------------------- */

static int describe_work(struct aws_call *call)
{
	int result = aws_table(call->txn, call->request, AWS_TO_DESCRIBE, &call->table, call->error);
	if (result == 0)
		result = aws_append_table(call->txn, &call->table, "Table", NULL, call->response, call->error);
	return result;
}

static const struct aws_parameter name_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ 0 },
};

static int run_describe(struct tool *tool)
{
	static const struct aws_operation operation = { "DescribeTable", name_parameters, false,
		.work = describe_work };
	return aws_run(tool, &operation);
}

const struct verb verb_describe_table = {
	.name = "describe-table",
	.summary = "what a table is: keys, settings, size",
	.usage = "--table-name NAME",
	.help = "Prints the table's description as `aws dynamodb describe-table` does. The number of items and their "
		"size\n"
		"are those of now.\n",
	.run = run_describe,
};

/* --- delete-table --------------------------------------------------------------------------------------------------- */

static int delete_work(struct aws_call *call)
{
	int result = aws_table(call->txn, call->request, AWS_TO_DESCRIBE, &call->table, call->error);
	if (result == 0 && call->table.is_restoring)
		result = error_set_aws(call->error, -EBUSY, "ResourceInUseException",
			"Attempt to change a resource which is still in use: Table is being created: %s",
			call->table.name);
	if (result == 0)
		result = aws_append_table(
			call->txn, &call->table, "TableDescription", "DELETING", call->response, call->error);
	if (result == 0)
		result = table_drop(call->batch, &call->table, &call->context, call->error);
	return result;
}

static int run_delete(struct tool *tool)
{
	static const struct aws_operation operation = { "DeleteTable", name_parameters, true, .work = delete_work };
	return aws_run(tool, &operation);
}

const struct verb verb_delete_table = {
	.name = "delete-table",
	.summary = "end a table; its history stays",
	.usage = "--table-name NAME",
	.help = "Removes the table with all its items, as `aws dynamodb delete-table` does. It remains reachable at "
		"every\n"
		"instant before, and for 35 days as a backup: `pitr list-backups --backup-type SYSTEM`. One that is "
		"still being\n"
		"copied into restore/ is ended there (rm -r restore/NAME), or taken as it is first (pitr restore "
		"--accept NAME).\n",
	.run = run_delete,
};

/* --- list-tables ---------------------------------------------------------------------------------------------------- */

struct names {
	char **names;
	size_t count, capacity;
};

static int add_name(struct names *names, const char *name)
{
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 64;
		char **larger = reallocarray(names->names, capacity, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		names->names = larger;
		names->capacity = capacity;
	}
	names->names[names->count] = strdup(name);
	return names->names[names->count] ? (names->count++, 0) : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int collect_names(struct tool *tool, struct names *names)
{
	struct store_txn *txn;
	struct table table = { 0 };
	uint64_t place = 0;
	int result = store_begin(history_store(tool->history), /* is_writable= */ false, &txn);
	if (result < 0)
		return result;
	while ((result = table_list(txn, TIME_NOW, &place, &table)) > 0) {
		result = add_name(names, table.name);
		table_free(&table);
		if (result < 0)
			break;
	}
	store_abort(txn);
	if (names->count > 0)
		qsort(names->names, names->count, sizeof(*names->names), compare_names);
	return result;
}

static void append_names(const struct names *names, const struct aws_page *page, struct buffer *response)
{
	int64_t count = 0;
	const char *last = NULL;
	bool is_cut = false;
	buffer_append_text(response, "{\"TableNames\":[");
	for (size_t i = 0; i < names->count && !is_cut; i++) {
		struct slice name = slice_of_text(names->names[i]);
		if (page->after.size > 0 && slice_compare(name, page->after) <= 0)
			continue;
		is_cut = count == page->limit;
		if (is_cut)
			break;
		if (count++ > 0)
			buffer_append_byte(response, ',');
		json_append_string(response, name);
		last = names->names[i];
	}
	buffer_append_byte(response, ']');
	if (is_cut && last) {
		buffer_append_format(response, ",\"%s\":", page->rest);
		json_append_string(response, slice_of_text(last));
	}
	buffer_append_byte(response, '}');
}

static int list(struct tool *tool, const struct json *request, struct buffer *response, struct error *error)
{
	struct names names = { 0 };
	struct aws_page page = { 0 };
	int result = aws_page(request, "ExclusiveStartTableName", "LastEvaluatedTableName", &page, error);
	if (result < 0)
		return result;
	result = collect_names(tool, &names);
	if (result == 0)
		append_names(&names, &page, response);
	for (size_t i = 0; i < names.count; i++)
		free(names.names[i]);
	free(names.names);
	return result < 0 ? error_set(error, result, "the tables could not be listed: %s", strerror(-result)) : 0;
}

static const struct aws_parameter list_parameters[] = {
	{ "ExclusiveStartTableName", "exclusive-start-table-name", AWS_TEXT, AWS_OPTIONAL },
	{ "Limit", "limit", AWS_NUMBER, AWS_OPTIONAL },
	{ "MaxItems", "max-items", AWS_NUMBER, AWS_PLAIN },
	{ "StartingToken", "starting-token", AWS_TEXT, AWS_PLAIN },
	{ "PageSize", "page-size", AWS_NUMBER, AWS_PLAIN },
	{ 0 },
};

static int run_list(struct tool *tool)
{
	static const struct aws_operation operation = { "ListTables", list_parameters, false, .run = list };
	return aws_run(tool, &operation);
}

const struct verb verb_list_tables = {
	.name = "list-tables",
	.summary = "names of the tables",
	.usage = "[--max-items N] [--starting-token TOKEN]",
	.help = "Prints {\"TableNames\": [...]} as `aws dynamodb list-tables` does, in order of name. A list that was "
		"cut\n"
		"says where to go on: NextToken, for --starting-token.\n",
	.run = run_list,
};
