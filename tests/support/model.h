/* A plain model of what a store should hold, in memory: every table that ever was, every version of every key, searched
 * from one end to the other. Slow and obvious on purpose. Changes can be taken back, as a batch that is aborted does. */
#ifndef PITR_SUPPORT_MODEL_H
#define PITR_SUPPORT_MODEL_H

#include <stdint.h>

#include "core/log.h"
#include "core/table.h"

#define MODEL_KEYS 96
#define MODEL_SORTS 12 /* keys of one partition, where there are partitions */

struct model_version {
	uint64_t seq, number;
	uint64_t birth; /* the change that began this life */
	int64_t time_us;
	bool is_removal;
	struct buffer item;
};

struct model_key {
	struct buffer encoded;
	struct model_version *versions;
	size_t count, room;
};

/* A life of a partition: from the first item in it to the last. */
struct model_life {
	uint64_t begin, end; /* end UINT64_MAX: it lives */
};

struct model_partition {
	struct buffer encoded;
	struct model_life *lives;
	size_t count, room;
	unsigned alive; /* items in it now */
};

struct model_change {
	struct log_entry entry;
	unsigned key;
};

struct model_table {
	struct table table;
	bool is_import;
	uint64_t base;                   /* of a restored table: the change it began after; else 0 */
	uint64_t base_items, base_bytes; /* what it had then */
	size_t committed;                /* changes of its own */
	int64_t begin_us, end_us;        /* instants it is seen at: begin <= t < end; end INT64_MAX: it lives */
	struct model_key keys[MODEL_KEYS];
	struct model_partition partitions[MODEL_KEYS / MODEL_SORTS];
	struct model_change *changes;
	size_t count, room;
};

struct model {
	struct model_table **tables; /* in the order they were made */
	size_t count, room;
	int64_t last_us, served_us;
	struct model_undo *undo;
	size_t undo_count, undo_room;
};

void model_free(struct model *model);

/* Takes over `table`. */
struct model_table *model_create(
	struct model *model, const struct table *table, bool is_import, int64_t begin_us, int64_t change_us);
/* A restored table: as another was after a change. */
struct model_table *model_restore(
	struct model *model, const struct table *table, const struct model_table *from, uint64_t seq, int64_t time_us);
void model_drop(struct model *model, struct model_table *table, int64_t time_us);
/* A change that was made; item.size 0: a removal. */
void model_change(struct model *model, struct model_table *table, unsigned key, struct slice encoded_key,
	struct slice item, const struct log_entry *entry);

/* Forgets what can be undone; takes back everything since then, and the last commit's time with it. */
void model_commit(struct model *model);
void model_abort(struct model *model, int64_t last_us);

/* The version of a key as of a change; NULL: none, or removed. */
const struct model_version *model_find(const struct model_table *table, unsigned key, uint64_t seq);
/* The last version, removed or not; NULL: there never was one. */
const struct model_version *model_last(const struct model_table *table, unsigned key);
/* The number of the last change at or before an instant. */
uint64_t model_seq_at(const struct model_table *table, int64_t time_us);
/* The number of its last change. */
uint64_t model_last_seq(const struct model_table *table);
/* What the log tells of it after a change; SEQ_MAX: now. */
void model_totals(const struct model_table *table, uint64_t seq, uint64_t *ret_items, uint64_t *ret_bytes);
/* The life of a partition as of a change; NULL: it did not live. */
const struct model_life *model_partition(const struct model_table *table, unsigned partition, uint64_t seq);

#endif
