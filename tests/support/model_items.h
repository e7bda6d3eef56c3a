/* Keys, items and tables for the model tests, made from numbers: the same number makes the same bytes. The keys are
 * those that are hard to keep: of every type, with zero bytes and slashes, longer than the store's keys, longer than file
 * names, looking like names that were cut. */
#ifndef PITR_SUPPORT_MODEL_ITEMS_H
#define PITR_SUPPORT_MODEL_ITEMS_H

#include "core/json.h"
#include "core/key.h"

/* All replace what `out` held. */
void model_items_key(const struct key_schema *schema, unsigned k, struct buffer *out);       /* encoded */
void model_items_partition(const struct key_schema *schema, unsigned p, struct buffer *out); /* its encoded part */
/* The item of key `k` with content `variant`: small, or large from 5 on. */
void model_items_make(const struct key_schema *schema, unsigned k, uint64_t variant, struct buffer *out);

/* A request for a table of random key types, flat or not. Free with json_free. */
struct json *model_items_request(const char *name, uint64_t *random);

#endif
