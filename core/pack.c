#include "pack.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "compress.h"
#include "hash.h"
#include "layout.h"

/* A pack is closed before an update would make it leave LMDB's page (values over about 2,000 bytes live in pages of
 * their own); a large newest version is rewritten anyway, so it may carry more differences along. */
#define PACK_INLINE_BYTES 1800u
#define PACK_LARGE_DIFFERENCES 4096u
#define CACHE_LINE_BYTES 64u
#define ENTRY_SIZES 4 /* varints that an entry with content ends in */
/* Far above any item: damage must not ask for more memory than that. */
#define PACK_ITEM_MAX (16u << 20)

enum encoding { ENCODING_NONE, ENCODING_PLAIN, ENCODING_LZ4, ENCODING_PATCH };

struct entry {
	struct version version;
	enum encoding encoding;
	size_t payload_offset, payload_size;
};

struct parsed {
	struct pack_header header;
	struct slice payloads;
	struct entry entries[PACK_VERSIONS_MAX];
};

/* A number up to `max`; the reader turns bad on a greater one. */
static uint64_t read_bounded(struct reader *r, uint64_t max)
{
	uint64_t value = reader_varint(r);
	r->is_bad |= value > max;
	return value;
}

/* Numbers fall and times don't rise from one entry to the next. */
static bool read_entry(struct reader *r, const struct entry *newer, struct entry *ret_entry)
{
	uint8_t flags = reader_byte(r);
	uint64_t seq = read_bounded(r, newer ? newer->version.seq : SEQ_MAX);
	int64_t time = (int64_t)read_bounded(r, newer ? (uint64_t)newer->version.time_us : INT64_MAX);
	struct entry entry = { .encoding = (flags >> 1) & 3, .version = { .is_removal = flags & 1 } };
	entry.version.seq = newer ? newer->version.seq - seq : seq;
	entry.version.time_us = newer ? newer->version.time_us - time : time;
	if (entry.encoding != ENCODING_NONE) {
		entry.version.item_bytes = (uint32_t)read_bounded(r, PACK_ITEM_MAX);
		entry.version.plain_size = (uint32_t)read_bounded(r, UINT32_MAX);
		entry.version.dynamodb_size = (uint32_t)read_bounded(r, UINT32_MAX);
		entry.payload_size = (size_t)read_bounded(r, PACK_ITEM_MAX);
	}
	entry.payload_offset = newer ? newer->payload_offset + newer->payload_size : 0;
	*ret_entry = entry;
	bool has_content = entry.encoding != ENCODING_NONE;
	return !r->is_bad && (!newer || seq) && has_content == (entry.version.item_bytes > 0) &&
	       !(has_content && entry.version.is_removal);
}

/* Of an entry newer than what is looked for, as much as the next one is told by. */
static bool pass_entry(struct reader *r, const struct entry *newer, struct entry *ret_entry)
{
	uint8_t flags = reader_byte(r);
	ret_entry->version.seq = reader_varint(r);
	ret_entry->version.time_us = (int64_t)reader_varint(r);
	if (newer) {
		ret_entry->version.seq = newer->version.seq - ret_entry->version.seq;
		ret_entry->version.time_us = newer->version.time_us - ret_entry->version.time_us;
	}
	if (((flags >> 1) & 3) != ENCODING_NONE)
		reader_skip_varints(r, ENTRY_SIZES);
	ret_entry->payload_offset = ret_entry->payload_size = 0;
	return !r->is_bad;
}

/* The header's slice, checksum verified. */
static int open_header(struct slice pack, struct slice *ret_header, struct slice *ret_payloads)
{
	struct reader r = reader_of(pack);
	uint32_t checksum = reader_u32(&r);
	reader_u32(&r);
	struct slice header = reader_blob(&r);
	if (r.is_bad || hash_checksum(header) != checksum)
		return -EIO;
	*ret_header = header;
	*ret_payloads = slice_of(r.at, reader_left(&r));
	return 0;
}

static int read_head(struct reader *r, struct pack_header *ret_header)
{
	ret_header->kind = reader_byte(r);
	ret_header->directory = reader_varint(r);
	ret_header->slot = reader_varint(r);
	ret_header->encoded_key = reader_blob(r);
	uint64_t n = reader_varint(r);
	if (r->is_bad || n == 0 || n > PACK_VERSIONS_MAX ||
		(ret_header->kind != NODE_ITEM && ret_header->kind != NODE_PARTITION))
		return -EIO;
	ret_header->count = (unsigned)n;
	return 0;
}

/* Entries up to `last`; those behind it are not looked at. */
static int parse_to(struct slice pack, unsigned last, struct parsed *ret)
{
	struct slice header;
	int r = open_header(pack, &header, &ret->payloads);
	if (r)
		return r;
	struct reader reader = reader_of(header);
	r = read_head(&reader, &ret->header);
	if (r)
		return r;
	bool is_whole = last >= ret->header.count - 1;
	last = is_whole ? ret->header.count - 1 : last;
	for (unsigned i = 0; i <= last; i++)
		if (!read_entry(&reader, i ? &ret->entries[i - 1] : NULL, &ret->entries[i]))
			return -EIO;
	size_t end = ret->entries[last].payload_offset + ret->entries[last].payload_size;
	return (is_whole ? end == ret->payloads.size : end <= ret->payloads.size) ? 0 : -EIO;
}

static int parse(struct slice pack, struct parsed *ret)
{
	return parse_to(pack, PACK_VERSIONS_MAX, ret);
}

static int check_payloads(struct slice pack, struct slice payloads)
{
	struct reader r = reader_of(pack);
	reader_u32(&r);
	return reader_u32(&r) == hash_checksum(payloads) ? 0 : -EIO;
}

static struct slice payload_of(const struct parsed *p, unsigned place)
{
	return slice_of(p->payloads.data + p->entries[place].payload_offset, p->entries[place].payload_size);
}

static void write_entry(struct buffer *out, const struct entry *entry, const struct entry *newer)
{
	const struct version *v = &entry->version;
	buffer_append_byte(out, (uint8_t)((v->is_removal ? 1 : 0) | (unsigned)entry->encoding << 1));
	buffer_append_varint(out, newer ? newer->version.seq - v->seq : v->seq);
	buffer_append_varint(out, (uint64_t)(newer ? newer->version.time_us - v->time_us : v->time_us));
	if (entry->encoding == ENCODING_NONE)
		return;
	buffer_append_varint(out, v->item_bytes);
	buffer_append_varint(out, v->plain_size);
	buffer_append_varint(out, v->dynamodb_size);
	buffer_append_varint(out, entry->payload_size);
}

/* Writes a whole pack from a head, entries, and their payloads in order. */
static int write_pack(
	const struct pack_header *head, const struct entry *entries, struct slice payloads, struct buffer *out)
{
	struct buffer header = BUFFER_INIT;
	buffer_append_byte(&header, (uint8_t)head->kind);
	buffer_append_varint(&header, head->directory);
	buffer_append_varint(&header, head->slot);
	buffer_append_blob(&header, head->encoded_key);
	buffer_append_varint(&header, head->count);
	for (unsigned i = 0; i < head->count; i++)
		write_entry(&header, &entries[i], i ? &entries[i - 1] : NULL);
	int r = buffer_error(&header);
	if (!r) {
		buffer_append_u32(out, hash_checksum(buffer_slice(&header)));
		buffer_append_u32(out, hash_checksum(payloads));
		buffer_append_blob(out, buffer_slice(&header));
		buffer_append_slice(out, payloads);
		r = buffer_error(out);
	}
	buffer_free(&header);
	return r;
}

/* The entry and payload of a version stored whole. */
static void store_whole(
	const struct version *version, struct slice item, struct entry *ret_entry, struct buffer *payload)
{
	*ret_entry = (struct entry){ .version = *version };
	size_t before = payload->size;
	if (item.size) {
		ret_entry->encoding = ENCODING_LZ4;
		if (!compress_append(item, (struct slice){ 0 }, payload)) {
			ret_entry->encoding = ENCODING_PLAIN;
			buffer_append_slice(payload, item);
		}
	}
	ret_entry->version.item_bytes = (uint32_t)item.size;
	ret_entry->payload_size = payload->size - before;
}

int pack_new(enum node_kind kind, uint64_t directory, uint64_t slot, struct slice encoded_key,
	const struct version *version, struct slice item, struct buffer *out)
{
	struct entry entry;
	struct buffer payload = BUFFER_INIT;
	store_whole(version, item, &entry, &payload);
	struct pack_header head = { kind, directory, slot, encoded_key, 1 };
	int r = buffer_error(&payload);
	if (!r)
		r = write_pack(&head, &entry, buffer_slice(&payload), out);
	buffer_free(&payload);
	return r;
}

/* Begins to load what will be read, all at once. */
static void fetch(struct slice pack)
{
	for (size_t i = 0; i < pack.size && i < PACK_INLINE_BYTES; i += CACHE_LINE_BYTES)
		__builtin_prefetch(pack.data + i);
}

static int content(const struct parsed *p, unsigned place, struct buffer *out)
{
	const struct entry *entry = &p->entries[place];
	buffer_clear(out);
	switch (entry->encoding) {
	case ENCODING_PLAIN:
		if (entry->payload_size != entry->version.item_bytes)
			return -EIO;
		buffer_append_slice(out, payload_of(p, place));
		return buffer_error(out);
	case ENCODING_LZ4:
		return compress_expand(payload_of(p, place), (struct slice){ 0 }, entry->version.item_bytes, out);
	case ENCODING_NONE:
	case ENCODING_PATCH:
		break;
	}
	return -EIO;
}

/* Differences are applied from the nearest version stored whole down to `place`. */
static int patched_content(const struct parsed *p, unsigned place, struct buffer *out)
{
	unsigned whole = place;
	while (whole > 0 && p->entries[whole].encoding == ENCODING_PATCH)
		whole--;
	int r = content(p, whole, out);
	struct buffer spare = BUFFER_INIT;
	for (unsigned i = whole + 1; i <= place && !r; i++)
		r = patch_apply(out, payload_of(p, i), p->entries[i].version.item_bytes, &spare);
	buffer_free(&spare);
	return r;
}

/* Could the pack take one more version, `newest_size` bytes whole, when older ones take `older_size`? */
static bool has_room(unsigned count, size_t newest_size, size_t older_size)
{
	if (count >= PACK_VERSIONS_MAX)
		return false;
	if (newest_size > PACK_INLINE_BYTES)
		return older_size <= PACK_LARGE_DIFFERENCES;
	return newest_size + older_size <= PACK_INLINE_BYTES;
}

/* The former newest becomes a difference from `item`, if it has content and that is smaller. */
static int demote(const struct parsed *p, struct slice item, struct entry *entry, struct buffer *payload)
{
	struct buffer old = BUFFER_INIT;
	size_t before = payload->size;
	int r = content(p, 0, &old);
	if (!r) {
		patch_append(item, buffer_slice(&old), payload);
		entry->encoding = ENCODING_PATCH;
		if (payload->size - before >= p->entries[0].payload_size) {
			payload->size = before;
			buffer_append_slice(payload, payload_of(p, 0));
			entry->encoding = p->entries[0].encoding;
		}
		entry->payload_size = payload->size - before;
		r = buffer_error(payload);
	}
	buffer_free(&old);
	return r;
}

static int add_parsed(const struct parsed *p, const struct version *version, struct slice item, struct buffer *out)
{
	struct entry entries[PACK_VERSIONS_MAX + 1];
	struct buffer payload = BUFFER_INIT;
	store_whole(version, item, &entries[0], &payload);
	size_t newest_size = payload.size;
	memcpy(entries + 1, p->entries, p->header.count * sizeof(entries[0]));
	int r = 0;
	if (item.size && p->entries[0].encoding != ENCODING_NONE)
		r = demote(p, item, &entries[1], &payload);
	else
		buffer_append_slice(&payload, payload_of(p, 0));
	for (unsigned i = 1; i < p->header.count; i++)
		buffer_append_slice(&payload, payload_of(p, i));
	if (!r)
		r = buffer_error(&payload);
	if (!r && !has_room(p->header.count, newest_size, payload.size - newest_size))
		r = 1;
	if (!r) {
		struct pack_header head = p->header;
		head.count++;
		r = write_pack(&head, entries, buffer_slice(&payload), out);
	}
	buffer_free(&payload);
	return r;
}

int pack_add(struct slice pack, const struct version *version, struct slice item, struct buffer *out)
{
	struct parsed p;
	int r = parse(pack, &p);
	if (!r)
		r = check_payloads(pack, p.payloads);
	if (r)
		return r;
	assert(version->seq > p.entries[0].version.seq && version->time_us >= p.entries[0].version.time_us);
	return add_parsed(&p, version, item, out);
}

int pack_read(struct slice pack, struct pack_header *ret_header)
{
	struct slice header, payloads;
	int r = open_header(pack, &header, &payloads);
	if (r)
		return r;
	struct reader reader = reader_of(header);
	return read_head(&reader, ret_header);
}

int pack_find(struct slice pack, uint64_t seq, struct pack_header *ret_header, struct version *ret_version,
	unsigned *ret_place)
{
	struct slice header, payloads;
	int r = open_header(pack, &header, &payloads);
	if (r)
		return r;
	struct reader reader = reader_of(header);
	r = read_head(&reader, ret_header);
	if (r)
		return r;
	struct entry newer = { .version = { .seq = 0 } }, entry;
	for (unsigned i = 0; i < ret_header->count; i++) {
		struct reader start = reader;
		if (!pass_entry(&reader, i ? &newer : NULL, &entry))
			return -EIO;
		if (entry.version.seq <= seq) {
			if (!read_entry(&start, i ? &newer : NULL, &entry))
				return -EIO;
			*ret_version = entry.version;
			*ret_place = i;
			return 0;
		}
		newer = entry;
	}
	return -ENOENT;
}

int pack_version(struct slice pack, unsigned place, struct version *ret_version)
{
	struct parsed p;
	int r = parse(pack, &p);
	if (r)
		return r;
	if (place >= p.header.count)
		return -ENOENT;
	*ret_version = p.entries[place].version;
	return 0;
}

int pack_versions(struct slice pack, struct pack_header *ret_header, struct version ret_versions[PACK_VERSIONS_MAX])
{
	struct parsed p;
	int r = parse(pack, &p);
	if (r)
		return r;
	*ret_header = p.header;
	for (unsigned i = 0; i < p.header.count; i++)
		ret_versions[i] = p.entries[i].version;
	return 0;
}

int pack_content(struct slice pack, unsigned place, struct buffer *out)
{
	struct parsed p;
	fetch(pack);
	int r = parse_to(pack, place, &p);
	if (!r)
		r = check_payloads(pack, p.payloads);
	if (r)
		return r;
	if (place >= p.header.count || p.entries[place].encoding == ENCODING_NONE)
		return -ENOENT;
	return patched_content(&p, place, out);
}

/* The version at `place`, stored anew behind the one at `newer` (negative: in front), as adding them one after the
 * other would have stored it. */
static int store_behind(
	const struct parsed *p, int newer, unsigned place, struct entry *ret_entry, struct buffer *payload)
{
	struct buffer item = BUFFER_INIT, base = BUFFER_INIT;
	size_t before = payload->size;
	int r = patched_content(p, place, &item);
	if (!r)
		store_whole(&p->entries[place].version, buffer_slice(&item), ret_entry, payload);
	if (!r && newer >= 0 && p->entries[newer].encoding != ENCODING_NONE) {
		struct buffer patch = BUFFER_INIT;
		r = patched_content(p, (unsigned)newer, &base);
		if (!r)
			patch_append(buffer_slice(&base), buffer_slice(&item), &patch);
		if (!r && patch.size < ret_entry->payload_size) {
			payload->size = before;
			buffer_append_slice(payload, buffer_slice(&patch));
			ret_entry->encoding = ENCODING_PATCH;
			ret_entry->payload_size = patch.size;
		}
		r = r ? r : buffer_error(&patch);
		buffer_free(&patch);
	}
	buffer_free(&item);
	buffer_free(&base);
	return r ? r : buffer_error(payload);
}

static int keep_parsed(struct parsed *p, unsigned keep, struct buffer *out)
{
	struct entry entries[PACK_VERSIONS_MAX];
	struct buffer payloads = BUFFER_INIT;
	unsigned count = 0;
	int newer = -1, r = 0;
	for (unsigned i = 0; i < p->header.count && !r; i++) {
		if (!(keep >> i & 1))
			continue;
		entries[count] = p->entries[i];
		if (newer + 1 == (int)i || p->entries[i].encoding == ENCODING_NONE)
			buffer_append_slice(&payloads, payload_of(p, i));
		else
			r = store_behind(p, newer, i, &entries[count], &payloads);
		newer = (int)i;
		count++;
	}
	assert(count);
	p->header.count = count;
	if (!r)
		r = buffer_error(&payloads);
	if (!r)
		r = write_pack(&p->header, entries, buffer_slice(&payloads), out);
	buffer_free(&payloads);
	return r;
}

int pack_keep(struct slice pack, unsigned keep, struct buffer *out)
{
	struct parsed p;
	int r = parse(pack, &p);
	if (!r)
		r = check_payloads(pack, p.payloads);
	return r ? r : keep_parsed(&p, keep, out);
}
