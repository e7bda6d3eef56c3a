/* Verbs named as in `aws dynamodb`: options to a request, an operation, and its response or exception. */
#ifndef PITR_TOOLS_AWS_H
#define PITR_TOOLS_AWS_H

#include "json.h"
#include "table.h"
#include "tools/tool.h"

enum aws_kind { AWS_TEXT, AWS_NUMBER, AWS_BOOLEAN, AWS_STRUCTURE, AWS_LIST };

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

struct aws_operation {
	const char *name;                       /* "PutItem" */
	const struct aws_parameter *parameters; /* ends in one without a member */
	bool is_write;
	/* Appends the response, a JSON object, or nothing. 0 or negative errno. */
	int (*run)(struct tool *tool, const struct json *request, struct buffer *response, struct error *error);
};

/* Runs a verb: the exit status. */
int aws_run(struct tool *tool, const struct aws_operation *operation);

/* The request that the options mean, as JSON text; they go before what --cli-input-json says. STATUS_DONE, or said what
 * is wrong. */
int aws_request(struct tool *tool, const struct aws_operation *operation, struct buffer *out);

/* The table a request names. `is_item_operation` chooses between AWS's two texts for a table that is not there. */
int aws_table(struct store_txn *txn, const struct json *request, bool is_item_operation, struct table *ret_table,
	struct error *error);

#endif
