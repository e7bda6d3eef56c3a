#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/aws_item.h"
#include "tools/verbs.h"

#define REQUESTS_MAX 25

/* One put or delete, looked at, not yet made. */
struct change {
	uint32_t table;
	struct buffer item, key;
};

struct changes {
	struct change list[REQUESTS_MAX];
	size_t count;
};

static int check_new(const struct changes *changes, const struct change *change, struct error *error)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->list[i].table == change->table &&
			slice_equal(buffer_slice(&changes->list[i].key), buffer_slice(&change->key)))
			return aws_invalid(error, "Provided list of item keys contains duplicates");
	return 0;
}

static int read_change(
	struct aws_call *call, const struct table *table, const struct json *request, struct change *change)
{
	const struct json *put = json_member(request, "PutRequest"), *remove = json_member(request, "DeleteRequest");
	change->table = table->number;
	if (!put == !remove)
		return aws_invalid(call->error, "Supplied AttributeValue has more than one datatypes set, must contain "
						"exactly one of PutRequest and DeleteRequest");
	if (remove)
		return aws_take_key(json_member(remove, "Key"), table, &change->key, call->error);
	int result = aws_take_item(json_member(put, "Item"), &change->item, call->error);
	return result < 0 ? result : aws_key_of_item(buffer_slice(&change->item), table, &change->key, call->error);
}

static int make_change(struct aws_call *call, const struct table *table, const struct change *change)
{
	struct change_result done;
	struct slice item = buffer_slice(&change->item);
	if (item.size > 0)
		return batch_put(call->batch, table, item, &call->context, &done, call->error);
	return batch_remove(call->batch, table, buffer_slice(&change->key), &call->context, &done, call->error);
}

static int write_table(struct aws_call *call, const struct json *requests, struct changes *changes)
{
	struct table table = { 0 };
	size_t first = changes->count;
	int result = aws_find_table(call->txn, json_name(requests), AWS_FOR_ITEMS, &table, call->error);
	for (const struct json *child = json_first(requests); child && result == 0; child = json_next(child)) {
		struct change *change = &changes->list[changes->count];
		result = read_change(call, &table, child, change);
		if (result == 0)
			result = check_new(changes, change, call->error);
		changes->count++;
	}
	for (size_t i = first; i < changes->count && result == 0; i++)
		result = make_change(call, &table, &changes->list[i]);
	table_free(&table);
	return result;
}

static int check_count(const struct json *requests, struct error *error)
{
	size_t count = 0;
	for (const struct json *table = json_first(requests); table; table = json_next(table))
		count += json_count(table);
	if (count > REQUESTS_MAX)
		return aws_invalid(error, "Too many items requested for the BatchWriteItem call");
	if (count == 0)
		return aws_invalid(error, "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy "
					  "constraint: Member must have length greater than or equal to 1");
	return 0;
}

/* All of it is one commit: here nothing is ever left unprocessed. */
static int batch_work(struct aws_call *call)
{
	struct changes *changes = calloc(1, sizeof(*changes));
	const struct json *requests = json_member(call->request, "RequestItems");
	int result = changes ? check_count(requests, call->error) : -ENOMEM;
	for (const struct json *table = json_first(requests); table && result == 0; table = json_next(table))
		result = write_table(call, table, changes);
	for (size_t i = 0; changes && i < changes->count; i++) {
		buffer_free(&changes->list[i].item);
		buffer_free(&changes->list[i].key);
	}
	free(changes);
	buffer_append_text(call->response, "{\"UnprocessedItems\":{}}");
	return result;
}

static const struct aws_parameter batch_parameters[] = {
	{ "RequestItems", "request-items", AWS_STRUCTURE, AWS_REQUIRED },
	{ "ReturnConsumedCapacity", "return-consumed-capacity", AWS_TEXT, AWS_OPTIONAL },
	{ "ReturnItemCollectionMetrics", "return-item-collection-metrics", AWS_TEXT, AWS_OPTIONAL },
	{ 0 },
};

static int run_batch(struct tool *tool)
{
	static const struct aws_operation operation = { "BatchWriteItem", batch_parameters, true, .work = batch_work };
	return aws_run(tool, &operation);
}

const struct verb verb_batch_write_item = {
	.name = "batch-write-item",
	.summary = "up to 25 puts and deletes",
	.usage = "--request-items JSON",
	.help = "  pitr batch-write-item --request-items file://items.json\n\n"
		"The file has {\"TABLE\": [{\"PutRequest\": {\"Item\": {...}}}, {\"DeleteRequest\": {\"Key\": {...}}}, "
		"...]}, as\n"
		"for AWS. Here all of it happens at once, or nothing.\n",
	.run = run_batch,
};
