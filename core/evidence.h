/* Evidence: a stretch of a table's history as plain files that speak for themselves.
 *
 *   DIR/README.txt         what this is, and how to check it with sha256sum and a few lines of any language
 *   DIR/table.json         the table's description at the end of the stretch
 *   DIR/changes.jsonl      the changes, one a line (change.h)
 *   DIR/before.jsonl       the table's state before the first of them: {"Item":..} lines by key, DynamoDB JSON
 *   DIR/after.jsonl        and after the last
 *   DIR/seal.json          {"Table","TableId","FirstSequenceNumber","LastSequenceNumber","HeadBefore","HeadAfter",...} and the store's seal
 *   DIR/manifest.sha256    the SHA-256 of each of them, for sha256sum -c
 * Equal stretches of equal stores give equal bytes, but for the seal's time. */
#ifndef PITR_EVIDENCE_H
#define PITR_EVIDENCE_H

#include <stdint.h>

#include "chain.h"
#include "error.h"
#include "history.h"
#include "table.h"

struct evidence_counts {
	uint64_t changes, before_items, after_items, bytes;
	struct chain head_before, head_after;
};

/* The states after change `from` and `to`, and what is between. The directory is made; -EEXIST: it is there and not empty. Files are synced. On failure
 * nothing is left that looks whole: the manifest comes last. */
int evidence_export(struct history *history, struct store_txn *txn, const struct table *table, uint64_t from,
	uint64_t to, const char *directory, int (*progress)(void *context, uint64_t done, uint64_t total),
	void *context, struct evidence_counts *ret_counts, struct error *error);

#endif
