/* A store for tests of verify: the varied one (varied_store.h), with all its records as they are and as they were, so that a test can
 * spoil some and put them back. There is one in a program, and every test leaves it sound. */
#ifndef PITR_SUPPORT_VERIFIED_STORE_H
#define PITR_SUPPORT_VERIFIED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/seal.h"
#include "core/store.h"
#include "core/verify.h"
#include "tests/support/fixture.h"

struct record {
	enum store_space space;
	struct buffer key, value;
};

struct records {
	struct record *all;
	size_t count, room;
};

extern struct fixture verified;
extern struct records verified_now, verified_earlier;
extern struct seal verified_earlier_seal;

/* For cmocka_run_group_tests. */
int verified_store_make(void **state);
int verified_store_end(void **state);

struct seal verified_store_seal(void);

/* What verify tells. */
struct told {
	struct verify_counts counts;
	char first[600], parts[400];
	bool is_shown;
	uint64_t present, dropped, sealed; /* of the seal: changes, and tables */
};

/* `table` NULL: all. `is_shown`: findings are printed. */
struct told verified_look(const char *table, bool is_shown);
struct told verified_look_against(const struct seal *seal, const char *table, bool is_shown);
void assert_sound(void);

/* The table whose record it is; others are the catalogue's. */
uint32_t verified_table_of(const struct record *record);

/* For writing past what the library would write. */
struct store_txn *verified_begin(void);
void verified_put(struct store_txn *txn, const struct record *record, const struct buffer *value);

#endif
