#include "restore_document.h"

#include <errno.h>
#include <string.h>

#include "item_json.h"
#include "item_map.h"

struct maker {
	const struct json *source, *overrides;
	bool is_provisioned;
	struct buffer text;
	struct error *error;
};

static int invalid(struct error *error, const char *message)
{
	return error_set_aws(error, -EINVAL, "ValidationException", "%s", message);
}

static const struct json *given(const struct json *object, const char *name)
{
	const struct json *member = object ? json_member(object, name) : NULL;
	return member && json_type(member) != JSON_NULL ? member : NULL;
}

static bool is_text(const struct json *object, const char *name, const char *text)
{
	struct slice value;
	return object && json_get_text(object, name, &value) && slice_equal(value, slice_of_text(text));
}

static void append(struct maker *maker, const char *name, const struct json *value)
{
	if (!value)
		return;
	buffer_append_format(&maker->text, ",\"%s\":", name);
	json_append(&maker->text, value);
}

/* --- billing and throughput --- */

static int choose_billing(struct maker *maker)
{
	const struct json *override = given(maker->overrides, "BillingModeOverride");
	const struct json *source = maker->source;
	maker->is_provisioned = !is_text(source, "BillingMode", "PAY_PER_REQUEST") &&
				!is_text(json_member(source, "BillingModeSummary"), "BillingMode", "PAY_PER_REQUEST");
	if (override) {
		maker->is_provisioned = is_text(maker->overrides, "BillingModeOverride", "PROVISIONED");
		if (!maker->is_provisioned && !is_text(maker->overrides, "BillingModeOverride", "PAY_PER_REQUEST"))
			return error_set_aws(maker->error, -EINVAL, "ValidationException",
				"1 validation error detected: Value '%.*s' at 'billingModeOverride' failed to satisfy "
				"constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]",
				json_text(override).size < 100 ? (int)json_text(override).size : 100,
				(const char *)json_text(override).data);
	}
	bool has_throughput = given(maker->overrides, "ProvisionedThroughputOverride");
	if (has_throughput && !maker->is_provisioned)
		return invalid(maker->error, "Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED");
	if (override && maker->is_provisioned && !has_throughput)
		return invalid(maker->error,
			"Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED");
	if (maker->is_provisioned && given(maker->overrides, "OnDemandThroughputOverride"))
		return invalid(
			maker->error, "Cannot override OnDemandThroughput unless BillingMode is PAY_PER_REQUEST");
	return 0;
}

/* Of a table or of an index, whichever of the two the billing mode has. */
static void append_throughput(struct maker *maker, const struct json *override, const struct json *source)
{
	const char *name = maker->is_provisioned ? "ProvisionedThroughput" : "OnDemandThroughput";
	append(maker, name, override ? override : given(source, name));
}

/* --- indexes --- */

static bool has_same_elements(const struct json *a, const struct json *b)
{
	if (json_count(a) != json_count(b))
		return false;
	for (const struct json *x = json_first(a); x; x = json_next(x)) {
		const struct json *y = json_first(b);
		while (y && !slice_equal(json_text(x), json_text(y)))
			y = json_next(y);
		if (!y)
			return false;
	}
	return true;
}

static bool has_same_member(const struct json *a, const struct json *b, const char *name)
{
	struct slice x = { 0 }, y = { 0 };
	json_get_text(a, name, &x);
	json_get_text(b, name, &y);
	return slice_equal(x, y);
}

static bool is_same_index(const struct json *a, const struct json *b)
{
	const struct json *keys_a = given(a, "KeySchema"), *keys_b = given(b, "KeySchema");
	const struct json *shown_a = given(a, "Projection"), *shown_b = given(b, "Projection");
	if (!keys_a || !keys_b || !shown_a || !shown_b || json_count(keys_a) != json_count(keys_b))
		return false;
	const struct json *x = json_first(keys_a), *y = json_first(keys_b);
	for (; x && y; x = json_next(x), y = json_next(y))
		if (!has_same_member(x, y, "AttributeName") || !has_same_member(x, y, "KeyType"))
			return false;
	const struct json *names_a = given(shown_a, "NonKeyAttributes"), *names_b = given(shown_b, "NonKeyAttributes");
	if (!names_a || !names_b)
		return !names_a == !names_b && has_same_member(shown_a, shown_b, "ProjectionType");
	return has_same_member(shown_a, shown_b, "ProjectionType") && has_same_elements(names_a, names_b);
}

static void append_index(struct maker *maker, const struct json *index, const struct json *source)
{
	buffer_append_text(&maker->text, "{\"IndexName\":");
	json_append_string(&maker->text, json_text(json_member(index, "IndexName")));
	append(maker, "KeySchema", given(source, "KeySchema"));
	append(maker, "Projection", given(source, "Projection"));
	append_throughput(
		maker, given(index, maker->is_provisioned ? "ProvisionedThroughput" : "OnDemandThroughput"), source);
	buffer_append_byte(&maker->text, '}');
}

static int check_override(struct maker *maker, const struct json *list, const struct json *index)
{
	struct slice name;
	if (!json_get_text(index, "IndexName", &name))
		return invalid(maker->error, "IndexName is required for each index of an override");
	if (given(index, "WarmThroughput"))
		return invalid(maker->error, "WarmThroughput can't be given for an index of an override");
	for (const struct json *other = json_first(list); other != index; other = json_next(other))
		if (has_same_member(other, index, "IndexName"))
			return error_set_aws(maker->error, -EINVAL, "ValidationException",
				"One or more parameter values were invalid: Duplicate index name: %.*s",
				name.size < 255 ? (int)name.size : 255, (const char *)name.data);
	return 0;
}

static int append_overridden(struct maker *maker, const struct json *list, const struct json *sources)
{
	for (const struct json *index = json_first(list); index; index = json_next(index)) {
		int r = check_override(maker, list, index);
		if (r)
			return r;
		const struct json *source = sources ? json_first(sources) : NULL;
		while (source && !is_same_index(index, source))
			source = json_next(source);
		struct slice name = json_text(json_member(index, "IndexName"));
		if (!source)
			return error_set_aws(maker->error, -EINVAL, "ValidationException",
				"Index %.*s does not match a secondary index that existed in the source table and "
				"cannot be created during the restore operation",
				name.size < 255 ? (int)name.size : 255, (const char *)name.data);
		if (index != json_first(list))
			buffer_append_byte(&maker->text, ',');
		append_index(maker, index, source);
	}
	return 0;
}

static int append_indexes(struct maker *maker, const char *name, const char *override_name)
{
	const struct json *override = given(maker->overrides, override_name), *sources = given(maker->source, name);
	const struct json *list = override ? override : sources;
	if (!list || (json_type(list) == JSON_ARRAY && json_count(list) == 0))
		return 0;
	if (json_type(list) != JSON_ARRAY)
		return error_set_aws(
			maker->error, -EINVAL, "ValidationException", "%s is a list", override ? override_name : name);
	buffer_append_format(&maker->text, ",\"%s\":[", name);
	int r = 0;
	if (override)
		r = append_overridden(maker, override, sources);
	for (const struct json *index = override ? NULL : json_first(list); index && !r; index = json_next(index)) {
		if (!json_member(index, "IndexName"))
			r = invalid(maker->error, "IndexName is required for each index");
		if (index != json_first(list))
			buffer_append_byte(&maker->text, ',');
		append_index(maker, index, index);
	}
	buffer_append_byte(&maker->text, ']');
	return r;
}

/* --- attribute definitions --- */

static bool has_key(const struct json *owner, struct slice attribute)
{
	const struct json *keys = given(owner, "KeySchema");
	for (const struct json *key = keys ? json_first(keys) : NULL; key; key = json_next(key)) {
		struct slice name;
		if (json_get_text(key, "AttributeName", &name) && slice_equal(name, attribute))
			return true;
	}
	return false;
}

static bool has_index_key(struct maker *maker, const char *name, const char *override_name, struct slice attribute)
{
	const struct json *override = given(maker->overrides, override_name);
	const struct json *list = override ? override : given(maker->source, name);
	for (const struct json *index = list ? json_first(list) : NULL; index; index = json_next(index))
		if (has_key(index, attribute))
			return true;
	return false;
}

/* Those that are left in a key: an index that is not restored takes its own along. */
static void append_definitions(struct maker *maker)
{
	const struct json *list = given(maker->source, "AttributeDefinitions");
	bool is_first = true;
	buffer_append_text(&maker->text, ",\"AttributeDefinitions\":[");
	for (const struct json *one = list ? json_first(list) : NULL; one; one = json_next(one)) {
		struct slice name;
		if (!json_get_text(one, "AttributeName", &name) ||
			(!has_key(maker->source, name) &&
				!has_index_key(maker, "GlobalSecondaryIndexes", "GlobalSecondaryIndexOverride", name) &&
				!has_index_key(maker, "LocalSecondaryIndexes", "LocalSecondaryIndexOverride", name)))
			continue;
		if (!is_first)
			buffer_append_byte(&maker->text, ',');
		is_first = false;
		json_append(&maker->text, one);
	}
	buffer_append_byte(&maker->text, ']');
}

/* --- encryption --- */

static void append_encryption(struct maker *maker)
{
	const struct json *specification = given(maker->overrides, "SSESpecificationOverride");
	const struct json *described = given(maker->source, "SSEDescription");
	struct slice key;
	if (!specification)
		specification = given(maker->source, "SSESpecification");
	append(maker, "SSESpecification", specification);
	if (specification || !described)
		return;
	buffer_append_text(&maker->text, ",\"SSESpecification\":{\"Enabled\":true,\"SSEType\":\"KMS\"");
	if (json_get_text(described, "KMSMasterKeyArn", &key)) {
		buffer_append_text(&maker->text, ",\"KMSMasterKeyId\":");
		json_append_string(&maker->text, key);
	}
	buffer_append_byte(&maker->text, '}');
}

/* --- the whole request --- */

static int make(struct maker *maker, struct slice target)
{
	buffer_append_text(&maker->text, "{\"TableName\":");
	json_append_string(&maker->text, target);
	append(maker, "KeySchema", given(maker->source, "KeySchema"));
	append_definitions(maker);
	int r = choose_billing(maker);
	if (r)
		return r;
	buffer_append_format(
		&maker->text, ",\"BillingMode\":\"%s\"", maker->is_provisioned ? "PROVISIONED" : "PAY_PER_REQUEST");
	append_throughput(maker,
		given(maker->overrides,
			maker->is_provisioned ? "ProvisionedThroughputOverride" : "OnDemandThroughputOverride"),
		maker->source);
	r = append_indexes(maker, "GlobalSecondaryIndexes", "GlobalSecondaryIndexOverride");
	if (!r)
		r = append_indexes(maker, "LocalSecondaryIndexes", "LocalSecondaryIndexOverride");
	append_encryption(maker);
	buffer_append_byte(&maker->text, '}');
	return r ? r : buffer_error(&maker->text);
}

int restore_request(const struct json *source, const struct json *overrides, struct slice target,
	struct json **ret_request, struct error *error)
{
	struct maker maker = { .source = source, .overrides = overrides, .error = error };
	if (json_type(source) != JSON_OBJECT)
		return invalid(error, "a table's description is a JSON object");
	int r = make(&maker, target);
	if (!r)
		r = json_parse(buffer_slice(&maker.text), &json_default_limits, ret_request, error);
	buffer_free(&maker.text);
	return r;
}

int restore_request_like(const struct table *like, const struct json *overrides, struct slice target,
	struct json **ret_request, struct error *error)
{
	struct buffer text = BUFFER_INIT;
	struct json *source = NULL;
	int r = item_to_json(buffer_slice(&like->description), ITEM_PLAIN, ITEM_COMPACT, NULL, &text);
	if (!r)
		r = json_parse(buffer_slice(&text), &json_default_limits, &source, error);
	if (!r)
		r = restore_request(source, overrides, target, ret_request, error);
	json_free(source);
	buffer_free(&text);
	return r;
}

/* --- the record --- */

int restore_record_read(struct slice description, struct restore_progress *ret_record)
{
	struct slice restore;
	char way[8] = "";
	struct value value;
	*ret_record = (struct restore_progress){ .expected = -1 };
	if (!item_map(description, "Restore", &restore))
		return -ENOENT;
	ret_record->is_in_progress = item_flag(restore, "InProgress");
	ret_record->is_shared = item_text(restore, "Way", way, sizeof(way)) && !strcmp(way, "share");
	item_text(restore, "SourceTable", ret_record->source, sizeof(ret_record->source));
	item_text(restore, "SourceTableId", ret_record->source_id, sizeof(ret_record->source_id));
	ret_record->source_number = (uint32_t)item_number(restore, "SourceTableNumber");
	ret_record->instant_us = item_number(restore, "InstantUs");
	ret_record->seq = (uint64_t)item_number(restore, "SourceSeq");
	item_text(restore, "BackupArn", ret_record->backup_arn, sizeof(ret_record->backup_arn));
	if (item_attribute(restore, slice_of_text("ExpectedItems"), &value))
		ret_record->expected = item_number(restore, "ExpectedItems");
	ret_record->items = (uint64_t)item_number(restore, "Items");
	ret_record->started_us = item_number(restore, "StartedUs");
	return 0;
}

int restore_record_write(struct slice description, const struct restore_progress *record, struct buffer *out)
{
	struct map map = map_begin();
	struct buffer whole = BUFFER_INIT;
	map_set_text(&map, "Way", record->is_shared ? "share" : "copy");
	if (record->source[0])
		map_set_text(&map, "SourceTable", record->source);
	if (record->source_id[0])
		map_set_text(&map, "SourceTableId", record->source_id);
	if (record->source_number)
		map_set_number(&map, "SourceTableNumber", record->source_number);
	if (record->instant_us)
		map_set_number(&map, "InstantUs", record->instant_us);
	if (record->seq)
		map_set_number(&map, "SourceSeq", (int64_t)record->seq);
	if (record->backup_arn[0])
		map_set_text(&map, "BackupArn", record->backup_arn);
	if (record->expected >= 0)
		map_set_number(&map, "ExpectedItems", record->expected);
	if (!record->is_in_progress)
		map_set_number(&map, "Items", (int64_t)record->items);
	map_set_number(&map, "StartedUs", record->started_us);
	map_set_flag(&map, "InProgress", record->is_in_progress);
	int r = map_end(&map, &whole);
	if (!r)
		r = buffer_error(&whole);
	if (!r)
		r = item_with_attribute(description, slice_of_text("Restore"), buffer_slice(&whole), out);
	buffer_free(&whole);
	return r;
}
