/* Lines of a file or pipe; gzip is recognised by its magic bytes, several members in a row too. */
#ifndef PITR_LINE_READER_H
#define PITR_LINE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

#define RECORD_LINE_MAX (8u << 20) /* a longer line is an error of that line, not of the run */

struct line_reader;
/* `fd` is borrowed and must stay open. 0 or -ENOMEM. */
int line_reader_new(int fd, struct line_reader **ret_reader);
void line_reader_free(struct line_reader *reader);
/* The next line without its newline (a CR before it is dropped too), borrowed until the next call. 1: a line; 0: the
 * end; negative: read error, -EIO for damaged or cut gzip (message), the same again at every further call. A line over
 * RECORD_LINE_MAX gives 1, its beginning and *ret_is_too_long, with the rest of it skipped. Empty lines are returned as
 * such. */
int line_reader_next(struct line_reader *reader, struct slice *ret_line, bool *ret_is_too_long, struct error *error);
/* Bytes read from the fd so far, for progress. */
uint64_t line_reader_position(const struct line_reader *reader);

#endif
