#include "journal.h"

#include <dirent.h>
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
#include "layout.h"
#include "node.h"
#include "reject.h"
#include "table.h"

#define MAGIC "pitrjnl1"
#define HEADER_SIZE 24u
#define RECORD_HEAD_SIZE 12u
#define RECORD_MAX (2u << 20)
#define GROW_MIN_BYTES (64u << 10)
#define GROW_MAX_BYTES (1u << 20)
#define KEEP_BYTES (4u << 20) /* of an emptied file: more is given back */
#define OP_PUT 1
#define OP_REMOVE 2

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

static void id_text(const uint8_t id[16], char text[33])
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

static int sync_directory(struct history *history)
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
	uint8_t header[HEADER_SIZE];
	memcpy(header, MAGIC, 8);
	hash_random(header + 8, 16);
	id_text(header + 8, journal->id);
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
	journal->size_bytes = journal->file_bytes = HEADER_SIZE;
	*ret_journal = journal;
	return 0;
}

int journal_remove(struct journal *journal)
{
	if (unlink(journal->path) < 0 && errno != ENOENT)
		return -errno;
	return sync_directory(journal->history);
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
	buffer_append(record, "\0\0\0\0\0\0\0\0\0\0\0", RECORD_HEAD_SIZE);
	buffer_append_varint(record, position);
	buffer_append_byte(record, change->is_removal ? OP_REMOVE : OP_PUT);
	buffer_append_varint(record, change->table);
	buffer_append_varint(record, change->only_seq);
	buffer_append_blob(record, change->encoded_key);
	buffer_append_blob(record, change->item);
	buffer_append_blob(record, change->author);
	int r = buffer_error(record);
	if (r)
		return r;
	struct slice body = slice_of(record->data + RECORD_HEAD_SIZE, record->size - RECORD_HEAD_SIZE);
	if (body.size > RECORD_MAX)
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
		r = sync_directory(journal->history);
		journal->is_entry_synced = r == 0;
	}
	return r;
}

/* What was written while a sync failed is not tried again by the kernel: it has to be written anew. */
static int write_header_again(struct journal *journal)
{
	uint8_t header[HEADER_SIZE];
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
		if (ftruncate(journal->fd, HEADER_SIZE) < 0)
			r = r ? r : -errno;
		else
			journal->file_bytes = HEADER_SIZE;
	}
	if (journal->file_bytes > HEADER_SIZE)
		(void)write_zeros(journal->fd, HEADER_SIZE, journal->size_bytes);
	journal->size_bytes = HEADER_SIZE;
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

/* --- recovery --- */

static int read_file(int fd, struct buffer *out)
{
	struct stat file;
	if (fstat(fd, &file) < 0)
		return -errno;
	if (file.st_nlink == 0)
		return -ENOENT;
	int r = buffer_reserve(out, (size_t)file.st_size);
	for (ssize_t n = 1; !r && n > 0 && out->size < (size_t)file.st_size;) {
		n = pread(fd, out->data + out->size, (size_t)file.st_size - out->size, (off_t)out->size);
		if (n < 0 && errno != EINTR)
			r = -errno;
		if (n > 0)
			out->size += (size_t)n;
	}
	return r;
}

/* The next whole record. False at the end, or where the journal was cut. */
static bool next_record(struct reader *r, struct pending_change *ret_change, uint64_t *ret_position)
{
	uint32_t size = reader_u32(r);
	uint64_t checksum = reader_u64(r);
	if (r->is_bad || size > RECORD_MAX)
		return false;
	struct slice body = reader_bytes(r, size);
	struct reader fields = reader_of(body);
	*ret_position = reader_varint(&fields);
	uint8_t op = reader_byte(&fields);
	uint64_t table = reader_varint(&fields);
	ret_change->only_seq = reader_varint(&fields);
	ret_change->encoded_key = reader_blob(&fields);
	ret_change->item = reader_blob(&fields);
	ret_change->author = reader_blob(&fields);
	if (r->is_bad || fields.is_bad || hash_checksum64(body, *ret_position) != checksum || table > TABLE_NUMBER_MAX)
		return false;
	ret_change->table = (uint32_t)table;
	ret_change->is_removal = op == OP_REMOVE;
	return op == OP_PUT || op == OP_REMOVE;
}

static int committed_position(struct batch *batch, struct slice id, uint64_t *ret_position)
{
	struct layout_key key = layout_meta_bytes('j', id);
	struct slice value;
	*ret_position = 0;
	int r = store_get(batch_txn(batch), STORE_META, layout_slice(&key), &value);
	if (r)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	*ret_position = reader_varint(&reader);
	return reader.is_bad ? -EIO : 0;
}

int journal_apply(struct batch *batch, const struct pending_change *change, struct error *ret_why)
{
	int r = apply(batch, change, ret_why);
	return r == -ENOENT || r == -EINVAL || r == -ERANGE ? 1 : r;
}

static void reject(struct history *history, const struct pending_change *change, const struct error *why)
{
	char path[64];
	snprintf(path, sizeof(path), "table number %u", change->table);
	reject_record(history, path, change->item, why->code, error_text(why));
}

/* What was refused: (pending_change, zigzag code, blob message)... Told only when all the rest could be applied. */
static void note_refusal(struct buffer *refusals, const struct pending_change *change, const struct error *why)
{
	buffer_append(refusals, change, sizeof(*change));
	buffer_append_zigzag(refusals, why->code);
	buffer_append_blob(refusals, slice_of_text(error_text(why)));
}

static void tell_refusals(struct history *history, const struct buffer *refusals)
{
	struct reader reader = reader_of(buffer_slice(refusals));
	while (reader_left(&reader)) {
		struct pending_change change;
		struct error why = { 0 };
		memcpy(&change, reader_bytes(&reader, sizeof(change)).data, sizeof(change));
		int code = (int)reader_zigzag(&reader);
		struct slice message = reader_blob(&reader);
		error_set(&why, code, "%.*s", (int)message.size, (const char *)message.data);
		reject(history, &change, &why);
	}
}

/* Applies the records beyond `done` and below `limit`. *ret_last: the last one looked at. */
static int apply_records(struct batch *batch, struct reader reader, uint64_t done, uint64_t limit, uint64_t *ret_last,
	struct buffer *refusals)
{
	struct pending_change change;
	uint64_t position;
	while (next_record(&reader, &change, &position) && position < limit) {
		*ret_last = position;
		struct error why = { 0 };
		int r = position > done ? journal_apply(batch, &change, &why) : 0;
		if (r < 0)
			return r;
		if (r)
			note_refusal(refusals, &change, &why);
	}
	return buffer_error(refusals);
}

/* Brings in what lies beyond the committed position and below `limit`, and notes how far that was. *ret_bad: the
 * position of the record that made it fail, 0: it was none of them. Returns how many changes were made. */
static int replay(struct history *history, struct reader reader, struct slice id, uint64_t limit, uint64_t *ret_bad,
	struct error *error)
{
	struct batch *batch;
	struct buffer refusals = BUFFER_INIT;
	uint64_t done, last = 0;
	*ret_bad = 0;
	int r = batch_begin(history, &batch, error);
	if (r)
		return r;
	r = committed_position(batch, id, &done);
	if (!r) {
		r = apply_records(batch, reader, done, limit, &last, &refusals);
		*ret_bad = r ? last : 0;
	}
	if (!r && last > done)
		r = batch_note_journal(batch, id, last);
	if (!r)
		tell_refusals(history, &refusals);
	buffer_free(&refusals);
	if (r) {
		batch_abort(batch);
		return error_set(error, r, "recover a journal: %s", strerror(-r));
	}
	int changes = (int)batch_changes(batch);
	r = batch_commit(batch, error);
	return r ? r : changes;
}

static int note_position(struct history *history, struct slice id, uint64_t position, struct error *error)
{
	struct batch *batch;
	int r = batch_begin(history, &batch, error);
	if (r)
		return r;
	r = batch_note_journal(batch, id, position);
	if (r) {
		batch_abort(batch);
		return error_set(error, r, "recover a journal: %s", strerror(-r));
	}
	return batch_commit(batch, error);
}

/* Sets one record aside, for damage in the store keeps it from being applied. */
static int set_aside(struct history *history, struct reader reader, struct slice id, uint64_t bad, struct error *error)
{
	struct pending_change change;
	uint64_t position = 0;
	while (next_record(&reader, &change, &position) && position < bad)
		;
	struct error why = { 0 };
	error_set(&why, -EIO, "a stored record it builds on is damaged");
	if (position == bad)
		reject(history, &change, &why);
	return note_position(history, id, bad, error);
}

static void keep_damaged(struct history *history, const char *name, struct slice bytes)
{
	char path[64];
	snprintf(path, sizeof(path), "journal-%.32s", name);
	reject_record(history, path, bytes, -EIO,
		"a journal is damaged from here on: changes in it that had not been committed are lost");
}

/* Is there a record anywhere that was never committed? */
static bool holds_record(struct slice bytes, uint64_t done)
{
	struct pending_change change;
	uint64_t position;
	for (size_t at = 0; at + RECORD_HEAD_SIZE < bytes.size; at++) {
		struct reader reader = reader_of(slice_of(bytes.data + at, bytes.size - at));
		if (next_record(&reader, &change, &position) && position > done)
			return true;
	}
	return false;
}

/* A last record that is cut was never promised to anyone, and beyond it there are zeros, or what had been committed before the
 * file was emptied. Damage with more behind it is another matter. */
static void keep_unread(struct history *history, const char *name, struct reader reader)
{
	struct pending_change change;
	uint64_t position, last = 0;
	struct reader at = reader;
	while (next_record(&reader, &change, &position)) {
		last = position;
		at = reader;
	}
	struct slice rest = slice_of(at.at, reader_left(&at));
	while (rest.size && !rest.data[rest.size - 1])
		rest.size--;
	if (holds_record(rest, last))
		keep_damaged(history, name, rest);
}

static int replay_records(struct history *history, struct reader reader, struct slice id, struct error *error)
{
	for (int changes = 0;;) {
		uint64_t bad, still_bad;
		int r = replay(history, reader, id, UINT64_MAX, &bad, error);
		if (r >= 0)
			return changes + r;
		if (r != -EIO || !bad)
			return r;
		r = replay(history, reader, id, bad, &still_bad, error);
		if (r < 0)
			return r;
		changes += r;
		/* Once more, should it have been no more than a read that failed once. */
		r = replay(history, reader, id, bad + 1, &still_bad, error);
		if (r == -EIO && still_bad)
			r = set_aside(history, reader, id, bad, error);
		if (r < 0)
			return r;
		changes += r;
	}
}

/* The file is named by its identifier, so that damage to its own copy cannot make it another's. */
static int replay_all(struct history *history, struct slice bytes, const char *name, struct error *error)
{
	char text[33] = "";
	struct reader reader = reader_of(bytes);
	struct slice magic = reader_bytes(&reader, 8), raw_id = reader_bytes(&reader, 16);
	if (reader.is_bad)
		return 0;
	id_text(raw_id.data, text);
	if (!slice_equal(magic, slice_of_text(MAGIC)) || strcmp(text, name) != 0) {
		if (reader_left(&reader))
			keep_damaged(history, name, bytes);
		return 0;
	}
	int r = replay_records(history, reader, slice_of_text(name), error);
	if (r >= 0)
		keep_unread(history, name, reader);
	return r;
}

/* The position is forgotten only after the file is gone, on the disk too: dying in between must not make it count twice. */
static int recover_file(struct history *history, const char *path, const char *name, struct error *error)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	struct buffer bytes = BUFFER_INIT;
	int r = 0, changes = 0;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		r = read_file(fd, &bytes);
		if (!r)
			changes = r = replay_all(history, buffer_slice(&bytes), name, error);
		if (r >= 0 && unlink(path) == 0 && sync_directory(history) == 0)
			r = note_position(history, slice_of_text(name), UINT64_MAX, error);
	}
	buffer_free(&bytes);
	close(fd);
	return r == -ENOENT ? 0 : r < 0 ? r : changes;
}

int journal_recover(struct history *history, struct error *error)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%.4000s/" JOURNAL_DIRECTORY, history_directory(history));
	DIR *dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : error_set(error, -errno, "read %s: %s", path, strerror(errno));
	int changes = 0, r = 0;
	for (struct dirent *entry; r >= 0 && (entry = readdir(dir));) {
		if (strlen(entry->d_name) != 32)
			continue;
		snprintf(path, sizeof(path), "%.4000s/" JOURNAL_DIRECTORY "/%.32s", history_directory(history),
			entry->d_name);
		r = recover_file(history, path, entry->d_name, error);
		changes += r > 0 ? r : 0;
	}
	closedir(dir);
	return r < 0 ? error_set(error, r, "recover journal %s: %s", path, strerror(-r)) : changes;
}
