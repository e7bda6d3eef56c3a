/* What the parts of query.h share: memory, tokens, the expression as a tree, and values. */
#ifndef PITR_TOOLS_QUERY_PARTS_H
#define PITR_TOOLS_QUERY_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/query.h"

/* --- Memory and bounds: all that belongs to one parse or one run, freed at once ------------------------------------ */

struct query_chunk;
struct query_arena {
	struct query_chunk *chunks;
	size_t free;     /* bytes left in the first chunk */
	size_t used;     /* bytes handed out */
	size_t max_used; /* 0: not bounded */
	uint64_t steps, max_steps;
	struct error *error;
	int result; /* 0, or the first failure: then every function returns NULL or false */
};
void *query_alloc(struct query_arena *arena, size_t size); /* zeroed; NULL: out of memory or bounds */
void query_arena_free(struct query_arena *arena);
/* Notes a failure, and returns NULL. */
void *query_fail(struct query_arena *arena, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool query_step(struct query_arena *arena); /* false: too much work */

/* --- Values: never changed once made, and shared ------------------------------------------------------------------- */

struct query_value {
	enum json_type type;
	struct slice text;                /* of a string, or a number's digits */
	size_t count;                     /* of an array or object */
	const struct query_value **items; /* children */
	struct slice *names;              /* of an object's members */
};
extern const struct query_value query_null;

/* Texts are borrowed from the tree unless it `copies`. */
const struct query_value *query_from_json(struct query_arena *arena, const struct json *node, bool copies);
bool query_append_json(struct query_arena *arena, const struct query_value *value, struct buffer *out);
const struct query_value *query_bool(bool is_true);
struct query_value *query_make_text(struct query_arena *arena, enum json_type type, struct slice text); /* copies */
struct query_value *query_make_container(struct query_arena *arena, enum json_type type, size_t capacity);
/* Within the capacity. A name that is there already gets the new value. */
void query_add(struct query_value *array, const struct query_value *item);
bool query_set(
	struct query_arena *arena, struct query_value *object, struct slice name, const struct query_value *member);
const struct query_value *query_member(const struct query_value *object, struct slice name); /* or null */
bool query_is_true(const struct query_value *value);
/* False also when a bound is met: arena->result tells. */
bool query_equal(struct query_arena *arena, const struct query_value *a, const struct query_value *b);
int query_order(const struct query_value *a, const struct query_value *b); /* two numbers or two texts */
const char *query_type_name(enum json_type type);

/* Arithmetic: exact on whole numbers, else as doubles, written as AWS's command line does. */
double query_double(struct slice digits);
bool query_is_whole(struct slice digits, int64_t *ret_value);
const struct query_value *query_make_double(struct query_arena *arena, double number);
const struct query_value *query_make_whole(struct query_arena *arena, int64_t number);
bool query_is_number(struct slice text); /* is written as JSON writes numbers */

/* --- Tokens -------------------------------------------------------------------------------------------------------- */

enum query_token_kind {
	QUERY_TOKEN_END,
	QUERY_TOKEN_NAME,
	QUERY_TOKEN_QUOTED,  /* "name" */
	QUERY_TOKEN_LITERAL, /* `json` or 'text' */
	QUERY_TOKEN_NUMBER,  /* of an index or a slice */
	QUERY_TOKEN_CLOSE_BRACKET,
	QUERY_TOKEN_CLOSE_PAREN,
	QUERY_TOKEN_CLOSE_BRACE,
	QUERY_TOKEN_COMMA,
	QUERY_TOKEN_COLON,
	QUERY_TOKEN_CURRENT,
	QUERY_TOKEN_REFERENCE,
	QUERY_TOKEN_PIPE,
	QUERY_TOKEN_OR,
	QUERY_TOKEN_AND,
	QUERY_TOKEN_EQUAL,
	QUERY_TOKEN_UNEQUAL,
	QUERY_TOKEN_LESS,
	QUERY_TOKEN_LESS_EQUAL,
	QUERY_TOKEN_GREATER,
	QUERY_TOKEN_GREATER_EQUAL,
	QUERY_TOKEN_FLATTEN, /* [] */
	QUERY_TOKEN_STAR,
	QUERY_TOKEN_FILTER, /* [? */
	QUERY_TOKEN_DOT,
	QUERY_TOKEN_NOT,
	QUERY_TOKEN_BRACE,
	QUERY_TOKEN_BRACKET,
	QUERY_TOKEN_PAREN,
};

struct query_token {
	enum query_token_kind kind;
	struct slice shown; /* as it is written */
	struct slice text;  /* of names */
	const struct query_value *literal;
	int64_t number;
};

/* All tokens, of a text that outlives them, ending in QUERY_TOKEN_END. NULL: arena->result. */
struct query_token *query_lex(struct query_arena *arena, struct slice text);
/* The column, in characters from 1, of a place in the text. */
size_t query_column(struct slice text, const uint8_t *at);

/* --- Expressions --------------------------------------------------------------------------------------------------- */

enum query_kind {
	QUERY_CURRENT,
	QUERY_FIELD,
	QUERY_INDEX,
	QUERY_SLICE,
	QUERY_LITERAL,
	QUERY_SEQUENCE,   /* left, then right of what it gave */
	QUERY_PROJECTION, /* right of each element of left */
	QUERY_VALUES,     /* right of each value of the object left */
	QUERY_FILTER,     /* right of each element of left that `children` holds for */
	QUERY_FLATTEN,    /* of left */
	QUERY_LIST,       /* of children */
	QUERY_HASH,       /* of children, with their keys */
	QUERY_OR,
	QUERY_AND,
	QUERY_NOT,
	QUERY_COMPARE,
	QUERY_CALL,      /* of `function` with children */
	QUERY_REFERENCE, /* left, for a function to apply */
};

struct query_function;
struct query_node {
	enum query_kind kind;
	unsigned depth;
	enum query_token_kind comparator;
	const struct query_node *left, *right;
	struct query_node *children, *next; /* `next` among the children of its parent */
	size_t count;                       /* children */
	struct slice key;                   /* in a hash */
	struct slice name;                  /* of a field */
	const struct query_value *literal;
	int64_t bounds[3]; /* index; or start, stop, step */
	bool has_bound[3];
	const struct query_function *function;
};

const struct query_node *query_parse_tokens(
	struct query_arena *arena, struct slice text, const struct query_token *tokens);
/* NULL: arena->result. */
const struct query_value *query_evaluate(
	struct query_arena *arena, const struct query_node *node, const struct query_value *value);

/* Functions. NULL: there is none of that name. */
const struct query_function *query_function_find(struct slice name);
/* What is wrong with the arguments of a call as they are written; NULL: nothing. */
const char *query_function_check(const struct query_node *call);
const struct query_value *query_call(
	struct query_arena *arena, const struct query_node *call, const struct query_value *value);

#endif
