/* The names that stand for types in the two JSON forms; shared by the writer and the reader. */
#ifndef PITR_ITEM_JSON_FORM_H
#define PITR_ITEM_JSON_FORM_H

#include "item.h"
#include "item_json.h"

/* The one member name that wraps a value of this type ("$binary", "SS"), or NULL when the form needs no wrapper. */
const char *item_json_wrapper(enum item_form form, enum value_tag tag);

/* How many '$' stand in front when `name` is a plain-form wrapper's name with one or more of them, else 0. One: it is
 * the wrapper of *ret_tag itself. More: the name of an attribute, with one more than the attribute has. */
size_t item_json_dollars(struct slice name, enum value_tag *ret_tag);

/* What item_to_json appends as compact DynamoDB JSON, quickly: this is done for every change that is written. Items that are not large. -ERANGE:
 * this one is. */
int item_json_line(struct slice item, const struct item_order *order, struct buffer *out);

#endif
