/* What pins of tables' states have in common: which state, how large, by whom. */
#ifndef PITR_PIN_STATE_H
#define PITR_PIN_STATE_H

#include "batch.h"
#include "pin.h"
#include "snapshot.h"

/* The last change of a table, also one made within the transaction, or the one it was restored at. */
int pin_last_change(struct store_txn *txn, uint32_t table, struct log_entry *ret_entry);

/* Points the pin at a state: table, seq, time, items, bytes, and now as its making. snapshot NULL, or live: the table as
 * it is now, which no later change can be a part of any more. -ESTALE: the state is gone. */
int pin_set_state(struct batch *batch, const struct table *table, const struct snapshot *snapshot, struct pin *pin);
/* The same for a range: every state of the table's window as it is at `now_us`, and all later ones. Items and bytes are
 * those of now. */
int pin_set_window(struct batch *batch, const struct table *table, int64_t now_us, struct pin *pin);
/* Who pins; a text too long for a pin loses members at its end. */
int pin_set_author(struct store_txn *txn, uint64_t author, struct pin *pin);

/* Why a pin could not be made or found, told with what was tried. Returns the code. */
int pin_failed(int code, const char *what, const struct table *table, struct error *error);

#endif
