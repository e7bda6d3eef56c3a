/* Pins: states of tables that retention may not touch, and why. Backups, holds, restored tables that share history,
 * and the remains of deleted tables are pins.
 *
 * META "p" table seq number := byte kind | byte flags (1: a range) | varint time_us | varint created_us | varint expires_us
 *     | varint items | varint bytes | varint child | blob name | blob reason | blob author text
 * META "q" := varint the last number given, or passed over when a pin was removed */
#ifndef PITR_PIN_H
#define PITR_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

enum pin_kind {
	PIN_BACKUP = 1, /* on demand */
	PIN_SYSTEM,     /* what is kept of a deleted table, for 35 days */
	PIN_HOLD,
	PIN_CHILD, /* a restored table reads through it */
};

#define PIN_NAME_MAX 255
#define PIN_REASON_MAX 512

struct pin {
	uint64_t number; /* of the store, never used again; orders pins by their making */
	enum pin_kind kind;
	uint32_t table;
	uint64_t seq;    /* the state after this change is kept; 0: the empty table before the first */
	bool is_range;   /* and every one after it */
	int64_t time_us; /* the instant that was asked for */
	int64_t created_us;
	int64_t expires_us; /* 0: never */
	uint64_t items, bytes;
	uint32_t child; /* PIN_CHILD */
	char name[PIN_NAME_MAX + 1];
	char reason[PIN_REASON_MAX + 1];
	char author[PIN_REASON_MAX + 1];
};

/* Writes a new pin and gives it its number. Within a write transaction. */
int pin_add(struct store_txn *txn, struct pin *pin);
/* Takes a pin away, and notes that its table's history is to be swept (retention.h). -ENOENT. */
int pin_remove(struct store_txn *txn, const struct pin *pin);

/* Another one whenever a pin was added or removed. */
int pin_revision(struct store_txn *txn, uint64_t *ret_revision);

/* Walks the pins of a table in order of seq, or of all tables (table UINT32_MAX), by table then seq. Start with a zeroed
 * *place. 1 and the next pin, 0 at the end, negative. Pins past their end are told like others: until retention has taken
 * them away they hold. */
struct pin_place {
	uint32_t table;
	uint64_t seq, number;
	bool is_begun;
};
int pin_next(struct store_txn *txn, uint32_t table, struct pin_place *place, struct pin *ret_pin);

/* Is the state after this change pinned, by itself or in a range? ret_pin may be NULL. 1, 0, negative. */
int pin_covers(struct store_txn *txn, uint32_t table, uint64_t seq, struct pin *ret_pin);

#endif
