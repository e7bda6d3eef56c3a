/* The changes of a stretch of time as text: lines of change.h, one after the other, of one table or of the whole store by time. How long
 * the text is, and where a byte of it stands, is known without making it (log.h counts lines). */
#ifndef PITR_CHANGE_STREAM_H
#define PITR_CHANGE_STREAM_H

#include <stdint.h>

#include "history.h"
#include "store.h"
#include "table.h"

struct change_stream;

/* Changes with from <= time < to that can be told (reach.h). table NULL: of all tables (the catalogue is none of them), those that ended too;
 * changes of one time come in order of tables, then of their numbers. */
int change_stream_open(struct history *history, struct store_txn *txn, const struct table *table, int64_t from_us,
	int64_t to_us, struct change_stream **ret_stream);
void change_stream_close(struct change_stream *stream); /* before the transaction ends; NULL is fine */

uint64_t change_stream_size(const struct change_stream *stream);
/* When the last change in it happened; -ENOENT: there is none. */
int change_stream_last(const struct change_stream *stream, int64_t *ret_time_us);
/* A number that stays the same while the text only grows at its end, and is another when something left it that stood before (the
 * window moved on) or, in the whole store's, came in between (an import). It changes once more when a stretch of the whole store has been over for an
 * hour. 0 most often. */
uint64_t change_stream_mark(const struct change_stream *stream);

/* `size` bytes from `offset` on, or what there is, appended. Memory is bounded by them and one line. -EIO, -ESTALE. */
int change_stream_read(struct change_stream *stream, uint64_t offset, size_t size, struct buffer *out);

#endif
