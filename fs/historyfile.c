/* Files stand in two views of their own, next to that of the directories. What changes in the reach made is found by the change (the log
 * has it): number 16 + change. What items began with there may be older than the log: its number has the node and something of the change,
 * so that it ends when another version takes its place.
 *
 * Places: 1 for what the item began with, for others 1 + the change. */
#include "historyfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "author.h"
#include "hash.h"
#include "instant.h"
#include "item_json.h"
#include "json.h"
#include "log.h"
#include "mount.h"
#include "render.h"
#include "texts.h"
#include "versions.h"

#define LATER_NAME "/later"
#define FIRST_NAME "/first"
#define PLACE_OF_FIRST UINT64_C(1)

#define FIRST_NODE_BITS 31
#define FIRST_MARK (UINT64_C(1) << 39)
#define PLACE_REMOVALS (UINT64_C(1) << 36)

static const struct branch later, first;

/* --- numbers --- */

static uint64_t number_of_first(const struct node *node)
{
	uint64_t seq = node->version.seq, hash = hash_checksum64(slice_of(&seq, sizeof(seq)), 0) & 0xff;

	if (node->number >> FIRST_NODE_BITS != 0)
		return node->number;
	return FIRST_MARK | hash << FIRST_NODE_BITS | node->number;
}

static uint64_t node_of_first(uint64_t number)
{
	return (number & FIRST_MARK) != 0 ? number & ((UINT64_C(1) << FIRST_NODE_BITS) - 1) : number;
}

/* A version, where the view says that it stands. */
static int load_version(
	struct store_txn *txn, const struct view *view, const struct told *told, uint64_t number, struct node *ret_node)
{
	struct log_entry entry;
	uint64_t seq;
	int result;

	if (view->branch == &first) {
		result = node_read(
			txn, told->table.number, node_of_first(number), told->reach.first_seq, ret_node, NULL);
		if (result < 0)
			return result == -ENOENT ? -ESTALE : result;
		return ret_node->version.is_removal || number_of_first(ret_node) != number ? -ESTALE : 0;
	}
	if (!branch_value(number, &seq) || seq > told->reach.last_seq)
		return -ENOENT;
	if (seq <= told->reach.first_seq)
		return -ESTALE;
	result = log_get(txn, told->table.number, seq, &entry);
	if (result == 0)
		result = node_read(txn, told->table.number, entry.number, seq, ret_node, NULL);
	return result == -ENOENT || (result == 0 && ret_node->version.seq != seq) ? -EIO : result;
}

/* --- what a removal tells --- */

static void append_author(struct slice text, struct buffer *out)
{
	struct json *author;

	if (json_parse(text, &json_default_limits, &author, NULL) < 0)
		return;
	buffer_append_text(out, ",\n  \"author\": {");
	for (const struct json *member = json_first(author); member != NULL; member = json_next(member)) {
		buffer_append_text(out, member == json_first(author) ? "\n    " : ",\n    ");
		json_append_string(out, json_name(member));
		buffer_append_text(out, ": ");
		json_append(out, member);
	}
	buffer_append_text(out, "\n  }");
	json_free(author);
}

static int append_last_state(const struct mount *mount, struct store_txn *txn, const struct view *view, uint64_t number,
	uint64_t seq, struct buffer *out)
{
	struct buffer item = BUFFER_INIT;
	struct node_place place;
	struct node node;
	int result = node_read(txn, view->table.number, number, seq, &node, &place);

	if (result == 0)
		result = pack_content(place.pack, place.place, &item);
	if (result == 0)
		buffer_append_text(out, ",\n  \"item\": ");
	if (result == 0)
		result = render_item_within(mount, view, buffer_slice(&item), out);
	buffer_free(&item);
	return result == -ENOENT ? -EIO : result;
}

static int tell_removal(const struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct node *node, struct buffer *out)
{
	char time[INSTANT_TEXT_MAX];
	struct log_entry entry;
	struct slice author;
	int result = log_get(txn, view->table.number, node->version.seq, &entry);

	if (result < 0)
		return result == -ENOENT ? -EIO : result;
	instant_format_z(node->version.time_us, time, sizeof(time));
	buffer_append_format(out, "{\n  \"operation\": \"REMOVE\",\n  \"time\": \"%s\",\n  \"seq\": %llu", time,
		(unsigned long long)node->version.seq);
	if (entry.author != 0 && author_text(txn, entry.author, &author) == 0)
		append_author(author, out);
	result = append_last_state(mount, txn, view, node->number, node->version.seq - 1, out);
	buffer_append_text(out, "\n}\n");
	return result < 0 ? result : buffer_error(out);
}

/* Made once for its size and its bytes. */
static int removal_text(struct mount *mount, struct store_txn *txn, const struct view *view, const struct node *node,
	struct text **ret_text)
{
	struct text_key key = { PLACE_REMOVALS | view->table.number, node->number, node->version.seq };
	struct buffer made = BUFFER_INIT;
	int result = 0;

	*ret_text = texts_find(mount->texts, &key, NULL);
	if (*ret_text != NULL)
		return 0;
	result = tell_removal(mount, txn, view, node, &made);
	if (result == 0) {
		*ret_text = texts_add(mount->texts, &key, buffer_slice(&made));
		result = *ret_text == NULL ? -ENOMEM : 0;
	}
	buffer_free(&made);
	return result;
}

/* --- files --- */

static int node_of_version(struct mount *mount, struct store_txn *txn, const struct view *view, const struct node *node,
	struct branch_node *ret_node)
{
	struct text *text;
	int result;

	*ret_node = (struct branch_node){ .is_file = true,
		.is_settled = true,
		.time_us = node->version.time_us,
		.seq = node->version.seq,
		.size_bytes = keydir_size(mount, &node->version) };
	if (!node->version.is_removal)
		return 0;
	result = removal_text(mount, txn, view, node, &text);
	if (result < 0)
		return result;
	ret_node->size_bytes = text->size;
	text_put(text);
	return 0;
}

static int file_node(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct branch_node *ret_node)
{
	struct told told;
	struct node node;
	int result = keydir_begin(mount, txn, view, &told);

	if (result == 0 && number == NUMBER_DIRECTORY)
		keydir_node(&told, ret_node);
	else if (result == 0)
		result = load_version(txn, view, &told, number, &node);
	if (result == 0 && number != NUMBER_DIRECTORY)
		result = node_of_version(mount, txn, view, &node, ret_node);
	keydir_end(&told);
	return result;
}

/* What an item began with is older than the states that are kept: it is read as of the first of them. */
static int read_version(struct mount *mount, struct store_txn *txn, const struct view *view, const struct told *told,
	const struct node *node, uint64_t offset, size_t size, struct buffer *out)
{
	uint64_t seq = node->version.seq > told->reach.first_seq ? node->version.seq : told->reach.first_seq;
	struct text *text;
	int result;

	if (!node->version.is_removal)
		return keydir_read(mount, txn, view, node->number, seq, offset, size, out);
	result = removal_text(mount, txn, view, node, &text);
	if (result < 0)
		return result;
	text_append_part(text_slice(text), offset, size, out);
	text_put(text);
	return buffer_error(out);
}

static int read_file(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t offset,
	size_t size, struct buffer *out)
{
	struct told told;
	struct node node;
	int result = keydir_begin(mount, txn, view, &told);

	if (result == 0)
		result = load_version(txn, view, &told, number, &node);
	if (result == 0)
		result = read_version(mount, txn, view, &told, &node, offset, size, out);
	keydir_end(&told);
	return result;
}

static int find_nothing(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number,
	struct slice name, struct branch_entry *ret_entry, struct error *error)
{
	(void)mount, (void)txn, (void)view, (void)number, (void)name, (void)ret_entry, (void)error;
	return -ENOENT;
}

static int list_nothing(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
	branch_each each, void *context)
{
	(void)mount, (void)txn, (void)view, (void)number, (void)after, (void)each, (void)context;
	return 0;
}

static const struct branch later = { .find = find_nothing, .list = list_nothing, .node = file_node, .read = read_file };
static const struct branch first = { .find = find_nothing, .list = list_nothing, .node = file_node, .read = read_file };

/* --- names --- */

static bool is_first(const struct told *told, const struct node *node)
{
	return node->version.seq <= told->reach.first_seq;
}

static uint64_t number_of(const struct told *told, const struct node *node)
{
	return is_first(told, node) ? number_of_first(node) : branch_number(node->version.seq);
}

static int entry_of(struct mount *mount, const struct view *view, const struct told *told, const struct node *node,
	struct branch_entry *ret_entry)
{
	bool is_of_first = is_first(told, node);

	ret_entry->number = number_of(told, node);
	return attree_add(mount, view, NUMBER_DIRECTORY, slice_of_text(is_of_first ? FIRST_NAME : LATER_NAME),
		is_of_first ? &first : &later, &ret_entry->view);
}

static void name_of(const struct node *node, bool is_alone, char *out, size_t size)
{
	size_t at = instant_format(node->version.time_us, out, size);

	if (!is_alone)
		at += (size_t)snprintf(out + at, size - at, "~seq-%llu", (unsigned long long)node->version.seq);
	snprintf(out + at, size - at, "%s", node->version.is_removal ? ".deleted" : ".json");
}

/* Is it the first of its time? `node` is in the reach. */
static int is_alone(struct store_txn *txn, const struct told *told, struct slice encoded_key, const struct node *node)
{
	struct node before;
	int result;

	if (is_first(told, node))
		return 1;
	result = versions_before(txn, told->table.number, encoded_key, node->version.seq, &before, NULL);
	if (result < 0)
		return result == -ENOENT ? 1 : result;
	if (is_first(told, &before) && before.version.is_removal)
		return 1;
	return before.version.time_us != node->version.time_us;
}

/* <instant>[~seq-<change>].json or .deleted, spelled as it is listed. seq 0: without. */
static bool parse_name(struct slice name, int64_t *ret_time_us, uint64_t *ret_seq)
{
	const uint8_t *mark = name.size > 0 ? memchr(name.data, '~', name.size) : NULL;
	struct slice suffix = slice_of_text(slice_ends_with(name, ".json") ? ".json" : ".deleted"), time = name;
	struct instant instant;

	*ret_seq = 0;
	if (!slice_ends_with(name, (const char *)suffix.data))
		return false;
	time.size = mark != NULL ? (size_t)(mark - name.data) : name.size - suffix.size;
	if (mark != NULL) {
		struct slice seq = slice_of(mark + 1, (size_t)(name.data + name.size - suffix.size - mark) - 1);

		if (instant_parse(seq, NULL, &instant, NULL) < 0 || instant.kind != INSTANT_SEQ || instant.seq == 0)
			return false;
		*ret_seq = instant.seq;
	}
	if (instant_parse(time, NULL, &instant, NULL) < 0 || instant.kind != INSTANT_AT)
		return false;
	*ret_time_us = instant.time_us;
	return true;
}

/* The first of the item's versions of just this time. */
static int find_at_time(struct store_txn *txn, const struct told *told, struct slice encoded_key, int64_t time_us,
	struct node *ret_node)
{
	uint64_t seq = told->reach.first_seq;
	struct log_entry entry;
	int result = versions_first(txn, told->table.number, encoded_key, &told->reach, ret_node, NULL);

	if (result < 0 || ret_node->version.time_us == time_us)
		return result;
	result = log_at_time(txn, told->table.number, time_us - 1, &entry);
	if (result == 0 && entry.seq > seq)
		seq = entry.seq;
	if (result < 0 && result != -ENOENT)
		return result;
	result = versions_after(txn, told->table.number, encoded_key, seq, ret_node, NULL);
	return result < 0 ? result : ret_node->version.time_us == time_us ? 0 : -ENOENT;
}

static int find_version(struct store_txn *txn, const struct told *told, struct slice encoded_key, struct slice name,
	struct node *ret_node)
{
	char right[FILE_NAME_MAX + 1];
	struct node from;
	int64_t time_us;
	uint64_t seq;
	int result;

	if (!parse_name(name, &time_us, &seq))
		return -ENOENT;
	result = seq == 0 ? find_at_time(txn, told, encoded_key, time_us, ret_node)
			  : versions_at(txn, told->table.number, encoded_key, seq, ret_node, NULL);
	if (result == 0 && is_first(told, ret_node)) {
		result = versions_first(txn, told->table.number, encoded_key, &told->reach, &from, NULL);
		if (result == 0 && from.version.seq != ret_node->version.seq)
			result = -ENOENT;
	}
	if (result < 0)
		return result == -ESTALE ? -ENOENT : result;
	name_of(ret_node, seq == 0, right, sizeof(right));
	return slice_equal(name, slice_of_text(right)) ? 0 : -ENOENT;
}

int historyfile_find(struct mount *mount, struct store_txn *txn, const struct view *view, const struct told *told,
	struct slice encoded_key, struct slice name, struct branch_entry *ret_entry)
{
	struct node node;
	int result = find_version(txn, told, encoded_key, name, &node);

	return result < 0 ? result : entry_of(mount, view, told, &node, ret_entry);
}

/* --- listing --- */

static int next_version(
	struct store_txn *txn, const struct told *told, struct slice encoded_key, uint64_t after, struct node *ret_node)
{
	uint64_t seq = after > PLACE_OF_FIRST ? after - PLACE_OF_FIRST : 0;

	if (after == 0)
		return versions_first(txn, told->table.number, encoded_key, &told->reach, ret_node, NULL);
	if (seq < told->reach.first_seq)
		seq = told->reach.first_seq;
	return versions_after(txn, told->table.number, encoded_key, seq, ret_node, NULL);
}

/* One listing: the views are made when a file is seen that stands there. */
struct lister {
	struct mount *mount;
	struct store_txn *txn;
	const struct view *view;
	const struct told *told;
	struct slice encoded_key;
	struct view *first, *later;
	bool has_before; /* a version was listed before, of this time: */
	int64_t before_us;
	branch_each each;
	void *context;
};

/* Borrowed. */
static int place_version(struct lister *lister, const struct node *node, struct branch_entry *ret_entry)
{
	struct view **view = is_first(lister->told, node) ? &lister->first : &lister->later;
	int result = 0;

	if (*view == NULL) {
		result = entry_of(lister->mount, lister->view, lister->told, node, ret_entry);
		if (result == 0)
			*view = ret_entry->view;
	}
	*ret_entry = (struct branch_entry){ *view, number_of(lister->told, node) };
	return result;
}

/* 1; 0: no more are wanted. */
static int list_version(struct lister *lister, const struct node *node, uint64_t place)
{
	int alone = lister->has_before ? node->version.time_us != lister->before_us
				       : is_alone(lister->txn, lister->told, lister->encoded_key, node);
	char name[FILE_NAME_MAX + 1];
	struct branch_entry entry;
	struct branch_node shown;
	int result = alone < 0 ? alone : place_version(lister, node, &entry);

	if (result < 0)
		return result;
	lister->has_before = true;
	lister->before_us = node->version.time_us;
	name_of(node, alone == 1, name, sizeof(name));
	result = node_of_version(lister->mount, lister->txn, entry.view, node, &shown);
	/* What is damaged was there; it says so when it is read. */
	if (result < 0 && result != -EIO)
		return result;
	return lister->each(lister->context, place, name, &entry, &shown);
}

int historyfile_list(struct mount *mount, struct store_txn *txn, const struct view *view, const struct told *told,
	struct slice encoded_key, uint64_t after, branch_each each, void *context)
{
	struct lister lister = { .mount = mount,
		.txn = txn,
		.view = view,
		.told = told,
		.encoded_key = encoded_key,
		.each = each,
		.context = context };
	struct node node;
	int result = 1;

	while (result == 1 && (result = next_version(txn, told, encoded_key, after, &node)) == 0) {
		after = is_first(told, &node) ? PLACE_OF_FIRST : node.version.seq + PLACE_OF_FIRST;
		result = list_version(&lister, &node, after);
	}
	view_put(lister.first);
	view_put(lister.later);
	return result == -ENOENT ? 0 : result;
}
