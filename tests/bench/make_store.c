/* Makes the store that benchmarks share: make_store DIRECTORY ITEMS. DIRECTORY.stamp tells what made it: a store of the same
 * making is left as it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/state.h"
#include "tests/support/bench_store.h"
#include "tests/support/fixture.h"

#define MAKING 2 /* another number when what is made changes */

static bool is_made(const char *path, const char *stamp)
{
	char found[128] = "";
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return false;
	if (fgets(found, sizeof(found), file) == NULL)
		found[0] = '\0';
	fclose(file);
	return strcmp(found, stamp) == 0;
}

static void write_stamp(const char *path, const char *stamp)
{
	FILE *file = fopen(path, "w");

	fixture_require(file != NULL && fputs(stamp, file) >= 0 && fclose(file) == 0, path, NULL);
}

int main(int argc, char **argv)
{
	uint64_t items = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	char stamp[128], path[512];

	if (items == 0) {
		fprintf(stderr, "usage: make_store DIRECTORY ITEMS\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s.stamp", argv[1]);
	snprintf(stamp, sizeof(stamp), "making %d, format %d, %" PRIu64 " items, %d versions\n", MAKING, STORE_FORMAT,
		items, BENCH_STORE_VERSIONS);
	if (is_made(path, stamp) && access(argv[1], X_OK) == 0)
		return 0;
	unlink(path);
	fixture_remove_directory(argv[1]);
	bench_store_make(argv[1], items, BENCH_STORE_STEP_US);
	write_stamp(path, stamp);
	return 0;
}
