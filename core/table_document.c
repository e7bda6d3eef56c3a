#include "table_document.h"

#include <errno.h>
#include <string.h>

#include "item_json.h"
#include "item_map.h"
#include "name.h"

static int invalid(struct error *error, const char *message)
{
	return error_set_aws(error, -EINVAL, "ValidationException", "%s", message);
}

int name_check_table_request(struct slice name, struct error *error)
{
	int r = name_check_table(name, error);
	if (r && error)
		error->aws = "ValidationException";
	return r;
}

/* --- from the stored form --- */

/* The type AttributeDefinitions gives to an attribute; 0: none. */
static enum value_tag defined_type(struct slice item, const char *name)
{
	struct value list, definition;
	if (!item_attribute(item, slice_of_text("AttributeDefinitions"), &list) || list.tag != VALUE_L)
		return 0;
	struct reader r = reader_of(list.body);
	while (value_next(&list, &r, NULL, &definition)) {
		char defined[KEY_NAME_MAX + 1], type[2];
		if (item_text(definition.whole, "AttributeName", defined, sizeof(defined)) && !strcmp(defined, name) &&
			item_text(definition.whole, "AttributeType", type, sizeof(type)) && strchr("SNB", type[0]))
			return (enum value_tag)type[0];
	}
	return 0;
}

static bool read_schema(struct slice item, struct key_schema *ret_schema)
{
	struct value list, element;
	if (!item_attribute(item, slice_of_text("KeySchema"), &list) || list.tag != VALUE_L || list.count < 1 ||
		list.count > 2)
		return false;
	*ret_schema = (struct key_schema){ .has_sort = list.count == 2 };
	struct reader r = reader_of(list.body);
	for (unsigned i = 0; value_next(&list, &r, NULL, &element); i++) {
		struct key_attribute *attribute = i ? &ret_schema->sort : &ret_schema->partition;
		char type[8];
		if (!item_text(element.whole, "AttributeName", attribute->name, sizeof(attribute->name)) ||
			!item_text(element.whole, "KeyType", type, sizeof(type)) ||
			strcmp(type, i ? "RANGE" : "HASH") != 0)
			return false;
		attribute->type = defined_type(item, attribute->name);
		if (!attribute->type)
			return false;
	}
	return true;
}

int table_from_document(uint32_t number, const struct buffer *description, struct table *ret_table)
{
	struct slice item = buffer_slice(description);
	*ret_table = (struct table){ .number = number };
	struct value pitr;
	struct slice restore;
	if (item_check(item) || !item_text(item, "TableName", ret_table->name, sizeof(ret_table->name)) ||
		!item_text(item, "TableId", ret_table->id, sizeof(ret_table->id)) ||
		!read_schema(item, &ret_table->schema) ||
		!item_attribute(item, slice_of_text("PointInTimeRecovery"), &pitr) || pitr.tag != VALUE_M)
		return -EIO;
	ret_table->created_us = item_number(item, "CreatedUs");
	ret_table->exists_from_us = item_number(item, "ExistsFromUs");
	ret_table->keys_from = (uint64_t)item_number(item, "KeysFrom");
	ret_table->is_protected = item_flag(item, "DeletionProtectionEnabled");
	ret_table->is_restoring = item_map(item, "Restore", &restore) && item_flag(restore, "InProgress");
	ret_table->is_pitr_on = item_flag(pitr.whole, "Enabled");
	ret_table->period_days = (int)item_number(pitr.whole, "PeriodDays");
	ret_table->window_since_us = item_number(pitr.whole, "SinceUs");
	buffer_append_slice(&ret_table->description, item);
	return buffer_error(&ret_table->description);
}

/* --- from requests and documents --- */

/* Settings that are kept as they are given. */
static const char *const plain_settings[] = { "ProvisionedThroughput", "OnDemandThroughput", "StreamSpecification",
	"SSESpecification", "Tags", "TableClass", "DeletionProtectionEnabled", "TimeToLive" };
/* What DescribeTable adds to an index or to a throughput, and what is not a setting. */
static const char *const computed[] = { "IndexStatus", "Backfilling", "IndexSizeBytes", "ItemCount", "IndexArn",
	"LastIncreaseDateTime", "LastDecreaseDateTime", "NumberOfDecreasesToday", "WarmThroughput" };

static bool is_computed(struct slice name)
{
	for (size_t i = 0; i < sizeof(computed) / sizeof(computed[0]); i++)
		if (slice_equal(name, slice_of_text(computed[i])))
			return true;
	return false;
}

static void append_settings(struct buffer *out, const struct json *node)
{
	enum json_type type = json_type(node);
	if (type != JSON_OBJECT && type != JSON_ARRAY) {
		json_append(out, node);
		return;
	}
	bool is_first = true;
	buffer_append_byte(out, type == JSON_OBJECT ? '{' : '[');
	for (const struct json *child = json_first(node); child; child = json_next(child)) {
		if (type == JSON_OBJECT && is_computed(json_name(child)))
			continue;
		if (!is_first)
			buffer_append_byte(out, ',');
		is_first = false;
		if (type == JSON_OBJECT) {
			json_append_string(out, json_name(child));
			buffer_append_byte(out, ':');
		}
		append_settings(out, child);
	}
	buffer_append_byte(out, type == JSON_OBJECT ? '}' : ']');
}

static void append_member(struct buffer *out, const char *name, const struct json *value)
{
	if (!value || json_type(value) == JSON_NULL)
		return;
	buffer_append_format(out, ",\"%s\":", name);
	append_settings(out, value);
}

/* null takes a setting away. */
static const struct json *choose(const struct json *first, const struct json *second, const char *name)
{
	const struct json *value = first ? json_member(first, name) : NULL;
	if (value)
		return json_type(value) == JSON_NULL ? NULL : value;
	return second ? json_member(second, name) : NULL;
}

/* BillingMode as CreateTable gives it, or BillingModeSummary as DescribeTable does. */
static void append_billing(struct buffer *out, const struct json *first, const struct json *second)
{
	struct slice mode = { 0 };
	const struct json *summary = json_member(first, "BillingModeSummary");
	bool is_known = json_get_text(first, "BillingMode", &mode) ||
			(summary && json_get_text(summary, "BillingMode", &mode)) ||
			(second && json_get_text(second, "BillingMode", &mode));
	buffer_append_text(out, ",\"BillingMode\":");
	json_append_string(out, is_known ? mode : slice_of_text("PROVISIONED"));
}

struct recovery {
	bool is_on;
	int64_t days, since_us;
};

/* PointInTimeRecoverySpecification of requests, or PointInTimeRecoveryDescription of `.table.json`. */
static int read_recovery(const struct json *document, struct recovery *recovery, struct error *error)
{
	const struct json *wanted = json_member(document, "PointInTimeRecoverySpecification");
	const struct json *described = json_member(document, "PointInTimeRecoveryDescription");
	struct slice status;
	if (wanted && !json_get_bool(wanted, "PointInTimeRecoveryEnabled", &recovery->is_on))
		return invalid(
			error, "PointInTimeRecoverySpecification needs PointInTimeRecoveryEnabled, true or false");
	if (described && json_get_text(described, "PointInTimeRecoveryStatus", &status))
		recovery->is_on = slice_equal(status, slice_of_text("ENABLED"));
	const struct json *source = wanted ? wanted : described;
	const struct json *days = source ? json_member(source, "RecoveryPeriodInDays") : NULL;
	if (!days)
		return 0;
	if (json_type(days) == JSON_STRING && slice_equal(json_text(days), slice_of_text("forever"))) {
		recovery->days = 0;
		return 0;
	}
	if (!json_get_i64(source, "RecoveryPeriodInDays", &recovery->days) || recovery->days < 1 || recovery->days > 35)
		return invalid(error, "RecoveryPeriodInDays must be 1 to 35, or \"forever\"");
	return 0;
}

/* The window under changed settings. What it has lost once it does not get back: turned on again it begins anew, and a
 * longer period grows from what is left. */
static void move_window(const struct table *table, int64_t now_us, struct recovery *recovery)
{
	struct table after = { .exists_from_us = table->exists_from_us,
		.is_pitr_on = recovery->is_on,
		.period_days = (int)recovery->days,
		.window_since_us = table->window_since_us };
	recovery->since_us = table->window_since_us;
	if (!recovery->is_on || (table->is_pitr_on && table->period_days == recovery->days))
		return;
	int64_t before_us = table_window_begin(table, now_us), after_us = table_window_begin(&after, now_us);
	recovery->since_us = before_us > after_us ? before_us : after_us;
}

static const char *boolean(bool is_true)
{
	return is_true ? "true" : "false";
}

struct facts {
	struct slice name;
	const char *id;
	int64_t created_us, exists_from_us;
	uint64_t keys_from;
	struct recovery recovery;
};

/* Builds the document out of `first` and, where that says nothing, `second`; checks what the key schema demands. */
static int build(const struct json *first, const struct json *second, const struct facts *facts, struct buffer *out,
	struct error *error)
{
	struct buffer text = BUFFER_INIT;
	struct table table;
	buffer_append_text(&text, "{\"TableName\":");
	json_append_string(&text, facts->name);
	buffer_append_format(&text,
		",\"TableId\":\"%s\",\"CreatedUs\":%lld,\"ExistsFromUs\":%lld,"
		"\"PointInTimeRecovery\":{\"Enabled\":%s,\"PeriodDays\":%lld,\"SinceUs\":%lld}",
		facts->id, (long long)facts->created_us, (long long)facts->exists_from_us,
		boolean(facts->recovery.is_on), (long long)facts->recovery.days, (long long)facts->recovery.since_us);
	if (facts->keys_from)
		buffer_append_format(&text, ",\"KeysFrom\":%llu", (unsigned long long)facts->keys_from);
	append_member(&text, "KeySchema", choose(first, second, "KeySchema"));
	append_member(&text, "AttributeDefinitions", choose(first, second, "AttributeDefinitions"));
	append_member(&text, "GlobalSecondaryIndexes", choose(first, second, "GlobalSecondaryIndexes"));
	append_member(&text, "LocalSecondaryIndexes", choose(first, second, "LocalSecondaryIndexes"));
	append_billing(&text, first, second);
	for (size_t i = 0; i < sizeof(plain_settings) / sizeof(plain_settings[0]); i++)
		append_member(&text, plain_settings[i], choose(first, second, plain_settings[i]));
	append_member(&text, "Restore", second ? json_member(second, "Restore") : NULL);
	buffer_append_byte(&text, '}');
	int r = buffer_error(&text);
	if (!r)
		r = item_from_json(buffer_slice(&text), ITEM_PLAIN, out, error);
	buffer_free(&text);
	if (r)
		return r;
	r = table_from_document(0, out, &table);
	table_free(&table);
	return r == -EIO
		       ? invalid(error, "One or more parameter values were invalid: KeySchema needs a HASH key and at "
					"most one RANGE key after it, each with a type S, N or B in "
					"AttributeDefinitions")
		       : r;
}

int table_document_new(const struct json *request, const struct table_defaults *defaults, int64_t created_us,
	int64_t exists_from_us, struct buffer *out, struct error *error)
{
	char id[TABLE_ID_SIZE];
	history_new_id(id);
	struct facts facts = { .id = id,
		.created_us = created_us,
		.exists_from_us = exists_from_us,
		.recovery = { defaults->is_pitr_on, defaults->period_days, 0 } };
	int r = read_recovery(request, &facts.recovery, error);
	if (r)
		return r;
	json_get_text(request, "TableName", &facts.name);
	return build(request, NULL, &facts, out, error);
}

static struct facts facts_of(const struct table *table)
{
	return (struct facts){ .name = slice_of_text(table->name),
		.id = table->id,
		.created_us = table->created_us,
		.exists_from_us = table->exists_from_us,
		.keys_from = table->keys_from,
		.recovery = { table->is_pitr_on, table->period_days, table->window_since_us } };
}

int table_document_replace(
	const struct table *table, const struct json *request, struct buffer *out, struct error *error)
{
	struct facts facts = facts_of(table);
	return build(request, NULL, &facts, out, error);
}

static bool has_same_keys(struct slice a, struct slice b)
{
	struct key_schema x, y;
	memset(&x, 0, sizeof(x));
	memset(&y, 0, sizeof(y));
	return read_schema(a, &x) && read_schema(b, &y) && !strcmp(x.partition.name, y.partition.name) &&
	       x.partition.type == y.partition.type && x.has_sort == y.has_sort &&
	       (!x.has_sort || (!strcmp(x.sort.name, y.sort.name) && x.sort.type == y.sort.type));
}

int table_document_update(const struct table *table, const struct json *document, uint64_t keys_from, int64_t now_us,
	struct buffer *out, struct error *error)
{
	struct buffer text = BUFFER_INIT;
	struct json *old = NULL;
	struct slice name;
	if (json_type(document) != JSON_OBJECT)
		return invalid(error, "a table's description is a JSON object");
	if (json_get_text(document, "TableName", &name) && !slice_equal(name, slice_of_text(table->name)))
		return invalid(error, "TableName can't be changed");
	struct facts facts = facts_of(table);
	int r = read_recovery(document, &facts.recovery, error);
	if (!r) {
		move_window(table, now_us, &facts.recovery);
		r = item_to_json(buffer_slice(&table->description), ITEM_PLAIN, ITEM_COMPACT, NULL, &text);
	}
	if (!r)
		r = json_parse(buffer_slice(&text), &json_default_limits, &old, error);
	if (!r)
		r = build(document, old, &facts, out, error);
	bool has_other_keys = !r && !has_same_keys(buffer_slice(&table->description), buffer_slice(out));
	if (has_other_keys && keys_from) {
		facts.keys_from = keys_from;
		buffer_clear(out);
		r = build(document, old, &facts, out, error);
	} else if (has_other_keys)
		r = error_set_aws(error, -EINVAL, "ValidationException",
			"the keys of %s can't be changed while it has items; make another table", table->name);
	json_free(old);
	buffer_free(&text);
	return r;
}
