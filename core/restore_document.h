/* Descriptions of restored tables: which settings they take over, what AWS's overrides make of them, and the record of
 * where they came from. */
#ifndef PITR_RESTORE_DOCUMENT_H
#define PITR_RESTORE_DOCUMENT_H

#include "restore.h"

/* A CreateTable request with what a restored table takes over of `source`, which is a table's stored description or
 * a document in DescribeTable's shape: keys, attribute definitions, indexes, billing mode, throughput, encryption.
 * `overrides` (may be NULL) as in restore_share. -EINVAL: AWS's texts. Free it with json_free. */
int restore_request(const struct json *source, const struct json *overrides, struct slice target,
	struct json **ret_request, struct error *error);
/* The same from a table. */
int restore_request_like(const struct table *like, const struct json *overrides, struct slice target,
	struct json **ret_request, struct error *error);

/* The record (restore.h) in a stored description; `items` is what was there when the restore ended. -ENOENT: none. */
int restore_record_read(struct slice description, struct restore_progress *ret_record);
/* A copy of the description with this record. */
int restore_record_write(struct slice description, const struct restore_progress *record, struct buffer *out);

#endif
