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

int change_stream_size(struct change_stream *stream, uint64_t *ret_size_bytes);
/* When the last change in it happened; -ENOENT: there is none. */
int change_stream_last(struct change_stream *stream, int64_t *ret_time_us);
/* `size` bytes from `offset` on, or what there is, appended. Memory is bounded by them and one line. -EIO, -ESTALE. */
int change_stream_read(struct change_stream *stream, uint64_t offset, size_t size, struct buffer *out);

#endif
