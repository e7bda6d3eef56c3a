#include "tools/query.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/query_parts.h"

#define CHUNK_SIZE 16384
#define ALIGNMENT 16

/* Beside what the value that is asked needs itself. */
#define SPARE_BYTES (UINT64_C(16) << 20)
#define SPARE_STEPS UINT64_C(10000000)
#define STEPS_PER_VALUE 1000
#define BYTES_PER_BYTE 8

struct query_chunk {
	struct query_chunk *next;
	size_t size;
	_Alignas(ALIGNMENT) uint8_t data[];
};

struct query {
	struct query_arena arena;
	const struct query_node *root;
};

void *query_fail(struct query_arena *arena, int code, const char *format, ...)
{
	char message[sizeof(arena->error->message)];
	va_list arguments;
	if (arena->result < 0)
		return NULL;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	arena->result = error_set(arena->error, code, "%s", message);
	return NULL;
}

bool query_step(struct query_arena *arena)
{
	if (arena->result < 0)
		return false;
	if (arena->max_steps == 0 || ++arena->steps <= arena->max_steps)
		return true;
	return query_fail(arena, -EFBIG, "the expression asks for too much work");
}

void *query_alloc(struct query_arena *arena, size_t size)
{
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (arena->result < 0)
		return NULL;
	if (arena->max_used > 0 && size > arena->max_used - arena->used)
		return query_fail(arena, -EFBIG, "the expression makes too much of its input");
	if (!arena->chunks || size > arena->free) {
		size_t capacity = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		struct query_chunk *chunk = calloc(1, sizeof(*chunk) + capacity);
		if (!chunk)
			return query_fail(arena, -ENOMEM, "out of memory");
		chunk->next = arena->chunks;
		chunk->size = arena->free = capacity;
		arena->chunks = chunk;
	}
	void *memory = arena->chunks->data + arena->chunks->size - arena->free;
	arena->free -= size;
	arena->used += size;
	return memory;
}

void query_arena_free(struct query_arena *arena)
{
	while (arena->chunks) {
		struct query_chunk *next = arena->chunks->next;
		free(arena->chunks);
		arena->chunks = next;
	}
}

int query_parse(struct slice text, struct query **ret_query, struct error *error)
{
	if (text.size > QUERY_TEXT_MAX)
		return error_set(error, -EINVAL, "the expression is longer than %d bytes", QUERY_TEXT_MAX);
	if (!utf8_is_valid(text))
		return error_set(error, -EINVAL, "the expression is not UTF-8");
	struct query *query = calloc(1, sizeof(*query));
	if (!query)
		return error_set(error, -ENOMEM, "out of memory");
	query->arena.error = error;
	const struct query_value *kept = query_make_text(&query->arena, JSON_STRING, text);
	const struct query_token *tokens = kept ? query_lex(&query->arena, kept->text) : NULL;
	if (tokens)
		query->root = query_parse_tokens(&query->arena, kept->text, tokens);
	query->arena.error = NULL;
	int result = query->arena.result;
	if (result < 0)
		query_free(query);
	else
		*ret_query = query;
	return result;
}

void query_free(struct query *query)
{
	if (!query)
		return;
	query_arena_free(&query->arena);
	free(query);
}

static void evaluate(struct query_arena *arena, const struct query *query, const struct json *root, struct buffer *out)
{
	const struct query_value *value = query_from_json(arena, root, /* copies= */ false);
	if (!value)
		return;
	arena->max_steps = SPARE_STEPS + STEPS_PER_VALUE * arena->used / sizeof(*value);
	arena->max_used = arena->used + SPARE_BYTES + BYTES_PER_BYTE * arena->used;
	value = query_evaluate(arena, query->root, value);
	if (value)
		query_append_json(arena, value, out);
}

/* Digits have a point, whatever the user's locale writes. */
int query_run(const struct query *query, const struct json *root, struct buffer *out, struct error *error)
{
	struct query_arena arena = { .error = error };
	locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	if (plain == (locale_t)0)
		return error_set(error, -ENOMEM, "out of memory");
	locale_t before = uselocale(plain);
	evaluate(&arena, query, root, out);
	uselocale(before);
	freelocale(plain);
	query_arena_free(&arena);
	if (arena.result == 0 && buffer_error(out) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	return arena.result;
}
