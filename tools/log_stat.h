/* How many changes there were, by author: what `pitr log --stat` shows. Authors are told apart as author_label.h words them. */
#ifndef PITR_TOOLS_LOG_STAT_H
#define PITR_TOOLS_LOG_STAT_H

#include "author_label.h"
#include "change.h"

/* Beyond so many authors, the rest is counted as one. */
#define LOG_STAT_AUTHORS 200
#define LOG_STAT_KNOWN 64

struct log_stat_row {
	char author[AUTHOR_LABEL_MAX];
	uint64_t inserts, modifications, removals;
	int64_t growth_bytes;
	int64_t first_us, last_us;
};

struct log_stat {
	struct log_stat_row rows[LOG_STAT_AUTHORS + 1];
	size_t count;
	struct log_stat_row sum;
	struct {
		uint64_t number; /* plus one; 0: none */
		size_t row;
	} known[LOG_STAT_KNOWN];
};

void log_stat_add(struct log_stat *stat, const struct change *change);
/* The table for people, or an object for each author, those with the most changes first. */
void log_stat_append(struct log_stat *stat, bool is_json, struct buffer *out);

#endif
