/* The changes of one table, or of all that can be told, by time; with the catalogue's, which say what became of the tables. */
#ifndef PITR_TOOLS_LOG_SOURCES_H
#define PITR_TOOLS_LOG_SOURCES_H

#include "tools/change_choice.h"

struct log_source {
	struct table table;
	struct reach reach;
	struct change_filter filter;
	struct change_walk *walk;
	const struct change *change; /* the next one; NULL: no more */
	bool is_catalogue;
};

struct log_sources {
	struct store_txn *txn;
	bool is_newest_first;
	struct log_source *of;
	size_t count;
	struct log_source *last; /* whose change was given last */
	uint32_t only;           /* the events of this table; UINT32_MAX: of all */
	struct buffer name;      /* its key in the catalogue */
};

/* table NULL: all tables; else only what became of that one. The catalogue's events are left out where the choice is of items, or `has_events` is false. */
int log_sources_open(struct tool *tool, struct store_txn *txn, const struct table *table,
	const struct change_choice *choice, bool is_newest_first, bool has_events, struct log_sources *ret_sources,
	struct error *error);
/* 1 and the source whose `change` is next; 0 at the end; negative. */
int log_sources_next(struct log_sources *sources, struct log_source **ret_source, struct error *error);
/* How many changes could not be read whole, and the table and number of one of them. */
uint64_t log_sources_damaged(const struct log_sources *sources, const struct table **ret_table, uint64_t *ret_seq);
void log_sources_close(struct log_sources *sources);

#endif
