/* How a response is printed: --query and --output of AWS's command line. */
#ifndef PITR_TOOLS_AWS_OUTPUT_H
#define PITR_TOOLS_AWS_OUTPUT_H

#include "tools/query.h"
#include "tools/tool.h"

struct aws_output {
	struct query *query; /* NULL: all of the response */
	bool is_text;        /* tab-separated lines, rather than JSON */
};

/* STATUS_DONE, or said what is wrong with the options. */
int aws_output_begin(const struct tool *tool, struct aws_output *ret_output);
void aws_output_end(struct aws_output *form);
/* The response is worked on as a whole, so that it cannot be printed piece by piece. */
bool aws_output_is_whole(const struct aws_output *form);
/* Prints it to stdout; an empty one only if it is asked something. `done` (may be NULL) is what has been changed, said when
 * the query fails afterwards. The exit status. */
int aws_output_print(const struct aws_output *form, struct slice response, const char *done);

#endif
