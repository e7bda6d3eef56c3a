#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"
#include "item_json.h"
#include "snapshot.h"
#include "tools/aws_projection.h"
#include "tools/output.h"
#include "tools/verbs.h"

/* Items are printed as they are found, so that a table may be larger than memory; the counts follow them. Only what
 * works on the whole response, as --query does, has it collected, up to WHOLE_BYTES. */

#define PAGE_BYTES (UINT64_C(1) << 20)
#define READ_UNIT_BYTES 4096
#define WHOLE_BYTES (UINT64_C(256) << 20)

/* Where an item stands: slots never change, so that a token holds also when its item is gone. */
struct place {
	uint64_t partition, slot; /* partition: of tables with sort keys */
};

struct scan {
	struct aws_call *call;
	struct snapshot snapshot;
	struct item_order order;
	struct expression *filter;
	struct projection projection;
	bool counts_only;
	bool is_page; /* one page as AWS answers it, rather than all of them */
	uint64_t limit;
	struct place start;
	uint64_t found, scanned, bytes;
	bool is_cut;
	struct place last;
	struct buffer last_item;
	struct buffer item, shown, text;
};

/* --- The request ---------------------------------------------------------------------------------------------------- */

static int read_select(struct scan *scan)
{
	struct slice select = slice_of_text("ALL_ATTRIBUTES");
	const struct json *request = scan->call->request;
	bool has_projection = json_member(request, "ProjectionExpression");
	bool is_given = json_get_text(request, "Select", &select);
	scan->counts_only = slice_equal(select, slice_of_text("COUNT"));
	bool is_specific = slice_equal(select, slice_of_text("SPECIFIC_ATTRIBUTES"));
	bool is_all = slice_equal(select, slice_of_text("ALL_ATTRIBUTES"));
	if (!is_all && !is_specific && !scan->counts_only)
		return aws_invalid(scan->call->error,
			"1 validation error detected: Value '%.*s' at 'select' failed to satisfy constraint: Member "
			"must "
			"satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, "
			"ALL_PROJECTED_ATTRIBUTES]",
			(int)select.size, (const char *)select.data);
	if (has_projection && is_given && !is_specific)
		return aws_invalid(scan->call->error, "Cannot specify the ProjectionExpression when choosing to get %s",
			is_all ? "ALL_ATTRIBUTES" : "only the Count");
	if (!has_projection && is_specific)
		return aws_invalid(scan->call->error, "Must specify the AttributesToGet or ProjectionExpression when "
						      "choosing to get SPECIFIC_ATTRIBUTES");
	return 0;
}

/* "PARTITION-SLOT" of the last item that was told, or AWS's ExclusiveStartKey. */
static int read_token(struct scan *scan, struct slice token)
{
	char text[64] = "", *end = text;
	struct place place = { 0 };
	if (token.size < sizeof(text))
		memcpy(text, token.data, token.size);
	place.partition = strtoull(text, &end, 10);
	bool is_good = end != text && *end == '-';
	if (is_good)
		place.slot = strtoull(end + 1, &end, 10) + 1;
	if (!is_good || *end != '\0')
		return aws_invalid(scan->call->error, "the starting token is not one that scan gave");
	scan->start = place;
	return 0;
}

static int read_start_key(struct scan *scan, const struct json *given)
{
	struct buffer item = BUFFER_INIT, encoded = BUFFER_INIT;
	struct aws_call *call = scan->call;
	struct node node, partition;
	struct key key;
	int result = item_from_tree(given, ITEM_DYNAMODB, &item, call->error);
	if (result == 0)
		result = key_of_key_item(buffer_slice(&item), &call->table.schema, &key, call->error);
	if (result < 0) {
		buffer_free(&item);
		return aws_invalid(call->error, "The provided starting key is invalid");
	}
	key_append_encoded(&key, &encoded);
	result = buffer_error(&encoded);
	if (result == 0)
		result = node_find(
			call->txn, call->table.number, buffer_slice(&encoded), scan->snapshot.seq, &node, NULL);
	if (result == 0 && node.directory > 0)
		result = node_read(call->txn, call->table.number, node.directory, scan->snapshot.seq, &partition, NULL);
	if (result == 0)
		scan->start = (struct place){ node.directory > 0 ? partition.slot : 0, node.slot + 1 };
	buffer_free(&item);
	buffer_free(&encoded);
	return result == -ENOENT ? aws_invalid(call->error, "The provided starting key is invalid") : result;
}

static int read_start(struct scan *scan)
{
	const struct json *request = scan->call->request;
	const struct json *key = json_member(request, "ExclusiveStartKey");
	struct slice token;
	int64_t limit;
	scan->limit = UINT64_MAX;
	if (json_get_i64(request, "MaxItems", &limit))
		scan->limit = (uint64_t)limit;
	if (json_get_i64(request, "Limit", &limit)) {
		if (limit < 1)
			return aws_invalid(scan->call->error,
				"1 validation error detected: Value '%lld' at 'limit' failed to satisfy constraint: "
				"Member "
				"must have value greater than or equal to 1",
				(long long)limit);
		scan->is_page = true;
		scan->limit = (uint64_t)limit;
	}
	const struct option *paginate = option_find(scan->call->tool->options, "paginate");
	scan->is_page |= paginate->is_given && paginate->is_negated;
	if (json_get_text(request, "StartingToken", &token))
		return read_token(scan, token);
	return key ? read_start_key(scan, key) : 0;
}

static int read_filter(struct scan *scan)
{
	struct aws_call *call = scan->call;
	struct slice text;
	if (!json_get_text(call->request, "FilterExpression", &text))
		return 0;
	int result = expression_parse(text, json_member(call->request, "ExpressionAttributeNames"),
		json_member(call->request, "ExpressionAttributeValues"), &scan->filter, call->error);
	return result == -EINVAL ? error_prefix(call->error, "Invalid FilterExpression") : result;
}

static int choose_snapshot(struct scan *scan)
{
	struct instant instant;
	struct aws_call *call = scan->call;
	const char *at = option_value(call->tool->options, "at");
	scan->snapshot = snapshot_live(call->table.number);
	if (!at)
		return 0;
	int result = tool_instant(call->tool, at, &instant, call->error);
	if (result == 0)
		result = snapshot_resolve(
			call->tool->history, call->txn, &call->table, &instant, &scan->snapshot, call->error);
	return result;
}

/* --- Items ---------------------------------------------------------------------------------------------------------- */

static int give(struct scan *scan, struct slice bytes)
{
	struct buffer *response = scan->call->response;
	if (!scan->call->is_whole) {
		output(bytes);
		return 0;
	}
	if (response->size > WHOLE_BYTES - bytes.size)
		return error_set(scan->call->error, -E2BIG,
			"the items are too many for --query or --output text at once; take fewer with "
			"--filter-expression, --projection-expression or --max-items");
	buffer_append_slice(response, bytes);
	return buffer_error(response);
}

static int print_item(struct scan *scan)
{
	struct json *root;
	buffer_clear(&scan->shown);
	buffer_clear(&scan->text);
	int result = projection_apply(&scan->projection, buffer_slice(&scan->item), &scan->shown);
	if (result == 0)
		result = item_to_json(
			buffer_slice(&scan->shown), ITEM_DYNAMODB, ITEM_COMPACT, &scan->order, &scan->text);
	if (result == 0)
		result = json_parse(buffer_slice(&scan->text), &json_default_limits, &root, NULL);
	if (result < 0)
		return result;
	buffer_clear(&scan->text);
	buffer_append_text(&scan->text, scan->found > 0 ? ",\n        " : "\n        ");
	output_aws_value(&scan->text, root, 2);
	json_free(root);
	result = buffer_error(&scan->text);
	return result < 0 ? result : give(scan, buffer_slice(&scan->text));
}

/* 1: the scan is to end here, before this item. */
static int take_item(struct scan *scan, const struct node *node, struct place place)
{
	bool is_full =
		scan->is_page ? scan->scanned == scan->limit || scan->bytes >= PAGE_BYTES : scan->found == scan->limit;
	if (is_full) {
		scan->is_cut = true;
		return 1;
	}
	buffer_clear(&scan->item);
	int result = snapshot_content(scan->call->txn, &scan->snapshot, node->number, &scan->item);
	if (result < 0)
		return result;
	scan->scanned++;
	scan->bytes += item_size_bytes(buffer_slice(&scan->item));
	scan->last = place;
	if (scan->is_page) {
		buffer_clear(&scan->last_item);
		buffer_append_slice(&scan->last_item, buffer_slice(&scan->item));
	}
	result = scan->filter ? expression_holds(scan->filter, buffer_slice(&scan->item)) : 1;
	if (result <= 0)
		return result;
	result = scan->counts_only ? 0 : print_item(scan);
	scan->found++;
	return result;
}

static int walk(struct scan *scan, uint64_t directory, uint64_t partition, uint64_t slot);

static int take_node(struct scan *scan, const struct node *node, struct place place)
{
	if (node->version.seq == 0 && node->kind == 0)
		return -EIO;
	if (node->kind == NODE_ITEM)
		return take_item(scan, node, place);
	uint64_t from = place.slot == scan->start.partition ? scan->start.slot : 0;
	return walk(scan, node->number, place.slot, from);
}

static int walk(struct scan *scan, uint64_t directory, uint64_t partition, uint64_t slot)
{
	struct snapshot_walk items;
	struct node node;
	int result = snapshot_walk_begin(&items, scan->call->txn, &scan->snapshot, directory, slot);
	while (result == 0 && (result = snapshot_walk_next(&items, &node)) > 0)
		result = take_node(scan, &node, (struct place){ partition, node.slot });
	snapshot_walk_end(&items);
	return result;
}

/* --- The answer ----------------------------------------------------------------------------------------------------- */

static int append_last_key(struct scan *scan)
{
	struct buffer item = BUFFER_INIT, text = BUFFER_INIT;
	struct json *root = NULL;
	struct key key;
	const struct key_schema *schema = &scan->call->table.schema;
	int result = key_of_item(buffer_slice(&scan->last_item), schema, &key, NULL);
	if (result == 0)
		result = key_append_item(&key, schema, &item);
	if (result == 0)
		result = item_to_json(buffer_slice(&item), ITEM_DYNAMODB, ITEM_COMPACT, &scan->order, &text);
	if (result == 0)
		result = json_parse(buffer_slice(&text), &json_default_limits, &root, NULL);
	if (result == 0) {
		buffer_append_text(&scan->text, ",\n    \"LastEvaluatedKey\": ");
		output_aws_value(&scan->text, root, 1);
	}
	json_free(root);
	buffer_free(&item);
	buffer_free(&text);
	return result;
}

static void append_capacity(struct scan *scan)
{
	struct slice wanted = slice_of_text("NONE");
	uint64_t units = (scan->bytes + READ_UNIT_BYTES - 1) / READ_UNIT_BYTES;
	bool is_consistent = false, is_given = json_get_text(scan->call->request, "ReturnConsumedCapacity", &wanted);
	json_get_bool(scan->call->request, "ConsistentRead", &is_consistent);
	units = is_consistent ? 2 * units : units;
	if (!is_given || slice_equal(wanted, slice_of_text("NONE")))
		buffer_append_text(&scan->text, scan->is_page ? "" : ",\n    \"ConsumedCapacity\": null");
	else
		buffer_append_format(&scan->text,
			",\n    \"ConsumedCapacity\": {\n        \"TableName\": \"%s\",\n        \"CapacityUnits\": "
			"%" PRIu64 ".%c\n    }",
			scan->call->table.name, units / 2, units % 2 ? '5' : '0');
}

static int print_end(struct scan *scan)
{
	int result = 0;
	buffer_clear(&scan->text);
	if (!scan->counts_only)
		buffer_append_text(&scan->text, scan->found > 0 ? "\n    ],\n" : "],\n");
	buffer_append_format(
		&scan->text, "    \"Count\": %" PRIu64 ",\n    \"ScannedCount\": %" PRIu64, scan->found, scan->scanned);
	if (scan->is_cut && scan->is_page)
		result = append_last_key(scan);
	append_capacity(scan);
	if (scan->is_cut && !scan->is_page)
		buffer_append_format(&scan->text, ",\n    \"NextToken\": \"%" PRIu64 "-%" PRIu64 "\"",
			scan->last.partition, scan->last.slot);
	buffer_append_text(&scan->text, "\n}\n");
	if (result == 0)
		result = buffer_error(&scan->text);
	return result < 0 ? result : give(scan, buffer_slice(&scan->text));
}

static int print_all(struct scan *scan)
{
	struct slice start = slice_of_text(scan->counts_only ? "{\n" : "{\n    \"Items\": [");
	const struct table *table = &scan->call->table;
	int result = give(scan, start);
	if (result == 0)
		result = walk(scan, 0, 0, table->schema.has_sort ? scan->start.partition : scan->start.slot);
	if (result >= 0)
		result = print_end(scan);
	if (result == -E2BIG)
		return result;
	return result < 0 ? error_set(scan->call->error, result, "table %s could not be scanned: %s", table->name,
				    strerror(-result))
			  : 0;
}

static int scan_table(struct scan *scan)
{
	struct aws_call *call = scan->call;
	int result = aws_table(call->txn, call->request, AWS_FOR_ITEMS, &call->table, call->error);
	if (result == 0)
		result = choose_snapshot(scan);
	if (result == 0)
		result = read_select(scan);
	if (result == 0)
		result = read_start(scan);
	if (result == 0)
		result = read_filter(scan);
	if (result == 0)
		result = projection_read(call->request, &scan->projection, call->error);
	if (result < 0)
		return result;
	scan->order.partition = slice_of_text(call->table.schema.partition.name);
	if (call->table.schema.has_sort)
		scan->order.sort = slice_of_text(call->table.schema.sort.name);
	return print_all(scan);
}

static int scan_work(struct aws_call *call)
{
	struct scan scan = { .call = call };
	int result = scan_table(&scan);
	expression_free(scan.filter);
	projection_free(&scan.projection);
	buffer_free(&scan.last_item);
	buffer_free(&scan.item);
	buffer_free(&scan.shown);
	buffer_free(&scan.text);
	return result;
}

static const struct aws_parameter scan_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "Select", "select", AWS_TEXT, AWS_OPTIONAL },
	{ "FilterExpression", "filter-expression", AWS_TEXT, AWS_OPTIONAL },
	{ "ProjectionExpression", "projection-expression", AWS_TEXT, AWS_OPTIONAL },
	{ "ExpressionAttributeNames", "expression-attribute-names", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "ExpressionAttributeValues", "expression-attribute-values", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "ConsistentRead", "consistent-read", AWS_BOOLEAN, AWS_OPTIONAL },
	{ "ReturnConsumedCapacity", "return-consumed-capacity", AWS_TEXT, AWS_OPTIONAL },
	{ "Limit", "limit", AWS_NUMBER, AWS_OPTIONAL },
	{ "ExclusiveStartKey", "exclusive-start-key", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "MaxItems", "max-items", AWS_NUMBER, AWS_PLAIN },
	{ "StartingToken", "starting-token", AWS_TEXT, AWS_PLAIN },
	{ "PageSize", "page-size", AWS_NUMBER, AWS_PLAIN },
	{ "At", "at", AWS_TEXT, AWS_PLAIN },
	{ "IndexName", "index-name", AWS_TEXT, AWS_REFUSED },
	{ "AttributesToGet", "attributes-to-get", AWS_TEXT_LIST, AWS_REFUSED },
	{ "ScanFilter", "scan-filter", AWS_STRUCTURE, AWS_REFUSED },
	{ "ConditionalOperator", "conditional-operator", AWS_TEXT, AWS_REFUSED },
	{ "TotalSegments", "total-segments", AWS_NUMBER, AWS_REFUSED },
	{ "Segment", "segment", AWS_NUMBER, AWS_REFUSED },
	{ 0 },
};

static int run_scan(struct tool *tool)
{
	static const struct aws_operation operation = { "Scan", scan_parameters, false, .work = scan_work };
	return aws_run(tool, &operation);
}

const struct verb verb_scan = {
	.name = "scan",
	.summary = "all items, now or --at a time",
	.usage = "--table-name NAME [--filter-expression EXPR] [--select COUNT] [--at TIME] ...",
	.help = "  pitr scan --table-name orders --select COUNT --at 2025-03-01T09:14:59\n"
		"  pitr scan --table-name orders --filter-expression 'price > :p' \\\n"
		"      --expression-attribute-values '{\":p\":{\"N\":\"100\"}}'\n\n"
		"Prints {\"Items\": [...], \"Count\": ...} as `aws dynamodb scan` does, in order of creation. A scan "
		"that was cut\n"
		"(--max-items) says where to go on: NextToken, for --starting-token. --at is pitr's own. Projections "
		"are of\n"
		"whole attributes. Indexes and segments are refused.\n",
	.run = run_scan,
};
