#include "json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json_lex.h"

/* A node is a cJSON item. Its strings are laid out by the lexical pass: mark, five bytes, text; after parsing the first
 * four hold the text's size (it may contain NUL). A container's valueint holds its count. */

#define FEW_MEMBERS 8 /* so many names are compared pair by pair */

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

int json_parse(struct slice text, const struct json_limits *limits, struct json **ret_root, struct error *error)
{
	struct buffer marked = BUFFER_INIT;
	cJSON *root = NULL;
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
