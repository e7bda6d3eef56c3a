/* What became of tables, told in words: changes of the catalogue (table.h). */
#ifndef PITR_TOOLS_TABLE_EVENT_H
#define PITR_TOOLS_TABLE_EVENT_H

#include "change.h"

/* Appends a line such as "2025-03-01T12:00:00  table orders made  pitr create-table (ann)", with a newline. */
int table_event_append(const struct change *change, struct buffer *out);

#endif
