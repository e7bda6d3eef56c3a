/* The stretch of a table's history that --from and --to name, as far as it can be told. */
#ifndef PITR_TOOLS_STRETCH_H
#define PITR_TOOLS_STRETCH_H

#include "reach.h"
#include "table.h"
#include "tools/tool.h"

struct stretch {
	struct reach reach; /* all that can be told */
	int64_t from_us,
		to_us; /* both in it; ends that were not given, or lie outside of what can be told, are those of that */
	uint64_t from_seq; /* begins with the state after this change, whatever its time; 0: goes by time */
	uint64_t to_seq;   /* ends with the state after this change */
	bool has_from, has_to;
};

/* `from` and `to` may be NULL. -EINVAL: no times, or in the wrong order; -ENOENT: a change number that is none. */
int stretch_find(struct tool *tool, struct store_txn *txn, const struct table *table, const char *from, const char *to,
	struct stretch *ret_stretch, struct error *error);

#endif
