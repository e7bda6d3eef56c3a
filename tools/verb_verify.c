#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "seal.h"
#include "tools/item_path.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/verbs.h"
#include "verify.h"

static struct option verify_options[] = {
	{ .name = "against", .kind = OPTION_VALUE },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = "quiet", .letter = 'q', .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct showing {
	struct progress progress;
	bool is_json, is_quiet;
	uint64_t sealed, unproven; /* tables of the seal, and those of which nothing is left to compare */
	struct buffer line;
};

/* "1 table", "2 tables" */
static void append_count(struct buffer *out, uint64_t count, const char *noun)
{
	buffer_append_format(out, "%" PRIu64 " %s%s", count, noun, output_plural(count));
}

/* --- as it goes --- */

static int show_progress(void *context, uint64_t done, uint64_t total)
{
	struct showing *showing = context;
	progress_show(&showing->progress, "%" PRIu64 " of %" PRIu64 " changes", done, total > done ? total : done);
	return 0;
}

static void append_member(struct buffer *out, const char *name, const char *text)
{
	buffer_append_format(out, ",\"%s\":", name);
	json_append_string(out, slice_of_text(text));
}

static void append_path(struct buffer *out, const struct verify_finding *finding)
{
	if (finding->table && finding->encoded_key.size) {
		buffer_append_format(out, "%s/", finding->table);
		if (item_path_of_key(finding->encoded_key, out) < 0)
			buffer_append_text(out, "?");
	}
}

static void append_json(struct buffer *out, const struct verify_finding *finding)
{
	struct buffer path = BUFFER_INIT;
	buffer_append_format(out, "{\"finding\":");
	json_append_string(out, slice_of_text(finding->what));
	append_member(out, "part", finding->part);
	if (finding->table)
		append_member(out, "table", finding->table);
	append_path(&path, finding);
	if (path.size)
		append_member(out, "file", buffer_text(&path));
	if (finding->seq)
		buffer_append_format(out, ",\"change\":%" PRIu64, finding->seq);
	if (finding->number)
		buffer_append_format(out, ",\"node\":%" PRIu64, finding->number);
	buffer_append_text(out, "}\n");
	buffer_free(&path);
}

/* TABLE/NAME.json, or the table, or nothing, then what is wrong. */
static void append_text(struct buffer *out, const struct verify_finding *finding)
{
	size_t before = out->size;
	append_path(out, finding);
	if (out->size == before && finding->table)
		buffer_append_text(out, finding->table);
	buffer_append_format(out, "%s%s: %s\n", out->size == before ? "" : ": ", finding->part, finding->what);
}

static int print(struct showing *showing)
{
	int r = buffer_error(&showing->line);
	progress_end(&showing->progress);
	if (!r)
		output(buffer_slice(&showing->line));
	buffer_clear(&showing->line);
	fflush(stdout);
	return r;
}

static int show_finding(void *context, const struct verify_finding *finding)
{
	struct showing *showing = context;
	if (showing->is_quiet)
		return 0;
	(showing->is_json ? append_json : append_text)(&showing->line, finding);
	return print(showing);
}

static int show_sealed(void *context, const struct seal_table *table, uint64_t present, uint64_t dropped)
{
	struct showing *showing = context;
	showing->sealed++;
	showing->unproven += !present && dropped;
	if (showing->is_quiet)
		return 0;
	if (showing->is_json) {
		buffer_append_text(&showing->line, "{\"sealed\":");
		json_append_string(&showing->line, slice_of_text(table->name));
		buffer_append_format(&showing->line,
			",\"TableId\":\"%s\",\"SequenceNumber\":%" PRIu64 ",\"present\":%" PRIu64
			",\"dropped\":%" PRIu64 "}\n",
			table->id, table->seq, present, dropped);
		return print(showing);
	}
	buffer_append_format(&showing->line, "%s: sealed up to change %" PRIu64 ": ", table->name, table->seq);
	if (present) {
		append_count(&showing->line, present, "change");
		buffer_append_format(&showing->line, " %s there unaltered", present == 1 ? "is" : "are");
	} else
		buffer_append_text(
			&showing->line, dropped ? "nothing of it is left to compare" : "nothing had changed");
	if (dropped)
		buffer_append_format(&showing->line, "%s %" PRIu64 " had left the table's window and %s dropped",
			present ? "," : ":", dropped, dropped == 1 ? "was" : "were");
	buffer_append_text(&showing->line, "\n");
	return print(showing);
}

/* --- the end --- */

static void append_summary(struct showing *showing, const struct verify_counts *counts)
{
	struct buffer *out = &showing->line;
	char size[32];
	output_size(counts->bytes, size, sizeof(size));
	if (showing->is_json) {
		buffer_append_format(out,
			"{\"isSound\":%s,\"findings\":%" PRIu64 ",\"tables\":%" PRIu64 ",\"changes\":%" PRIu64
			",\"versions\":%" PRIu64 ",\"items\":%" PRIu64 ",\"records\":%" PRIu64 ",\"bytes\":%" PRIu64
			",\"dropped\":%" PRIu64 "}\n",
			counts->findings ? "false" : "true", counts->findings, counts->tables, counts->changes,
			counts->versions, counts->items, counts->records, counts->bytes, counts->dropped);
		return;
	}
	append_count(out, counts->tables, "table");
	buffer_append_text(out, ", ");
	append_count(out, counts->changes, "change");
	buffer_append_text(out, ", ");
	append_count(out, counts->versions, "version");
	buffer_append_text(out, ", ");
	append_count(out, counts->records, "record");
	buffer_append_format(out, " (%s): ", size);
	if (counts->findings)
		append_count(out, counts->findings, "finding");
	buffer_append_text(out, counts->findings ? "\n" : "sound\n");
	if (counts->dropped) {
		append_count(out, counts->dropped, "change");
		buffer_append_text(out, " had left their tables' windows and were dropped\n");
	}
	if (showing->sealed) {
		append_count(out, showing->sealed, "table");
		buffer_append_format(out, " of the seal%s\n",
			showing->unproven  ? ", of which some can't be proven any more: see above"
			: counts->findings ? ""
					   : ": all of it is there, or was dropped as its window allows");
	}
}

/* --- what can't be read at all --- */

/* Records have checksums, the pages of LMDB they stand in have none: one that points out of the file ends the search where it is read. */
static void end_at_fault(int signal_number)
{
	static const char message[] =
		"\npitr: the data file points to what is not in it: its own structure is damaged, and what comes after "
		"this place could not be looked at; restore it from a copy\n";
	(void)signal_number;
	if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
		_exit(STATUS_FAILED);
	_exit(STATUS_FAILED);
}

/* What was found until then has been printed. */
static void expect_faults(void)
{
	struct sigaction action = { .sa_handler = end_at_fault };
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static int run(struct tool *tool, const struct seal *seal)
{
	struct showing showing = { .is_json = option_is_given(verify_options, "json"),
		.is_quiet = option_is_given(verify_options, "quiet") };
	struct verify_options options = {
		.table = tool->positionals.count ? tool->positionals.values[0] : NULL,
		.against = seal,
		.finding = show_finding,
		.sealed = show_sealed,
		.progress = show_progress,
		.context = &showing,
	};
	struct verify_counts counts;
	struct error error = { 0 };
	progress_begin(&showing.progress);
	int result = verify(tool->history, &options, &counts, &error);
	progress_end(&showing.progress);
	if (!result && options.table && !counts.tables)
		result = error_set(&error, -ENOENT, "there is no table %s, and never was", options.table);
	if (!result && !showing.is_quiet) {
		append_summary(&showing, &counts);
		result = print(&showing);
	}
	buffer_free(&showing.line);
	int status = tool_finish(result, &error);
	return output_finish(status == STATUS_DONE && counts.findings ? STATUS_FAILED : status);
}

static int run_verify(struct tool *tool)
{
	const char *path = option_value(verify_options, "against");
	struct buffer text = BUFFER_INIT;
	struct seal seal = { 0 };
	struct error error = { 0 };
	if (tool->positionals.count > 1)
		return tool_usage(tool, "unexpected argument: %s", tool->positionals.values[1]);
	int result = path ? tool_read_file(path, &text, &error) : 0;
	if (!result && path)
		result = seal_parse(buffer_slice(&text), &seal, &error);
	buffer_free(&text);
	if (result < 0 && error.code == -EINVAL)
		tool_say("pitr: %s is no seal that can be used:", path);
	expect_faults();
	int status = result ? tool_finish(result, &error) : tool_open(tool, /* is_writable= */ false);
	if (status == STATUS_DONE)
		status = run(tool, path ? &seal : NULL);
	seal_free(&seal);
	return status;
}

const struct verb verb_verify = {
	.name = "verify",
	.summary = "is everything in the store as it was written, and as it was sealed?",
	.usage = "[TABLE] [--against SEAL] [--json] [--quiet]",
	.help = "Reads the whole store, or one table of it, and holds each part against the others: the checksum of "
		"every "
		"record,\n"
		"the chain of hashes over all changes, index, listings, sums and backups against the log, and whole "
		"states "
		"against\n"
		"a replay of it. Each damage is a line that names the file it concerns; then it goes on.\n\n"
		"--against also compares with what `pitr seal` printed once. SEAL is that file, or - for standard "
		"input. What "
		"retention\n"
		"has dropped since is counted, and what is left proves the rest.\n\n"
		"--quiet prints nothing: the exit status is 0 when all is sound, 1 when something was found.\n\n"
		"The store may be mounted and written to meanwhile. What is verified is its state at the beginning, "
		"and the "
		"space\n"
		"that writers free while it runs is used again only when it has ended.\n",
	.run = run_verify,
	.options = verify_options,
};
