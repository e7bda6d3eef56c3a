/* What undo.c (deciding, doing), undo_choose.c (finding the changes) and undo_merge.c (attribute by attribute) share. */
#ifndef PITR_UNDO_PARTS_H
#define PITR_UNDO_PARTS_H

#include "undo.h"

/* A table's changes in a window, by number; last < first: none. */
struct undo_window {
	uint64_t first, last;
};

/* The chosen changes of one key. */
struct undo_group {
	uint64_t first_seq, last_seq;
	uint64_t foreign_seq;       /* the last of those not chosen that lie between them; 0: none */
	uint64_t steps, step_count; /* all changes of the key in the window; with UNDO_CONFLICTS_MERGE */
};

struct undo_choice;

/* Finds the chosen changes of the window and brings them together by key. */
int undo_choose(struct history *history, struct store_txn *txn, const struct table *table,
	const struct undo_options *options, const struct undo_window *window, uint64_t *ret_changes,
	struct undo_choice **ret_choice);
void undo_choice_free(struct undo_choice *choice); /* NULL is fine */
/* 1 and the next, in order of first_seq; 0 at the end; negative. */
int undo_choice_next(struct undo_choice *choice, struct undo_group *ret_group);
/* The i-th step of a group. */
int undo_choice_step(const struct undo_choice *choice, const struct undo_group *group, uint64_t i, uint64_t *ret_seq,
	bool *ret_is_chosen);

/* The item of a key as of a change, replacing what `out` held; empty: there is none. */
int undo_state(
	struct store_txn *txn, const struct table *table, struct slice encoded_key, uint64_t seq, struct buffer *out);

/* What an item differs in along a way: names of attributes, sorted. */
struct undo_attributes {
	struct buffer names;
};
/* Adds those in which two items differ. 0, -EIO, -ENOMEM. */
int undo_attributes_add(struct undo_attributes *set, struct slice from, struct slice to);
/* `now` with the attributes in `ours` as they are in `before`, replacing what `out` held. 1; 0: an attribute of
 * both sets is neither as before, or the item would be too large; negative. */
int undo_merge(struct slice before, struct slice now, const struct undo_attributes *ours,
	const struct undo_attributes *others, struct buffer *out);

#endif
