#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "seal.h"
#include "tools/output.h"
#include "tools/verbs.h"

static struct option seal_options[] = {
	{ .name = "output", .letter = 'o', .kind = OPTION_VALUE },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct sealing {
	struct tool *tool;
	struct seal seal;
};

static int make(struct store_txn *txn, void *context, struct error *error)
{
	struct sealing *sealing = context;
	return seal_make(sealing->tool->history, txn, &sealing->seal, error);
}

/* A seal that was made is not written over: it may be the only one from its time. */
static int write_file(const char *path, struct slice text, struct error *error)
{
	FILE *file = fopen(path, "wxe");
	if (!file)
		return error_set(error, -errno, "%s could not be made: %s", path, strerror(errno));
	bool is_written = fwrite(text.data, 1, text.size, file) == text.size && !fflush(file) && !fsync(fileno(file));
	int failure = is_written ? 0 : -errno;
	if (fclose(file) != 0 && !failure)
		failure = -errno;
	if (failure)
		unlink(path);
	return failure ? error_set(error, failure, "%s could not be written: %s", path, strerror(-failure)) : 0;
}

static int tell(const struct seal *seal)
{
	const char *path = option_value(seal_options, "output");
	struct buffer text = BUFFER_INIT;
	struct error error = { 0 };
	char digest[CHAIN_TEXT_SIZE];
	int result = seal_append_text(seal, &text);
	if (result != 0)
		error_set(&error, result, "seal: out of memory");
	if (result == 0 && path)
		result = write_file(path, buffer_slice(&text), &error);
	if (result == 0) {
		chain_text(&seal->digest, digest);
		if (!path)
			output(buffer_slice(&text));
		if (path || isatty(STDERR_FILENO))
			tool_say("digest of %zu table%s: %s", seal->count, output_plural(seal->count), digest);
	}
	buffer_free(&text);
	return output_finish(tool_finish(result, &error));
}

static int run_seal(struct tool *tool)
{
	struct sealing sealing = { .tool = tool };
	if (tool->positionals.count > 0)
		return tool_usage(tool, "unexpected argument: %s", tool->positionals.values[0]);
	int status = tool_ask(tool, TOOL_PLAIN, make, &sealing);
	if (status == STATUS_DONE)
		status = tell(&sealing.seal);
	seal_free(&sealing.seal);
	return status;
}

const struct verb verb_seal = {
	.name = "seal",
	.summary = "print what proves later that nothing was altered",
	.usage = "[-o FILE]",
	.help = "Every change of a table is bound to all before it by a chain of SHA-256 hashes. A seal has the head "
		"of each\n"
		"table's chain. Keep it where whoever can write to the store cannot: on another machine, on paper, "
		"with a "
		"notary.\n"
		"'pitr verify --against SEAL' tells later whether all that was sealed is still there as it was.\n\n"
		"The seal is one JSON document, on standard output or in FILE, which must not be there yet. Its Digest "
		"stands "
		"for all of it,\n"
		"where one line must do. --json is how it is anyway.\n",
	.run = run_seal,
	.options = seal_options,
};
