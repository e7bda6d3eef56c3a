/* What the two verbs that restore have in common: a new table out of a source that was found while reading. */
#ifndef PITR_TOOLS_AWS_RESTORE_H
#define PITR_TOOLS_AWS_RESTORE_H

#include "restore.h"
#include "tools/aws.h"

/* Options of both, in a table of parameters. */
#define AWS_RESTORE_OVERRIDES                                                                                          \
	{ "BillingModeOverride", "billing-mode-override", AWS_TEXT, AWS_OPTIONAL },                                    \
		{ "ProvisionedThroughputOverride", "provisioned-throughput-override", AWS_STRUCTURE, AWS_OPTIONAL },   \
		{ "OnDemandThroughputOverride", "on-demand-throughput-override", AWS_STRUCTURE, AWS_OPTIONAL },        \
		{ "GlobalSecondaryIndexOverride", "global-secondary-index-override", AWS_LIST, AWS_OPTIONAL },         \
		{ "LocalSecondaryIndexOverride", "local-secondary-index-override", AWS_LIST, AWS_OPTIONAL },           \
	{                                                                                                              \
		"SSESpecificationOverride", "sse-specification-override", AWS_STRUCTURE, AWS_OPTIONAL                  \
	}

/* The form of TargetTableName. -EINVAL with ValidationException. */
int aws_check_target(const struct json *request, struct error *error);

/* Finds the source with `find`, whose call->more is a struct restore_source to fill, then restores it. */
int aws_restore(
	struct tool *tool, const struct json *request, struct buffer *response, struct error *error, aws_work find);

#endif
