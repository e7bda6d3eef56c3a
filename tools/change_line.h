/* A change on one line, for people:
 *   2025-03-01T09:14:11  seq-10411  modify  orders/1002.json  status: "PLACED" -> "SHIPPED" (112 B)  rsync (ann, pid 4711)
 * and below it what it changed in full, when that is wanted. */
#ifndef PITR_TOOLS_CHANGE_LINE_H
#define PITR_TOOLS_CHANGE_LINE_H

#include "change.h"
#include "tools/change_choice.h"

/* Appends the line, with a newline, coloured as the screen has it; without the item's path where it is known. */
int change_line_append(const struct table *table, const struct change *change, bool has_path, struct buffer *out);
/* The lines of the item's file that are different, as diff -u shows them. */
int change_line_append_patch(const struct table *table, const struct change *change, struct buffer *out);
/* What is different between two items, in one line; nothing between equal ones. Only at paths that are wanted; NULL: at all. */
int change_line_append_summary(
	struct slice before, struct slice after, bool (*is_wanted)(struct slice path), struct buffer *out);

/* The parts a line begins with: an instant, padded so that what follows stands below each other; and a word in its colour. */
void change_line_append_time(int64_t time_us, struct buffer *out);
void change_line_append_seq(uint64_t seq, struct buffer *out);
/* "orders/1002.json" */
int change_line_append_path(const struct table *table, struct slice encoded_key, struct buffer *out);

#endif
