/* What import.c (reading) and import_apply.c (applying) share.
 *
 *   spooled record := byte op and flags | blob encoded key | blob canonical item (empty for a removal) */
#ifndef PITR_IMPORT_PARTS_H
#define PITR_IMPORT_PARTS_H

#include "import.h"
#include "spool.h"
#include "table.h"

#define IMPORT_NO_TIME INT64_MAX /* time_us of a record without one: sorts last */
#define IMPORT_SEQUENCE_BYTES (RECORD_SEQUENCE_MAX / 2)

#define IMPORT_IS_REMOVAL 0x01u
#define IMPORT_IS_TTL 0x02u

/* One good record, in the order of the table's history once sorted. */
struct import_entry {
	int64_t time_us;
	uint64_t offset; /* in the spool: also the order of arrival */
	uint64_t line;
	uint32_t source, size;                   /* index of the source's name; bytes in the spool */
	uint8_t sequence[IMPORT_SEQUENCE_BYTES]; /* two digits a byte, right-aligned: memcmp compares */
};

/* The event identifiers seen so far, as hashes in an open table. */
struct import_seen {
	uint8_t (*slots)[16];
	size_t count, capacity;
};

struct import {
	struct history *history;
	struct import_options options;
	char table_name[256];
	bool has_table; /* table_name and schema are known */
	struct key_schema schema;
	struct spool *spool;
	struct import_entry *entries;
	size_t count, capacity;
	bool is_unordered;
	struct import_seen seen;
	char **sources;
	size_t source_count;
	struct import_counts counts;
};

/* Types of 0 in `asked` match every type. */
bool import_same_schema(const struct key_schema *asked, const struct key_schema *is);

/* 1 when it was there before, else 0 and it is now; negative errno. */
int import_seen_add(struct import_seen *seen, const char *event_id);
void import_seen_free(struct import_seen *seen);

/* Nobody but who copies into a table in progress (restore.h) writes to it. Returns -ENOENT. */
int import_refuse_restoring(const char *table, struct error *error);

#endif
