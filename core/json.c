#include "json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json_lex.h"
#include "json_quick.h"

/* A node is a cJSON item. Its strings are laid out by the lexical pass: mark, five bytes, text; after parsing the first
 * four hold the text's size (it may contain NUL). A container's valueint holds its count.
 *
 * A tree that was made the quick way (json_quick.h) is the same, but its nodes and strings stand in pieces of memory: the root is
 * the first node in the first of them, and IS_QUICK in its type tells of it. */

#define FEW_MEMBERS 8 /* so many names are compared pair by pair */
#define IS_QUICK (1 << 20)
#define QUICK_SIZE_MAX ((size_t)1 << 20) /* of a text */
#define QUICK_CONTENT 8                  /* so many times its text at most is what the long way counts as content */
#define QUICK_DEPTH_MAX 1000
#define QUICK_MEMBERS_MAX 48 /* of an object: names are compared pair by pair */
#define PIECE_MIN 4000u

const struct json_limits json_default_limits = { .max_size = 16u << 20, .max_depth = 100 };

static const cJSON *item_of(const struct json *node)
{
	return (const cJSON *)node;
}

static const struct json *node_of(const cJSON *item)
{
	return (const struct json *)item;
}

/* Puts NUL bytes back for C0 80 and notes the size. */
static void settle_string(char *string)
{
	char *text = string + JSON_MARK_SIZE;
	size_t size = strlen(text);
	char *end = text + size, *to = memchr(text, 0xc0, size);
	for (const char *from = to; to != NULL && from < end; from++) {
		bool is_nul = (uint8_t)*from == 0xc0;
		*to++ = is_nul ? '\0' : *from;
		from += is_nul;
	}
	uint32_t settled = (uint32_t)((to != NULL ? to : end) - text);
	memcpy(string + 1, &settled, sizeof(settled));
}

static struct slice settled_text(const char *string)
{
	uint32_t size;
	memcpy(&size, string + 1, sizeof(size));
	return slice_of(string + JSON_MARK_SIZE, size);
}

static int compare_names(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	int order = strcmp(x + JSON_MARK_SIZE, y + JSON_MARK_SIZE);
	if (order != 0)
		return order;
	size_t x_place = json_lex_place(x), y_place = json_lex_place(y);
	return (x_place > y_place) - (x_place < y_place);
}

static int refuse_duplicate(struct slice text, const char *name, struct error *error)
{
	return json_lex_error(text, json_lex_place(name), error,
		"the name \"%.200s\" stands twice in the same object; keep one of them", name + JSON_MARK_SIZE);
}

/* The second of two equal names, or NULL. */
static const char *find_duplicate(const char **names, size_t count)
{
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(names[i - 1] + JSON_MARK_SIZE, names[i] + JSON_MARK_SIZE) == 0)
			return names[i];
	}
	return NULL;
}

static const char *find_duplicate_of_few(const cJSON *object)
{
	for (const cJSON *child = object->child; child != NULL; child = child->next) {
		for (const cJSON *before = object->child; before != child; before = before->next) {
			if (strcmp(before->string + JSON_MARK_SIZE, child->string + JSON_MARK_SIZE) == 0)
				return child->string;
		}
	}
	return NULL;
}

/* Looks for a name that stands twice, before the headers lose their places. */
static int check_names(struct slice text, const cJSON *object, size_t count, struct error *error)
{
	const char *duplicate;
	if (count <= FEW_MEMBERS) {
		duplicate = find_duplicate_of_few(object);
	} else {
		const char **names = calloc(count, sizeof(*names));
		if (names == NULL)
			return error_set(error, -ENOMEM, "out of memory while reading JSON");
		size_t i = 0;
		for (const cJSON *child = object->child; child != NULL; child = child->next)
			names[i++] = child->string;
		duplicate = find_duplicate(names, count);
		free(names);
	}
	return duplicate != NULL ? refuse_duplicate(text, duplicate, error) : 0;
}

static int settle(struct slice text, cJSON *item, struct error *error)
{
	if (cJSON_IsString(item))
		settle_string(item->valuestring);
	if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
		return 0;
	int count = 0;
	for (cJSON *child = item->child; child != NULL; child = child->next, count++) {
		int rc = settle(text, child, error);
		if (rc < 0)
			return rc;
	}
	item->valueint = count;
	if (!cJSON_IsObject(item))
		return 0;
	int rc = check_names(text, item, (size_t)count, error);
	if (rc < 0)
		return rc;
	for (cJSON *child = item->child; child != NULL; child = child->next)
		settle_string(child->string);
	return 0;
}

/* --- the quick way --- */

struct piece {
	struct piece *next;
	size_t used, size;
	max_align_t bytes[];
};

struct quick {
	const uint8_t *at, *end;
	struct piece *first, *last;
	unsigned depth;
	size_t values;
};

static void free_pieces(struct piece *piece)
{
	for (struct piece *next; piece != NULL; piece = next) {
		next = piece->next;
		free(piece);
	}
}

/* Aligned for a node. NULL: out of memory. */
static void *take_room(struct quick *quick, size_t size)
{
	struct piece *piece = quick->last;
	size = (size + 7) & ~(size_t)7;
	if (piece == NULL || piece->size - piece->used < size) {
		size_t room = size + (piece != NULL ? piece->size : PIECE_MIN + 4 * (size_t)(quick->end - quick->at));
		piece = malloc(sizeof(*piece) + room);
		if (piece == NULL)
			return NULL;
		*piece = (struct piece){ .size = room };
		*(quick->last != NULL ? &quick->last->next : &quick->first) = piece;
		quick->last = piece;
	}
	void *taken = (char *)piece->bytes + piece->used;
	piece->used += size;
	return taken;
}

/* As the long way leaves a string: mark, size, text. */
static char *make_string(struct quick *quick, char mark, struct slice text)
{
	char *string = take_room(quick, JSON_MARK_SIZE + text.size + 1);
	if (string == NULL)
		return NULL;
	uint32_t size = (uint32_t)text.size;
	string[0] = mark;
	memcpy(string + 1, &size, sizeof(size));
	memcpy(string + JSON_MARK_SIZE, text.data, text.size);
	string[JSON_MARK_SIZE + text.size] = '\0';
	return string;
}

static cJSON *make_node(struct quick *quick)
{
	cJSON *node = take_room(quick, sizeof(*node));
	if (node != NULL)
		*node = (cJSON){ 0 };
	return node;
}

static int next_byte(struct quick *quick)
{
	while (quick->at < quick->end &&
		(*quick->at == ' ' || *quick->at == '\n' || *quick->at == '\t' || *quick->at == '\r'))
		quick->at++;
	return quick->at < quick->end ? *quick->at : -1;
}

static bool quick_value(struct quick *quick, cJSON *node);

/* The name and the colon. */
static bool quick_name(struct quick *quick, const cJSON *object, cJSON *member)
{
	struct slice name;
	if (next_byte(quick) != '"' || !json_quick_string(&quick->at, quick->end, &name) || next_byte(quick) != ':')
		return false;
	quick->at++;
	for (const cJSON *before = object->child; before != NULL; before = before->next)
		if (slice_equal(settled_text(before->string), name))
			return false;
	member->string = make_string(quick, JSON_MARK_STRING, name);
	return member->string != NULL;
}

static bool quick_container(struct quick *quick, cJSON *container, bool is_object)
{
	int close = is_object ? '}' : ']';
	cJSON *last = NULL;
	container->type = is_object ? cJSON_Object : cJSON_Array;
	quick->at++;
	if (quick->depth == 0)
		return false;
	quick->depth--;
	for (int byte = next_byte(quick) == close ? close : ','; byte != close; byte = next_byte(quick)) {
		if (last != NULL && byte != ',')
			return false;
		quick->at += last != NULL;
		cJSON *child = make_node(quick);
		if (child == NULL || (is_object && (container->valueint == QUICK_MEMBERS_MAX ||
							   !quick_name(quick, container, child))))
			return false;
		*(last != NULL ? &last->next : &container->child) = child;
		last = child;
		container->valueint++;
		if (!quick_value(quick, child))
			return false;
	}
	quick->at++;
	quick->depth++;
	return true;
}

static bool quick_literal(struct quick *quick, cJSON *node)
{
	struct slice rest = slice_of(quick->at, (size_t)(quick->end - quick->at));
	bool is_true = slice_starts_with(rest, "true"), is_false = !is_true && slice_starts_with(rest, "false");
	if (!is_true && !is_false && !slice_starts_with(rest, "null"))
		return false;
	node->type = is_true ? cJSON_True : is_false ? cJSON_False : cJSON_NULL;
	quick->at += is_false ? 5 : 4;
	return true;
}

static bool quick_value(struct quick *quick, cJSON *node)
{
	struct slice text;
	int byte = next_byte(quick);
	bool is_string = byte == '"', is_number = byte == '-' || (byte >= '0' && byte <= '9');
	if (quick->values-- == 0)
		return false;
	if (byte == '{' || byte == '[')
		return quick_container(quick, node, byte == '{');
	if (!is_string && !is_number)
		return quick_literal(quick, node);
	if (is_string ? !json_quick_string(&quick->at, quick->end, &text)
		      : !json_quick_number(&quick->at, quick->end, &text))
		return false;
	node->type = cJSON_String;
	node->valuestring = make_string(quick, is_string ? JSON_MARK_STRING : JSON_MARK_NUMBER, text);
	return node->valuestring != NULL;
}

/* NULL: the long way must be gone. */
static struct json *parse_quickly(struct slice text, const struct json_limits *limits)
{
	struct reader reader = reader_of(text);
	struct quick quick = { .at = reader.at,
		.end = reader.end,
		.depth = limits->max_depth < QUICK_DEPTH_MAX ? limits->max_depth : QUICK_DEPTH_MAX,
		.values = limits->max_values > 0 ? limits->max_values : SIZE_MAX };
	if (text.size > limits->max_size || text.size > QUICK_SIZE_MAX ||
		(limits->max_content > 0 && text.size > limits->max_content / QUICK_CONTENT))
		return NULL;
	cJSON *root = make_node(&quick);
	if (root != NULL && quick_value(&quick, root) && next_byte(&quick) == -1) {
		root->type |= IS_QUICK;
		return (struct json *)root;
	}
	free_pieces(quick.first);
	return NULL;
}

/* --- the long way --- */

int json_parse(struct slice text, const struct json_limits *limits, struct json **ret_root, struct error *error)
{
	struct buffer marked = BUFFER_INIT;
	cJSON *root = NULL;
	*ret_root = parse_quickly(text, limits);
	if (*ret_root != NULL)
		return 0;
	int rc = json_lex(text, limits, &marked, error);
	if (rc < 0)
		goto done;
	const char *source = buffer_text(&marked);
	if (source != NULL)
		root = cJSON_ParseWithLengthOpts(source, marked.size + 1, NULL, 1);
	/* The lexical pass let through only what cJSON accepts, so this is not about the text. */
	if (root == NULL) {
		rc = error_set(error, -ENOMEM, "out of memory while reading JSON");
		goto done;
	}
	rc = settle(text, root, error);
	if (rc < 0)
		cJSON_Delete(root);
	else
		*ret_root = (struct json *)root;

done:
	buffer_free(&marked);
	return rc;
}

void json_free(struct json *root)
{
	if (root != NULL && (item_of(root)->type & IS_QUICK) != 0)
		free_pieces((struct piece *)((char *)root - offsetof(struct piece, bytes)));
	else
		cJSON_Delete((cJSON *)root);
}

enum json_type json_type(const struct json *node)
{
	switch (item_of(node)->type & 0xff) {
	case cJSON_False:
		return JSON_FALSE;
	case cJSON_True:
		return JSON_TRUE;
	case cJSON_String:
		return item_of(node)->valuestring[0] == JSON_MARK_NUMBER ? JSON_NUMBER : JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

struct slice json_text(const struct json *node)
{
	const cJSON *item = item_of(node);
	return cJSON_IsString(item) ? settled_text(item->valuestring) : slice_of(NULL, 0);
}

struct slice json_name(const struct json *member)
{
	const cJSON *item = item_of(member);
	return item->string != NULL ? settled_text(item->string) : slice_of(NULL, 0);
}

size_t json_count(const struct json *node)
{
	const cJSON *item = item_of(node);
	return cJSON_IsArray(item) || cJSON_IsObject(item) ? (size_t)item->valueint : 0;
}

const struct json *json_first(const struct json *node)
{
	return node_of(item_of(node)->child);
}

const struct json *json_next(const struct json *child)
{
	return node_of(item_of(child)->next);
}

const struct json *json_member(const struct json *object, const char *name)
{
	if (object == NULL || json_type(object) != JSON_OBJECT)
		return NULL;
	struct slice wanted = slice_of_text(name);
	for (const struct json *child = json_first(object); child != NULL; child = json_next(child)) {
		if (slice_equal(json_name(child), wanted))
			return child;
	}
	return NULL;
}

bool json_get_text(const struct json *object, const char *name, struct slice *ret_text)
{
	const struct json *member = json_member(object, name);
	if (member == NULL || json_type(member) != JSON_STRING)
		return false;
	*ret_text = json_text(member);
	return true;
}

bool json_get_bool(const struct json *object, const char *name, bool *ret_value)
{
	const struct json *member = json_member(object, name);
	if (member == NULL || (json_type(member) != JSON_TRUE && json_type(member) != JSON_FALSE))
		return false;
	*ret_value = json_type(member) == JSON_TRUE;
	return true;
}

bool json_get_i64(const struct json *object, const char *name, int64_t *ret_value)
{
	const struct json *member = json_member(object, name);
	if (member == NULL || json_type(member) != JSON_NUMBER)
		return false;
	struct slice text = json_text(member);
	bool is_negative = text.data[0] == '-';
	int64_t value = 0;
	for (size_t i = is_negative; i < text.size; i++) {
		int digit = text.data[i] - '0';
		/* Counted below zero, where there is room for INT64_MIN. */
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_sub_overflow(value, digit, &value))
			return false;
	}
	if (!is_negative && __builtin_sub_overflow(0, value, &value))
		return false;
	*ret_value = value;
	return true;
}
