#include "tools/query_parts.h"

typedef const struct query_value *(*apply)(
	struct query_arena *arena, const struct query_node *node, const struct query_value *value);

/* --- Indexes and slices --------------------------------------------------------------------------------------------- */

static const struct query_value *evaluate_index(const struct query_node *node, const struct query_value *value)
{
	int64_t at = node->bounds[0];
	if (value->type != JSON_ARRAY)
		return &query_null;
	if (at < 0)
		at += (int64_t)value->count;
	return at >= 0 && at < (int64_t)value->count ? value->items[at] : &query_null;
}

/* As Python has it: counted from the end when negative, and cut to what there is. */
static int64_t bound(const struct query_node *node, int which, int64_t otherwise, int64_t count, bool is_backward)
{
	int64_t least = is_backward ? -1 : 0, most = is_backward ? count - 1 : count;
	int64_t at = node->bounds[which];
	if (!node->has_bound[which])
		return otherwise;
	if (at < 0)
		at += count;
	return at < least ? least : at > most ? most : at;
}

static const struct query_value *evaluate_slice(
	struct query_arena *arena, const struct query_node *node, const struct query_value *value)
{
	if (value->type != JSON_ARRAY)
		return &query_null;
	int64_t count = (int64_t)value->count, step = node->has_bound[2] ? node->bounds[2] : 1;
	bool is_backward = step < 0;
	int64_t start = bound(node, 0, is_backward ? count - 1 : 0, count, is_backward);
	int64_t stop = bound(node, 1, is_backward ? -1 : count, count, is_backward);
	struct query_value *result = query_make_container(arena, JSON_ARRAY, value->count);
	while (result && (is_backward ? start > stop : start < stop)) {
		query_add(result, value->items[start]);
		if (__builtin_add_overflow(start, step, &start))
			break;
	}
	return result;
}

/* --- Projections ---------------------------------------------------------------------------------------------------- */

/* 1, 0, or -1 after a failure. */
static int is_chosen(struct query_arena *arena, const struct query_node *node, const struct query_value *item)
{
	if (node->kind != QUERY_FILTER)
		return 1;
	const struct query_value *holds = query_evaluate(arena, node->children, item);
	return holds ? query_is_true(holds) : -1;
}

static const struct query_value *evaluate_projection(
	struct query_arena *arena, const struct query_node *node, const struct query_value *value)
{
	const struct query_value *base = query_evaluate(arena, node->left, value);
	if (!base || base->type != (node->kind == QUERY_VALUES ? JSON_OBJECT : JSON_ARRAY))
		return base ? &query_null : NULL;
	struct query_value *result = query_make_container(arena, JSON_ARRAY, base->count);
	for (size_t i = 0; result && i < base->count; i++) {
		int chosen = is_chosen(arena, node, base->items[i]);
		const struct query_value *item =
			chosen > 0 ? query_evaluate(arena, node->right, base->items[i]) : &query_null;
		if (chosen < 0 || !item)
			return NULL;
		if (item->type != JSON_NULL)
			query_add(result, item);
	}
	return result;
}

static const struct query_value *evaluate_flatten(
	struct query_arena *arena, const struct query_node *node, const struct query_value *value)
{
	size_t count = 0;
	const struct query_value *base = query_evaluate(arena, node->left, value);
	if (!base || base->type != JSON_ARRAY)
		return base ? &query_null : NULL;
	for (size_t i = 0; i < base->count; i++)
		count += base->items[i]->type == JSON_ARRAY ? base->items[i]->count : 1;
	struct query_value *result = query_make_container(arena, JSON_ARRAY, count);
	for (size_t i = 0; result && i < base->count; i++) {
		const struct query_value *item = base->items[i];
		if (item->type != JSON_ARRAY)
			query_add(result, item);
		for (size_t at = 0; item->type == JSON_ARRAY && at < item->count; at++)
			query_add(result, item->items[at]);
	}
	return result;
}

/* --- Making lists and objects --------------------------------------------------------------------------------------- */

static const struct query_value *evaluate_list(
	struct query_arena *arena, const struct query_node *node, const struct query_value *value)
{
	if (value->type == JSON_NULL)
		return &query_null;
	bool is_hash = node->kind == QUERY_HASH;
	struct query_value *result = query_make_container(arena, is_hash ? JSON_OBJECT : JSON_ARRAY, node->count);
	for (const struct query_node *child = node->children; result && child; child = child->next) {
		const struct query_value *item = query_evaluate(arena, child, value);
		if (!item)
			return NULL;
		if (!is_hash)
			query_add(result, item);
		else if (!query_set(arena, result, child->key, item))
			return NULL;
	}
	return result;
}

/* --- Conditions ----------------------------------------------------------------------------------------------------- */

static const struct query_value *evaluate_logic(
	struct query_arena *arena, const struct query_node *node, const struct query_value *value)
{
	const struct query_value *left = query_evaluate(arena, node->left, value);
	if (!left)
		return NULL;
	if (node->kind == QUERY_NOT)
		return query_bool(!query_is_true(left));
	bool is_decided = query_is_true(left) == (node->kind == QUERY_OR);
	return is_decided ? left : query_evaluate(arena, node->right, value);
}

static const struct query_value *order(
	enum query_token_kind comparator, const struct query_value *left, const struct query_value *right)
{
	bool can_be_ordered = left->type == right->type && (left->type == JSON_NUMBER || left->type == JSON_STRING);
	if (!can_be_ordered)
		return &query_null;
	int result = query_order(left, right);
	if (comparator == QUERY_TOKEN_LESS)
		return query_bool(result < 0);
	if (comparator == QUERY_TOKEN_LESS_EQUAL)
		return query_bool(result <= 0);
	return query_bool(comparator == QUERY_TOKEN_GREATER ? result > 0 : result >= 0);
}

static const struct query_value *evaluate_comparison(
	struct query_arena *arena, const struct query_node *node, const struct query_value *value)
{
	const struct query_value *left = query_evaluate(arena, node->left, value);
	const struct query_value *right = left ? query_evaluate(arena, node->right, value) : NULL;
	if (!right)
		return NULL;
	if (node->comparator != QUERY_TOKEN_EQUAL && node->comparator != QUERY_TOKEN_UNEQUAL)
		return order(node->comparator, left, right);
	bool is_equal = query_equal(arena, left, right);
	return arena->result < 0 ? NULL : query_bool(is_equal == (node->comparator == QUERY_TOKEN_EQUAL));
}

static const struct query_value *evaluate_sequence(
	struct query_arena *arena, const struct query_node *node, const struct query_value *value)
{
	const struct query_value *left = query_evaluate(arena, node->left, value);
	return left ? query_evaluate(arena, node->right, left) : NULL;
}

const struct query_value *query_evaluate(
	struct query_arena *arena, const struct query_node *node, const struct query_value *value)
{
	static const apply applies[] = { [QUERY_SLICE] = evaluate_slice,
		[QUERY_SEQUENCE] = evaluate_sequence,
		[QUERY_PROJECTION] = evaluate_projection,
		[QUERY_VALUES] = evaluate_projection,
		[QUERY_FILTER] = evaluate_projection,
		[QUERY_FLATTEN] = evaluate_flatten,
		[QUERY_LIST] = evaluate_list,
		[QUERY_HASH] = evaluate_list,
		[QUERY_OR] = evaluate_logic,
		[QUERY_AND] = evaluate_logic,
		[QUERY_NOT] = evaluate_logic,
		[QUERY_COMPARE] = evaluate_comparison,
		[QUERY_CALL] = query_call };
	if (!query_step(arena))
		return NULL;
	switch (node->kind) {
	case QUERY_CURRENT:
		return value;
	case QUERY_FIELD:
		return query_member(value, node->name);
	case QUERY_INDEX:
		return evaluate_index(node, value);
	case QUERY_LITERAL:
		return node->literal;
	default:
		return applies[node->kind](arena, node, value);
	}
}
