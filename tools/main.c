#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "tools/output.h"
#include "tools/screen.h"
#include "tools/tool.h"
#include "tools/verbs.h"

#define VERSION "0.1"

static const struct verb *const people[] = { &verb_init, &verb_mount, &verb_umount, &verb_status, &verb_import,
	&verb_put, &verb_get, &verb_rm, &verb_restore, &verb_undo, &verb_log, &verb_history, &verb_blame, &verb_find,
	&verb_drill, &verb_backup, &verb_hold, &verb_settings, &verb_seal, &verb_export_evidence, &verb_verify,
	&verb_gc, &verb_du, &verb_timeline, &verb_find_when, &verb_diff, &verb_incident, NULL };
static const struct verb *const aws[] = { &verb_create_table, &verb_describe_table, &verb_list_tables,
	&verb_update_table, &verb_delete_table, &verb_wait, &verb_put_item, &verb_get_item, &verb_update_item,
	&verb_delete_item, &verb_batch_write_item, &verb_scan, &verb_update_continuous_backups,
	&verb_describe_continuous_backups, &verb_restore_table_to_point_in_time, &verb_create_backup,
	&verb_describe_backup, &verb_list_backups, &verb_delete_backup, &verb_restore_table_from_backup,
	&verb_update_time_to_live, &verb_describe_time_to_live, &verb_tag_resource, &verb_untag_resource,
	&verb_list_tags_of_resource, NULL };

static const struct verb *find_in(const struct verb *const *verbs, const char *name)
{
	for (; *verbs; verbs++)
		if (strcmp((*verbs)->name, name) == 0)
			return *verbs;
	return NULL;
}

static const struct verb *find_verb(const char *name)
{
	const struct verb *verb = find_in(people, name);
	return verb ? verb : find_in(aws, name);
}

static void list_verbs(FILE *out, const struct verb *const *verbs, int width)
{
	for (; *verbs; verbs++)
		if ((*verbs)->summary)
			fprintf(out, "  %-*s %s\n", width, (*verbs)->name, (*verbs)->summary);
}

static void print_overview(FILE *out)
{
	fputs("usage: pitr [--store DIR] VERB ...\n\n"
	      "Tables that keep every change. The store is --store DIR, or $PITR_STORE, or ~/.local/share/pitr.\n"
	      "What is long is paged and coloured at a terminal: --no-pager, --color=auto|always|never.\n\n",
		out);
	list_verbs(out, people, 16);
	fputs("\nAs in `aws dynamodb`, with its options, output and exceptions:\n\n", out);
	list_verbs(out, aws, 31);
	fputs("\n`pitr help VERB` or `pitr VERB --help` tells more. Exit status: 0 done, 1 failed, 2 wrong usage.\n",
		out);
}

static void print_help(const struct verb *verb)
{
	printf("usage: pitr %s%s%s\n\n%s", verb->name, verb->usage[0] ? " " : "", verb->usage, verb->help);
	if (find_in(aws, verb->name))
		fputs("\n--query takes JMESPath, and --output json or text, as AWS's command line does.\n", stdout);
}

static int help(int argc, char **argv)
{
	if (argc == 0) {
		print_overview(stdout);
		return STATUS_DONE;
	}
	const struct verb *verb = find_verb(argv[0]);
	if (!verb) {
		fprintf(stderr, "pitr: there is no verb %s; `pitr help` lists them\n", argv[0]);
		return STATUS_USAGE;
	}
	print_help(verb);
	return STATUS_DONE;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0)
			return true;
	return argc == 1 && strcmp(argv[0], "help") == 0;
}

static int run_verb(struct tool *tool, const struct verb *verb)
{
	if (asks_for_help(tool->verb_argc, tool->verb_argv)) {
		print_help(verb);
		return STATUS_DONE;
	}
	tool->verb = verb->name;
	tool->options = verb->options;
	int status = verb->options ? tool_parse(tool) : STATUS_DONE;
	return status == STATUS_DONE ? verb->run(tool) : status;
}

/* What stands before the verb. *ret_at is the place of the verb. STATUS_DONE to go on. */
static int parse_start(struct tool *tool, int *ret_at)
{
	int at = 1;
	for (; at < tool->argc && tool->argv[at][0] == '-'; at++) {
		const char *text = tool->argv[at];
		if (strcmp(text, "--help") == 0 || strcmp(text, "--version") == 0)
			break;
		if (strcmp(text, "--no-pager") == 0) {
			tool->is_unpaged = true;
			continue;
		}
		const char *value = strncmp(text, "--store=", 8) == 0 ? text + 8 : NULL;
		if (!value && strcmp(text, "--store") == 0 && at + 1 < tool->argc)
			value = tool->argv[++at];
		if (!value || value[0] == '\0') {
			fprintf(stderr, "pitr: %s; `pitr help` shows how it is used\n",
				strcmp(text, "--store") == 0 ? "--store needs a directory" : "unknown option");
			return STATUS_USAGE;
		}
		free(tool->store);
		tool->store = strdup(value);
	}
	*ret_at = at;
	return STATUS_DONE;
}

static int run(struct tool *tool)
{
	int at, status = parse_start(tool, &at);
	if (status != STATUS_DONE)
		return status;
	if (at >= tool->argc) {
		print_overview(stderr);
		return STATUS_USAGE;
	}
	const char *name = tool->argv[at];
	tool->verb_argc = tool->argc - at - 1;
	tool->verb_argv = tool->argv + at + 1;
	if (strcmp(name, "--version") == 0) {
		puts("pitr " VERSION);
		return STATUS_DONE;
	}
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0)
		return help(tool->verb_argc, tool->verb_argv);
	const struct verb *verb = find_verb(name);
	if (verb)
		return run_verb(tool, verb);
	fprintf(stderr, "pitr: there is no verb %s; `pitr help` lists them\n", name);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	struct tool tool = { .argc = argc, .argv = argv };
	const char *clock_file = getenv("PITR_CLOCK_FILE");
	setlocale(LC_ALL, "");
	if (clock_file && clock_use_file(clock_file) < 0) {
		fprintf(stderr, "pitr: the path in PITR_CLOCK_FILE is too long\n");
		return STATUS_USAGE;
	}
	int status = screen_end(output_finish(run(&tool)));
	history_close(tool.history);
	instant_zone_free(tool.zone);
	free(tool.positionals.values);
	free(tool.store);
	return status;
}
