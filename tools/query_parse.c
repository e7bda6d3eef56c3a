#include <errno.h>
#include <stdio.h>

#include "tools/query_parts.h"

/* A Pratt parser: each symbol binds what stands to its left with a power. A projection takes in what follows it, up to a
 * symbol that binds less than PROJECTION_ENDS. */

#define PROJECTION_ENDS 10
#define CHAIN_MAX 200 /* depth of the tree, which a.b.c deepens too */

enum {
	BINDS_PIPE = 1,
	BINDS_OR,
	BINDS_AND,
	BINDS_COMPARISON = 5,
	BINDS_FLATTEN = 9,
	BINDS_STAR = 20,
	BINDS_FILTER,
	BINDS_DOT = 40,
	BINDS_NOT = 45,
	BINDS_BRACE = 50,
	BINDS_BRACKET = 55,
	BINDS_PAREN = 60
};

struct parser {
	struct query_arena *arena;
	struct slice text;
	const struct query_token *token;
	unsigned depth;
};

static struct query_node *parse(struct parser *parser, int power);

static int binding(enum query_token_kind kind)
{
	switch (kind) {
	case QUERY_TOKEN_PIPE:
		return BINDS_PIPE;
	case QUERY_TOKEN_OR:
		return BINDS_OR;
	case QUERY_TOKEN_AND:
		return BINDS_AND;
	case QUERY_TOKEN_EQUAL:
	case QUERY_TOKEN_UNEQUAL:
	case QUERY_TOKEN_LESS:
	case QUERY_TOKEN_LESS_EQUAL:
	case QUERY_TOKEN_GREATER:
	case QUERY_TOKEN_GREATER_EQUAL:
		return BINDS_COMPARISON;
	case QUERY_TOKEN_FLATTEN:
		return BINDS_FLATTEN;
	case QUERY_TOKEN_STAR:
		return BINDS_STAR;
	case QUERY_TOKEN_FILTER:
		return BINDS_FILTER;
	case QUERY_TOKEN_DOT:
		return BINDS_DOT;
	case QUERY_TOKEN_NOT:
		return BINDS_NOT;
	case QUERY_TOKEN_BRACE:
		return BINDS_BRACE;
	case QUERY_TOKEN_BRACKET:
		return BINDS_BRACKET;
	case QUERY_TOKEN_PAREN:
		return BINDS_PAREN;
	default:
		return 0;
	}
}

/* --- Steps ---------------------------------------------------------------------------------------------------------- */

static void *refuse_at(struct parser *parser, const struct query_token *token, const char *why)
{
	return query_fail(parser->arena, -EINVAL, "column %zu: %s", query_column(parser->text, token->shown.data), why);
}

static void *expected(struct parser *parser, const char *what)
{
	const struct query_token *token = parser->token;
	char found[48];
	bool is_shown = token->kind != QUERY_TOKEN_LITERAL && token->kind != QUERY_TOKEN_QUOTED;
	size_t column = query_column(parser->text, token->shown.data);
	if (token->kind == QUERY_TOKEN_END)
		return query_fail(
			parser->arena, -EINVAL, "column %zu: the expression ends where %s is expected", column, what);
	snprintf(found, sizeof(found), "%.*s", is_shown ? (int)token->shown.size : 0, (const char *)token->shown.data);
	return query_fail(parser->arena, -EINVAL, "column %zu: expected %s, found %s", column, what,
		is_shown                             ? found
		: token->kind == QUERY_TOKEN_LITERAL ? "a literal"
						     : "a quoted name");
}

static bool take(struct parser *parser, enum query_token_kind kind)
{
	bool is_it = parser->token->kind == kind;
	parser->token += is_it;
	return is_it;
}

static bool match(struct parser *parser, enum query_token_kind kind, const char *what)
{
	return take(parser, kind) || expected(parser, what);
}

static unsigned depth_of(const struct query_node *node)
{
	return node ? node->depth : 0;
}

static struct query_node *make(
	struct parser *parser, enum query_kind kind, const struct query_node *left, const struct query_node *right)
{
	struct query_node *node = query_alloc(parser->arena, sizeof(*node));
	if (!node)
		return NULL;
	node->kind = kind;
	node->left = left;
	node->right = right;
	node->depth = 1 + (depth_of(left) > depth_of(right) ? depth_of(left) : depth_of(right));
	if (node->depth > CHAIN_MAX)
		return refuse_at(parser, parser->token, "the expression is too long a chain");
	return node;
}

static bool add_child(struct parser *parser, struct query_node *node, struct query_node *child)
{
	struct query_node **end = &node->children;
	if (!child)
		return false;
	while (*end)
		end = &(*end)->next;
	*end = child;
	node->count++;
	if (child->depth >= node->depth)
		node->depth = child->depth + 1;
	return node->depth <= CHAIN_MAX || refuse_at(parser, parser->token, "the expression is too long a chain");
}

/* --- What follows a projection, or a dot ---------------------------------------------------------------------------- */

static struct query_node *parse_list(struct parser *parser)
{
	struct query_node *list = make(parser, QUERY_LIST, NULL, NULL);
	if (!list)
		return NULL;
	do {
		if (!add_child(parser, list, parse(parser, 0)))
			return NULL;
	} while (take(parser, QUERY_TOKEN_COMMA));
	return match(parser, QUERY_TOKEN_CLOSE_BRACKET, "a comma or ]") ? list : NULL;
}

static struct query_node *parse_hash(struct parser *parser)
{
	struct query_node *hash = make(parser, QUERY_HASH, NULL, NULL);
	if (!hash)
		return NULL;
	do {
		struct slice key = parser->token->text;
		if (!take(parser, QUERY_TOKEN_NAME) && !take(parser, QUERY_TOKEN_QUOTED))
			return expected(parser, "a name");
		if (!match(parser, QUERY_TOKEN_COLON, "a colon"))
			return NULL;
		struct query_node *child = parse(parser, 0);
		if (child)
			child->key = key;
		if (!add_child(parser, hash, child))
			return NULL;
	} while (take(parser, QUERY_TOKEN_COMMA));
	return match(parser, QUERY_TOKEN_CLOSE_BRACE, "a comma or }") ? hash : NULL;
}

static struct query_node *parse_after_dot(struct parser *parser, int power)
{
	if (take(parser, QUERY_TOKEN_BRACKET))
		return parse_list(parser);
	if (take(parser, QUERY_TOKEN_BRACE))
		return parse_hash(parser);
	enum query_token_kind kind = parser->token->kind;
	if (kind == QUERY_TOKEN_NAME || kind == QUERY_TOKEN_QUOTED || kind == QUERY_TOKEN_STAR)
		return parse(parser, power);
	return expected(parser, "a name, *, [ or {");
}

static struct query_node *parse_projected(struct parser *parser, int power)
{
	enum query_token_kind kind = parser->token->kind;
	if (binding(kind) < PROJECTION_ENDS)
		return make(parser, QUERY_CURRENT, NULL, NULL);
	if (kind == QUERY_TOKEN_BRACKET || kind == QUERY_TOKEN_FILTER)
		return parse(parser, power);
	if (take(parser, QUERY_TOKEN_DOT))
		return parse_after_dot(parser, power);
	return expected(parser, "a dot, [ or the end");
}

static struct query_node *project(struct parser *parser, enum query_kind kind, const struct query_node *left, int power)
{
	struct query_node *right = left ? parse_projected(parser, power) : NULL;
	return right ? make(parser, kind, left, right) : NULL;
}

/* --- Brackets ------------------------------------------------------------------------------------------------------- */

static bool read_bounds(struct parser *parser, struct query_node *slice)
{
	for (int part = 0; parser->token->kind != QUERY_TOKEN_CLOSE_BRACKET;) {
		int64_t number = parser->token->number;
		if (part < 2 && take(parser, QUERY_TOKEN_COLON)) {
			part++;
		} else if (!slice->has_bound[part] && take(parser, QUERY_TOKEN_NUMBER)) {
			slice->bounds[part] = number;
			slice->has_bound[part] = true;
		} else {
			return expected(parser, "]");
		}
	}
	if (slice->has_bound[2] && slice->bounds[2] == 0)
		return refuse_at(parser, parser->token, "the step of a slice is 0");
	return true;
}

static struct query_node *parse_index(struct parser *parser, const struct query_node *left)
{
	struct query_node *index = make(parser, QUERY_INDEX, NULL, NULL);
	if (!index)
		return NULL;
	if (parser->token[0].kind == QUERY_TOKEN_COLON || parser->token[1].kind == QUERY_TOKEN_COLON)
		index->kind = QUERY_SLICE;
	if (!read_bounds(parser, index) || !match(parser, QUERY_TOKEN_CLOSE_BRACKET, "]"))
		return NULL;
	struct query_node *indexed = make(parser, QUERY_SEQUENCE, left, index);
	return index->kind == QUERY_SLICE ? project(parser, QUERY_PROJECTION, indexed, BINDS_STAR) : indexed;
}

static bool is_index(const struct parser *parser)
{
	return parser->token->kind == QUERY_TOKEN_NUMBER || parser->token->kind == QUERY_TOKEN_COLON;
}

static struct query_node *parse_first_bracket(struct parser *parser)
{
	struct query_node *current = make(parser, QUERY_CURRENT, NULL, NULL);
	if (is_index(parser))
		return parse_index(parser, current);
	if (parser->token[0].kind != QUERY_TOKEN_STAR || parser->token[1].kind != QUERY_TOKEN_CLOSE_BRACKET)
		return parse_list(parser);
	parser->token += 2;
	return project(parser, QUERY_PROJECTION, current, BINDS_STAR);
}

static struct query_node *parse_bracket(struct parser *parser, struct query_node *left)
{
	if (is_index(parser))
		return parse_index(parser, left);
	if (!match(parser, QUERY_TOKEN_STAR, "a number, * or :") || !match(parser, QUERY_TOKEN_CLOSE_BRACKET, "]"))
		return NULL;
	return project(parser, QUERY_PROJECTION, left, BINDS_STAR);
}

static struct query_node *parse_filter(struct parser *parser, struct query_node *left)
{
	struct query_node *condition = parse(parser, 0);
	if (!condition || !match(parser, QUERY_TOKEN_CLOSE_BRACKET, "]"))
		return NULL;
	struct query_node *right = parser->token->kind == QUERY_TOKEN_FLATTEN ? make(parser, QUERY_CURRENT, NULL, NULL)
									      : parse_projected(parser, BINDS_FILTER);
	struct query_node *filter = right ? make(parser, QUERY_FILTER, left, right) : NULL;
	return filter && add_child(parser, filter, condition) ? filter : NULL;
}

/* --- Functions ------------------------------------------------------------------------------------------------------ */

static struct query_node *parse_argument(struct parser *parser)
{
	if (!take(parser, QUERY_TOKEN_REFERENCE))
		return parse(parser, 0);
	struct query_node *applied = parse(parser, 0);
	return applied ? make(parser, QUERY_REFERENCE, applied, NULL) : NULL;
}

/* After the name and the opening parenthesis. */
static struct query_node *parse_call(struct parser *parser, const struct query_token *name)
{
	struct query_node *call = make(parser, QUERY_CALL, NULL, NULL);
	if (!call)
		return NULL;
	call->function = query_function_find(name->text);
	if (!call->function)
		return refuse_at(parser, name, "there is no function of this name");
	if (!take(parser, QUERY_TOKEN_CLOSE_PAREN)) {
		do {
			if (!add_child(parser, call, parse_argument(parser)))
				return NULL;
		} while (take(parser, QUERY_TOKEN_COMMA));
		if (!match(parser, QUERY_TOKEN_CLOSE_PAREN, "a comma or )"))
			return NULL;
	}
	const char *wrong = query_function_check(call);
	return wrong ? refuse_at(parser, name, wrong) : call;
}

static struct query_node *parse_name(struct parser *parser, const struct query_token *name)
{
	if (parser->token->kind == QUERY_TOKEN_PAREN) {
		if (name->kind == QUERY_TOKEN_QUOTED)
			return refuse_at(parser, name, "a function's name is not quoted");
		parser->token++;
		return parse_call(parser, name);
	}
	struct query_node *field = make(parser, QUERY_FIELD, NULL, NULL);
	if (field)
		field->name = name->text;
	return field;
}

/* --- Expressions ---------------------------------------------------------------------------------------------------- */

static struct query_node *parse_first(struct parser *parser)
{
	const struct query_token *token = parser->token++;
	struct query_node *inner;
	switch (token->kind) {
	case QUERY_TOKEN_LITERAL:
		inner = make(parser, QUERY_LITERAL, NULL, NULL);
		if (inner)
			inner->literal = token->literal;
		return inner;
	case QUERY_TOKEN_NAME:
	case QUERY_TOKEN_QUOTED:
		return parse_name(parser, token);
	case QUERY_TOKEN_STAR:
		return project(parser, QUERY_VALUES, make(parser, QUERY_CURRENT, NULL, NULL), BINDS_STAR);
	case QUERY_TOKEN_FLATTEN:
		inner = make(parser, QUERY_FLATTEN, make(parser, QUERY_CURRENT, NULL, NULL), NULL);
		return project(parser, QUERY_PROJECTION, inner, BINDS_FLATTEN);
	case QUERY_TOKEN_FILTER:
		return parse_filter(parser, make(parser, QUERY_CURRENT, NULL, NULL));
	case QUERY_TOKEN_BRACKET:
		return parse_first_bracket(parser);
	case QUERY_TOKEN_BRACE:
		return parse_hash(parser);
	case QUERY_TOKEN_PAREN:
		inner = parse(parser, 0);
		return inner && match(parser, QUERY_TOKEN_CLOSE_PAREN, ")") ? inner : NULL;
	case QUERY_TOKEN_NOT:
		inner = parse(parser, BINDS_NOT);
		return inner ? make(parser, QUERY_NOT, inner, NULL) : NULL;
	case QUERY_TOKEN_CURRENT:
		return make(parser, QUERY_CURRENT, NULL, NULL);
	case QUERY_TOKEN_REFERENCE:
		return refuse_at(parser, token, "& stands only before an argument of a function");
	default:
		parser->token--;
		return expected(parser, "an expression");
	}
}

static struct query_node *combine(struct parser *parser, enum query_kind kind, struct query_node *left, int power)
{
	enum query_token_kind comparator = parser->token[-1].kind;
	struct query_node *right = parse(parser, power);
	struct query_node *node = right ? make(parser, kind, left, right) : NULL;
	if (node)
		node->comparator = comparator;
	return node;
}

static struct query_node *parse_dot(struct parser *parser, struct query_node *left)
{
	if (take(parser, QUERY_TOKEN_STAR))
		return project(parser, QUERY_VALUES, left, BINDS_DOT);
	struct query_node *right = parse_after_dot(parser, BINDS_DOT);
	return right ? make(parser, QUERY_SEQUENCE, left, right) : NULL;
}

static struct query_node *parse_next(struct parser *parser, struct query_node *left)
{
	const struct query_token *token = parser->token++;
	switch (token->kind) {
	case QUERY_TOKEN_DOT:
		return parse_dot(parser, left);
	case QUERY_TOKEN_PIPE:
		return combine(parser, QUERY_SEQUENCE, left, BINDS_PIPE);
	case QUERY_TOKEN_OR:
		return combine(parser, QUERY_OR, left, BINDS_OR);
	case QUERY_TOKEN_AND:
		return combine(parser, QUERY_AND, left, BINDS_AND);
	case QUERY_TOKEN_FILTER:
		return parse_filter(parser, left);
	case QUERY_TOKEN_FLATTEN:
		return project(parser, QUERY_PROJECTION, make(parser, QUERY_FLATTEN, left, NULL), BINDS_FLATTEN);
	case QUERY_TOKEN_BRACKET:
		return parse_bracket(parser, left);
	default:
		if (binding(token->kind) == BINDS_COMPARISON)
			return combine(parser, QUERY_COMPARE, left, BINDS_COMPARISON);
		parser->token--;
		return expected(parser, "an operator or the end");
	}
}

static struct query_node *parse(struct parser *parser, int power)
{
	if (parser->depth >= QUERY_DEPTH_MAX)
		return refuse_at(parser, parser->token, "the expression is nested too deeply");
	parser->depth++;
	struct query_node *node = parse_first(parser);
	while (node && power < binding(parser->token->kind))
		node = parse_next(parser, node);
	parser->depth--;
	return node;
}

const struct query_node *query_parse_tokens(
	struct query_arena *arena, struct slice text, const struct query_token *tokens)
{
	struct parser parser = { .arena = arena, .text = text, .token = tokens };
	struct query_node *root = parse(&parser, 0);
	if (root && parser.token->kind != QUERY_TOKEN_END)
		return expected(&parser, "an operator or the end");
	return root;
}
