/* export-evidence: a stretch of a table's history as plain files that can be checked without this program. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "evidence.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/recovery.h"
#include "tools/told_table.h"
#include "tools/verbs.h"

static struct option evidence_options[] = {
	{ .name = "from", .kind = OPTION_TIME },
	{ .name = "to", .kind = OPTION_TIME },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct exporting {
	struct tool *tool;
	const char *directory;
	struct told_table told;
	uint64_t from, to;
	struct evidence_counts counts;
};

static int show_progress(void *context, uint64_t done, uint64_t total)
{
	struct progress *progress = context;
	progress_show(progress, "%" PRIu64 " of %" PRIu64 " changes and items", done, total);
	return 0;
}

/* The state the stretch begins with: that at --from, or the first that can be told. */
static int find_begin(struct exporting *exporting, struct store_txn *txn, struct error *error)
{
	const char *from = option_value(evidence_options, "from");
	struct told_table *told = &exporting->told;
	struct snapshot snapshot = { .seq = told->reach.first_seq };
	struct instant instant;
	int result = from ? tool_instant(exporting->tool, from, &instant, error) : 0;
	if (result == 0 && from)
		result = snapshot_resolve(exporting->tool->history, txn, &told->table, &instant, &snapshot, error);
	exporting->from = snapshot.seq;
	return result;
}

static int find_stretch(struct exporting *exporting, struct store_txn *txn, struct error *error)
{
	const char *to = option_value(evidence_options, "to"), *name = exporting->tool->positionals.values[0];
	struct snapshot snapshot;
	int result = told_table_state(exporting->tool, txn, name, to, &exporting->told, &snapshot, error);
	if (result < 0)
		return result;
	exporting->to = to ? snapshot.seq : exporting->told.reach.last_seq;
	result = find_begin(exporting, txn, error);
	if (result == 0 && exporting->from > exporting->to)
		result = error_set(error, -EINVAL, "--from is later than --to: nothing lies between");
	return result;
}

static int export(struct store_txn *txn, void *context, struct error *error)
{
	struct exporting *exporting = context;
	struct progress progress;
	int result = find_stretch(exporting, txn, error);
	progress_begin(&progress);
	if (result == 0)
		result = evidence_export(exporting->tool->history, txn, &exporting->told.table, exporting->from,
			exporting->to, exporting->directory, show_progress, &progress, &exporting->counts, error);
	progress_end(&progress);
	return result;
}

static void append_json(const struct exporting *exporting, struct buffer *out)
{
	const struct evidence_counts *counts = &exporting->counts;
	char before[CHAIN_TEXT_SIZE], after[CHAIN_TEXT_SIZE];
	chain_text(&counts->head_before, before);
	chain_text(&counts->head_after, after);
	buffer_append_byte(out, '{');
	recovery_append_text(out, "directory", exporting->directory);
	recovery_append_text(out, "table", exporting->told.table.name);
	buffer_append_format(out,
		",\"firstSequenceNumber\":%" PRIu64 ",\"lastSequenceNumber\":%" PRIu64 ",\"changes\":%" PRIu64
		",\"itemsBefore\":%" PRIu64 ",\"itemsAfter\":%" PRIu64 ",\"bytes\":%" PRIu64
		",\"headBefore\":\"%s\",\"headAfter\":\"%s\"}\n",
		exporting->from + 1, exporting->to, counts->changes, counts->before_items, counts->after_items,
		counts->bytes, before, after);
}

static void append_text(const struct exporting *exporting, struct buffer *out)
{
	const struct evidence_counts *counts = &exporting->counts;
	char head[CHAIN_TEXT_SIZE], size[32];
	chain_text(&counts->head_after, head);
	output_size(counts->bytes, size, sizeof(size));
	buffer_append_format(out, "%s: %" PRIu64 " change%s of %s", exporting->directory, counts->changes,
		output_plural(counts->changes), exporting->told.table.name);
	if (counts->changes > 0)
		buffer_append_format(out, ", number %" PRIu64 " to %" PRIu64, exporting->from + 1, exporting->to);
	buffer_append_format(out,
		"; %" PRIu64 " item%s before, %" PRIu64 " after; %s\n"
		"head of the chain: %s\n"
		"README.txt there tells how to check it.\n",
		counts->before_items, output_plural(counts->before_items), counts->after_items, size, head);
}

static int run_export_evidence(struct tool *tool)
{
	struct exporting exporting = { .tool = tool };
	struct buffer text = BUFFER_INIT;
	struct error error = { 0 };
	if (tool->positionals.count != 2)
		return tool_usage(tool, "which table, and where to? Give TABLE and a new DIRECTORY");
	exporting.directory = tool->positionals.values[1];
	int status = tool_ask(tool, TOOL_PLAIN, export, &exporting);
	if (status == STATUS_DONE) {
		(option_is_given(evidence_options, "json") ? append_json : append_text)(&exporting, &text);
		status = recovery_print(0, &error, &text);
	}
	told_table_free(&exporting.told);
	buffer_free(&text);
	return status;
}

const struct verb verb_export_evidence = {
	.name = "export-evidence",
	.summary = "write a stretch of history to plain files that prove themselves",
	.usage = "TABLE [--from TIME] [--to TIME] [--json] DIRECTORY",
	.help = "Writes the changes after --from up to --to, the table's state at both, the seal of the store, and a "
		"manifest "
		"of\n"
		"checksums into a new directory. `sha256sum -c manifest.sha256` there checks the files; README.txt "
		"shows how "
		"the\n"
		"hash chain of the changes is worked out with a few lines of any language, without this program.\n\n"
		"  pitr export-evidence orders --from 2025-03-01T09:00 --to 2025-03-01T10:00 inc-17\n\n"
		"--from TIME    the state before the first change; without it, the first that is kept\n"
		"--to TIME      the state after the last change; without it, the last. Of tables that were dropped and "
		"had the\n"
		"               same name, the one that had it then\n"
		"--json         one object that tells what was written\n",
	.run = run_export_evidence,
	.options = evidence_options,
};
