/* A stored version pack. The checksums are made right first, so that what they guard is reached: lengths, counts, sums,
 * compressed bytes and differences. What a pack tells must hold together, and what is built out of one must be read again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void mend_checksums(uint8_t *bytes, size_t size)
{
	struct reader r = reader_of(slice_of(bytes, size));
	reader_u32(&r);
	reader_u32(&r);
	struct slice header = reader_blob(&r);
	if (r.is_bad)
		return;
	put_u32(bytes, hash_checksum(header));
	put_u32(bytes + 4, hash_checksum(slice_of(r.at, reader_left(&r))));
}

static void check_contents(struct slice pack, const struct pack_header *header)
{
	struct buffer content = BUFFER_INIT;
	struct version version;
	for (unsigned place = 0; place <= header->count; place++) {
		int r = pack_version(pack, place, &version);
		require(r == 0 || r == -EIO || (r == -ENOENT && place == header->count));
		r = pack_content(pack, place, &content);
		require(r == 0 || r == -EIO || r == -ENOENT);
		require(r != 0 || content.size == version.item_bytes);
	}
	buffer_free(&content);
}

static void check_find(struct slice pack)
{
	static const uint64_t seqs[] = { 0, 1, 50, UINT64_C(1) << 41, UINT64_MAX };
	struct pack_header header;
	struct version version;
	unsigned place;
	for (unsigned i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		int r = pack_find(pack, seqs[i], &header, &version, &place);
		require(r == 0 || r == -EIO || r == -ENOENT);
		require(r != 0 || (version.seq <= seqs[i] && place < header.count));
	}
}

static void check_derived(struct slice pack)
{
	struct buffer derived = BUFFER_INIT, content = BUFFER_INIT;
	struct pack_header header;
	struct version newest;
	struct slice item = slice_of_text("a newer version of the item, which shares words with those before");
	if (pack_version(pack, 0, &newest) == 0 && newest.time_us < INT64_MAX && newest.seq < UINT64_C(1) << 40) {
		struct version version = { .seq = newest.seq + 1, .time_us = newest.time_us + 1 };
		if (pack_add(pack, &version, item, &derived) == 0) {
			require(pack_content(buffer_slice(&derived), 0, &content) == 0);
			require(slice_equal(buffer_slice(&content), item));
		}
	}
	for (unsigned keep = 1; keep < 8; keep++) {
		bool has_any = pack_read(pack, &header) == 0 && keep & ((2u << (header.count - 1)) - 1);
		buffer_clear(&derived);
		if (has_any && pack_keep(pack, keep, &derived) == 0)
			require(pack_read(buffer_slice(&derived), &header) == 0 && header.count <= 3);
	}
	buffer_free(&derived);
	buffer_free(&content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);
	struct pack_header header;
	require(bytes != NULL);
	if (size)
		memcpy(bytes, data, size);
	mend_checksums(bytes, size);
	struct slice pack = slice_of(bytes, size);
	if (pack_read(pack, &header) == 0) {
		require(header.count > 0 && header.count <= PACK_VERSIONS_MAX);
		check_contents(pack, &header);
		check_find(pack);
		check_derived(pack);
	}
	free(bytes);
	return 0;
}
