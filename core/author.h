/* Who makes changes, as one line of compact JSON that is stored once and shown wherever changes are told:
 *   {"by":"mount","user":"ann","uid":1000,"gid":1000,"group":"ann","pid":4711,"process":"rsync"}   with "reason" too
 *   {"by":"pitr","user":"ann","uid":1000,"gid":1000,"group":"ann","pid":4712,"command":"pitr put orders ...","reason":"INC-17"}
 *   {"by":"import","user":..,"source":"changes.jsonl.gz"}    with "service":"ttl" for deletions by TTL */
#ifndef PITR_AUTHOR_H
#define PITR_AUTHOR_H

#include <stdint.h>

#include "bytes.h"
#include "store.h"

struct author {
	const char *by;   /* "mount", "pitr", "import" */
	const char *user; /* name; NULL unknown. All texts are borrowed and optional but `by` */
	uint32_t uid, gid;
	const char *group; /* name */
	int32_t pid;       /* 0: left out, with uid, gid and group */
	const char *process, *command, *source, *service, *reason;
};

/* Appends the text. Invalid UTF-8 becomes U+FFFD; over-long texts (512 bytes) are cut. */
void author_format(const struct author *author, struct buffer *out);
/* The text of a stored author number, borrowed from the transaction. -ENOENT. */
int author_text(struct store_txn *txn, uint64_t number, struct slice *ret_text);

#endif
