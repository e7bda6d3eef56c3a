/* A change in full: when, who, what was before and after; and its line of text, which is what changes/ shows, what evidence
 * exports and what the chain (chain.h) binds.
 *
 * The line is a DynamoDB Streams record (NEW_AND_OLD_IMAGES) without spaces, with members in this order:
 *   {"eventID":"<16 digits of the TableId><16 hex digits of seq>","eventName":"INSERT|MODIFY|REMOVE","eventVersion":"1.1",
 *    "eventSource":"aws:dynamodb","awsRegion":"local","dynamodb":{"ApproximateCreationDateTime":1740833231.25,
 *    "Keys":{..},"NewImage":{..},"OldImage":{..},"SequenceNumber":"<seq, 21 digits>","SizeBytes":112,
 *    "StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"<the table's ARN>/stream/<its creation as an instant>",
 *    "userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},     (deletions by TTL only)
 *    "author":{..}}
 * Images are DynamoDB JSON, key attributes first, the rest by name. The text of a change is the same for ever: its length is stored
 * (log.h) and its hash is bound. Changing this form needs another STORE_FORMAT. */
#ifndef PITR_CHANGE_H
#define PITR_CHANGE_H

#include "log.h"
#include "store.h"
#include "table.h"

/* Borrowed. Empty slices: not there. */
struct change {
	struct log_entry entry;
	struct slice encoded_key;
	struct slice before, after;      /* canonical items */
	size_t image_bytes;              /* of both as DynamoDB counts them; 0: not counted yet */
	struct slice author;             /* author.h; empty when it is not known any more */
	const struct key_schema *schema; /* the table's keys at that time; NULL: those it has */
};

/* Reads changes, keeping what they borrow until the next. Zeroed before its first use. */
struct change_reader {
	struct change change;
	struct buffer before, after;
	struct key_schema schema; /* of this table's changes from `from` up to `end` */
	uint32_t table;
	uint64_t from, end;
};

/* The change of a log entry. -EIO: a version it tells of is missing or damaged; then what could be read is there. -ESTALE: retention
 * has dropped a state it needs. */
int change_read(struct change_reader *reader, struct store_txn *txn, uint32_t table, const struct log_entry *entry);
void change_reader_free(struct change_reader *reader);

/* Its line, without a newline, appended. */
int change_append_line(const struct table *table, const struct change *change, struct buffer *out);

/* "INSERT", "MODIFY", "REMOVE". */
const char *change_op_name(enum change_op op);

#endif
