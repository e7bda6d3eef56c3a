#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "journal_parts.h"
#include "layout.h"
#include "reject.h"

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

static bool read_record(struct reader *r, struct pending_change *ret_change, uint64_t *ret_position)
{
	uint32_t size = reader_u32(r);
	uint64_t checksum = reader_u64(r);
	if (r->is_bad || size > JOURNAL_RECORD_MAX)
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
	ret_change->is_removal = op == JOURNAL_OP_REMOVE;
	return op == JOURNAL_OP_PUT || op == JOURNAL_OP_REMOVE;
}

/* The records of a journal, one after the other. */
struct records {
	struct reader reader; /* behind the last that was read */
	uint64_t last;        /* its position; 0: none was */
};

/* False at the end: where the journal was cut, or where records begin that it held before it was emptied. */
static bool next_record(struct records *records, struct pending_change *ret_change, uint64_t *ret_position)
{
	struct reader reader = records->reader;
	if (!read_record(&reader, ret_change, ret_position) || (records->last && *ret_position != records->last + 1))
		return false;
	*records = (struct records){ reader, *ret_position };
	return true;
}

static int committed_position(struct store_txn *txn, struct slice id, uint64_t *ret_position)
{
	struct layout_key key = layout_meta_bytes('j', id);
	struct slice value;
	*ret_position = 0;
	int r = store_get(txn, STORE_META, layout_slice(&key), &value);
	if (r)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	*ret_position = reader_varint(&reader);
	return reader.is_bad ? -EIO : 0;
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
static int apply_records(struct batch *batch, struct records records, uint64_t done, uint64_t limit, uint64_t *ret_last,
	struct buffer *refusals)
{
	struct pending_change change;
	uint64_t position;
	while (next_record(&records, &change, &position) && position < limit) {
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
static int replay(struct history *history, struct records records, struct slice id, uint64_t limit, uint64_t *ret_bad,
	struct error *error)
{
	struct batch *batch;
	struct buffer refusals = BUFFER_INIT;
	uint64_t done, last = 0;
	*ret_bad = 0;
	int r = batch_begin(history, &batch, error);
	if (r)
		return r;
	r = committed_position(batch_txn(batch), id, &done);
	if (!r) {
		r = apply_records(batch, records, done, limit, &last, &refusals);
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
static int set_aside(
	struct history *history, struct records records, struct slice id, uint64_t bad, struct error *error)
{
	struct pending_change change;
	uint64_t position = 0;
	while (next_record(&records, &change, &position) && position < bad)
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
	for (size_t at = 0; at + JOURNAL_RECORD_HEAD < bytes.size; at++) {
		struct reader reader = reader_of(slice_of(bytes.data + at, bytes.size - at));
		if (read_record(&reader, &change, &position) && position > done)
			return true;
	}
	return false;
}

/* 0: none is known to be. */
static uint64_t committed_now(struct history *history, struct slice id)
{
	struct store_txn *txn;
	uint64_t position = 0;
	if (store_begin(history_store(history), false, &txn))
		return 0;
	if (committed_position(txn, id, &position))
		position = 0;
	store_abort(txn);
	return position;
}

/* A last record that is cut was never promised to anyone, and beyond it there are zeros, or what had been committed before the
 * file was emptied. Damage with more behind it is another matter. */
static void keep_unread(struct history *history, const char *name, struct records records)
{
	struct pending_change change;
	uint64_t position, done = committed_now(history, slice_of_text(name));
	while (next_record(&records, &change, &position))
		;
	struct slice rest = slice_of(records.reader.at, reader_left(&records.reader));
	while (rest.size && !rest.data[rest.size - 1])
		rest.size--;
	if (holds_record(rest, done > records.last ? done : records.last))
		keep_damaged(history, name, rest);
}

static int replay_records(struct history *history, struct records records, struct slice id, struct error *error)
{
	for (int changes = 0;;) {
		uint64_t bad, still_bad;
		int r = replay(history, records, id, UINT64_MAX, &bad, error);
		if (r >= 0)
			return changes + r;
		if (r != -EIO || !bad)
			return r;
		r = replay(history, records, id, bad, &still_bad, error);
		if (r < 0)
			return r;
		changes += r;
		/* Once more, should it have been no more than a read that failed once. */
		r = replay(history, records, id, bad + 1, &still_bad, error);
		if (r == -EIO && still_bad)
			r = set_aside(history, records, id, bad, error);
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
	journal_id_text(raw_id.data, text);
	if (!slice_equal(magic, slice_of_text(JOURNAL_MAGIC)) || strcmp(text, name) != 0) {
		if (reader_left(&reader))
			keep_damaged(history, name, bytes);
		return 0;
	}
	struct records records = { .reader = reader };
	int r = replay_records(history, records, slice_of_text(name), error);
	if (r >= 0)
		keep_unread(history, name, records);
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
		if (r >= 0 && unlink(path) == 0 && journal_sync_directory(history) == 0)
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
