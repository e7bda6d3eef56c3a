/* The store that benchmarks measure on: table `orders` (key id) of documents of 400 to 500 bytes, order-0000000.json and so on, in
 * BENCH_STORE_VERSIONS versions that differ in one attribute, each round of them in an order of its own, kept for ever. After them
 * BENCH_STORE_GONE more were put and removed. */
#ifndef PITR_TEST_BENCH_STORE_H
#define PITR_TEST_BENCH_STORE_H

#include <stdint.h>

#define BENCH_STORE_VERSIONS 10
#define BENCH_STORE_GONE 100
#define BENCH_STORE_START_US INT64_C(1735689600000000) /* 2025-01-01 */
#define BENCH_STORE_STEP_US INT64_C(10000)             /* of the shared one: 100 changes a second */

static inline uint64_t bench_store_changes(uint64_t items)
{
	return items * BENCH_STORE_VERSIONS + 2 * BENCH_STORE_GONE;
}

/* Makes it in a directory that is not there yet, with a change each step_us, and sets the clock to its end. Whatever fails ends
 * the program. */
void bench_store_make(const char *directory, uint64_t items, int64_t step_us);

#endif
