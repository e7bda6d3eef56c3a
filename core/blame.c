/* Goes back version by version, and compares each with the item asked about: an attribute was set by the change after the last
 * version in which it was not so. */
#include "blame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "versions.h"

/* An attribute, and the version that set it; seq 0: not known yet. */
struct attribute {
	struct slice name;
	struct value value;
	uint64_t seq;
	int64_t time_us;
	bool is_older;
};

struct blaming {
	struct store_txn *txn;
	const struct table *table;
	const struct reach *reach;
	struct slice encoded_key;
	struct buffer item, older;
	struct attribute *attributes; /* in order of names */
	size_t count, unknown;
};

static int read_attributes(struct blaming *blaming)
{
	struct reader whole = reader_of(buffer_slice(&blaming->item));
	struct value item;
	if (!value_read(&whole, &item))
		return -EIO;
	struct attribute *attributes = calloc(item.count + 1, sizeof(*attributes));
	if (!attributes)
		return -ENOMEM;
	blaming->attributes = attributes;
	blaming->count = blaming->unknown = item.count;
	struct reader members = reader_of(item.body);
	for (size_t i = 0; i < item.count; i++)
		if (!value_next(&item, &members, &attributes[i].name, &attributes[i].value))
			return -EIO;
	return 0;
}

static void set(struct blaming *blaming, struct attribute *attribute, const struct version *version)
{
	attribute->seq = version->seq;
	attribute->time_us = version->time_us;
	attribute->is_older = version->seq <= blaming->reach->first_seq;
	blaming->unknown--;
}

/* Settles what is different in the older version. Both have their attributes in order of names. */
static int compare(struct blaming *blaming, const struct version *version)
{
	struct reader whole = reader_of(buffer_slice(&blaming->older)), members = { 0 };
	struct value older = { 0 }, value;
	struct slice name = { 0 };
	bool has_member = blaming->older.size > 0;
	if (has_member && !value_read(&whole, &older))
		return -EIO;
	if (has_member) {
		members = reader_of(older.body);
		has_member = value_next(&older, &members, &name, &value);
	}
	for (size_t i = 0; i < blaming->count; i++) {
		struct attribute *attribute = &blaming->attributes[i];
		while (has_member && slice_compare(name, attribute->name) < 0)
			has_member = value_next(&older, &members, &name, &value);
		bool is_same = has_member && slice_equal(name, attribute->name) &&
			       slice_equal(value.whole, attribute->value.whole);
		if (!attribute->seq && !is_same)
			set(blaming, attribute, version);
	}
	return members.is_bad ? -EIO : 0;
}

/* The last version before a change that can be told, into `out`; empty: the item was not there. */
static int read_before(struct blaming *blaming, uint64_t seq, struct version *ret_version, struct buffer *out)
{
	struct node node;
	struct node_place place;
	buffer_clear(out);
	int r = versions_before(blaming->txn, blaming->table->number, blaming->encoded_key, seq, &node, &place);
	if (r)
		return r == -ENOENT ? 0 : r;
	*ret_version = node.version;
	return node.version.is_removal ? 0 : pack_content(place.pack, place.place, out);
}

static int look_back(struct blaming *blaming, uint64_t seq, struct error *error)
{
	struct version version = { 0 }, older = { 0 };
	int r = read_before(blaming, seq + 1, &version, &blaming->item);
	if (!r && !blaming->item.size)
		return error_set(error, -ENOENT, "the item was not there");
	if (!r)
		r = read_attributes(blaming);
	while (!r && blaming->unknown) {
		buffer_clear(&blaming->older);
		if (version.seq > blaming->reach->first_seq)
			r = read_before(blaming, version.seq, &older, &blaming->older);
		if (!r)
			r = compare(blaming, &version);
		version = older;
	}
	return r ? error_set(error, r, "the item's history could not be read: %s", strerror(-r)) : 0;
}

/* --- Telling -------------------------------------------------------------------------------------------------------- */

/* The entry is read again only when it is another one: attributes often come together. */
static int tell(struct blaming *blaming, const struct attribute *attribute, struct log_entry *entry, blame_each each,
	void *context)
{
	int r = 0;
	if (attribute->is_older)
		*entry = (struct log_entry){ .seq = attribute->seq, .time_us = attribute->time_us };
	else if (entry->seq != attribute->seq || !entry->op)
		r = log_get(blaming->txn, blaming->table->number, attribute->seq, entry);
	return r ? r : each(context, attribute->name, &attribute->value, entry, attribute->is_older);
}

static bool is_key(const struct key_schema *schema, struct slice name)
{
	return slice_equal(name, slice_of_text(schema->partition.name)) ||
	       (schema->has_sort && slice_equal(name, slice_of_text(schema->sort.name)));
}

static int tell_named(
	struct blaming *blaming, const char *name, struct log_entry *entry, blame_each each, void *context)
{
	for (size_t i = 0; i < blaming->count; i++)
		if (slice_equal(blaming->attributes[i].name, slice_of_text(name)))
			return tell(blaming, &blaming->attributes[i], entry, each, context);
	return 0;
}

static int tell_all(struct blaming *blaming, blame_each each, void *context)
{
	const struct key_schema *schema = &blaming->table->schema;
	struct log_entry entry = { 0 };
	int r = tell_named(blaming, schema->partition.name, &entry, each, context);
	if (!r && schema->has_sort)
		r = tell_named(blaming, schema->sort.name, &entry, each, context);
	for (size_t i = 0; i < blaming->count && !r; i++)
		if (!is_key(schema, blaming->attributes[i].name))
			r = tell(blaming, &blaming->attributes[i], &entry, each, context);
	return r;
}

int blame(struct store_txn *txn, const struct table *table, const struct reach *reach, struct slice encoded_key,
	uint64_t seq, blame_each each, void *context, struct error *error)
{
	struct blaming blaming = { .txn = txn, .table = table, .reach = reach, .encoded_key = encoded_key };
	int r = look_back(&blaming, seq < reach->last_seq ? seq : reach->last_seq, error);
	if (!r)
		r = tell_all(&blaming, each, context);
	free(blaming.attributes);
	buffer_free(&blaming.item);
	buffer_free(&blaming.older);
	return r;
}
