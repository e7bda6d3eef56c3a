#include "journal_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "node.h"
#include "table.h"

#define GROW_MIN_BYTES (64u << 10)
#define GROW_MAX_BYTES (1u << 20)
#define KEEP_BYTES (4u << 20) /* of an emptied file: more is given back */

/* From size_bytes to the end there are zeros, which records are written over: bringing them to the disk changes nothing
 * of the file but what is in it, and so takes one wait for the disk instead of several. */
struct journal {
	struct history *history;
	int fd;
	char path[PATH_MAX];
	char id[33];
	uint64_t size_bytes, file_bytes;
	bool is_entry_synced; /* the file's name in its directory */
	struct buffer record;
};

void journal_id_text(const uint8_t id[16], char text[33])
{
	for (unsigned i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
}

static int write_all(int fd, struct slice bytes, uint64_t offset)
{
	while (bytes.size) {
		ssize_t n = pwrite(fd, bytes.data, bytes.size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		bytes = slice_of(bytes.data + n, bytes.size - (size_t)n);
		offset += (uint64_t)n;
	}
	return 0;
}

static int write_zeros(int fd, uint64_t from, uint64_t to)
{
	static const uint8_t zeros[GROW_MIN_BYTES];
	int r = 0;
	for (; from < to && !r; from += sizeof(zeros))
		r = write_all(fd, slice_of(zeros, to - from < sizeof(zeros) ? to - from : sizeof(zeros)), from);
	return r;
}

int journal_sync_directory(struct history *history)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%.4000s/" JOURNAL_DIRECTORY, history_directory(history));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = store_sync_file(history_store(history), fd);
	close(fd);
	return r;
}

/* Who recovers journals may have found the new file before it was locked, and have taken it away. */
static int lock_file(int fd)
{
	struct stat file;
	if (flock(fd, LOCK_EX) < 0 || fstat(fd, &file) < 0)
		return -errno;
	return file.st_nlink ? 0 : -ESTALE;
}

static int make_file(struct history *history, struct journal *journal)
{
	uint8_t header[JOURNAL_HEADER_SIZE];
	memcpy(header, JOURNAL_MAGIC, 8);
	hash_random(header + 8, 16);
	journal_id_text(header + 8, journal->id);
	snprintf(journal->path, sizeof(journal->path), "%.4000s/" JOURNAL_DIRECTORY "/%s", history_directory(history),
		journal->id);
	journal->fd = open(journal->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = journal->fd < 0 ? -errno : lock_file(journal->fd);
	if (!r)
		r = write_all(journal->fd, slice_of(header, sizeof(header)), 0);
	if (r && journal->fd >= 0) {
		unlink(journal->path);
		close(journal->fd);
		journal->fd = -1;
	}
	return r;
}

int journal_new(struct history *history, struct journal **ret_journal, struct error *error)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	if (!journal)
		return error_set(error, -ENOMEM, "make a journal: out of memory");
	int r;
	journal->history = history;
	do
		r = make_file(history, journal);
	while (r == -ESTALE);
	if (r) {
		free(journal);
		return error_set(error, r, "make a journal in %s: %s", history_directory(history), strerror(-r));
	}
	journal->size_bytes = journal->file_bytes = JOURNAL_HEADER_SIZE;
	*ret_journal = journal;
	return 0;
}

int journal_remove(struct journal *journal)
{
	if (unlink(journal->path) < 0 && errno != ENOENT)
		return -errno;
	return journal_sync_directory(journal->history);
}

void journal_free(struct journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	buffer_free(&journal->record);
	free(journal);
}

struct slice journal_id(const struct journal *journal)
{
	return slice_of_text(journal->id);
}

uint64_t journal_size_bytes(const struct journal *journal)
{
	return journal->size_bytes;
}

static int make_record(struct buffer *record, const struct pending_change *change, uint64_t position)
{
	buffer_clear(record);
	buffer_append(record, "\0\0\0\0\0\0\0\0\0\0\0", JOURNAL_RECORD_HEAD);
	buffer_append_varint(record, position);
	buffer_append_byte(record, change->is_removal ? JOURNAL_OP_REMOVE : JOURNAL_OP_PUT);
	buffer_append_varint(record, change->table);
	buffer_append_varint(record, change->only_seq);
	buffer_append_blob(record, change->encoded_key);
	buffer_append_blob(record, change->item);
	buffer_append_blob(record, change->author);
	int r = buffer_error(record);
	if (r)
		return r;
	struct slice body = slice_of(record->data + JOURNAL_RECORD_HEAD, record->size - JOURNAL_RECORD_HEAD);
	if (body.size > JOURNAL_RECORD_MAX)
		return -EFBIG;
	uint64_t checksum = hash_checksum64(body, position);
	for (unsigned i = 0; i < 4; i++)
		record->data[i] = (uint8_t)(body.size >> (8 * i));
	for (unsigned i = 0; i < 8; i++)
		record->data[4 + i] = (uint8_t)(checksum >> (8 * i));
	return 0;
}

/* When there is no room for so much, the record itself may still find some. */
static void grow(struct journal *journal, uint64_t wanted_bytes)
{
	uint64_t step = journal->file_bytes < GROW_MIN_BYTES ? GROW_MIN_BYTES : journal->file_bytes;
	uint64_t to = journal->file_bytes + (step < GROW_MAX_BYTES ? step : GROW_MAX_BYTES);
	if (wanted_bytes <= journal->file_bytes)
		return;
	to = to < wanted_bytes ? wanted_bytes : to;
	if (!write_zeros(journal->fd, journal->file_bytes, to))
		journal->file_bytes = to;
}

int journal_append(struct journal *journal, const struct pending_change *change, uint64_t position)
{
	struct buffer *record = &journal->record;
	int r = make_record(record, change, position);
	if (r)
		return r;
	grow(journal, journal->size_bytes + record->size);
	r = write_all(journal->fd, buffer_slice(record), journal->size_bytes);
	if (!r)
		journal->size_bytes += record->size;
	else if (!ftruncate(journal->fd, (off_t)journal->size_bytes))
		journal->file_bytes = journal->size_bytes;
	/* What stays behind when that fails, too, has no right checksum at its place. */
	if (journal->file_bytes < journal->size_bytes)
		journal->file_bytes = journal->size_bytes;
	return r;
}

int journal_sync(struct journal *journal)
{
	int r = store_sync_file(history_store(journal->history), journal->fd);
	if (!r && !journal->is_entry_synced) {
		r = journal_sync_directory(journal->history);
		journal->is_entry_synced = r == 0;
	}
	return r;
}

/* What was written while a sync failed is not tried again by the kernel: it has to be written anew. */
static int write_header_again(struct journal *journal)
{
	uint8_t header[JOURNAL_HEADER_SIZE];
	ssize_t n = pread(journal->fd, header, sizeof(header), 0);
	if (n != (ssize_t)sizeof(header))
		return n < 0 ? -errno : -EIO;
	return write_all(journal->fd, slice_of(header, sizeof(header)), 0);
}

/* Whatever stays behind is zeros, or older than what the next records follow upon, which is all the same. */
int journal_empty(struct journal *journal, bool is_anew)
{
	int r = is_anew ? write_header_again(journal) : 0;
	if (is_anew || journal->file_bytes > KEEP_BYTES) {
		if (ftruncate(journal->fd, JOURNAL_HEADER_SIZE) < 0)
			r = r ? r : -errno;
		else
			journal->file_bytes = JOURNAL_HEADER_SIZE;
	}
	if (journal->file_bytes > JOURNAL_HEADER_SIZE)
		(void)write_zeros(journal->fd, JOURNAL_HEADER_SIZE, journal->size_bytes);
	journal->size_bytes = JOURNAL_HEADER_SIZE;
	return r;
}

/* Somebody wrote the item again since its removal was asked for: then that stands. */
static bool is_still_newest(struct batch *batch, const struct pending_change *change)
{
	struct node node;
	return !change->only_seq ||
	       (!node_find(batch_txn(batch), change->table, change->encoded_key, SEQ_MAX, &node, NULL) &&
		       node.version.seq == change->only_seq);
}

static int apply(struct batch *batch, const struct pending_change *change, struct error *error)
{
	struct table table;
	struct change_result result;
	struct change_context context = { 0 };
	int r = table_load(batch_txn(batch), change->table, TIME_NOW, &table);
	if (r)
		return error_set(
			error, r, r == -ENOENT ? "its table was deleted meanwhile" : "its table can't be read");
	r = batch_author(batch, change->author, &context.author);
	if (!r && change->is_removal && !is_still_newest(batch, change))
		r = 0;
	else if (!r && change->is_removal)
		r = batch_remove(batch, &table, change->encoded_key, &context, &result, error);
	else if (!r)
		r = batch_put(batch, &table, change->item, &context, &result, error);
	table_free(&table);
	return r;
}

int journal_apply(struct batch *batch, const struct pending_change *change, struct error *ret_why)
{
	int r = apply(batch, change, ret_why);
	return r == -ENOENT || r == -EINVAL || r == -ERANGE ? 1 : r;
}
