/* Change records from outside, one a line: DynamoDB Streams, Kinesis, {"Item":...} and plain JSON lines.
 * The lines come from line_reader.h.
 *
 * The format is recognised line by line, from the object's own members:
 *   "dynamodb" and "eventName" with "recordFormat" or "tableName" -> Kinesis;  without -> Streams;
 *   exactly one member "Item" that holds DynamoDB JSON -> item;  anything else that is an object -> plain item.
 * Times: Streams in epoch seconds (fractions allowed), or ISO 8601 as the AWS command line prints it; Kinesis in
 * milliseconds, or microseconds when ApproximateCreationDateTimePrecision says MICROSECOND; items have none. */
#ifndef PITR_RECORD_H
#define PITR_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "line_reader.h"

#define RECORD_SEQUENCE_MAX 40 /* digits of a Streams sequence number */

enum record_format { RECORD_STREAMS, RECORD_KINESIS, RECORD_ITEM, RECORD_PLAIN };
enum record_op { RECORD_PUT, RECORD_REMOVE };

/* One change. The slices point into the record's own buffers and live until the next record_parse into it. */
struct record {
	enum record_format format;
	enum record_op op;
	bool has_time;
	int64_t time_us;
	char sequence[RECORD_SEQUENCE_MAX + 1]; /* digits without leading zeros; "" when the format has none */
	char event_id[65];                      /* Kinesis eventID, to drop repeated records; "" otherwise */
	bool is_ttl;                            /* a deletion by the service: userIdentity dynamodb.amazonaws.com */
	struct slice table_name; /* Kinesis tableName, or the name in a Streams eventSourceARN; or empty */
	struct slice keys;       /* canonical item of the Keys member; empty for items */
	struct slice item;       /* canonical item to put; empty for RECORD_REMOVE */
	struct buffer storage;   /* internal */
};

/* Parses one line (without its newline). 0; -EINVAL with the reason; -EFBIG; -ENOMEM. A record without NewImage whose
 * eventName is INSERT or MODIFY is an error that names the StreamViewType needed. `record` must be zeroed before its
 * first use and released with record_free. */
int record_parse(struct slice line, struct record *record, struct error *error);
void record_free(struct record *record);

/* Sequence numbers compare as numbers: <0, 0, >0. "" sorts first. */
int record_compare_sequence(const char *a, const char *b);

#endif
