#include "author_match.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define PATTERN_MAX 1024

static const struct field {
	const char *name;
	bool is_plain; /* looked at by a pattern that names no field */
	bool is_long;  /* any part of it will do */
} fields[] = {
	{ "user", true, false },
	{ "process", true, false },
	{ "command", true, true },
	{ "source", true, true },
	{ "reason", true, true },
	{ "by", false, false },
	{ "uid", false, false },
	{ "gid", false, false },
	{ "group", false, false },
	{ "pid", false, false },
	{ "service", false, false },
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))
#define FIELD_NAMES "user, process, command, source, reason, by, uid, gid, group, pid or service"

/* The field a pattern names, and what stands after the "=". NULL: it names none, and is a pattern as a whole. What stands in
 * front of the "=" and is no word, as in "--dry-run=*", is part of the pattern. */
static const struct field *named_field(const char *pattern, size_t *ret_name_size)
{
	size_t size = strspn(pattern, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	*ret_name_size = pattern[size] == '=' ? size : 0;
	for (size_t i = 0; i<FIELD_COUNT && * ret_name_size> 0; i++)
		if (strlen(fields[i].name) == size && memcmp(fields[i].name, pattern, size) == 0)
			return &fields[i];
	return NULL;
}

int author_pattern_check(const char *pattern, struct error *error)
{
	size_t name_size;
	const struct field *field = named_field(pattern, &name_size);
	size_t size = strlen(pattern);
	if (size > PATTERN_MAX)
		return error_set(error, -EINVAL, "a pattern for authors has %d bytes at most", PATTERN_MAX);
	if (!field && name_size > 0)
		return error_set(error, -EINVAL,
			"'%.*s' is nothing that is known of authors; write FIELD=PATTERN with one of " FIELD_NAMES
			", or a pattern alone",
			(int)(name_size < 60 ? name_size : 60), pattern);
	if (size == 0 || (field && name_size + 1 == size))
		return error_set(error, -EINVAL,
			"a pattern for authors is missing; write a name, a glob such as 'deploy-*', or FIELD=PATTERN "
			"with one of " FIELD_NAMES);
	return 0;
}

static bool has_wildcard(const char *pattern)
{
	return strpbrk(pattern, "*?[\\") != NULL;
}

static bool field_matches(const struct json *author, const struct field *field, const char *pattern)
{
	const struct json *member = json_member(author, field->name);
	enum json_type type = member ? json_type(member) : JSON_NULL;
	char text[PATTERN_MAX + 1];
	if (type != JSON_STRING && type != JSON_NUMBER)
		return false;
	struct slice bytes = json_text(member);
	/* fnmatch wants a text that ends; author_format cuts texts well below this. */
	size_t size = bytes.size < PATTERN_MAX ? bytes.size : PATTERN_MAX;
	if (size > 0)
		memcpy(text, bytes.data, size);
	text[size] = '\0';
	if (has_wildcard(pattern))
		return fnmatch(pattern, text, 0) == 0;
	return field->is_long ? strstr(text, pattern) != NULL : strcmp(text, pattern) == 0;
}

static bool matches(const struct json *author, const char *pattern)
{
	size_t name_size;
	const struct field *field = named_field(pattern, &name_size);
	if (field)
		return field_matches(author, field, pattern + name_size + 1);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (fields[i].is_plain && field_matches(author, &fields[i], pattern))
			return true;
	return false;
}

int author_matches(struct slice author_text, const char *pattern)
{
	struct json *author;
	int result = json_parse(author_text, &json_default_limits, &author, NULL);
	if (result < 0)
		return result == -ENOMEM ? result : -EIO;
	result = matches(author, pattern) ? 1 : 0;
	json_free(author);
	return result;
}
