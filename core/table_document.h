/* A table's description as it is kept: from requests, to struct table, and changed by other documents. */
#ifndef PITR_TABLE_DOCUMENT_H
#define PITR_TABLE_DOCUMENT_H

#include "table.h"

/* Table names in requests: as name_check_table, with AWS's exception. */
int name_check_table_request(struct slice name, struct error *error);

/* Reads a stored description into `ret_table`, with a copy of the bytes. 0, -EIO, -ENOMEM. */
int table_from_document(uint32_t number, const struct buffer *description, struct table *ret_table);

/* The description a CreateTable request means, as a canonical item in `out`, with PITR as the defaults say where the request
 * doesn't. -EINVAL with ValidationException. */
int table_document_new(const struct json *request, const struct table_defaults *defaults, int64_t created_us,
	int64_t exists_from_us, struct buffer *out, struct error *error);

/* `table`'s description with the settings a document gives (DescribeTable's shape), which hold from `now_us` on. Other keys
 * than it has are those of the changes from `keys_from` on; 0: it has items, they may not be others. */
int table_document_update(const struct table *table, const struct json *document, uint64_t keys_from, int64_t now_us,
	struct buffer *out, struct error *error);

/* The same table's description with the settings of a CreateTable request, and no others. What it is restored from
 * (restore.h) is not taken along. */
int table_document_replace(
	const struct table *table, const struct json *request, struct buffer *out, struct error *error);

/* Puts the description of a new table into the catalogue. Errors as table_create's for a name that is taken. */
int table_document_create(struct batch *batch, struct buffer *document, const struct change_context *context,
	struct table *ret_table, struct error *error);
/* Puts another description of a table that is there. */
int table_document_put(
	struct batch *batch, struct slice document, const struct change_context *context, struct error *error);

#endif
