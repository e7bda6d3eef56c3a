#include <errno.h>
#include <string.h>

#include "tools/aws_settings.h"
#include "tools/verbs.h"

#define WRONG "One or more parameter values were invalid: "

/* --- What goes with what -------------------------------------------------------------------------------------------- */

static bool is_given(const struct json *request, const char *member)
{
	return json_member(request, member) != NULL;
}

static unsigned count_given(const struct json *request)
{
	static const char *const members[] = { "ProvisionedThroughput", "BillingMode", "StreamSpecification",
		"GlobalSecondaryIndexUpdates", "SSESpecification", "DeletionProtectionEnabled", "OnDemandThroughput",
		"TableClass" };
	unsigned count = 0;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		count += is_given(request, members[i]);
	return count;
}

static int check_alone(const struct json *request, struct error *error)
{
	static const struct {
		const char *member, *name;
	} alone[] = { { "SSESpecification", "Server-Side Encryption" }, { "TableClass", "TableClass" },
		{ "DeletionProtectionEnabled", "DeletionProtection" } };
	unsigned count = count_given(request);
	if (count == 0)
		return aws_invalid(error,
			"At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
			"GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
			"ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, "
			"WarmThroughput or TableClass is required");
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		if (count > 1 && is_given(request, alone[i].member))
			return aws_invalid(error, WRONG "%s modification must be the only operation in the request",
				alone[i].name);
	if (is_given(request, "OnDemandThroughput") && count > 1U + is_given(request, "BillingMode"))
		return aws_invalid(error,
			WRONG "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request");
	return 0;
}

static bool moves_indexes(const struct json *request)
{
	const struct json *updates = json_member(request, "GlobalSecondaryIndexUpdates");
	for (const struct json *update = updates ? json_first(updates) : NULL; update; update = json_next(update))
		if (is_given(update, "Create") || is_given(update, "Delete"))
			return true;
	return false;
}

static int check_together(const struct json *request, struct error *error)
{
	bool is_throughput = is_given(request, "ProvisionedThroughput");
	bool is_stream = is_given(request, "StreamSpecification");
	if (is_throughput && is_stream)
		return aws_invalid(error, WRONG "You cannot modify stream status while updating table IOPS");
	if (is_throughput && moves_indexes(request))
		return aws_invalid(error, WRONG "You cannot create or delete index while updating table IOPS");
	if (is_stream && moves_indexes(request))
		return aws_invalid(error, WRONG "You cannot create or delete index while changing stream status");
	return 0;
}

/* --- Billing and throughput ----------------------------------------------------------------------------------------- */

struct billing {
	bool was_on_demand, is_on_demand;
};

static int read_billing(struct aws_call *call, const struct settings *settings, struct billing *ret_billing)
{
	struct slice old = slice_of(NULL, 0), wanted;
	json_get_text(settings->old, "BillingMode", &old);
	ret_billing->was_on_demand = slice_equal(old, slice_of_text("PAY_PER_REQUEST"));
	ret_billing->is_on_demand = ret_billing->was_on_demand;
	if (!json_get_text(call->request, "BillingMode", &wanted))
		return 0;
	ret_billing->is_on_demand = slice_equal(wanted, slice_of_text("PAY_PER_REQUEST"));
	if (ret_billing->is_on_demand || slice_equal(wanted, slice_of_text("PROVISIONED")))
		return 0;
	return aws_invalid(call->error,
		"1 validation error detected: Value '%.*s' at 'billingMode' failed to satisfy constraint: Member must "
		"satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]",
		(int)wanted.size, (const char *)wanted.data);
}

static int check_unchanged(struct aws_call *call, const struct json *old, int64_t reads, int64_t writes)
{
	int64_t old_reads = 0, old_writes = 0;
	if (!old || !json_get_i64(old, "ReadCapacityUnits", &old_reads) ||
		!json_get_i64(old, "WriteCapacityUnits", &old_writes) || old_reads != reads || old_writes != writes)
		return 0;
	return aws_invalid(call->error,
		"The provisioned throughput for the table will not change. The requested value equals the current "
		"value. "
		"Current ReadCapacityUnits provisioned for the table: %lld. Requested ReadCapacityUnits: %lld. Current "
		"WriteCapacityUnits provisioned for the table: %lld. Requested WriteCapacityUnits: %lld.",
		(long long)reads, (long long)reads, (long long)writes, (long long)writes);
}

static int set_throughput(struct aws_call *call, struct settings *settings, const struct billing *billing)
{
	const struct json *throughput = json_member(call->request, "ProvisionedThroughput");
	int64_t reads, writes;
	if (!throughput && billing->was_on_demand && !billing->is_on_demand)
		return aws_invalid(
			call->error, WRONG "ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
	if (throughput && billing->is_on_demand)
		return aws_invalid(call->error,
			WRONG "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified "
			      "when BillingMode is PAY_PER_REQUEST");
	if (!throughput) {
		if (billing->is_on_demand && !billing->was_on_demand)
			settings_set(settings, "ProvisionedThroughput", NULL);
		return 0;
	}
	if (!json_get_i64(throughput, "ReadCapacityUnits", &reads) ||
		!json_get_i64(throughput, "WriteCapacityUnits", &writes) || reads < 1 || writes < 1)
		return aws_invalid(call->error, WRONG "ReadCapacityUnits and WriteCapacityUnits must both be specified "
						      "when BillingMode is PROVISIONED");
	settings_set(settings, "ProvisionedThroughput", throughput);
	return billing->was_on_demand
		       ? 0
		       : check_unchanged(call, json_member(settings->old, "ProvisionedThroughput"), reads, writes);
}

static const char *const maxima[] = { "MaxReadRequestUnits", "MaxWriteRequestUnits" };

static int check_maxima(struct aws_call *call, const struct json *given, const struct billing *billing)
{
	for (size_t i = 0; i < 2; i++) {
		int64_t units = 0;
		if (!is_given(given, maxima[i]))
			continue;
		if (!billing->is_on_demand)
			return aws_invalid(call->error,
				WRONG "%s for OnDemandThroughput cannot be specified when the table BillingMode is "
				      "PROVISIONED",
				maxima[i]);
		if (!json_get_i64(given, maxima[i], &units) || units < -1 || units == 0)
			return aws_invalid(call->error,
				WRONG "Requested %s for OnDemandThroughput for table is outside of valid range",
				maxima[i]);
	}
	return 0;
}

/* What is not given stays; -1 takes a maximum away. */
static int set_maxima(struct aws_call *call, struct settings *settings, const struct billing *billing)
{
	const struct json *given = json_member(call->request, "OnDemandThroughput");
	const struct json *old = json_member(settings->old, "OnDemandThroughput");
	struct buffer text = BUFFER_INIT;
	if (!given && (!old || billing->is_on_demand))
		return 0;
	int result = given ? check_maxima(call, given, billing) : 0;
	if (result < 0)
		return result;
	buffer_append_byte(&text, '{');
	for (size_t i = 0; i < 2 && billing->is_on_demand; i++) {
		int64_t units = -1;
		if (!json_get_i64(given, maxima[i], &units) && old)
			json_get_i64(old, maxima[i], &units);
		if (units > 0)
			buffer_append_format(
				&text, "%s\"%s\":%lld", text.size > 1 ? "," : "", maxima[i], (long long)units);
	}
	buffer_append_byte(&text, '}');
	if (text.size > 2)
		settings_set_text(settings, "OnDemandThroughput", buffer_slice(&text));
	else
		settings_set(settings, "OnDemandThroughput", NULL);
	buffer_free(&text);
	return 0;
}

/* Indexes of a table that is to be provisioned need a throughput each. */
static int check_index_throughput(struct aws_call *call, const struct settings *settings)
{
	const struct json *indexes = json_member(settings->old, "GlobalSecondaryIndexes");
	const struct json *updates = json_member(call->request, "GlobalSecondaryIndexUpdates");
	for (const struct json *index = indexes ? json_first(indexes) : NULL; index; index = json_next(index)) {
		struct slice name = slice_of(NULL, 0), updated;
		bool is_set = false;
		json_get_text(index, "IndexName", &name);
		for (const struct json *child = updates ? json_first(updates) : NULL; child; child = json_next(child)) {
			const struct json *update = json_member(child, "Update");
			is_set |= update && json_get_text(update, "IndexName", &updated) &&
				  slice_equal(updated, name) && is_given(update, "ProvisionedThroughput");
		}
		if (!is_set)
			return aws_invalid(call->error, WRONG "ProvisionedThroughput must be specified for index: %.*s",
				(int)name.size, (const char *)name.data);
	}
	return 0;
}

static int set_billing(struct aws_call *call, struct settings *settings)
{
	struct billing billing;
	int result = read_billing(call, settings, &billing);
	if (result == 0)
		result = set_throughput(call, settings, &billing);
	if (result == 0)
		result = set_maxima(call, settings, &billing);
	if (result == 0 && billing.was_on_demand && !billing.is_on_demand)
		result = check_index_throughput(call, settings);
	if (result < 0)
		return result;
	if (is_given(call->request, "BillingMode"))
		settings_set(settings, "BillingMode", json_member(call->request, "BillingMode"));
	if (is_given(call->request, "GlobalSecondaryIndexUpdates"))
		return settings_update_indexes(call, settings, billing.is_on_demand);
	if (billing.is_on_demand && !billing.was_on_demand)
		settings_drop_index_throughput(settings);
	return 0;
}

/* --- The others ----------------------------------------------------------------------------------------------------- */

static int set_stream(struct aws_call *call, struct settings *settings)
{
	const struct json *wanted = json_member(call->request, "StreamSpecification");
	const struct json *old = json_member(settings->old, "StreamSpecification");
	bool is_on = false, was_on = false;
	if (!wanted)
		return 0;
	if (old)
		json_get_bool(old, "StreamEnabled", &was_on);
	json_get_bool(wanted, "StreamEnabled", &is_on);
	if (is_on && !is_given(wanted, "StreamViewType"))
		return aws_invalid(call->error, WRONG "If stream is being enabled then UpdateViewType is required");
	if (!is_on && is_given(wanted, "StreamViewType"))
		return aws_invalid(
			call->error, WRONG "If stream is being disabled, then UpdateViewType must not be specified");
	if (is_on && was_on)
		return aws_invalid(call->error, "Table already has an enabled stream: TableName: %s", call->table.name);
	if (!is_on && !was_on)
		return aws_invalid(call->error, "Table has no stream to disable: TableName: %s", call->table.name);
	settings_set(settings, "StreamSpecification", is_on ? wanted : NULL);
	return 0;
}

static int set_encryption(struct aws_call *call, struct settings *settings)
{
	const struct json *wanted = json_member(call->request, "SSESpecification");
	const struct json *old = json_member(settings->old, "SSESpecification");
	bool is_on = false, was_on = false;
	if (!wanted)
		return 0;
	if (old)
		json_get_bool(old, "Enabled", &was_on);
	json_get_bool(wanted, "Enabled", &is_on);
	if (!is_on && is_given(wanted, "KMSMasterKeyId"))
		return aws_invalid(call->error, WRONG "KMSMasterKeyId can not be specified if Enabled is false");
	if (!is_on && is_given(wanted, "SSEType"))
		return aws_invalid(call->error, WRONG "SSEType can not be specified if Enabled is false");
	if (!is_on && !was_on)
		return aws_invalid(call->error, WRONG "Table is already encrypted by default");
	settings_set(settings, "SSESpecification", is_on ? wanted : NULL);
	return 0;
}

static int set_class(struct aws_call *call, struct settings *settings)
{
	struct slice class;
	if (!json_get_text(call->request, "TableClass", &class))
		return 0;
	if (!slice_equal(class, slice_of_text("STANDARD")) &&
		!slice_equal(class, slice_of_text("STANDARD_INFREQUENT_ACCESS")))
		return aws_invalid(call->error, "Invalid table-class parameter provided. Please try again with a valid "
						"table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].");
	settings_set(settings, "TableClass", json_member(call->request, "TableClass"));
	return 0;
}

static int gather(struct aws_call *call, struct settings *settings)
{
	int result = set_billing(call, settings);
	if (result == 0)
		result = set_stream(call, settings);
	if (result == 0)
		result = set_encryption(call, settings);
	if (result == 0)
		result = set_class(call, settings);
	if (result == 0 && is_given(call->request, "DeletionProtectionEnabled"))
		settings_set(
			settings, "DeletionProtectionEnabled", json_member(call->request, "DeletionProtectionEnabled"));
	return result;
}

static int update_work(struct aws_call *call)
{
	struct settings settings = { 0 };
	int result = check_alone(call->request, call->error);
	if (result == 0)
		result = check_together(call->request, call->error);
	if (result == 0)
		result = aws_table(call->txn, call->request, AWS_TO_CHANGE, &call->table, call->error);
	if (result < 0)
		return result;
	result = settings_begin(call, &settings);
	if (result == 0)
		result = gather(call, &settings);
	if (result == 0)
		result = settings_apply(call, &settings);
	if (result == 0)
		result = aws_append_table(
			call->txn, &call->table, "TableDescription", NULL, call->response, call->error);
	settings_free(&settings);
	return result;
}

static const struct aws_parameter update_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "AttributeDefinitions", "attribute-definitions", AWS_LIST, AWS_OPTIONAL },
	{ "BillingMode", "billing-mode", AWS_TEXT, AWS_OPTIONAL },
	{ "ProvisionedThroughput", "provisioned-throughput", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "OnDemandThroughput", "on-demand-throughput", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "GlobalSecondaryIndexUpdates", "global-secondary-index-updates", AWS_LIST, AWS_OPTIONAL },
	{ "StreamSpecification", "stream-specification", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "SSESpecification", "sse-specification", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "TableClass", "table-class", AWS_TEXT, AWS_OPTIONAL },
	{ "DeletionProtectionEnabled", "deletion-protection-enabled", AWS_BOOLEAN, AWS_OPTIONAL },
	{ "ReplicaUpdates", "replica-updates", AWS_LIST, AWS_REFUSED },
	{ "WarmThroughput", "warm-throughput", AWS_STRUCTURE, AWS_REFUSED },
	{ "MultiRegionConsistency", "multi-region-consistency", AWS_TEXT, AWS_REFUSED },
	{ "GlobalTableWitnessUpdates", "global-table-witness-updates", AWS_LIST, AWS_REFUSED },
	{ "GlobalTableSettingsReplicationMode", "global-table-settings-replication-mode", AWS_TEXT, AWS_REFUSED },
	{ 0 },
};

static int run_update(struct tool *tool)
{
	static const struct aws_operation operation = { "UpdateTable", update_parameters, true, .work = update_work };
	return aws_run(tool, &operation);
}

const struct verb verb_update_table = {
	.name = "update-table",
	.summary = "change a table's settings",
	.usage = "--table-name NAME [--deletion-protection-enabled] [--billing-mode MODE] ...",
	.help = "Takes the options of `aws dynamodb update-table` for billing mode, throughput, indexes, stream, "
		"encryption,\n"
		"table class and deletion protection. They are recorded, with their history, and carried over by "
		"restores as\n"
		"AWS does; indexes are not queried. Replicas are refused.\n",
	.run = run_update,
};
