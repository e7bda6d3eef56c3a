#include <errno.h>
#include <string.h>

#include "tools/aws_settings.h"

/* Global secondary indexes, which are settings that are recorded and nothing more: as they were, and what an update makes of
 * them. */

#define WRONG "One or more parameter values were invalid: "

static const struct json *find_named(const struct json *list, const char *member, struct slice name)
{
	struct slice found;
	for (const struct json *child = list ? json_first(list) : NULL; child; child = json_next(child))
		if (json_get_text(child, member, &found) && slice_equal(found, name))
			return child;
	return NULL;
}

static const struct json *find_index(const struct settings *settings, const char *kind, struct slice name)
{
	return find_named(json_member(settings->old, kind), "IndexName", name);
}

/* The action on an index of this name in the request. */
static const struct json *find_action(const struct json *updates, const char *kind, struct slice name)
{
	struct slice found;
	for (const struct json *update = json_first(updates); update; update = json_next(update)) {
		const struct json *action = json_member(update, kind);
		if (action && json_get_text(action, "IndexName", &found) && slice_equal(found, name))
			return action;
	}
	return NULL;
}

static unsigned count_actions(const struct json *updates, struct slice name)
{
	unsigned count = 0;
	struct slice found;
	for (const struct json *update = json_first(updates); update; update = json_next(update))
		for (const struct json *action = json_first(update); action; action = json_next(action))
			count += json_get_text(action, "IndexName", &found) && slice_equal(found, name);
	return count;
}

/* --- Checking ------------------------------------------------------------------------------------------------------- */

static int check_known(struct aws_call *call, const struct settings *settings, const char *verb, struct slice name)
{
	if (find_index(settings, "GlobalSecondaryIndexes", name))
		return 0;
	if (find_index(settings, "LocalSecondaryIndexes", name))
		return aws_invalid(call->error, "Cannot %s an index that is not a GlobalSecondaryIndex: %.*s", verb,
			(int)name.size, (const char *)name.data);
	return error_set_aws(call->error, -ENOENT, "ResourceNotFoundException",
		"Requested resource not found: Index: %.*s not found", (int)name.size, (const char *)name.data);
}

static bool is_defined(const struct aws_call *call, const struct settings *settings, struct slice name)
{
	return find_named(json_member(call->request, "AttributeDefinitions"), "AttributeName", name) ||
	       find_named(json_member(settings->old, "AttributeDefinitions"), "AttributeName", name);
}

static int check_throughput(
	struct aws_call *call, const struct json *action, struct slice name, bool is_on_demand, bool is_wanted)
{
	int64_t units;
	const struct json *throughput = json_member(action, "ProvisionedThroughput");
	int size = (int)name.size;
	const char *text = (const char *)name.data;
	if (throughput && is_on_demand)
		return aws_invalid(call->error,
			WRONG "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: %.*s when "
			      "BillingMode is PAY_PER_REQUEST",
			size, text);
	if (!throughput && !is_on_demand && is_wanted)
		return aws_invalid(
			call->error, WRONG "ProvisionedThroughput must be specified for index: %.*s", size, text);
	if (throughput && (!json_get_i64(throughput, "ReadCapacityUnits", &units) ||
				  !json_get_i64(throughput, "WriteCapacityUnits", &units)))
		return aws_invalid(call->error,
			WRONG "Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: %.*s", size,
			text);
	return 0;
}

static int check_create(struct aws_call *call, const struct settings *settings, const struct json *action,
	struct slice name, bool is_on_demand)
{
	const struct json *keys = json_member(action, "KeySchema");
	struct slice attribute;
	if (find_index(settings, "GlobalSecondaryIndexes", name) || find_index(settings, "LocalSecondaryIndexes", name))
		return aws_invalid(call->error, "Attempting to create an index which already exists");
	if (!keys || json_count(keys) == 0 || !json_member(action, "Projection"))
		return aws_invalid(call->error, WRONG "index %.*s needs a KeySchema and a Projection", (int)name.size,
			(const char *)name.data);
	for (const struct json *key = json_first(keys); key; key = json_next(key))
		if (!json_get_text(key, "AttributeName", &attribute) || !is_defined(call, settings, attribute))
			return aws_invalid(call->error, WRONG "AttributeDefinitions is not specified for index: %.*s",
				(int)name.size, (const char *)name.data);
	return check_throughput(call, action, name, is_on_demand, true);
}

static int check_update(
	struct aws_call *call, const struct settings *settings, const struct json *update, bool is_on_demand)
{
	static const char *const kinds[] = { "Create", "Update", "Delete" };
	const struct json *updates = json_member(call->request, "GlobalSecondaryIndexUpdates");
	const struct json *action = NULL;
	const char *kind = NULL;
	struct slice name;
	for (size_t i = 0; i < 3; i++) {
		const struct json *found = json_member(update, kinds[i]);
		if (found && action)
			return aws_invalid(call->error, WRONG "Only one global secondary index action is allowed per "
							      "GlobalSecondaryIndexUpdate object");
		kind = found ? kinds[i] : kind;
		action = found ? found : action;
	}
	if (!action)
		return aws_invalid(call->error,
			WRONG "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
			      "GlobalSecondaryIndexUpdate.Delete must not be null");
	if (!json_get_text(action, "IndexName", &name))
		return aws_invalid(call->error, WRONG "IndexName must not be null");
	if (count_actions(updates, name) > 1)
		return aws_invalid(call->error,
			WRONG "Only one global secondary index update per index is allowed simultaneously. Index: %.*s",
			(int)name.size, (const char *)name.data);
	if (strcmp(kind, "Create") == 0)
		return check_create(call, settings, action, name, is_on_demand);
	int result = check_known(call, settings, strcmp(kind, "Delete") == 0 ? "delete" : "update", name);
	return result < 0 ? result : check_throughput(call, action, name, is_on_demand, false);
}

/* --- Building ------------------------------------------------------------------------------------------------------- */

/* An object's members but one, and then another's in its place. */
static void append_with(struct buffer *out, const struct json *object, const char *name, const struct json *value)
{
	bool is_first = true;
	buffer_append_byte(out, '{');
	for (const struct json *child = json_first(object); child; child = json_next(child)) {
		if (slice_equal(json_name(child), slice_of_text(name)))
			continue;
		if (!is_first)
			buffer_append_byte(out, ',');
		is_first = false;
		json_append_string(out, json_name(child));
		buffer_append_byte(out, ':');
		json_append(out, child);
	}
	if (value) {
		buffer_append_format(out, "%s\"%s\":", is_first ? "" : ",", name);
		json_append(out, value);
	}
	buffer_append_byte(out, '}');
}

static void append_comma(struct buffer *list)
{
	if (list->size > 1)
		buffer_append_byte(list, ',');
}

static void append_old(struct buffer *list, const struct json *index, const struct json *updates, bool is_on_demand)
{
	struct slice name = slice_of(NULL, 0);
	json_get_text(index, "IndexName", &name);
	if (find_action(updates, "Delete", name))
		return;
	const struct json *update = find_action(updates, "Update", name);
	const struct json *changed = update ? json_member(update, "ProvisionedThroughput") : NULL;
	const char *member = changed ? "ProvisionedThroughput" : "OnDemandThroughput";
	if (update && !changed)
		changed = json_member(update, member);
	append_comma(list);
	if (changed)
		append_with(list, index, member, changed);
	else if (is_on_demand)
		append_with(list, index, "ProvisionedThroughput", NULL);
	else
		json_append(list, index);
}

static bool uses(const struct json *indexes, struct slice attribute)
{
	for (const struct json *index = indexes ? json_first(indexes) : NULL; index; index = json_next(index))
		if (find_named(json_member(index, "KeySchema"), "AttributeName", attribute))
			return true;
	return false;
}

/* Of the definitions, old and new, those that a key needs; the new ones go before. */
static void set_definitions(struct aws_call *call, struct settings *settings, const struct json *indexes)
{
	const struct json *given = json_member(call->request, "AttributeDefinitions");
	const struct json *sources[] = { json_member(settings->old, "AttributeDefinitions"), given };
	struct buffer list = BUFFER_INIT;
	buffer_append_byte(&list, '[');
	for (size_t i = 0; i < 2; i++)
		for (const struct json *child = sources[i] ? json_first(sources[i]) : NULL; child;
			child = json_next(child)) {
			struct slice name = slice_of(NULL, 0);
			json_get_text(child, "AttributeName", &name);
			bool is_used = find_named(json_member(settings->old, "KeySchema"), "AttributeName", name) ||
				       uses(json_member(settings->old, "LocalSecondaryIndexes"), name) ||
				       uses(indexes, name);
			if (!is_used || (i == 0 && find_named(given, "AttributeName", name)))
				continue;
			append_comma(&list);
			json_append(&list, child);
		}
	buffer_append_byte(&list, ']');
	settings_set_text(settings, "AttributeDefinitions", buffer_slice(&list));
	buffer_free(&list);
}

static int set_indexes(struct aws_call *call, struct settings *settings, struct buffer *list)
{
	struct json *indexes = NULL;
	buffer_append_byte(list, ']');
	int result = buffer_error(list);
	if (result == 0)
		result = json_parse(buffer_slice(list), &json_default_limits, &indexes, call->error);
	if (result == 0) {
		settings_set(settings, "GlobalSecondaryIndexes", json_count(indexes) > 0 ? indexes : NULL);
		set_definitions(call, settings, indexes);
	}
	json_free(indexes);
	return result;
}

int settings_update_indexes(struct aws_call *call, struct settings *settings, bool is_on_demand)
{
	const struct json *updates = json_member(call->request, "GlobalSecondaryIndexUpdates");
	const struct json *old = json_member(settings->old, "GlobalSecondaryIndexes");
	struct buffer list = BUFFER_INIT;
	int result = 0;
	if (json_count(updates) == 0)
		return aws_invalid(call->error, WRONG "List of GlobalSecondaryIndexUpdates is empty");
	for (const struct json *update = json_first(updates); update && result == 0; update = json_next(update))
		result = check_update(call, settings, update, is_on_demand);
	if (result < 0)
		return result;
	buffer_append_byte(&list, '[');
	for (const struct json *index = old ? json_first(old) : NULL; index; index = json_next(index))
		append_old(&list, index, updates, is_on_demand);
	for (const struct json *update = json_first(updates); update; update = json_next(update)) {
		const struct json *create = json_member(update, "Create");
		if (!create)
			continue;
		append_comma(&list);
		json_append(&list, create);
	}
	result = set_indexes(call, settings, &list);
	buffer_free(&list);
	return result;
}

void settings_drop_index_throughput(struct settings *settings)
{
	const struct json *indexes = json_member(settings->old, "GlobalSecondaryIndexes");
	struct buffer list = BUFFER_INIT;
	if (!indexes)
		return;
	buffer_append_byte(&list, '[');
	for (const struct json *index = json_first(indexes); index; index = json_next(index)) {
		append_comma(&list);
		append_with(&list, index, "ProvisionedThroughput", NULL);
	}
	buffer_append_byte(&list, ']');
	settings_set_text(settings, "GlobalSecondaryIndexes", buffer_slice(&list));
	buffer_free(&list);
}
