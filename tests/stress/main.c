/* Readers, writers, other processes, retention, and mounts that come and go, all at once: nothing is torn, stale or lost, no past
 * state changes, and everything ends. For --seconds; --seed repeats a run's choices, though not how they meet. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "tests/stress/mounts.h"
#include "tests/stress/readers.h"
#include "tests/stress/writers.h"

#define ROUND_MS 2000 /* of load, before everything is looked at */
#define HOURS_OF_ROUND 9
#define WORKER_END_MS 30000

struct worker {
	void (*work)(void);
	void (*own)(unsigned owner);
	unsigned owner;
	pid_t process;
};

static struct worker workers[] = {
	{ .own = own_by_files, .owner = 0 },
	{ .own = own_by_files, .owner = 1 },
	{ .own = own_by_commands, .owner = 2 },
	{ .work = read_items },
	{ .work = walk_tables },
	{ .work = walk_past },
	{ .work = read_histories },
	{ .work = follow_changes },
	{ .work = churn_tables },
	{ .work = churn_restores },
	{ .work = churn_commands },
};
#define WORKER_COUNT (sizeof(workers) / sizeof(workers[0]))

static char clock_path[PATH_SIZE + 20];

/* Moves everybody's clock forward at one moment. */
static void set_clock(unsigned hours)
{
	char fresh[PATH_SIZE + 30];
	snprintf(fresh, sizeof(fresh), "%s.new", clock_path);
	FILE *file = fopen(fresh, "w");
	if (!file || fprintf(file, "+%llu", hours * 3600ull * SECOND_US) < 0 || fclose(file) ||
		rename(fresh, clock_path))
		fail(errno, "%s", clock_path);
}

/* --- the store --- */

static void must_pitr(const char *const arguments[])
{
	int status = run_pitr(NULL, arguments);
	if (status) {
		printf("pitr %s: exit status %d\n", arguments[0], status);
		exit(2);
	}
}

static void make_store(void)
{
	const char *init[] = { "init", NULL };
	must_pitr(init);
	for (unsigned t = 0; t < TABLES; t++) {
		bool has_sort = t == TABLES - 1;
		const char *make[] = { "create-table", "--table-name", table_name(t), "--billing-mode",
			"PAY_PER_REQUEST", "--attribute-definitions",
			has_sort ? "AttributeName=pk,AttributeType=S" : "AttributeName=id,AttributeType=S",
			has_sort ? "AttributeName=sk,AttributeType=S" : "--key-schema",
			has_sort ? "--key-schema" : "AttributeName=id,KeyType=HASH",
			has_sort ? "AttributeName=pk,KeyType=HASH" : NULL, "AttributeName=sk,KeyType=RANGE", NULL };
		must_pitr(make);
	}
	const char *keep[] = { "update-continuous-backups", "--table-name", "beta",
		"--point-in-time-recovery-specification", "PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=1",
		NULL };
	must_pitr(keep);
}

static void set_environment(const char *directory)
{
	char text[PATH_SIZE + 200];
	const char *before = getenv("TSAN_OPTIONS");
	/* A mount goes on after a finding, so that its clients don't tell of it first. */
	snprintf(text, sizeof(text), "%s:halt_on_error=0:exitcode=98:log_path=%s/sanitizer", before ? before : "",
		directory);
	setenv("TSAN_OPTIONS", text, 1);
	snprintf(clock_path, sizeof(clock_path), "%s/clock", directory);
	setenv("PITR_CLOCK_FILE", clock_path, 1);
	setenv("HOME", directory, 1);
	(void)clock_use_file(clock_path);
}

/* --- workers --- */

static void start_workers(void)
{
	for (unsigned w = 0; w < WORKER_COUNT; w++) {
		struct worker *worker = &workers[w];
		worker->process = fork();
		if (worker->process)
			continue;
		/* Nobody is left behind by a test that dies. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		random_begin(w + 1);
		if (worker->own)
			worker->own(worker->owner);
		else
			worker->work();
		_exit(0);
	}
}

static void wait_for_workers(void)
{
	int64_t began_ms = now_ms();
	bool has_waited = false;
	for (unsigned w = 0; w < WORKER_COUNT; w++) {
		int status = 0;
		while (waitpid(workers[w].process, &status, WNOHANG) == 0) {
			if (!has_waited && now_ms() - began_ms > WORKER_END_MS) {
				has_waited = true;
				fail(0, "worker %u hangs: %s", w + 1, atomic_load(&world->doing[w + 1]));
				for (unsigned m = 0; m < MOUNTS; m++)
					mount_abort(m);
			}
			sleep_ms(5);
		}
		if (status)
			fail(0, "worker %u ended with status 0x%x", w + 1, (unsigned)status);
	}
}

/* --- a round --- */

static bool is_over(void)
{
	return atomic_load(&world->is_over);
}

static void load_for(int64_t ms)
{
	int64_t end_ms = now_ms() + ms;
	doing("mounts");
	while (atomic_load(&world->is_steady) && now_ms() < end_ms && !is_over())
		sleep_ms(5);
	while (now_ms() < end_ms && !is_over()) {
		unsigned mount = below(MOUNTS);
		sleep_ms(100 + below(1000));
		mount_finish(mount, (enum mount_end)below(ENDS));
		sleep_ms(below(50));
		if (!is_over())
			(void)mount_start(mount);
	}
}

static bool become_quiet(unsigned owners)
{
	int64_t began_ms = now_ms();
	atomic_store(&world->is_quiet, true);
	while (atomic_load(&world->resting) < owners && !is_over()) {
		if (now_ms() - began_ms > WORKER_END_MS)
			fail(0, "not all writers come to rest");
		sleep_ms(1);
	}
	return !is_over();
}

/* Through every mount everything is as it was closed last: nobody changes it, so that nothing else may be seen. */
static void look_at_everything(void)
{
	struct visit visit;
	uint64_t counter;
	sleep_ms(NOTICE_MS + 20);
	for (unsigned m = 0; m < MOUNTS && visit_begin(m, &visit); m++) {
		for (unsigned i = 0; i < ITEMS && !is_over(); i++)
			(void)look_at_item(&visit, i, &counter);
		for (unsigned t = 0; t < TABLES && !is_over(); t++)
			(void)is_listed_right(&visit, t);
	}
}

/* Keeps what the tables are now, as an instant that shows it. */
static void keep_states(void)
{
	unsigned count = atomic_load(&world->instant_count);
	int64_t time_us = clock_now_us();
	sleep_ms(2);
	for (unsigned t = 0; t < TABLES && count < INSTANTS; t++) {
		struct instant_state *instant = &world->instants[count++];
		*instant = (struct instant_state){ .table = t, .time_us = time_us, .name = "@" };
		instant_format(time_us, instant->name + 1, sizeof(instant->name) - 1);
		for (unsigned i = 0; i < ITEMS; i++) {
			struct state state = item_state(i);
			if (item_table(i) == t && state.is_there)
				instant->hash += hash_of_item(i, state.counter);
		}
	}
	atomic_store(&world->instant_count, count);
}

static void run_rounds(int64_t seconds)
{
	int64_t end_ms = now_ms() + seconds * 1000;
	for (unsigned round = 1; now_ms() < end_ms && !is_over(); round++) {
		atomic_store(&world->is_steady, round % 2 == 1);
		load_for(ROUND_MS);
		doing("a quiet moment");
		if (!become_quiet(OWNERS))
			break;
		look_at_everything();
		keep_states();
		set_clock(round * HOURS_OF_ROUND);
		atomic_store(&world->is_quiet, false);
	}
}

/* --- the end --- */

static void check_store(void)
{
	const char *verify[] = { "verify", NULL };
	if (run_pitr(NULL, verify))
		fail(0, "pitr verify found something");
	doing("a fresh mount");
	if (!mount_start(MOUNTS - 1))
		return;
	struct visit visit;
	uint64_t counter, hash;
	(void)visit_begin(MOUNTS - 1, &visit);
	for (unsigned i = 0; i < ITEMS && !is_over(); i++) {
		struct state state = item_state(i);
		if (look_at_item(&visit, i, &counter) && counter != (state.is_there ? state.counter : 0))
			fail(0, "item %u is at %llu in the end, and %llu was closed", i, (unsigned long long)counter,
				(unsigned long long)state.counter);
	}
	for (unsigned s = 0; s < atomic_load(&world->instant_count) && !is_over(); s++) {
		const struct instant_state *instant = &world->instants[s];
		char path[PATH_SIZE];
		visit_path(&visit, path, "%s/%s", table_name(instant->table), instant->name);
		int result = hash_of_state(instant->table, path, &hash);
		if (!is_forgotten(instant, result) && (result || hash != instant->hash))
			fail(result, "%s is not what it was, in the end", path);
	}
	mount_finish(MOUNTS - 1, END_UNMOUNT);
}

static void tell_what_was_done(void)
{
	printf("%u changes, %u commands, %u items read, %u walks, %u past walks, %u instants kept, %u mounts ended; "
	       "%u late, %lld ms at most\n",
		atomic_load(&world->changes), atomic_load(&world->commands), atomic_load(&world->reads),
		atomic_load(&world->walks), atomic_load(&world->past_walks), atomic_load(&world->instant_count),
		atomic_load(&world->ends), atomic_load(&world->late), (long long)atomic_load(&world->latest_ms));
}

static void show_what_was_said(void)
{
	char command[2 * PATH_SIZE];
	fflush(stdout);
	snprintf(command, sizeof(command), "tail -n 5 '%s'/said-* | cut -c 1-300", world->directory);
	char *arguments[] = { (char *)"sh", (char *)"-c", command, NULL };
	(void)run(NULL, arguments);
}

static void run_test(int64_t seconds)
{
	set_clock(0);
	make_store();
	for (unsigned m = 0; m < MOUNTS; m++) {
		mount_make(m, m >= WRITABLE_MOUNTS);
		if (!mount_start(m))
			break;
	}
	start_workers();
	run_rounds(seconds);
	/* Once more with nobody at work in the end: what is left is what was closed. */
	atomic_store(&world->is_over, true);
	atomic_store(&world->is_quiet, false);
	wait_for_workers();
	for (unsigned m = 0; m < MOUNTS; m++)
		if (world->mounts[m].process > 0)
			mount_finish(m, END_UNMOUNT);
	if (!atomic_load(&world->failures)) {
		atomic_store(&world->is_over, false);
		check_store();
	}
}

static void set_program(const char **ret_program, const char *variable)
{
	*ret_program = getenv(variable);
	if (!*ret_program) {
		printf("%s must name the program\n", variable);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	const char *parent = getenv("TMPDIR");
	char directory[PATH_SIZE - 100];
	uint64_t seed = 1;
	int64_t seconds = 5;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--seconds"))
			seconds = strtoll(argv[i + 1], NULL, 10);
	}
	if (access("/dev/fuse", F_OK) < 0) {
		printf("1..1\nok 1 # SKIP there is no /dev/fuse\n");
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(directory, sizeof(directory), "%s/pitr-stress-XXXXXX", parent && *parent ? parent : "/tmp");
	if (!mkdtemp(directory)) {
		perror(directory);
		return 2;
	}
	world_make(seed, directory);
	set_program(&world->pitr, "PITR");
	set_program(&world->pitrfs, "PITRFS");
	set_environment(directory);
	random_begin(0);
	printf("--seed %llu --seconds %lld, in %s\n", (unsigned long long)seed, (long long)seconds, directory);
	run_test(seconds);
	tell_what_was_done();
	bool has_failed = atomic_load(&world->failures) > 0;
	fflush(stdout);
	has_failed = has_findings() || has_failed;
	if (has_failed)
		show_what_was_said();
	printf("%d passed, %d failed\n", !has_failed, has_failed);
	return has_failed;
}
