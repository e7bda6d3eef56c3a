/* A table as of one change: find an item, list a directory, read contents. The live table is the snapshot as of
 * SEQ_MAX.
 * Nothing here holds a transaction between calls; places in listings are slots (roster.h), stable for ever.
 * A past state that retention has dropped meanwhile is -ESTALE, never a part of what it was. */
#ifndef PITR_SNAPSHOT_H
#define PITR_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "history.h"
#include "instant.h"
#include "key.h"
#include "name.h"
#include "node.h"
#include "roster.h"
#include "table.h"

struct snapshot {
	uint32_t table;
	uint64_t seq;    /* SEQ_MAX: live */
	int64_t time_us; /* the instant asked for; TIME_NOW: live */
};

struct snapshot snapshot_live(uint32_t table);

/* A pinned state (pin.h). */
struct pin;
struct snapshot snapshot_of_pin(const struct pin *pin);

/* What an instant means for a table: 0 and the snapshot, its time being the instant asked for (for seq-N and
 * latest: the
 * time of that change). An instant outside the window that a hold keeps can be seen too. -ENOENT with a message that tells the window: before it, in the future, no such change.
 * Promises
 * the instant (history_serve), and may move `txn` on to the present for that (history_settle). */
int snapshot_resolve(struct history *history, struct store_txn *txn, const struct table *table,
	const struct instant *instant, struct snapshot *ret_snapshot, struct error *error);
/* The instant itself, for the whole store: latest is the store's last commit, earliest its first table's beginning. seq
 * is refused (-ENOENT: change numbers belong to tables). */
int snapshot_resolve_store(struct history *history, struct store_txn *txn, const struct instant *instant,
	int64_t *ret_time_us, struct error *error);

/* By encoded key (a whole key, or a partition part for the partition of a table with sort key). -ENOENT, -EIO. */
int snapshot_find(
	struct store_txn *txn, const struct snapshot *snapshot, struct slice encoded_key, struct node *ret_node);
/* By node number. -ENOENT when it did not live then. */
int snapshot_node(struct store_txn *txn, const struct snapshot *snapshot, uint64_t number, struct node *ret_node);
/* By file name within a directory (0: the table). `table` gives the key schema. -ENOENT; -EINVAL: such a name
 * cannot be. */
int snapshot_find_name(struct store_txn *txn, const struct snapshot *snapshot, const struct table *table,
	uint64_t directory, struct slice name, struct node *ret_node, struct error *error);
/* The encoded key a file name stands for within a directory, existing or not (for writing). Appended to `out`.
 * `partition`: encoded partition part when inside a partition (existing or not), else empty. -EINVAL with the
 * reason and
 * the right spelling; -ENOENT for a cut name that is not known. */
int snapshot_key_of_name(struct store_txn *txn, const struct table *table, struct slice partition, struct slice name,
	struct buffer *out, struct error *error);
/* The encoded key behind a cut name's hash in one directory. `partition`: the encoded part of the directory's key, empty for the table
 * itself. Appended to `out`. -ENOENT. */
int snapshot_long_name(struct store_txn *txn, uint32_t table, uint64_t directory, struct slice partition,
	const uint8_t hash[NAME_HASH_BYTES], struct buffer *out);
/* File name of a node; returns its length (ret_name: FILE_NAME_MAX + 1 bytes). Negative on damage. */
int snapshot_name(const struct table *table, const struct node *node, char *ret_name);

/* The canonical item at the snapshot, replacing what `out` held. */
int snapshot_content(struct store_txn *txn, const struct snapshot *snapshot, uint64_t number, struct buffer *out);
/* By encoded key, both: what was found, and its item. One look-up less than each on its own. -ENOENT also for a partition. */
int snapshot_read(struct store_txn *txn, const struct snapshot *snapshot, struct slice encoded_key,
	struct node *ret_node, struct buffer *out);

/* Lists a directory from `slot` on. 1 and the next node (node.slot + 1 is where to go on), 0 at the end, negative.
 * A damaged node is returned with version.seq 0 and kind 0 rather than ending the listing. */
struct snapshot_walk {
	struct snapshot snapshot;
	struct roster_walk roster;
	struct node_reader nodes;
	struct node_place place; /* of the node last given; pack.size 0: it is damaged */
};
int snapshot_walk_begin(struct snapshot_walk *walk, struct store_txn *txn, const struct snapshot *snapshot,
	uint64_t directory, uint64_t slot);
int snapshot_walk_next(struct snapshot_walk *walk, struct node *ret_node);
/* The canonical item of the node last given, replacing what `out` held, without looking it up. -ENOENT for a partition; -EIO. */
int snapshot_walk_content(const struct snapshot_walk *walk, struct buffer *out);
void snapshot_walk_end(struct snapshot_walk *walk);

/* Items and bytes of the table at the snapshot. */
int snapshot_statistics(
	struct store_txn *txn, const struct snapshot *snapshot, uint64_t *ret_items, uint64_t *ret_bytes);

#endif
