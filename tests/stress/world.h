/* What all processes of the stress test share: the mounts, what every item is known to be, and what went wrong.
 *
 * An item of the test has one owner, who gives each of its changes the next counter; its contents follow from its number and that counter.
 * So whoever reads one knows whether it is whole, and whether it is as new as it must be. */
#ifndef PITR_STRESS_WORLD_H
#define PITR_STRESS_WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bytes.h"
#include "instant.h"

#define TABLES 3u /* the last has partitions, one for each owner */
#define OWNERS 3u
#define ITEMS_OF_OWNER 16u
#define ITEMS (OWNERS * ITEMS_OF_OWNER)
#define MOUNTS 3u
#define WRITABLE_MOUNTS 2u
#define INSTANTS 64u
#define WORKERS 12u
#define PATH_SIZE 512u
#define NOTICE_MS 100 /* after so long everybody sees what was closed */
#define LATE_MS 20000 /* so late only who waits for good */

struct state {
	uint64_t counter;
	bool is_there;
	int64_t since_ms;
};

struct item {
	pthread_mutex_t lock;
	struct state states[32]; /* what it is known to have become, the last at state_count - 1, going round */
	unsigned state_count;
	uint64_t begun;    /* the last counter anybody may see */
	uint64_t may_lack; /* the last change during which it may be seen absent */
};

struct mount_point {
	char path[PATH_SIZE];
	bool is_read_only;
	atomic_uint generation; /* odd: it comes or goes */
	pid_t process;
};

/* A state of the table that no longer changes. */
struct instant_state {
	unsigned table;
	int64_t time_us;
	uint64_t hash;
	char name[1 + INSTANT_TEXT_MAX]; /* "@..." */
};

struct world {
	uint64_t seed;
	char directory[PATH_SIZE], store[PATH_SIZE];
	const char *pitr, *pitrfs;
	atomic_bool is_over, is_quiet;
	/* No mount goes, and nobody lists tables, by which a kernel learns of what it was not told. */
	atomic_bool is_steady;
	atomic_uint failures;
	atomic_uint resting; /* owners that stand still */
	struct mount_point mounts[MOUNTS];
	struct item items[ITEMS];
	struct instant_state instants[INSTANTS];
	atomic_uint instant_count;
	/* For those who want to know what was done. */
	atomic_uint reads, walks, past_walks, changes, commands, ends, late;
	_Atomic int64_t latest_ms; /* the longest anybody had to wait for what was closed, beyond NOTICE_MS */
	_Atomic(const char *) doing[WORKERS];
};

extern struct world *world;

void world_make(uint64_t seed, const char *directory);

/* Tells a failure, with what errno means when it is not 0, and ends the test. */
void fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

int64_t now_ms(void);
void sleep_ms(unsigned ms);

/* Random numbers of a process. */
void random_begin(unsigned worker);
unsigned below(unsigned bound);

/* What the present worker does, for who looks why it doesn't end. */
void doing(const char *what);

/* --- items --- */

#define ITEM_TEXT_MAX 32768u

const char *table_name(unsigned table);
unsigned item_table(unsigned item);
unsigned item_owner(unsigned item);
/* "alpha/k3.json", "gamma/p0/k5.json"; without ".json" when `is_bare`. */
void item_path(unsigned item, bool is_bare, char *ret_path);
/* Its whole text as a mount shows it; ITEM_TEXT_MAX bytes are enough. */
size_t item_text(unsigned item, uint64_t counter, char *ret_text);
/* The counter of a text; 0: it is none, or torn. */
uint64_t item_counter(unsigned item, const char *text, size_t size);
/* Which one has this name within a table; -1: none. */
int item_of_name(unsigned table, const char *name);

/* What its owner is about to do, and has done. */
uint64_t item_begin(unsigned item, bool may_lack);
void item_done(unsigned item, uint64_t counter, bool is_there);
struct state item_state(unsigned item);

/* What a reader may see. */
struct expectation {
	unsigned item;
	struct state oldest; /* NOTICE_MS ago */
	uint64_t may_lack;
};
void expectation_begin(unsigned item, struct expectation *ret_expectation);
enum seen { SEEN_RIGHT, SEEN_OLD, SEEN_WRONG };
/* `counter` 0: it was absent. */
enum seen expectation_end(const struct expectation *expectation, uint64_t counter);

/* --- mounts, as workers use them --- */

/* A visit of a mount: what fails during it is excused when the mount went meanwhile. */
struct visit {
	struct mount_point *mount;
	unsigned generation;
};
/* Waits until it is there. False: the test is over. */
bool visit_begin(unsigned mount, struct visit *ret_visit);
bool visit_is_excused(const struct visit *visit);
/* "MOUNTPOINT/..." */
void visit_path(const struct visit *visit, char *ret_path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The whole file; its size, or a negative errno. */
ssize_t read_whole(const char *path, char *bytes, size_t size);

/* Runs a program to its end; its output is kept in the file (NULL: goes where that of the test goes). Returns its exit status. */
int run(const char *output, char *const arguments[]);
/* pitr --store STORE ... */
int run_pitr(const char *input, const char *const arguments[]);

#endif
