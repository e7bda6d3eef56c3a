/* Data on standard output. */
#ifndef PITR_TOOLS_OUTPUT_H
#define PITR_TOOLS_OUTPUT_H

#include <stdbool.h>

#include "bytes.h"
#include "json.h"

/* Writes bytes to stdout. Failures are remembered by the stream and told by output_finish. */
void output(struct slice bytes);

/* JSON as the AWS command line prints it: four spaces, and times (members named ...DateTime) as ISO 8601. */
void output_aws_append(struct buffer *out, const struct json *root);
/* One value of it, as it stands `depth` levels deep; without a newline. */
void output_aws_value(struct buffer *out, const struct json *node, unsigned depth);

/* Compact JSON, with the same times. */
void output_aws_compact(struct buffer *out, const struct json *root);
/* Lines of text as the AWS command line prints --output text. Of a whole response, NextToken comes last. */
void output_text_append(struct buffer *out, const struct json *root, bool is_response);

/* 0.00 KB, for people. Writes at most `size` bytes. */
void output_size(uint64_t bytes, char *text, size_t size);

/* What makes a noun the plural: "s", or "" after one. */
const char *output_plural(uint64_t count);

/* Flushes stdout. The exit status: `status`, or STATUS_FAILED (said why) when not everything could be written. */
int output_finish(int status);

#endif
