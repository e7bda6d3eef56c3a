/* What a batch is, to its two parts: batch.c gathers changes, batch_commit.c ends it. */
#ifndef PITR_BATCH_PARTS_H
#define PITR_BATCH_PARTS_H

#include "batch.h"
#include "state.h"

/* A table that was looked at; with a first_seq it was changed. */
struct touched {
	uint32_t table;
	struct table_counters counters;
	struct log_tail log;
	uint64_t first_seq; /* of this batch; 0: none yet */
	int64_t first_us;
	bool is_past;
	bool is_forgetting; /* known once the commit is noted */
};

struct batch {
	struct history *history;
	struct store_txn *txn;
	struct store_state state;
	int64_t began_us;   /* state.last_us at begin */
	int64_t writing_us; /* announced (history_note_writing); 0: nothing was */
	int64_t next_us;    /* promised to the next change without a time of its own; 0: nothing was */
	struct touched *touched;
	size_t touched_count, touched_room;
	uint64_t changes;
	bool has_notes, is_spoilt;
	struct buffer old, scratch, line;
	uint64_t author; /* whose text is in author_text; 0: nobody's */
	struct buffer author_text;
};

#endif
