#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "import.h"
#include "item_json.h"
#include "json.h"
#include "text.h"
#include "tools/output.h"
#include "tools/verbs.h"

#define PROGRESS_AFTER_US 1000000
#define PROGRESS_EVERY_US 200000

static struct option import_options[] = {
	{ .name = "table", .letter = 't', .kind = OPTION_VALUE },
	{ .name = "key", .kind = OPTION_VALUE },
	{ .name = "skip-bad", .kind = OPTION_FLAG },
	{ .name = "rejects", .kind = OPTION_VALUE },
	{ .name = "at", .kind = OPTION_VALUE },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

/* One run of the verb. */
struct run {
	struct tool *tool;
	struct import *import;
	struct import_options options;
	struct key_schema schema;
	struct buffer author, ttl_author;
	char rejects_path[4096];
	FILE *rejects;              /* NULL: not open yet */
	bool has_progress;          /* stderr is a terminal */
	int64_t began_us, shown_us; /* by a clock that only runs forward */
	bool is_shown;
};

/* --- Options -------------------------------------------------------------------------------------------------------- */

/* "NAME" or "NAME:TYPE"; the type is left 0 when not given. */
static int parse_attribute(const char *text, size_t length, struct key_attribute *ret_attribute)
{
	*ret_attribute = (struct key_attribute){ 0 };
	if (length > 2 && text[length - 2] == ':' && strchr("SNB", text[length - 1])) {
		ret_attribute->type = (enum value_tag)text[length - 1];
		length -= 2;
	}
	if (length == 0 || length > KEY_NAME_MAX)
		return -EINVAL;
	memcpy(ret_attribute->name, text, length);
	return 0;
}

static int parse_key(struct run *run)
{
	const char *text = option_value(import_options, "key");
	if (!text)
		return STATUS_DONE;
	const char *comma = strchr(text, ',');
	size_t length = comma ? (size_t)(comma - text) : strlen(text);
	int result = parse_attribute(text, length, &run->schema.partition);
	run->schema.has_sort = comma != NULL;
	if (result == 0 && comma)
		result = parse_attribute(comma + 1, strlen(comma + 1), &run->schema.sort);
	if (result < 0 || (comma && strchr(comma + 1, ',')))
		return tool_usage(run->tool, "--key %s: write NAME[:S|:N|:B], and after a comma the sort key", text);
	run->options.schema = &run->schema;
	return STATUS_DONE;
}

static int parse_time(struct run *run)
{
	const char *text = option_value(import_options, "at");
	struct instant instant;
	struct error error = { 0 };
	if (!text)
		return STATUS_DONE;
	if (tool_instant(run->tool, text, &instant, &error) < 0)
		return tool_usage(run->tool, "--at: %s", error_text(&error));
	if (instant.kind == INSTANT_AT)
		run->options.time_us = instant.time_us;
	else if (instant.kind == INSTANT_BEFORE_NOW && instant.time_us > 0)
		run->options.time_us = clock_now_us() - instant.time_us;
	else if (instant.kind != INSTANT_BEFORE_NOW)
		return tool_usage(run->tool, "--at %s: give a time", text);
	return STATUS_DONE;
}

/* What the author's "source" says: the one file's name, or how many. */
static void describe_sources(const struct tool *tool, char *text, size_t size)
{
	const char *first = tool->positionals.values[0];
	const char *slash = strrchr(first, '/');
	if (tool->positionals.count > 1)
		snprintf(text, size, "%s and %zu more", slash ? slash + 1 : first, tool->positionals.count - 1);
	else
		snprintf(text, size, "%s", strcmp(first, "-") == 0 ? "standard input" : slash ? slash + 1 : first);
}

/* --- Bad lines ------------------------------------------------------------------------------------------------------ */

/* Without --rejects the file is named after the time, in the working directory. */
static void choose_rejects_path(struct run *run)
{
	const char *given = option_value(import_options, "rejects");
	char time_text[INSTANT_TEXT_MAX], compact[INSTANT_TEXT_MAX], *to = compact;
	if (given) {
		snprintf(run->rejects_path, sizeof(run->rejects_path), "%s", given);
		return;
	}
	int64_t now_us = clock_now_us();
	instant_format_z(now_us - now_us % SECOND_US, time_text, sizeof(time_text));
	for (const char *from = time_text; *from; from++)
		if (*from != '-' && *from != ':')
			*to++ = *from;
	*to = '\0';
	snprintf(run->rejects_path, sizeof(run->rejects_path), "import-rejects-%s.jsonl", compact);
}

static int open_rejects(struct run *run)
{
	if (run->rejects)
		return 0;
	choose_rejects_path(run);
	run->rejects = fopen(run->rejects_path, "we");
	if (run->rejects)
		return 0;
	int code = -errno;
	tool_fail("%s: %s", run->rejects_path, strerror(-code));
	return code;
}

/* The text as it was; base64 when it is no UTF-8, so that nothing is lost. */
static void append_text(struct buffer *out, struct slice text)
{
	if (utf8_is_valid(text)) {
		buffer_append_text(out, "\"text\":");
		json_append_string(out, text);
		return;
	}
	buffer_append_text(out, "\"base64\":\"");
	base64_append(out, text);
	buffer_append_byte(out, '"');
}

static int reject_line(void *context, const char *source, uint64_t line, struct slice text, const struct error *error)
{
	struct run *run = context;
	struct buffer out = BUFFER_INIT;
	int result = open_rejects(run);
	if (result < 0)
		return result;
	buffer_append_text(&out, "{\"source\":");
	text_append_json(&out, slice_of_text(source));
	buffer_append_format(&out, ",\"line\":%" PRIu64 ",\"error\":", line);
	text_append_json(&out, slice_of_text(error_text(error)));
	buffer_append_byte(&out, ',');
	append_text(&out, text);
	buffer_append_text(&out, "}\n");
	result = buffer_error(&out);
	errno = 0;
	if (result == 0 && (fwrite(out.data, 1, out.size, run->rejects) != out.size || fflush(run->rejects) != 0))
		result = errno ? -errno : -EIO;
	buffer_free(&out);
	return result;
}

/* --- Progress ------------------------------------------------------------------------------------------------------- */

static int64_t elapsed_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void show_progress(void *context, uint64_t lines, uint64_t applied, uint64_t total)
{
	struct run *run = context;
	int64_t now_us = elapsed_us();
	if (now_us - run->began_us < PROGRESS_AFTER_US || now_us - run->shown_us < PROGRESS_EVERY_US)
		return;
	run->shown_us = now_us;
	run->is_shown = true;
	if (total == 0)
		fprintf(stderr, "\r\033[K%" PRIu64 " lines read", lines);
	else
		fprintf(stderr, "\r\033[K%" PRIu64 " of %" PRIu64 " changes applied (%d%%)", applied, total,
			(int)(applied * 100 / total));
	fflush(stderr);
}

static void end_progress(struct run *run)
{
	if (run->is_shown)
		fputs("\r\033[K", stderr);
	run->is_shown = false;
}

/* --- The sum -------------------------------------------------------------------------------------------------------- */

static void say_count(uint64_t count, const char *what)
{
	if (count > 0)
		fprintf(stderr, ", %" PRIu64 " %s", count, what);
}

static void say_summary(const struct run *run, const struct import_counts *counts)
{
	char first[INSTANT_TEXT_MAX], last[INSTANT_TEXT_MAX];
	uint64_t changed = counts->inserted + counts->modified + counts->removed;
	const char *table = import_table(run->import);
	fprintf(stderr,
		"%s%s%" PRIu64 " line%s, %" PRIu64 " change%s brought in (%" PRIu64 " insert%s, %" PRIu64
		" modification%s, %" PRIu64 " removal%s)",
		table, table[0] ? ": " : "", counts->lines, output_plural(counts->lines), changed,
		output_plural(changed), counts->inserted, output_plural(counts->inserted), counts->modified,
		output_plural(counts->modified), counts->removed, output_plural(counts->removed));
	say_count(counts->unchanged, "without effect");
	say_count(counts->already_there, "there already");
	say_count(counts->bad, "bad");
	fputc('\n', stderr);
	if (counts->first_us != 0) {
		instant_format(counts->first_us, first, sizeof(first));
		instant_format(counts->last_us, last, sizeof(last));
		tool_say("from %s to %s", first, last);
	}
	if (counts->bad > 0 && run->rejects)
		tool_say("bad lines, with reasons: %s", run->rejects_path);
}

static void append_time(struct buffer *out, const char *name, int64_t time_us)
{
	char text[INSTANT_TEXT_MAX];
	instant_format_z(time_us, text, sizeof(text));
	buffer_append_format(out, ",\"%s\":\"%s\"", name, text);
}

static void print_summary(const struct run *run, const struct import_counts *counts)
{
	struct buffer out = BUFFER_INIT;
	buffer_append_text(&out, "{\"table\":");
	json_append_string(&out, slice_of_text(import_table(run->import)));
	buffer_append_format(&out,
		",\"lines\":%" PRIu64 ",\"changes\":%" PRIu64 ",\"inserted\":%" PRIu64 ",\"modified\":%" PRIu64
		",\"removed\":%" PRIu64 ",\"unchanged\":%" PRIu64 ",\"alreadyThere\":%" PRIu64 ",\"bad\":%" PRIu64,
		counts->lines, counts->changes, counts->inserted, counts->modified, counts->removed, counts->unchanged,
		counts->already_there, counts->bad);
	if (counts->first_us != 0) {
		append_time(&out, "first", counts->first_us);
		append_time(&out, "last", counts->last_us);
	}
	if (counts->bad > 0 && run->rejects) {
		buffer_append_text(&out, ",\"rejects\":");
		text_append_json(&out, slice_of_text(run->rejects_path));
	}
	buffer_append_text(&out, "}\n");
	output(buffer_slice(&out));
	buffer_free(&out);
}

/* --- Running -------------------------------------------------------------------------------------------------------- */

static int read_source(struct run *run, const char *path, struct error *error)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat status;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	int result = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)
			     ? error_set(error, -EISDIR, "%s is a directory: give the files with the records", path)
			     : import_read(run->import, fd, is_stdin ? "standard input" : path, error);
	if (!is_stdin)
		close(fd);
	return result;
}

static int import_all(struct run *run)
{
	const struct positionals *sources = &run->tool->positionals;
	struct import_counts counts = { 0 };
	struct error error = { 0 };
	int result = 0;
	for (size_t i = 0; i < sources->count && result == 0; i++)
		result = read_source(run, sources->values[i], &error);
	bool is_read = result == 0;
	if (is_read)
		result = import_apply(run->import, &counts, &error);
	end_progress(run);
	if (result < 0) {
		uint64_t changed = counts.inserted + counts.modified + counts.removed;
		tool_fail_error(&error);
		if (changed > 0)
			tool_say("The first %" PRIu64
				 " changes are in the table. Run the import again to go on from there.",
				changed);
		else
			tool_say("Nothing was imported.%s",
				is_read || result != -EINVAL ? "" : " --skip-bad leaves bad lines out.");
		return STATUS_FAILED;
	}
	say_summary(run, &counts);
	if (option_is_given(import_options, "json"))
		print_summary(run, &counts);
	return STATUS_DONE;
}

static int start(struct run *run)
{
	char sources[512];
	describe_sources(run->tool, sources, sizeof(sources));
	tool_import_author(sources, NULL, &run->author);
	tool_import_author(sources, "ttl", &run->ttl_author);
	run->options.table = option_value(import_options, "table");
	run->options.skip_bad = option_is_given(import_options, "skip-bad");
	run->options.author = buffer_slice(&run->author);
	run->options.ttl_author = buffer_slice(&run->ttl_author);
	run->options.bad_line = reject_line;
	run->options.progress = isatty(STDERR_FILENO) ? show_progress : NULL;
	run->options.context = run;
	run->began_us = elapsed_us();
	int status = tool_open(run->tool, /* is_writable= */ true);
	if (status != STATUS_DONE)
		return status;
	int result = import_new(run->tool->history, &run->options, &run->import);
	return result < 0 ? tool_fail("import: %s", strerror(-result)) : import_all(run);
}

static int run_import(struct tool *tool)
{
	struct run run = { .tool = tool };
	if (tool->positionals.count == 0)
		return tool_usage(tool, "what? Give files, or - for standard input");
	if (option_is_given(import_options, "rejects") && !option_is_given(import_options, "skip-bad"))
		return tool_usage(tool, "--rejects is for bad lines that are left out: give --skip-bad too");
	int status = parse_key(&run);
	if (status == STATUS_DONE)
		status = parse_time(&run);
	if (status == STATUS_DONE)
		status = start(&run);
	import_free(run.import);
	if (run.rejects)
		fclose(run.rejects);
	buffer_free(&run.author);
	buffer_free(&run.ttl_author);
	return status;
}

const struct verb verb_import = {
	.name = "import",
	.summary = "bring recorded changes, or items, into a table",
	.usage = "[--table NAME] [--key NAME[:TYPE][,SORT[:TYPE]]] [--skip-bad [--rejects FILE]]\n"
		 "                   [--at TIME] [--json] FILE...|-",
	.help = "Reads DynamoDB Streams or Kinesis records, {\"Item\":...} lines, or plain JSON lines, gzip or not; "
		"which, it\n"
		"sees by itself. Changes keep their own times; items without a time all get one: now, or --at.\n\n"
		"A table that is not there is made. It exists from its first change on, and its history is kept for "
		"ever.\n"
		"Its key is that of the records; --key names it where they do not (items), or where it has two "
		"attributes.\n"
		"TYPE is S, N or B, and seen from the first record when left out.\n\n"
		"A bad line stops the import before anything is written. --skip-bad leaves bad lines out, counts them, "
		"and\n"
		"writes them to FILE (import-rejects-<time>.jsonl), each with its reason.\n\n"
		"An import that was interrupted is run again: what is there is recognised. A table's history can only "
		"grow\n"
		"at its end.\n",
	.run = run_import,
	.options = import_options,
};
