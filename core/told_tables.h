/* The tables whose history can be told (reach.h): all that live, and those that have ended whose window is kept. */
#ifndef PITR_TOLD_TABLES_H
#define PITR_TOLD_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "pin.h"
#include "store.h"
#include "table.h"

/* Walks all of them, the living first, then by number. Start with a zeroed walk. 1 and the next table, which is as it was last, and when it
 * ended (TIME_NOW: it lives); 0 at the end; negative. */
struct told_walk {
	uint64_t living; /* a place of table_list */
	bool is_past_living;
	struct pin_place pins;
	uint32_t ended; /* the last that was given */
};
int told_tables_next(struct told_walk *walk, struct store_txn *txn, struct table *ret_table, int64_t *ret_ended_us);

/* The living table of a name; else, of those that had it, the last to end. -ENOENT: there is none. */
int told_tables_find(struct store_txn *txn, struct slice name, struct table *ret_table, int64_t *ret_ended_us);

#endif
