/* Verbs named as in `aws dynamodb`: options to a request, an operation, and its response or exception. */
#ifndef PITR_TOOLS_AWS_H
#define PITR_TOOLS_AWS_H

#include "json.h"
#include "table.h"
#include "tools/tool.h"

enum aws_kind {
	AWS_TEXT,
	AWS_NUMBER,
	AWS_BOOLEAN,
	AWS_TIME, /* what AWS's command line takes, and every form of an instant (instant.h) */
	AWS_STRUCTURE,
	AWS_LIST,      /* of structures */
	AWS_TEXT_LIST, /* of texts */
};

enum aws_use {
	AWS_OPTIONAL,
	AWS_REQUIRED,
	AWS_REFUSED, /* known, but not done here: given, it is a ValidationException rather than ignored */
	AWS_PLAIN,   /* of the command line only, not part of AWS's request */
};

/* One option, and the member of the request it becomes. */
struct aws_parameter {
	const char *member, *option;
	enum aws_kind kind;
	enum aws_use use;
};

/* One call of an operation, within a transaction. */
struct aws_call {
	struct tool *tool;
	const struct json *request;
	struct store_txn *txn;
	struct batch *batch; /* NULL while reading */
	struct change_context context;
	struct table table; /* freed at the end, whether it was found or not */
	void *more;         /* what the operation's parts hand on to each other */
	bool is_whole;      /* all of the response goes into `response`: nothing may be printed before it is done */
	struct buffer *response;
	struct error *error;
};
typedef int (*aws_work)(struct aws_call *call);
struct aws_operation {
	const char *name;                       /* "PutItem" */
	const struct aws_parameter *parameters; /* ends in one without a member */
	bool is_write;
	/* One of them. Both append the response, a JSON object, or nothing, and return 0 or negative errno. `work` is done
	 * within a transaction. */
	aws_work work;
	int (*run)(struct tool *tool, const struct json *request, struct buffer *response, struct error *error);
	bool has_no_response; /* not even an empty one, of which --query makes null */
};

/* Runs a verb: the exit status. */
int aws_run(struct tool *tool, const struct aws_operation *operation);

/* The request that the options mean, as JSON text; they go before what --cli-input-json says. STATUS_DONE, or said what
 * is wrong. */
int aws_request(struct tool *tool, const struct aws_operation *operation, struct buffer *out);

/* What a table is wanted for: AWS's texts for one that is not there, or is still being restored, differ. */
enum aws_use_of_table {
	AWS_TO_DESCRIBE, /* and to delete: also while it is being restored */
	AWS_TO_CHANGE,   /* settings, tags, time to live */
	AWS_FOR_ITEMS,
	AWS_FOR_BACKUPS, /* continuous and on-demand ones, restores */
};
/* The live table of a name or an ARN, or the one that a request's TableName means. -ENOENT. */
int aws_find_table(struct store_txn *txn, struct slice name, enum aws_use_of_table use, struct table *ret_table,
	struct error *error);
int aws_table(struct store_txn *txn, const struct json *request, enum aws_use_of_table use, struct table *ret_table,
	struct error *error);
/* The table's name in a name or an ARN of it. */
struct slice aws_name_of_arn(struct slice name);

/* A time in a request: 0 and true when it is there; -EINVAL. */
int aws_time(const struct tool *tool, const struct json *request, const char *member, struct instant *ret_instant,
	bool *ret_is_given, struct error *error);

/* What `work` is done in: a transaction that reads, or one that changes and is committed when the work went well. */
int aws_read(struct aws_call *call, aws_work work);
int aws_change(struct aws_call *call, aws_work work);

/* Appends {"MEMBER": TableDescription} as of now; `status` (may be NULL) is told instead of the table's. */
int aws_append_table(struct store_txn *txn, const struct table *table, const char *member, const char *status,
	struct buffer *response, struct error *error);

/* ValidationException, with this text. */
int aws_invalid(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where a listing begins, how long it is, and what its rest is called: in AWS's words (`start`, Limit, `rest`), or in those of
 * its command line (StartingToken, MaxItems, NextToken). */
struct aws_page {
	struct slice after;
	int64_t limit;
	const char *rest;
};
int aws_page(const struct json *request, const char *start, const char *rest, struct aws_page *ret_page,
	struct error *error);

#endif
