/* The stretch of a table's history that --from and --to name, as far as it can be told. Both ends are in it, whether given as times or as
 * seq-N, the number of a change. */
#ifndef PITR_TOOLS_STRETCH_H
#define PITR_TOOLS_STRETCH_H

#include "reach.h"
#include "table.h"
#include "tools/tool.h"

/* What one end means. */
struct stretch_end {
	int64_t time_us; /* as it was given, also when it lies outside of what can be told; of seq-N, that change's */
	uint64_t seq;    /* given as seq-N; 0: goes by time. seq-0 is the time before all that can be told */
};
/* For a table and its reach, or (NULL) for the whole store. -EINVAL: it means nothing there; -ENOENT: a change number that is none. */
int stretch_end_find(struct tool *tool, struct store_txn *txn, const struct table *table, const struct reach *reach,
	const char *text, struct stretch_end *ret_end, struct error *error);

struct stretch {
	struct reach reach; /* all that can be told */
	int64_t from_us,
		to_us; /* both in it; ends that were not given, or lie outside of what can be told, are those of that */
	uint64_t from_seq; /* begins with this change, whatever its time; 0: goes by time */
	uint64_t to_seq;   /* ends with this change */
	bool has_from, has_to;
};

/* `from` and `to` may be NULL. -EINVAL: no times, or in the wrong order; -ENOENT: a change number that is none. */
int stretch_find(struct tool *tool, struct store_txn *txn, const struct table *table, const char *from, const char *to,
	struct stretch *ret_stretch, struct error *error);

#endif
