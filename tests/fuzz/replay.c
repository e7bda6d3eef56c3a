/* Drives a fuzz target without libFuzzer: runs it once over every file named, or found in the directories named.
 * The name of an input is printed before it is run, so that the last one printed is the one that failed. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int input_count;

static _Noreturn void fail(const char *path)
{
	perror(path);
	exit(1);
}

static void replay_file(const char *path, size_t size)
{
	printf("%s\n", path);
	fflush(stdout);

	/* Exactly as large as the input, so that a read past its end is seen. */
	uint8_t *data = malloc(size ? size : 1);
	FILE *file = fopen(path, "rb");
	if (!data || !file || fread(data, 1, size, file) != size)
		fail(path);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	input_count++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void replay(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0)
		fail(path);
	if (!S_ISDIR(status.st_mode)) {
		replay_file(path, (size_t)status.st_size);
		return;
	}
	struct dirent **entries;
	int count = scandir(path, &entries, is_visible, alphasort);
	if (count < 0)
		fail(path);
	for (int i = 0; i < count; i++) {
		char *child;
		if (asprintf(&child, "%s/%s", path, entries[i]->d_name) < 0)
			fail(path);
		replay(child);
		free(child);
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (input_count == 0) {
		fprintf(stderr, "%s: no inputs; give files or directories\n", argv[0]);
		return 1;
	}
	printf("replayed %d inputs\n", input_count);
	return 0;
}
