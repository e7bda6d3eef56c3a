/* What the parts of verify share: what is looked at, one table at a time, and how findings are told.
 *
 * Every part returns 0 to go on, whatever it found, and a negative errno only when nothing more can be looked at: the
 * caller has had enough, or memory or temporary files ran out. Damage is never an error here. */
#ifndef PITR_VERIFY_PARTS_H
#define PITR_VERIFY_PARTS_H

#include <stdbool.h>

#include "layout.h"
#include "lineage.h"
#include "log.h"
#include "node.h"
#include "retention_state.h"
#include "sorter.h"
#include "state.h"
#include "table.h"
#include "verify.h"

struct verify {
	struct history *history;
	struct store_txn *txn;
	const struct verify_options *options;
	struct verify_counts counts;
	struct store_state state;
	const char *directory; /* for temporary files */
	int64_t now_us;
	uint64_t done, total; /* changes, for the progress */
	struct buffer text;
};

/* One table: what it is, what is stored of it by its own records' account, and what was found of it on the way. */
struct verify_table {
	struct verify *verify;
	struct table table; /* its last description; without one only number and name are known */
	bool is_described;
	bool is_alive;
	bool is_lost;         /* too little is known of it to judge its records */
	bool has_no_counters; /* those here are made up from the last change */
	struct table_counters counters;
	struct retention_table retention;
	bool has_lineage;
	struct lineage lineage; /* all zero when it has none */
	uint64_t first;         /* the first state that is whole with all that follow it: the floor, or the base */
	bool is_ended;          /* no state is kept but pinned ones */
	bool has_pins;
	uint64_t nodes;          /* lives that began in the table itself, as its versions tell */
	struct sorter *versions; /* every version that a change after `first` made (verify_versions.c) */
	uint64_t damaged;        /* packs that could not be read */
};

/* --- telling --- */

struct verify_about {
	const struct verify_table *table; /* NULL: of the store */
	const char *part;
	uint64_t seq, number;
	struct slice encoded_key;
};
int verify_tell(struct verify *verify, struct verify_about about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A read that should have worked: -EIO, -ENOENT, -ESTALE and the like become a finding, what is no damage is returned. */
int verify_is_damage(int r);
int verify_progress(struct verify *verify, uint64_t changes);

/* --- records --- */

/* Every record of a space with a prefix, damaged ones too. */
struct verify_walk {
	struct verify *verify;
	struct store_cursor *cursor;
	struct layout_key from, prefix; /* `from`: the first, when it is not the prefix itself */
	struct slice key, value;
	bool is_begun, is_damaged; /* the record's checksum is wrong */
};
int verify_walk_begin(
	struct verify_walk *walk, struct verify *verify, enum store_space space, struct layout_key prefix);
/* 1 and walk's key and value, 0 at the end, -EIO: the space cannot be read on; other errors. */
int verify_walk_next(struct verify_walk *walk);
void verify_walk_end(struct verify_walk *walk);

/* A key that layout.h made ends in such a number. */
uint64_t verify_key_number(struct slice key, size_t offset, unsigned size);

/* --- the parts, in their order --- */

int verify_meta(struct verify *verify);
int verify_authors(struct verify *verify);
int verify_strays(struct verify *verify); /* records of tables that are not there */

int verify_one_table(struct verify *verify, uint32_t number);
int verify_versions(struct verify_table *table);
int verify_log(struct verify_table *table);
int verify_index(struct verify_table *table);
int verify_rosters(struct verify_table *table);
int verify_pins(struct verify_table *table);
int verify_states(struct verify_table *table);
int verify_sealed(struct verify *verify, const struct seal *seal);

/* A table by its number, as it was last described. `ret`'s verify is set. Negative as verify_is_damage says. */
int verify_load_table(struct verify *verify, uint32_t number, struct verify_table *ret);
void verify_unload_table(struct verify_table *table);

/* Every table that the catalogue has, or had: it forgets none. Zeroed before the first. 0, -ENOENT at the end. */
struct verify_tables {
	struct store_cursor *cursor;
	uint64_t last;
	bool is_begun;
};
int verify_next_table(struct verify_tables *tables, struct verify *verify, uint32_t *ret_number);
void verify_end_tables(struct verify_tables *tables);

#endif
