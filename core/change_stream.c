/* Invariants
 * 1. Each part has changes first to last of one table, at least one; parts stand in order of tables.
 * 2. While it is read, the heap has the parts that have changes left, the one whose turn it is at the top; each knows its next change. */
#include "change_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "change.h"
#include "clock.h"
#include "hash.h"
#include "log.h"
#include "reach.h"
#include "told_tables.h"

/* So many bytes of text are rather walked over than halved. */
#define WALK_BYTES 32768u
/* So long after a stretch its readers at the end have seen that it is over. */
#define OVER_US (INT64_C(3600) * SECOND_US)

struct part {
	struct table table; /* without its description */
	uint64_t first, last;
	int64_t first_us, last_us;
	uint64_t before, end; /* bytes of the table's text before the first and after the last */
	struct log_walk walk;
	struct log_entry entry;
};

struct change_stream {
	struct store_txn *txn;
	int64_t from_us, to_us;
	struct part *parts;
	size_t count;
	uint64_t size, mark;
	struct part **heap;
	size_t heap_count;
	struct change_reader reader;
	struct buffer line;
};

/* --- what it consists of --- */

/* What makes the text another one than it was: numbers that change with it. */
static void mix(struct change_stream *stream, uint32_t table, uint64_t number)
{
	uint64_t pair[2] = { table, number };
	stream->mark ^= hash_checksum64(slice_of(pair, sizeof(pair)), 0);
}

/* Has a part of the stretch left the table's window? The state the window begins with tells. Where no history is kept at all, nothing was
 * ever told. */
static int mix_window(struct change_stream *stream, const struct table *table, const struct reach *reach)
{
	struct log_entry entry;
	if (!table->is_pitr_on && reach->first_seq == reach->last_seq)
		return 0;
	int r = log_get(stream->txn, table->number, reach->first_seq, &entry);
	if (!r && entry.time_us >= stream->from_us)
		mix(stream, table->number, entry.time_us < stream->to_us ? entry.seq : UINT64_MAX);
	return r == -ENOENT ? 0 : r;
}

/* Of a stretch that has long been over nothing is added at the end: what makes the store's text longer is imported, and comes in between;
 * what makes it shorter is forgotten, wherever it stood. */
static int mix_size(struct change_stream *stream)
{
	int64_t last_us;
	int r = history_last_commit(stream->txn, &last_us);
	if (!r && stream->to_us <= last_us - OVER_US)
		mix(stream, CATALOGUE, stream->size);
	return r;
}

/* The changes of a table in the stretch. 1; 0: there is none. */
static int find_part(struct change_stream *stream, uint32_t table, const struct reach *reach, struct part *part)
{
	struct log_entry first, last = { 0 };
	int r = log_after_time(stream->txn, table, stream->from_us - 1, &first);
	if (!r && first.seq <= reach->first_seq)
		r = log_get(stream->txn, table, reach->first_seq + 1, &first);
	if (!r)
		r = log_at_time(stream->txn, table, stream->to_us - 1, &last);
	if (!r && last.seq > reach->last_seq)
		r = log_get(stream->txn, table, reach->last_seq, &last);
	if (r || first.seq > last.seq)
		return r == -ENOENT ? 0 : r;
	part->first = first.seq;
	part->first_us = first.time_us;
	part->before = first.lines_bytes - first.line_bytes;
	part->last = last.seq;
	part->last_us = last.time_us;
	part->end = last.lines_bytes;
	return 1;
}

static int add_part(struct history *history, struct change_stream *stream, const struct table *table)
{
	struct part part = { .table = *table };
	struct reach reach;
	part.table.description = BUFFER_INIT;
	int r = reach_of(history, stream->txn, table, &reach);
	if (r)
		return r == -ENOENT ? 0 : r;
	r = mix_window(stream, table, &reach);
	if (!r)
		r = find_part(stream, table->number, &reach, &part);
	if (r <= 0)
		return r;
	struct part *parts = realloc(stream->parts, (stream->count + 1) * sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	stream->parts = parts;
	stream->parts[stream->count++] = part;
	stream->size += part.end - part.before;
	return 1;
}

static int add_told(struct history *history, struct change_stream *stream, const struct table *table)
{
	struct table_statistics statistics;
	int r = table_statistics(stream->txn, table->number, &statistics);
	if (!r && statistics.last_us >= stream->from_us && statistics.first_us < stream->to_us)
		r = add_part(history, stream, table);
	return r < 0 ? r : 0;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	return x->table.number < y->table.number ? -1 : x->table.number > y->table.number;
}

static int add_tables(struct history *history, struct change_stream *stream)
{
	struct told_walk walk = { 0 };
	struct table table;
	int64_t ended_us;
	int r;
	while ((r = told_tables_next(&walk, stream->txn, &table, &ended_us)) == 1) {
		r = add_told(history, stream, &table);
		table_free(&table);
		if (r)
			return r;
	}
	if (stream->count)
		qsort(stream->parts, stream->count, sizeof(struct part), compare_numbers);
	return r ? r : mix_size(stream);
}

int change_stream_open(struct history *history, struct store_txn *txn, const struct table *table, int64_t from_us,
	int64_t to_us, struct change_stream **ret_stream)
{
	struct change_stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	*stream = (struct change_stream){ .txn = txn, .from_us = from_us, .to_us = to_us };
	int r = table ? add_part(history, stream, table) : add_tables(history, stream);
	if (r >= 0 && stream->count) {
		stream->heap = calloc(stream->count, sizeof(struct part *));
		r = stream->heap ? 0 : -ENOMEM;
	}
	if (r < 0) {
		change_stream_close(stream);
		return r;
	}
	*ret_stream = stream;
	return 0;
}

void change_stream_close(struct change_stream *stream)
{
	if (!stream)
		return;
	change_reader_free(&stream->reader);
	buffer_free(&stream->line);
	free(stream->parts);
	free(stream->heap);
	free(stream);
}

uint64_t change_stream_size(const struct change_stream *stream)
{
	return stream->size;
}

int change_stream_last(const struct change_stream *stream, int64_t *ret_time_us)
{
	*ret_time_us = INT64_MIN;
	for (size_t i = 0; i < stream->count; i++)
		if (stream->parts[i].last_us > *ret_time_us)
			*ret_time_us = stream->parts[i].last_us;
	return stream->count ? 0 : -ENOENT;
}

uint64_t change_stream_mark(const struct change_stream *stream)
{
	return stream->mark;
}

/* --- merging --- */

static bool is_earlier(const struct part *a, const struct part *b)
{
	if (a->entry.time_us != b->entry.time_us)
		return a->entry.time_us < b->entry.time_us;
	return a->table.number < b->table.number;
}

static void sift_down(struct change_stream *stream, size_t at)
{
	struct part **heap = stream->heap, *part = heap[at];
	for (size_t child; (child = 2 * at + 1) < stream->heap_count; at = child) {
		if (child + 1 < stream->heap_count && is_earlier(heap[child + 1], heap[child]))
			child++;
		if (!is_earlier(heap[child], part))
			break;
		heap[at] = heap[child];
	}
	heap[at] = part;
}

/* 1 and the part's next change, 0 when there is none left. */
static int advance(struct part *part)
{
	if (part->entry.seq == part->last)
		return 0;
	int r = log_walk_next(&part->walk, &part->entry);
	return r ? r : -EIO;
}

/* Has it told from change `seq` on. */
static int begin_part(struct change_stream *stream, struct part *part, uint64_t seq)
{
	if (seq > part->last)
		return 0;
	int r = log_walk_begin(&part->walk, stream->txn, part->table.number, seq);
	if (r)
		return r;
	part->entry.seq = seq - 1;
	r = advance(part);
	if (r == 1)
		stream->heap[stream->heap_count++] = part;
	return r < 0 ? r : 0;
}

/* The turn of the next change. */
static int step(struct change_stream *stream)
{
	int r = advance(stream->heap[0]);
	if (!r)
		stream->heap[0] = stream->heap[--stream->heap_count];
	if (r >= 0 && stream->heap_count)
		sift_down(stream, 0);
	return r < 0 ? r : 0;
}

/* --- where a byte of the text stands --- */

/* Bytes of the part's changes before a time. */
static int bytes_before(struct change_stream *stream, const struct part *part, int64_t time_us, uint64_t *ret_bytes)
{
	struct log_entry entry;
	*ret_bytes = time_us > part->last_us ? part->end - part->before : 0;
	if (time_us > part->last_us || time_us <= part->first_us)
		return 0;
	int r = log_at_time(stream->txn, part->table.number, time_us - 1, &entry);
	if (!r && entry.seq >= part->first)
		*ret_bytes = entry.lines_bytes - part->before;
	return r;
}

static int all_before(struct change_stream *stream, int64_t time_us, uint64_t *ret_bytes)
{
	*ret_bytes = 0;
	for (size_t i = 0; i < stream->count; i++) {
		uint64_t bytes;
		int r = bytes_before(stream, &stream->parts[i], time_us, &bytes);
		if (r)
			return r;
		*ret_bytes += bytes;
	}
	return 0;
}

/* Times and the bytes before them, that of the byte that is looked for between them. */
struct bounds {
	int64_t low_us, high_us;
	uint64_t low, high;
};

static int halve(struct change_stream *stream, uint64_t offset, struct bounds *bounds)
{
	*bounds = (struct bounds){ .low_us = INT64_MAX, .high_us = INT64_MIN, .high = stream->size };
	for (size_t i = 0; i < stream->count; i++) {
		const struct part *part = &stream->parts[i];
		if (part->first_us < bounds->low_us)
			bounds->low_us = part->first_us;
		if (part->last_us >= bounds->high_us)
			bounds->high_us = part->last_us + 1;
	}
	while (bounds->high_us - bounds->low_us > 1 && bounds->high - bounds->low > WALK_BYTES) {
		int64_t middle_us = bounds->low_us + (bounds->high_us - bounds->low_us) / 2;
		uint64_t middle;
		int r = all_before(stream, middle_us, &middle);
		if (r)
			return r;
		if (middle <= offset) {
			bounds->low_us = middle_us;
			bounds->low = middle;
		} else {
			bounds->high_us = middle_us;
			bounds->high = middle;
		}
	}
	return 0;
}

/* Begins a part with its first change at or after a time. */
static int begin_at_time(struct change_stream *stream, struct part *part, int64_t time_us)
{
	struct log_entry entry;
	if (time_us <= part->first_us)
		return begin_part(stream, part, part->first);
	if (time_us > part->last_us)
		return 0;
	int r = log_after_time(stream->txn, part->table.number, time_us - 1, &entry);
	return r ? r : begin_part(stream, part, entry.seq);
}

/* Begins a part with the change that holds a byte of it; *skip becomes the byte's place in the line. */
static int begin_at_byte(struct change_stream *stream, struct part *part, uint64_t *skip)
{
	struct log_entry entry;
	int r = log_at_line(stream->txn, part->table.number, part->before + *skip, &entry);
	if (r)
		return r == -ENOENT ? -EIO : r;
	*skip += part->before + entry.line_bytes - entry.lines_bytes;
	return begin_part(stream, part, entry.seq);
}

/* Of changes at one time, whole parts are passed over. */
static int begin_within_time(struct change_stream *stream, const struct bounds *bounds, uint64_t *skip)
{
	bool is_found = false;
	for (size_t i = 0; i < stream->count; i++) {
		struct part *part = &stream->parts[i];
		uint64_t before = 0, end = 0;
		int r = bytes_before(stream, part, bounds->low_us, &before);
		if (!r)
			r = bytes_before(stream, part, bounds->high_us, &end);
		if (!r && (is_found || end == before)) {
			r = begin_at_time(stream, part, bounds->low_us);
		} else if (!r && *skip >= end - before) {
			*skip -= end - before;
			r = begin_at_time(stream, part, bounds->high_us);
		} else if (!r) {
			is_found = true;
			*skip += before;
			r = begin_at_byte(stream, part, skip);
		}
		if (r)
			return r;
	}
	return 0;
}

/* Has the heap begin with the change that holds a byte of the text, or one before it: *ret_skip bytes are to be passed over. */
static int begin_at(struct change_stream *stream, uint64_t offset, uint64_t *ret_skip)
{
	struct bounds bounds;
	stream->heap_count = 0;
	*ret_skip = offset;
	if (stream->count == 1)
		return begin_at_byte(stream, stream->parts, ret_skip);
	int r = halve(stream, offset, &bounds);
	*ret_skip = offset - bounds.low;
	if (!r && bounds.high_us - bounds.low_us == 1)
		r = begin_within_time(stream, &bounds, ret_skip);
	else
		for (size_t i = 0; i < stream->count && !r; i++)
			r = begin_at_time(stream, &stream->parts[i], bounds.low_us);
	for (size_t i = stream->heap_count / 2; i-- > 0 && !r;)
		sift_down(stream, i);
	return r;
}

/* --- reading --- */

static int make_line(struct change_stream *stream, const struct part *part)
{
	buffer_clear(&stream->line);
	int r = change_read(&stream->reader, stream->txn, part->table.number, &part->entry);
	if (!r)
		r = change_append_line(&part->table, &stream->reader.change, &stream->line);
	buffer_append_byte(&stream->line, '\n');
	if (!r)
		r = buffer_error(&stream->line);
	return r ? r : stream->line.size == part->entry.line_bytes ? 0 : -EIO;
}

int change_stream_read(struct change_stream *stream, uint64_t offset, size_t size, struct buffer *out)
{
	uint64_t skip;
	if (offset >= stream->size || !size)
		return 0;
	int r = begin_at(stream, offset, &skip);
	while (!r && size && stream->heap_count) {
		const struct part *part = stream->heap[0];
		uint64_t left = part->entry.line_bytes - skip;
		if (skip >= part->entry.line_bytes) {
			skip -= part->entry.line_bytes;
		} else {
			r = make_line(stream, part);
			if (r)
				break;
			left = left < size ? left : size;
			buffer_append(out, stream->line.data + skip, left);
			size -= left;
			skip = 0;
		}
		r = step(stream);
	}
	return r ? r : buffer_error(out);
}
