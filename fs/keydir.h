/* What directories of keys below "@/" have in common: of all keys that can be told of, and of those that are gone. */
#ifndef PITR_FS_KEYDIR_H
#define PITR_FS_KEYDIR_H

#include "attree.h"
#include "reach.h"

struct mount;

/* A view's table as it is now, and what of it can be told. */
struct told {
	struct table table;
	struct reach reach;
	int64_t last_us; /* its last change */
};
int keydir_begin(struct mount *mount, struct store_txn *txn, const struct view *view, struct told *ret_told);
void keydir_end(struct told *told); /* also after a failure */

/* The directory of a table, or of a partition without a time of its own. */
void keydir_node(const struct told *told, struct branch_node *ret_node);
/* Something of both numbers, for branch_node.salt. */
uint16_t keydir_salt(uint64_t one, uint64_t other);
/* The file name of a key: with the suffix when it is an item's. False: it has none. */
bool keydir_name(const struct told *told, enum node_kind kind, struct slice encoded_key, char *ret_name);

/* The size of a version's file as this mount shows it. */
uint64_t keydir_size(const struct mount *mount, const struct version *version);
/* Appends a part of what a node was after a change. */
int keydir_read(struct mount *mount, struct store_txn *txn, const struct view *view, uint64_t number, uint64_t seq,
	uint64_t offset, size_t size, struct buffer *out);

#endif
