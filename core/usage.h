/* What tables cost: in bytes on disk, and at DynamoDB's prices. */
#ifndef PITR_USAGE_H
#define PITR_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "history.h"
#include "table.h"

#define USAGE_ITEM_OVERHEAD_BYTES 100 /* what DynamoDB adds to each item when it bills storage */

struct usage {
	uint64_t items, item_bytes; /* live, as DynamoDB counts them */
	uint64_t live_bytes;        /* stored: newest versions of living items, their share of index and rosters */
	uint64_t history_bytes;     /* stored: everything else of the table */
	uint64_t pinned_bytes;      /* of history_bytes: versions kept by pins alone, outside the window */
	uint64_t versions, lives;   /* stored by the table itself; what it shares with its source counts there */
	unsigned backups, holds, children;
};

/* Told now and then how many records were walked. */
struct usage_progress {
	void (*show)(void *context, uint64_t records);
	void *context;
};

/* Walks all of the table's records in bounded memory, holding one read transaction. Versions in one pack share its bytes
 * evenly. progress may be NULL. */
int usage_measure(struct history *history, const struct table *table, const struct usage_progress *progress,
	struct usage *ret_usage, struct error *error);

/* What the same would cost in DynamoDB, us-east-1, in dollars a month: storage (standard class), PITR, and backups on demand.
 * The prices AWS published for on-demand tables in us-east-1: storage 0.25, PITR 0.20, backups 0.10 a GB-month of 2^30 bytes;
 * 100 bytes an item are added (dynamodb.md 7.5), in `backup_bytes` by the caller. */
struct usage_price {
	double storage, pitr, backups;
};
struct usage_price usage_price(const struct usage *usage, bool is_pitr_on, uint64_t backup_bytes);

#endif
