/* log: the changes of a table, of an item, or of the whole store. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/change_line.h"
#include "tools/log_sources.h"
#include "tools/log_stat.h"
#include "tools/output.h"
#include "tools/table_event.h"
#include "tools/told_table.h"
#include "tools/verbs.h"

static struct option log_options[] = {
	{ .name = "from", .kind = OPTION_TIME },
	{ .name = "to", .kind = OPTION_TIME },
	{ .name = "by", .kind = OPTION_EACH },
	{ .name = "op", .kind = OPTION_EACH },
	{ .name = "where", .kind = OPTION_EACH },
	{ .name = "grep", .kind = OPTION_VALUE },
	{ .name = "ignore-case", .letter = 'i', .kind = OPTION_FLAG },
	{ .name = "max-count", .letter = 'n', .kind = OPTION_VALUE },
	{ .name = "reverse", .kind = OPTION_FLAG },
	{ .name = "patch", .letter = 'p', .kind = OPTION_FLAG },
	{ .name = "stat", .kind = OPTION_FLAG },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct logging {
	struct tool *tool;
	struct change_choice choice;
	struct item_path path; /* path.table NULL: the whole store; path.name NULL: the whole table */
	struct told_table table;
	struct buffer key;
	struct log_stat *stat; /* NULL: not asked for */
	struct buffer line;
	uint64_t most, shown;
};

static bool has(const char *name)
{
	return option_is_given(log_options, name);
}

/* --- What is asked for ---------------------------------------------------------------------------------------------- */

static int parse_count(struct logging *logging)
{
	const char *text = option_value(log_options, "max-count");
	char *end;
	logging->most = UINT64_MAX;
	if (!text)
		return STATUS_DONE;
	logging->most = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0')
		return tool_usage(logging->tool, "-n %s: a number is wanted", text);
	return STATUS_DONE;
}

static int parse_path(struct logging *logging)
{
	const struct positionals *words = &logging->tool->positionals;
	struct error error = { 0 };
	if (words->count == 0)
		return STATUS_DONE;
	char *first = words->values[0];
	size_t length = strlen(first);
	while (length > 1 && first[length - 1] == '/')
		first[--length] = '\0';
	if (words->count == 1 && !strpbrk(first, "/@")) {
		logging->path.table = first;
		return STATUS_DONE;
	}
	if (words->count == 1 && !strchr(first, '/'))
		return tool_usage(logging->tool, "%s: give times with --from and --to", first);
	if (item_path_parse(logging->tool, words->values, words->count, &logging->path, &error) < 0)
		return tool_usage(logging->tool, "%s", error_text(&error));
	if (logging->path.at)
		return tool_usage(logging->tool, "@%s: give times with --from and --to", logging->path.at);
	return STATUS_DONE;
}

static int parse(struct logging *logging)
{
	if (has("patch") && (has("stat") || has("json")))
		return tool_usage(logging->tool, "-p goes with neither --stat nor --json");
	int status = parse_count(logging);
	if (status == STATUS_DONE)
		status = parse_path(logging);
	if (status == STATUS_DONE)
		status = change_choice_parse(logging->tool, &logging->choice);
	if (status == STATUS_DONE && has("stat") && !(logging->stat = calloc(1, sizeof(*logging->stat))))
		return tool_fail("out of memory");
	logging->choice.filter.is_brief = has("stat");
	return status;
}

/* --- Showing -------------------------------------------------------------------------------------------------------- */

/* Change by change, blank lines between them. */
static int append_in_full(struct logging *logging, const struct log_source *source)
{
	struct buffer *line = &logging->line;
	if (logging->shown > 0)
		buffer_append_byte(line, '\n');
	int result = change_line_append(&source->table, source->change, /* has_path= */ true, line);
	return result < 0 ? result : change_line_append_patch(&source->table, source->change, line);
}

static int append(struct logging *logging, const struct log_source *source)
{
	const struct change *change = source->change;
	if (logging->stat) {
		log_stat_add(logging->stat, change);
		return 0;
	}
	if (source->is_catalogue)
		return table_event_append(change, &logging->line);
	if (has("patch"))
		return append_in_full(logging, source);
	if (!has("json"))
		return change_line_append(&source->table, change, /* has_path= */ true, &logging->line);
	int result = change_append_line(&source->table, change, &logging->line);
	buffer_append_byte(&logging->line, '\n');
	return result;
}

/* A damaged change is told as far as there is something of it; the end says how many there were. */
static int show(struct logging *logging, const struct log_source *source)
{
	buffer_clear(&logging->line);
	int result = append(logging, source);
	if (result == 0)
		result = buffer_error(&logging->line);
	if (result < 0)
		return result == -EIO ? 0 : result;
	progress_end(&logging->choice.progress);
	output(buffer_slice(&logging->line));
	logging->shown++;
	return 0;
}

/* Nothing is found before the time that can be told, either. */
static void say_nothing_found(const struct logging *logging)
{
	const struct told_table *told = &logging->table;
	char earliest[INSTANT_TEXT_MAX];
	instant_format(told->reach.earliest_us, earliest, sizeof(earliest));
	bool is_cut = logging->path.table && logging->choice.filter.from_us < told->reach.earliest_us &&
		      told->reach.first_seq > 0;
	tool_say(is_cut ? "pitr: no such changes; those of %s are kept from %s on" : "pitr: no such changes",
		told->table.name, earliest);
}

static int finish(struct logging *logging, const struct log_sources *sources)
{
	const struct table *table = NULL;
	uint64_t seq = 0, damaged = log_sources_damaged(sources, &table, &seq);
	if (logging->stat && logging->shown > 0) {
		buffer_clear(&logging->line);
		log_stat_append(logging->stat, has("json"), &logging->line);
		output(buffer_slice(&logging->line));
	}
	if (damaged > 0)
		return tool_fail("%" PRIu64 " of these changes could not be read whole, such as number %" PRIu64
				 " of %s; `pitr verify` tells what is damaged",
			damaged, seq, table->name);
	if (logging->shown > 0 || logging->most == 0)
		return STATUS_DONE;
	say_nothing_found(logging);
	return STATUS_FAILED;
}

static int show_all(struct logging *logging, struct store_txn *txn, struct error *error)
{
	struct log_sources sources;
	struct log_source *source;
	const struct table *table = logging->path.table ? &logging->table.table : NULL;
	bool has_events = !has("stat") && !has("json");
	int result = log_sources_open(
		logging->tool, txn, table, &logging->choice, !has("reverse"), has_events, &sources, error);
	if (result < 0)
		return result;
	while (logging->shown < logging->most && (result = log_sources_next(&sources, &source, error)) == 1) {
		result = show(logging, source);
		if (result < 0) {
			error_set(error, result, "a change of %s could not be shown: %s", source->table.name,
				strerror(-result));
			break;
		}
	}
	progress_end(&logging->choice.progress);
	int status = finish(logging, &sources);
	log_sources_close(&sources);
	return result < 0 ? result : status;
}

/* --- Finding -------------------------------------------------------------------------------------------------------- */

static int find(struct logging *logging, struct store_txn *txn, struct error *error)
{
	struct told_table *told = &logging->table;
	bool has_table = logging->path.table != NULL;
	int result = 0;
	if (logging->path.name)
		result = told_table_item(logging->tool, txn, &logging->path, told, &logging->key, error);
	else if (has_table)
		result = told_table_find(logging->tool, txn, logging->path.table, told, error);
	logging->choice.filter.encoded_key = buffer_slice(&logging->key);
	return result < 0 ? result
			  : change_choice_window(logging->tool, txn, has_table ? &told->table : NULL,
				    has_table ? &told->reach : NULL, &logging->choice, error);
}

static int log_in(struct store_txn *txn, void *context, struct error *error)
{
	struct logging *logging = context;
	int result = find(logging, txn, error);
	return result < 0 ? result : show_all(logging, txn, error);
}

static int run_log(struct tool *tool)
{
	struct logging logging = { .tool = tool };
	int status = parse(&logging);
	if (status == STATUS_DONE)
		status = tool_ask(tool, TOOL_PAGED, log_in, &logging);
	change_choice_free(&logging.choice);
	item_path_free(&logging.path);
	told_table_free(&logging.table);
	buffer_free(&logging.key);
	buffer_free(&logging.line);
	free(logging.stat);
	return status;
}

const struct verb verb_log = {
	.name = "log",
	.summary = "what changed, when, by whom",
	.usage = "[TABLE[/ITEM]] [--from TIME] [--to TIME] [--by AUTHOR]... [--op OP,...] [--where EXPR]...\n"
		 "           [--grep PATTERN [-i]] [-n N] [--reverse] [-p | --stat | --json]",
	.help = "The changes of a table or an item, newest first; without a table those of the whole store, and what "
		"became of\n"
		"its tables. Tables that were dropped are found by their name as long as their history is kept.\n\n"
		"  pitr log orders --from 2025-03-01T09:00 --op remove --stat\n"
		"  pitr log orders/1001 -p\n"
		"  pitr log --by process=python3 --where 'price = 0' --from -2h\n\n"
		"--from, --to     both ends count; also seq-N, the number of a change\n"
		"--by AUTHOR      changes by this author (user=ann, process=rsync, reason=INC-17; * is anything); one "
		"must "
		"match\n"
		"--op OP          insert, modify, remove\n"
		"--where EXPR     changes of items that fulfil the expression, before or after the change; all must "
		"hold\n"
		"--grep PATTERN   changes that add or take away a line of the item's file that matches (extended "
		"regular\n"
		"                 expression; -i: in any case)\n"
		"-n N             so many\n"
		"--reverse        oldest first\n"
		"-p               with the lines that are different\n"
		"--stat           how many changes by each author, and no more\n"
		"--json           as Streams records with an author, one a line; with --stat one object for each "
		"author\n\n"
		"Exit status: 0 there were changes, 1 there were none, or it failed.\n",
	.run = run_log,
	.options = log_options,
};
