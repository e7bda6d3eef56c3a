/* What benchmarks measure, in one form: a line of JSON for each measure in the file that BENCH_RESULTS names, from which
 * tests/bench/report.sh makes the table, the JSON document and the chart. tests/support/bench.bash is the same for scripts. */
#ifndef PITR_TEST_BENCH_H
#define PITR_TEST_BENCH_H

#include <stdbool.h>
#include <stdint.h>

enum bench_bound {
	BENCH_AT_MOST,  /* of costs: ours / rival's is to be `limit` or less */
	BENCH_AT_LEAST, /* of rates: ours / rival's is to be `limit` or more */
};

struct bench_measure {
	const char *group;   /* files, copies, core, store, mount: a chapter of the table */
	const char *measure; /* "grep -r, flat, first, -o ro": tells one from all others */
	const char *rival;   /* "warm ext4"; NULL: there is none, `ours` itself is bounded by `limit` */
	const char *unit;    /* "us/file", "us", "/s", "bytes" */
	double ours, theirs; /* medians of one run, interleaved; theirs is not looked at without a rival */
	enum bench_bound bound;
	double limit;       /* 0: none, only told */
	const char *counts; /* "0.01 messages/file", "2.0 operations/item"; NULL: none */
};

/* Writes the measure to the results and a line to stdout. Nothing fails: report.sh tells what missed its limit. */
void bench_tell(const struct bench_measure *measure);

/* Monotonic time in microseconds, and processor time of this thread in microseconds. */
double bench_now_us(void);
double bench_cpu_us(void);

/* The median of values, which are sorted. */
double bench_median(double *values, int count);

/* QUICK=1: a tenth of the work, in an eighth of the time. */
bool bench_is_quick(void);

/* A line of progress on stderr, at most one in two seconds; `done` of `all`. */
void bench_progress(const char *what, uint64_t done, uint64_t all);

#endif
