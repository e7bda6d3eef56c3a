/* Stores for tests: each in a directory of its own, with items made from numbers, and calls that can be made to fail.
 * What cannot be set up ends the program. */
#ifndef PITR_SUPPORT_SCRATCH_STORE_H
#define PITR_SUPPORT_SCRATCH_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "history.h"
#include "table.h"
#include "writer.h"

/* A new directory below $TMPDIR. Freed by scratch_remove, with everything in it. */
char *scratch_directory(void);
void scratch_remove(char *directory);
/* "DIRECTORY/NAME", to be freed. */
char *scratch_path(const char *directory, const char *name);
void scratch_copy_file(const char *from, const char *to);
/* How many entries DIRECTORY/NAME has; 0 when there is none. */
unsigned scratch_count_files(const char *directory, const char *name);
/* The whole file, appended. */
void scratch_read_file(const char *path, struct buffer *out);
void scratch_write_file(const char *path, struct slice bytes);

/* As ThreadSanitizer has little address space to give. */
#define SCRATCH_MAP_BYTES (UINT64_C(1) << 30)

/* Opens DIRECTORY/store, making it first when it is not there. Without fsync. */
struct history *scratch_open(const char *directory);
/* A table with key id (S), and sort key sort (S) when asked for. */
void scratch_create_table(struct history *history, const char *name, bool has_sort, struct table *ret_table);
/* Changes its settings by a document, within a batch. */
int scratch_update_table(struct batch *batch, const struct table *table, const char *document);
void scratch_find_table(struct history *history, const char *name, struct table *ret_table);

/* The item number `key` of a table, in a version of its own; `size` bytes of text that compresses a little. Replaces what
 * `out` held. With a sort key there are 10 items in a partition. */
void scratch_item(const struct table *table, unsigned key, unsigned version, unsigned size, struct buffer *out);
/* Its encoded key. Replaces what `out` held. */
void scratch_key(const struct table *table, unsigned key, struct buffer *out);
/* The version the live table has of item number `key`; -1: none. */
int scratch_version(struct history *history, const struct table *table, unsigned key);
/* The number of changes the table has had. */
uint64_t scratch_changes(struct history *history, uint32_t table);

/* Submits version `version` of an item, or its removal when negative. Returns what writer_submit does. */
int scratch_submit(struct writer *writer, const struct table *table, unsigned key, int version, unsigned size,
	uint64_t *ret_ticket);

/* Makes calls to the store fail. `fail_at`: which one (1: the first), 0: none. */
struct fault {
	_Atomic uint64_t seen;
	_Atomic uint64_t fail_at;
	_Atomic bool is_lasting; /* all from then on, not that one alone */
	_Atomic int code;
	unsigned only; /* set of 1 << enum store_op that count; 0: all */
};
int fault_hook(void *context, enum store_op op);
void fault_arm(struct fault *fault, uint64_t fail_at, int code, bool is_lasting);

/* Ends the program with a message unless the result is 0 (or what `wanted` says). */
#define must(expression) scratch_must((expression), 0, #expression, __FILE__, __LINE__)
#define must_be(wanted, expression) scratch_must((expression), (wanted), #expression, __FILE__, __LINE__)
void scratch_must(long long result, long long wanted, const char *text, const char *file, int line);

#endif
