/* What the parts of the check share: one table at a time, its records, and its states. */
#ifndef PITR_SUPPORT_CONSISTENCY_PARTS_H
#define PITR_SUPPORT_CONSISTENCY_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "lineage.h"
#include "log.h"
#include "state.h"
#include "store.h"
#include "table.h"

/* What the log has told about a node so far. */
struct known {
	uint64_t seq, hash, size_bytes;
	bool is_item, is_alive;
};

struct check {
	struct store_txn *txn;
	const struct table *table;
	struct table_counters counters;
	bool has_lineage;
	struct lineage lineage; /* all zero when it has none */
	uint64_t floor; /* the first state that is kept with every later one: the base, when nothing was forgotten */
	bool is_ended;  /* no state is kept but pinned ones: the table is deleted */
	bool is_swept;  /* what no state needs is gone; otherwise some of it may be left */
	uint64_t *pins; /* states that are kept besides */
	size_t pin_count;
	struct known *nodes; /* by number */
	struct log_entry at; /* the last entry replayed */
	uint64_t last_author;
	struct error *error;
};

/* -EIO, and says so. */
int check_wrong(const struct check *check, const char *what, uint64_t number);

/* Packs, index and rosters, record by record. */
int check_records(struct check *check);
int check_roster(struct check *check, uint64_t directory);

/* Every state that is kept: the pinned ones, then from the floor on as the log tells. */
int check_states(struct check *check);

/* The index of what is gone, when the log has been replayed. */
int check_gone(struct check *check);

/* From the anchor to the counters' head: every line is as long as the log says, and bound. */
int check_chain(struct check *check);

#endif
