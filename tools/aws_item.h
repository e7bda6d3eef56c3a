/* What the verbs that read and write items have in common. */
#ifndef PITR_TOOLS_AWS_ITEM_H
#define PITR_TOOLS_AWS_ITEM_H

#include "snapshot.h"
#include "tools/aws.h"

/* A canonical item out of DynamoDB JSON; a key of the table's out of one, encoded. -EINVAL. */
int aws_take_item(const struct json *given, struct buffer *out, struct error *error);
int aws_take_key(const struct json *given, const struct table *table, struct buffer *out, struct error *error);
/* The key of a whole item, encoded. -EINVAL. */
int aws_key_of_item(struct slice item, const struct table *table, struct buffer *out, struct error *error);

/* The item with this key as of a snapshot, into `out`; left empty when there is none. */
int aws_read_item(struct store_txn *txn, const struct snapshot *snapshot, struct slice encoded_key, struct buffer *out,
	struct error *error);

/* Does the request's ConditionExpression hold for the item, which is empty when there is none? -ECANCELED with
 * ConditionalCheckFailedException; -EINVAL. */
int aws_check_condition(const struct json *request, struct slice item, struct error *error);

/* Appends to an object that was begun: a comma where one is needed; "MEMBER": ITEM. */
void aws_append_comma(struct buffer *response);
int aws_append_item(const char *member, struct slice item, const struct table *table, struct buffer *response);
/* ConsumedCapacity, when the request wants it. In half units, since an eventually consistent read costs half. */
void aws_append_capacity(
	const struct json *request, const struct table *table, size_t half_units, struct buffer *response);
size_t aws_write_half_units(struct slice new_item, struct slice old_item);
size_t aws_read_half_units(struct slice item, bool is_consistent);
/* Ends the object. Nothing at all is printed for a response without members. */
void aws_end_response(struct buffer *response);

#endif
