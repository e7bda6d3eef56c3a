#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "layout.h"
#include "node.h"
#include "pin.h"
#include "retention_state.h"
#include "table.h"

#define PERIOD_DAYS_MAX 35

int64_t table_window_begin(const struct table *table, int64_t now_us)
{
	if (!table->is_pitr_on)
		return now_us;
	int64_t begin_us = table->exists_from_us;
	if (table->window_since_us > begin_us)
		begin_us = table->window_since_us;
	if (table->period_days && now_us - table->period_days * DAY_US > begin_us)
		begin_us = now_us - table->period_days * DAY_US;
	return begin_us;
}

/* The earliest instant that holds and, of a deleted table, its system backup keep together with all later ones. -ENOENT: none
 * does. */
static int range_begin(struct store_txn *txn, uint32_t table, int64_t *ret_begin_us)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r, found = -ENOENT;
	while ((r = pin_next(txn, table, &place, &pin)) == 1) {
		if (!pin.is_range || (!found && pin.time_us >= *ret_begin_us))
			continue;
		*ret_begin_us = pin.time_us;
		found = 0;
	}
	return r ? r : found;
}

/* The last instant at which a table that has ended was there. 1; 0: it has not ended. */
static int find_end(struct store_txn *txn, uint32_t table, int64_t *ret_last_us)
{
	struct node node;
	int r = node_read(txn, CATALOGUE, table, SEQ_MAX, &node, NULL);
	if (r || !node.version.is_removal)
		return r == -ENOENT ? 0 : r;
	*ret_last_us = node.version.time_us - 1;
	return 1;
}

/* What is forgotten stays so when the clock steps back: the window of a living table does not begin before it. */
static int clamp_begin(struct store_txn *txn, uint32_t table, int64_t *begin_us)
{
	struct retention_table state;
	struct log_entry entry;
	int r = retention_table_read(txn, table, &state);
	if (r || !state.floor)
		return r;
	r = log_get(txn, table, state.floor, &entry);
	if (!r && entry.time_us > *begin_us)
		*begin_us = entry.time_us;
	return r == -ENOENT ? 0 : r;
}

int table_window(struct store_txn *txn, const struct table *table, int64_t now_us, int64_t *ret_earliest_us,
	int64_t *ret_latest_us)
{
	int64_t range_us = INT64_MAX;
	*ret_latest_us = now_us;
	int ended = find_end(txn, table->number, ret_latest_us);
	int r = ended < 0 ? ended : range_begin(txn, table->number, &range_us);
	if (r && (r != -ENOENT || ended))
		return r;
	int64_t begin_us = ended ? INT64_MAX : table_window_begin(table, now_us);
	r = ended ? 0 : clamp_begin(txn, table->number, &begin_us);
	if (r)
		return r;
	*ret_earliest_us = range_us < begin_us ? range_us : begin_us;
	return 0;
}

int table_set_recovery(struct batch *batch, const struct table *table, bool is_on, int period_days,
	const struct change_context *context, struct error *error)
{
	char text[160], period[16] = "\"forever\"";
	struct json *document;
	if (is_on && (period_days < 0 || period_days > PERIOD_DAYS_MAX))
		return error_set_aws(
			error, -EINVAL, "ValidationException", "RecoveryPeriodInDays must be 1 to 35, or \"forever\"");
	if (period_days)
		snprintf(period, sizeof(period), "%d", period_days);
	snprintf(text, sizeof(text), "{\"PointInTimeRecoverySpecification\":{\"PointInTimeRecoveryEnabled\":%s%s%s}}",
		is_on ? "true" : "false", is_on ? ",\"RecoveryPeriodInDays\":" : "", is_on ? period : "");
	int r = json_parse(slice_of_text(text), &json_default_limits, &document, error);
	if (r)
		return r;
	r = table_update(batch, table, document, context, error);
	json_free(document);
	return r;
}

/* META "d" := byte is on | varint period in days */
int table_defaults(struct store_txn *txn, struct table_defaults *ret_defaults)
{
	struct layout_key key = layout_meta('d');
	struct slice value;
	*ret_defaults = (struct table_defaults){ .is_pitr_on = true, .period_days = PERIOD_DAYS_MAX };
	int r = store_get(txn, STORE_META, layout_slice(&key), &value);
	if (r)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	ret_defaults->is_pitr_on = reader_byte(&reader);
	ret_defaults->period_days = (int)reader_varint(&reader);
	return reader.is_bad || ret_defaults->period_days > PERIOD_DAYS_MAX ? -EIO : 0;
}

int table_set_defaults(struct batch *batch, const struct table_defaults *defaults)
{
	if (defaults->period_days < 0 || defaults->period_days > PERIOD_DAYS_MAX)
		return -EINVAL;
	struct layout_key key = layout_meta('d');
	struct buffer value = BUFFER_INIT;
	buffer_append_byte(&value, defaults->is_pitr_on);
	buffer_append_varint(&value, (uint64_t)defaults->period_days);
	int r = buffer_error(&value);
	if (!r)
		r = store_put(batch_txn(batch), STORE_META, layout_slice(&key), buffer_slice(&value));
	buffer_free(&value);
	batch_note(batch);
	return r;
}
