#include "change.h"

#include <errno.h>
#include <string.h>

#include "author.h"
#include "clock.h"
#include "describe.h"
#include "instant.h"
#include "item_json.h"
#include "node.h"
#include "number.h"
#include "retention.h"

#define ID_DIGITS 16

const char *change_op_name(enum change_op op)
{
	return op == CHANGE_INSERT ? "INSERT" : op == CHANGE_MODIFY ? "MODIFY" : "REMOVE";
}

/* --- reading --- */

/* The item after change `seq` of the table. */
static int read_state(struct store_txn *txn, uint32_t table, const struct log_entry *entry, uint64_t seq,
	struct node *ret_node, struct buffer *out)
{
	struct node_place place;
	int r = retention_check(txn, table, seq);
	if (!r)
		r = node_read(txn, table, entry->number, seq, ret_node, &place);
	if (!r && ret_node->version.is_removal != (seq == entry->seq && entry->op == CHANGE_REMOVE))
		r = -EIO;
	if (!r && seq == entry->seq && ret_node->version.seq != seq)
		r = -EIO;
	if (!r && !ret_node->version.is_removal)
		r = pack_content(place.pack, place.place, out);
	return r == -ENOENT ? -EIO : r;
}

static int read_author(struct store_txn *txn, uint64_t number, struct slice *ret_text)
{
	int r = number ? author_text(txn, number, ret_text) : 0;
	return r == -ENOENT ? -EIO : r;
}

static int read_schema(struct change_reader *reader, struct store_txn *txn, uint32_t table, uint64_t seq)
{
	bool is_known = reader->table == table && seq >= reader->from && seq < reader->end;
	int r = is_known ? 0 : table_keys_at(txn, table, seq, &reader->schema, &reader->from, &reader->end);
	reader->table = table;
	if (r)
		reader->end = 0;
	reader->change.schema = r ? NULL : &reader->schema;
	return r;
}

int change_read(struct change_reader *reader, struct store_txn *txn, uint32_t table, const struct log_entry *entry)
{
	struct change *change = &reader->change;
	struct node node = { 0 };
	*change = (struct change){ .entry = *entry };
	buffer_clear(&reader->before);
	buffer_clear(&reader->after);
	int schema = read_schema(reader, txn, table, entry->seq), before = 0, after, author;
	if (entry->op != CHANGE_INSERT) {
		before = read_state(txn, table, entry, entry->seq - 1, &node, &reader->before);
		change->encoded_key = node.encoded_key;
		if (!before)
			change->before = buffer_slice(&reader->before);
	}
	after = read_state(txn, table, entry, entry->seq, &node, &reader->after);
	if (node.encoded_key.size > 0)
		change->encoded_key = node.encoded_key;
	if (!after)
		change->after = buffer_slice(&reader->after);
	author = read_author(txn, entry->author, &change->author);
	return before ? before : after ? after : author ? author : schema;
}

void change_reader_free(struct change_reader *reader)
{
	buffer_free(&reader->before);
	buffer_free(&reader->after);
}

/* --- the line --- */

static void append_digits(struct buffer *out, uint64_t number, unsigned width)
{
	char digits[24];
	size_t at = sizeof(digits);
	for (; number > 0 || at > sizeof(digits) - (width ? width : 1); number /= 10)
		digits[--at] = (char)('0' + number % 10);
	buffer_append(out, digits + at, sizeof(digits) - at);
}

static void append_event_id(struct buffer *out, const struct table *table, uint64_t seq)
{
	static const char hex[] = "0123456789abcdef";
	char id[2 * ID_DIGITS];
	size_t size = 0;
	for (const char *at = table->id; *at && size < ID_DIGITS; at++)
		if (strchr(hex, *at))
			id[size++] = *at;
	while (size < ID_DIGITS)
		id[size++] = '0';
	for (unsigned i = 0; i < ID_DIGITS; i++)
		id[ID_DIGITS + i] = hex[seq >> (60 - 4 * i) & 15];
	buffer_append(out, id, sizeof(id));
}

/* Seconds, as AWS has them; the fraction without trailing zeros. */
static void append_time(struct buffer *out, int64_t time_us)
{
	uint64_t fraction = (uint64_t)(time_us % SECOND_US);
	unsigned width = 6;
	append_digits(out, (uint64_t)(time_us / SECOND_US), 0);
	if (!fraction)
		return;
	for (; fraction % 10 == 0; fraction /= 10)
		width--;
	buffer_append_byte(out, '.');
	append_digits(out, fraction, width);
}

static void append_key_value(struct buffer *out, const struct value *value)
{
	const uint8_t start[] = { '{', '"', (uint8_t)value->tag, '"', ':' };
	buffer_append(out, start, sizeof(start));
	if (value->tag == VALUE_S) {
		json_append_string(out, value->bytes);
	} else {
		buffer_append_byte(out, '"');
		if (value->tag == VALUE_N)
			buffer_append_slice(out, value->bytes);
		else
			base64_append(out, value->bytes);
		buffer_append_byte(out, '"');
	}
	buffer_append_byte(out, '}');
}

/* One attribute of the key; adds what DynamoDB counts it as. */
static void append_key(
	struct buffer *out, const struct key_attribute *attribute, const struct value *value, size_t *bytes)
{
	struct slice name = slice_of_text(attribute->name);
	json_append_string(out, name);
	buffer_append_byte(out, ':');
	append_key_value(out, value);
	*bytes += name.size + (value->tag == VALUE_N ? number_size_bytes(value->bytes) : value->bytes.size);
}

static bool is_of_type(const struct value *value, const struct key_attribute *attribute)
{
	return value->tag == attribute->type;
}

/* The key as an image has it, or else the encoded one. */
static int find_key(
	const struct change *change, const struct key_schema *schema, struct buffer *storage, struct key *ret_key)
{
	struct slice image = change->after.size ? change->after : change->before;
	ret_key->has_sort = schema->has_sort;
	int r = 0;
	if (!image.size)
		r = key_decode(change->encoded_key, storage, ret_key);
	else if (!item_attribute(image, slice_of_text(schema->partition.name), &ret_key->partition) ||
		 (schema->has_sort && !item_attribute(image, slice_of_text(schema->sort.name), &ret_key->sort)))
		r = -EIO;
	if (r)
		return r;
	bool is_good = is_of_type(&ret_key->partition, &schema->partition) && ret_key->has_sort == schema->has_sort &&
		       (!schema->has_sort || is_of_type(&ret_key->sort, &schema->sort));
	return is_good ? 0 : -EIO;
}

static int append_keys(const struct key_schema *schema, const struct change *change, struct buffer *out, size_t *bytes)
{
	struct buffer storage = BUFFER_INIT;
	struct key key;
	int r = find_key(change, schema, &storage, &key);
	if (!r) {
		buffer_append_text(out, ",\"Keys\":{");
		append_key(out, &schema->partition, &key.partition, bytes);
		if (schema->has_sort) {
			buffer_append_byte(out, ',');
			append_key(out, &schema->sort, &key.sort, bytes);
		}
		buffer_append_byte(out, '}');
	}
	buffer_free(&storage);
	return r;
}

static int append_image(const struct key_schema *schema, struct slice item, const char *name, struct buffer *out)
{
	if (!item.size)
		return 0;
	struct item_order order = { slice_of_text(schema->partition.name), slice_of_text(schema->sort.name) };
	buffer_append_text(out, name);
	return item_to_json(item, ITEM_DYNAMODB, ITEM_COMPACT, &order, out);
}

static int append_record(const struct key_schema *schema, const struct change *change, struct buffer *out)
{
	size_t bytes = change->image_bytes;
	if (!bytes)
		bytes = item_size_bytes(change->after) + item_size_bytes(change->before);
	buffer_append_text(out, "\",\"eventVersion\":\"1.1\",\"eventSource\":\"aws:dynamodb\",\"awsRegion\":\"local\","
				"\"dynamodb\":{\"ApproximateCreationDateTime\":");
	append_time(out, change->entry.time_us);
	int r = append_keys(schema, change, out, &bytes);
	if (!r)
		r = append_image(schema, change->after, ",\"NewImage\":", out);
	if (!r)
		r = append_image(schema, change->before, ",\"OldImage\":", out);
	buffer_append_text(out, ",\"SequenceNumber\":\"");
	append_digits(out, change->entry.seq, 21);
	buffer_append_text(out, "\",\"SizeBytes\":");
	append_digits(out, bytes, 0);
	return r;
}

static void append_source(const struct table *table, struct buffer *out)
{
	char created[INSTANT_TEXT_MAX];
	buffer_append_text(out, ",\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"},\"eventSourceARN\":\"");
	describe_arn(table, out);
	buffer_append_text(out, "/stream/");
	buffer_append(out, created, instant_format(table->created_us, created, sizeof(created)));
	buffer_append_byte(out, '"');
}

/* An author's text has its quotes escaped wherever it is not the member itself. */
static bool is_by_ttl(struct slice author)
{
	static const char member[] = ",\"service\":\"ttl\"";
	return author.size && memmem(author.data, author.size, member, sizeof(member) - 1);
}

static void append_author(enum change_op op, struct slice author, struct buffer *out)
{
	if (op == CHANGE_REMOVE && is_by_ttl(author))
		buffer_append_text(out, ",\"userIdentity\":{\"type\":\"Service\","
					"\"principalId\":\"dynamodb.amazonaws.com\"}");
	if (author.size) {
		buffer_append_text(out, ",\"author\":");
		buffer_append_slice(out, author);
	}
	buffer_append_byte(out, '}');
}

int change_append_line(const struct table *table, const struct change *change, struct buffer *out)
{
	size_t start = out->size;
	buffer_append_text(out, "{\"eventID\":\"");
	append_event_id(out, table, change->entry.seq);
	buffer_append_text(out, "\",\"eventName\":\"");
	buffer_append_text(out, change_op_name(change->entry.op));
	int r = append_record(change->schema ? change->schema : &table->schema, change, out);
	append_source(table, out);
	append_author(change->entry.op, change->author, out);
	if (!r)
		r = buffer_error(out);
	if (r)
		out->size = start;
	return r;
}
