/* Changing a table's settings: a document in the shape of DescribeTable's is gathered member by member, for
 * table_update. */
#ifndef PITR_TOOLS_AWS_SETTINGS_H
#define PITR_TOOLS_AWS_SETTINGS_H

#include "tools/aws.h"

struct settings {
	struct json *old;       /* as they are: the stored description as plain JSON */
	struct buffer document; /* what changes, without the last brace */
};
int settings_begin(struct aws_call *call, struct settings *ret_settings);
void settings_free(struct settings *settings);
/* A member's new value; NULL takes the setting away. */
void settings_set(struct settings *settings, const char *name, const struct json *value);
void settings_set_text(struct settings *settings, const char *name, struct slice json);
/* Changes the call's table, and reads it anew. */
int settings_apply(struct aws_call *call, struct settings *settings);

/* GlobalSecondaryIndexUpdates of a request: sets GlobalSecondaryIndexes and AttributeDefinitions. `is_on_demand`: what the
 * table will be. */
int settings_update_indexes(struct aws_call *call, struct settings *settings, bool is_on_demand);
/* The indexes as they are, without throughput, which on demand has none. */
void settings_drop_index_throughput(struct settings *settings);

#endif
