/* Version packs: up to PACK_VERSIONS_MAX versions of one node in one stored value, newest first.
 *
 * The newest put in a pack is stored whole (LZ4 when that is smaller); each older one as what differs from the
 * next newer
 * one: length of the common head and tail, and the middle, LZ4 with the newer version as dictionary when smaller.
 * So the
 * newest version is always read without decoding others, and dropping the oldest versions touches nothing else.
 *
 *   pack    := u32 checksum of header | u32 checksum of payloads | varint header size | header | payloads
 *   header  := kind byte | varint directory | varint slot | blob encoded key | varint count | entry... (newest first)
 *   entry   := flags byte (bit 0 remove, bits 1-2 encoding) | varint seq (first: absolute, then newer - this)
 *            | varint time (likewise) | for puts: varint item bytes, plain size, DynamoDB size, payload size
 * A removal has no payload; the put below it is stored whole. */
#ifndef PITR_PACK_H
#define PITR_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

#define PACK_VERSIONS_MAX 16

enum node_kind { NODE_ITEM = 1, NODE_PARTITION = 2 };

struct version {
	uint64_t seq;
	int64_t time_us;
	bool is_removal;
	uint32_t item_bytes; /* of the canonical form */
	uint32_t plain_size; /* rendered, in bytes */
	uint32_t dynamodb_size;
};

struct pack_header {
	enum node_kind kind;
	uint64_t directory;       /* directory it stands in: 0 the table, else a partition's number */
	uint64_t slot;            /* its place there (roster.h) */
	struct slice encoded_key; /* borrowed from the pack */
	unsigned count;
};

/* A pack with a single version. `item` is the canonical item, empty for partitions. */
int pack_new(enum node_kind kind, uint64_t directory, uint64_t slot, struct slice encoded_key,
	const struct version *version, struct slice item, struct buffer *out);

/* `pack` with one newer version in front, appended to `out`. 1 when the pack is full: nothing was appended, and the
 * version belongs into a new pack. 0, -EIO (damage), -ENOMEM. */
int pack_add(struct slice pack, const struct version *version, struct slice item, struct buffer *out);

/* Header only; verifies its checksum. 0 or -EIO. */
int pack_read(struct slice pack, struct pack_header *ret_header);

/* The newest version with seq <= `seq`: its place (0 = newest) and description. -ENOENT: all are newer; -EIO. */
int pack_find(struct slice pack, uint64_t seq, struct pack_header *ret_header, struct version *ret_version,
	unsigned *ret_place);
/* The version at a place. -ENOENT past the end. */
int pack_version(struct slice pack, unsigned place, struct version *ret_version);
/* All versions, newest first; header.count tells how many. 0 or -EIO. */
int pack_versions(struct slice pack, struct pack_header *ret_header, struct version ret_versions[PACK_VERSIONS_MAX]);
/* The canonical item of the version at `place`, replacing what `out` held. -ENOENT for a removal or partition; -EIO. */
int pack_content(struct slice pack, unsigned place, struct buffer *out);
/* The pack with the versions alone whose places are set in `keep`, at least one; appended to `out`. What it becomes depends
 * only on which versions are left, not on the steps that led there. For retention. */
int pack_keep(struct slice pack, unsigned keep, struct buffer *out);

#endif
