#include "restore.h"

#include <errno.h>
#include <string.h>

#include "lineage.h"
#include "pin_state.h"
#include "restore_document.h"
#include "restore_parts.h"
#include "retention.h"
#include "table_document.h"

int restore_make_table(struct batch *batch, const struct json *request, const struct restore_progress *record,
	const struct change_context *context, struct table *ret_table, struct error *error)
{
	struct buffer plain = BUFFER_INIT, document = BUFFER_INIT;
	struct restore_progress begun = *record;
	begun.started_us = batch_next_us(batch);
	struct table_defaults defaults;
	int r = table_defaults(batch_txn(batch), &defaults);
	if (r)
		return error_set(error, r, "describe a restored table: %s", strerror(-r));
	r = table_document_new(request, &defaults, begun.started_us, begun.started_us, &plain, error);
	if (!r) {
		r = restore_record_write(buffer_slice(&plain), &begun, &document);
		if (r)
			error_set(error, r, "describe a restored table: %s", strerror(-r));
	}
	if (!r)
		r = table_document_create(batch, &document, context, ret_table, error);
	buffer_free(&plain);
	buffer_free(&document);
	return r;
}

/* Whose history it really goes on with, a table on the way up being passed over, is kept from now on. */
static int pin_parent(struct batch *batch, const struct restore_source *source, const struct table *child,
	const struct change_context *context)
{
	struct store_txn *txn = batch_txn(batch);
	struct lineage lineage;
	int r = lineage_read(txn, child->number, &lineage);
	if (r)
		return r;
	struct pin pin = { .kind = PIN_CHILD,
		.table = lineage.parent,
		.seq = lineage.base,
		.time_us = source->snapshot.time_us,
		.created_us = child->created_us,
		.items = source->items,
		.bytes = source->bytes,
		.child = child->number };
	strcpy(pin.name, child->name);
	r = pin_set_author(txn, context->author, &pin);
	return r ? r : pin_add(txn, &pin);
}

static int share(struct batch *batch, const struct restore_source *source, const struct table *child,
	const struct change_context *context)
{
	struct lineage lineage = { .parent = source->snapshot.table,
		.base = source->snapshot.seq,
		.items = source->items,
		.bytes = source->bytes,
		.time_us = source->snapshot.time_us };
	int r = lineage_begin(batch_txn(batch), child->number, &lineage);
	return r ? r : pin_parent(batch, source, child, context);
}

static struct restore_progress record_of(const struct restore_source *source)
{
	struct restore_progress record = { .is_shared = true,
		.source_number = source->snapshot.table,
		.instant_us = source->snapshot.time_us,
		.seq = source->snapshot.seq,
		.items = source->items,
		.expected = (int64_t)source->items };
	strcpy(record.source, source->table.name);
	strcpy(record.source_id, source->table.id);
	strcpy(record.backup_arn, source->backup_arn);
	return record;
}

int restore_share(struct batch *batch, const struct restore_source *source, struct slice target,
	const struct json *overrides, const struct change_context *context, struct table *ret_table,
	struct error *error)
{
	struct restore_progress record = record_of(source);
	struct json *request = NULL;
	int r = restore_check_target(batch_txn(batch), target, error);
	if (!r) {
		r = retention_check(batch_txn(batch), source->snapshot.table, source->snapshot.seq);
		if (r)
			pin_failed(r, "restore a state", &source->table, error);
	}
	if (!r)
		r = restore_request_like(&source->table, overrides, target, &request, error);
	if (!r)
		r = restore_make_table(batch, request, &record, context, ret_table, error);
	json_free(request);
	if (r)
		return r;
	r = share(batch, source, ret_table, context);
	if (!r)
		return 0;
	table_free(ret_table);
	return pin_failed(r, "share the history", &source->table, error);
}
