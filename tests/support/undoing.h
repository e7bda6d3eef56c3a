/* Histories to undo: changes by users at seconds of a clock that is set, and undos that are planned, done, and must agree. */
#ifndef PITR_SUPPORT_UNDOING_H
#define PITR_SUPPORT_UNDOING_H

#include "core/clock.h"
#include "core/undo.h"
#include "fixture.h"

#define UNDOING_START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */
#define UNDOING_AT(seconds) (UNDOING_START + (seconds)*SECOND_US)

/* The number of the author {"by":"test","user":user}. */
uint64_t undoing_author(struct batch *batch, const char *user);
/* A change at a second, by a user. `text` is the item, or, with a '-' in front, its key. Its number; 0: nothing changed. */
uint64_t undoing_change(struct fixture *f, const struct table *table, int second, const char *user, const char *text);
/* Plans an undo and does it, by the user `undo`. into NULL: in the table itself. */
struct undo_counts undoing_do_into(
	struct fixture *f, const struct table *table, const struct table *into, const struct undo_options *options);
struct undo_counts undoing_do(struct fixture *f, const struct table *table, const struct undo_options *options);
struct expression *undoing_parse(const char *text);

#endif
