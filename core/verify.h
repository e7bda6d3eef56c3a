/* Is everything in the store as it was written? Reads all of it, and holds each part against the others.
 *
 *  - every record's checksum; that each belongs to a table, a directory, a node that there is;
 *  - the chain of each table: every line is made again from the stored versions and hashed, up to the head in the counters;
 *  - index, versions, rosters, keys that are gone, counters: each against a replay of the log, and the other way round;
 *  - the live state and a past one, as a snapshot shows them, item for item against the replay;
 *  - pins, lineages, retention's floors: each against the tables; that nothing is missing that a window, a pin or a restored table needs.
 * What is damaged is told, and it goes on. Memory is bounded: temporary files take what is more. */
#ifndef PITR_VERIFY_H
#define PITR_VERIFY_H

#include <stdint.h>

#include "error.h"
#include "history.h"
#include "seal.h"

struct verify_finding {
	const char *table;        /* its name; NULL: of the store itself */
	const char *part;         /* "change log", "chain", "versions", "index", "roster", ... */
	const char *what;         /* a sentence: which record, what is wrong, what that means for whoever reads it */
	uint64_t seq, number;     /* change and node it is about; 0: none */
	struct slice encoded_key; /* the item; empty: none or unknown */
};

struct verify_counts {
	uint64_t tables, changes, versions, items, records, bytes; /* looked at */
	uint64_t dropped; /* changes that retention has dropped, as their tables' windows allow */
	uint64_t findings;
};

struct verify_options {
	const char *table;                                                   /* only this one; NULL: all */
	const struct seal *against;                                          /* NULL: none */
	int (*finding)(void *context, const struct verify_finding *finding); /* negative ends it */
	/* What became of a table of the seal: how many of the sealed changes are there unaltered, how many were dropped. */
	int (*sealed)(void *context, const struct seal_table *table, uint64_t present, uint64_t dropped);
	int (*progress)(void *context, uint64_t done, uint64_t total); /* in changes; may be NULL */
	void *context;
};

/* 0 also when there are findings: the counts tell. Negative: it could not be done. */
int verify(struct history *history, const struct verify_options *options, struct verify_counts *ret_counts,
	struct error *error);

#endif
