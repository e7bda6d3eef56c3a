#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/item_json.h"
#include "core/json.h"
#include "core/patch.h"
#include "tests/support/fixture.h"

static void patch_text(const char *before, const char *after, bool is_pretty, unsigned indent, struct buffer *out)
{
	struct buffer one = BUFFER_INIT, other = BUFFER_INIT;
	fixture_item(before, &one);
	fixture_item(after, &other);
	buffer_clear(out);
	assert_int_equal(patch_to_json(buffer_slice(&one), buffer_slice(&other), is_pretty, indent, out), 0);
	buffer_free(&one);
	buffer_free(&other);
}

/* ' stands for " in what is wanted, too. */
static void assert_patch(const char *before, const char *after, const char *wanted)
{
	struct buffer patch = BUFFER_INIT;
	char text[1024] = "";
	for (size_t i = 0; wanted[i]; i++)
		text[i] = (char)(wanted[i] == '\'' ? '"' : wanted[i]);
	patch_text(before, after, false, 0, &patch);
	assert_string_equal(buffer_text(&patch), text);
	buffer_free(&patch);
}

static void tells_each_member(void **state)
{
	(void)state;
	assert_patch("{'id':'1'}", "{'id':'1'}", "[]");
	assert_patch("{'id':'1','a':1,'b':true,'c':null}", "{'id':'1','a':1,'b':false,'d':'x'}",
		"[{'op':'replace','path':'/b','value':false},{'op':'remove','path':'/c'},"
		"{'op':'add','path':'/d','value':'x'}]");
	assert_patch("{'id':'1','a':{'b':{'c':1,'d':[]}}}", "{'id':'1','a':{'b':{'c':2,'d':{}}}}",
		"[{'op':'replace','path':'/a/b/c','value':2},{'op':'replace','path':'/a/b/d','value':{}}]");
}

static void escapes_pointers(void **state)
{
	(void)state;
	assert_patch("{'id':'1','a/b~c':1,'~1':1}", "{'id':'1','a/b~c':2,'~1':2}",
		"[{'op':'replace','path':'/a~1b~0c','value':2},{'op':'replace','path':'/~01','value':2}]");
	assert_patch("{'id':'1','q\\\"':1}", "{'id':'1'}", "[{'op':'remove','path':'/q\\''}]");
}

static void grows_and_shrinks_lists(void **state)
{
	(void)state;
	assert_patch("{'id':'1','l':[1,2]}", "{'id':'1','l':[1,3,4,5]}",
		"[{'op':'replace','path':'/l/1','value':3},{'op':'add','path':'/l/2','value':4},"
		"{'op':'add','path':'/l/3','value':5}]");
	assert_patch("{'id':'1','l':[1,2,3,4]}", "{'id':'1','l':[0,2]}",
		"[{'op':'replace','path':'/l/0','value':0},{'op':'remove','path':'/l/2'},"
		"{'op':'remove','path':'/l/2'}]");
}

static void replaces_what_is_wrapped_whole(void **state)
{
	(void)state;
	assert_patch("{'id':'1','s':{'$stringSet':['a']},'b':{'$binary':'AA=='},"
		     "'n':{'$numberSet':[1,12345678901234567890123456789012345678]}}",
		"{'id':'1','s':{'$stringSet':['a','b']},'b':{'$binary':'AQ=='},"
		"'n':{'$numberSet':[2,12345678901234567890123456789012345678]}}",
		"[{'op':'replace','path':'/b','value':{'$binary':'AQ=='}},{'op':'replace','path':'/n','value':"
		"{'$numberSet':[2,12345678901234567890123456789012345678]}},"
		"{'op':'replace','path':'/s','value':{'$stringSet':['a','b']}}]");
	/* A map that looks like a wrapper has one $ more, as long as it has no other member. */
	assert_patch("{'id':'1','m':{'$$binary':1}}", "{'id':'1','m':{'$$binary':2}}",
		"[{'op':'replace','path':'/m/$$binary','value':2}]");
	assert_patch("{'id':'1','m':{'$$binary':1}}", "{'id':'1','m':{'$binary':1,'x':1}}",
		"[{'op':'replace','path':'/m','value':{'$binary':1,'x':1}}]");
	assert_patch("{'id':'1','m':{'$$binary':1}}", "{'id':'1','m':{}}", "[{'op':'replace','path':'/m','value':{}}]");
}

static void is_laid_out_as_jq_does(void **state)
{
	struct buffer patch = BUFFER_INIT;
	(void)state;
	patch_text("{'id':'1','a':1}", "{'id':'1','m':{'x':[]}}", true, 1, &patch);
	assert_string_equal(buffer_text(&patch), "[\n    {\n      \"op\": \"remove\",\n      \"path\": \"/a\"\n    },\n"
						 "    {\n      \"op\": \"add\",\n      \"path\": \"/m\",\n      "
						 "\"value\": {\n        \"x\": []\n      }\n"
						 "    }\n  ]");
	patch_text("{'id':'1'}", "{'id':'1'}", true, 1, &patch);
	assert_string_equal(buffer_text(&patch), "[]");
	buffer_free(&patch);
}

static int append_told(void *context, const char *op, struct slice path, struct slice before, struct slice after)
{
	struct buffer *out = context;
	buffer_append_format(out, "%s %.*s", op, (int)path.size, (const char *)path.data);
	buffer_append_text(out, before.size ? " -" : " ");
	if (before.size)
		assert_int_equal(value_to_json(before, ITEM_PLAIN, ITEM_COMPACT, 0, out), 0);
	buffer_append_text(out, after.size ? " +" : " ");
	if (after.size)
		assert_int_equal(value_to_json(after, ITEM_PLAIN, ITEM_COMPACT, 0, out), 0);
	buffer_append_text(out, "\n");
	return 0;
}

static int stop(void *context, const char *op, struct slice path, struct slice before, struct slice after)
{
	(void)context, (void)op, (void)path, (void)before, (void)after;
	return -ECANCELED;
}

static void tells_people_paths_of_attributes(void **state)
{
	struct buffer one = BUFFER_INIT, other = BUFFER_INIT, told = BUFFER_INIT;
	(void)state;
	fixture_item("{'id':'1','a':{'b':[1,{'c':1},3,4]},'x.y':1}", &one);
	fixture_item("{'id':'1','a':{'b':[1,{'c':2}]},'x.y':2}", &other);
	assert_int_equal(patch_walk(buffer_slice(&one), buffer_slice(&other), append_told, &told), 0);
	assert_string_equal(buffer_text(&told), "replace a.b[1].c -1 +2\nremove a.b[2] -3 \nremove a.b[3] -4 \n"
						"replace \"x.y\" -1 +2\n");
	assert_int_equal(patch_walk(buffer_slice(&one), buffer_slice(&other), stop, NULL), -ECANCELED);
	other.size--;
	assert_int_equal(patch_walk(buffer_slice(&one), buffer_slice(&other), append_told, &told), -EIO);
	buffer_free(&one);
	buffer_free(&other);
	buffer_free(&told);
}

/* --- an applier of its own, on trees of JSON --- */

struct tree {
	enum json_type type;
	struct buffer name, text; /* escaped, as they stand in JSON; text: of all but arrays and objects */
	struct tree *members[32];
	unsigned count;
};

static void tree_free(struct tree *tree)
{
	for (unsigned i = 0; i < tree->count; i++)
		tree_free(tree->members[i]);
	buffer_free(&tree->name);
	buffer_free(&tree->text);
	free(tree);
}

static struct tree *tree_of(const struct json *node)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	assert_non_null(tree);
	tree->type = json_type(node);
	buffer_append_slice(&tree->name, json_name(node));
	if (tree->type != JSON_ARRAY && tree->type != JSON_OBJECT) {
		json_append(&tree->text, node);
		return tree;
	}
	for (const struct json *child = json_first(node); child; child = json_next(child)) {
		assert_true(tree->count < 32);
		tree->members[tree->count++] = tree_of(child);
	}
	return tree;
}

static void tree_append(const struct tree *tree, struct buffer *out)
{
	bool is_object = tree->type == JSON_OBJECT;
	if (!is_object && tree->type != JSON_ARRAY) {
		buffer_append_slice(out, buffer_slice(&tree->text));
		return;
	}
	buffer_append_byte(out, is_object ? '{' : '[');
	for (unsigned i = 0; i < tree->count; i++) {
		if (i)
			buffer_append_byte(out, ',');
		if (is_object) {
			json_append_string(out, buffer_slice(&tree->members[i]->name));
			buffer_append_byte(out, ':');
		}
		tree_append(tree->members[i], out);
	}
	buffer_append_byte(out, is_object ? '}' : ']');
}

/* The first step of a pointer, unescaped; the pointer moves on. */
static void take_step(struct slice *pointer, struct buffer *out)
{
	size_t i = 1;
	assert_true(pointer->size > 0 && pointer->data[0] == '/');
	buffer_clear(out);
	for (; i < pointer->size && pointer->data[i] != '/'; i++) {
		if (pointer->data[i] == '~')
			buffer_append_byte(out, pointer->data[++i] == '0' ? '~' : '/');
		else
			buffer_append_byte(out, pointer->data[i]);
	}
	*pointer = slice_of(pointer->data + i, pointer->size - i);
}

static unsigned place_of(const struct tree *tree, struct buffer *step)
{
	if (tree->type == JSON_ARRAY)
		return (unsigned)strtoul(buffer_text(step), NULL, 10);
	unsigned i = 0;
	while (i < tree->count && !slice_equal(buffer_slice(&tree->members[i]->name), buffer_slice(step)))
		i++;
	return i;
}

static void apply_operation(struct tree *tree, const struct json *operation)
{
	struct slice op, pointer;
	struct buffer step = BUFFER_INIT;
	assert_true(json_get_text(operation, "op", &op) && json_get_text(operation, "path", &pointer));
	take_step(&pointer, &step);
	for (; pointer.size; take_step(&pointer, &step)) {
		unsigned i = place_of(tree, &step);
		assert_true(i < tree->count);
		tree = tree->members[i];
	}
	unsigned i = place_of(tree, &step);
	bool is_add = slice_equal(op, slice_of_text("add"));
	assert_true(is_add ? i <= tree->count && (tree->type == JSON_ARRAY || i == tree->count) : i < tree->count);
	if (!is_add) {
		tree_free(tree->members[i]);
		memmove(tree->members + i, tree->members + i + 1, (--tree->count - i) * sizeof(tree->members[0]));
	}
	if (!slice_equal(op, slice_of_text("remove"))) {
		struct tree *value = tree_of(json_member(operation, "value"));
		buffer_clear(&value->name);
		buffer_append_slice(&value->name, buffer_slice(&step));
		memmove(tree->members + i + 1, tree->members + i, (tree->count++ - i) * sizeof(tree->members[0]));
		tree->members[i] = value;
	}
	buffer_free(&step);
}

static struct json *parse(struct slice text)
{
	struct json *root;
	struct error error = { 0 };
	fixture_require(json_parse(text, &json_default_limits, &root, &error) == 0, "parse", &error);
	return root;
}

static void apply(struct slice before, struct slice patch, struct buffer *ret_after)
{
	struct buffer text = BUFFER_INIT;
	struct error error = { 0 };
	assert_int_equal(item_to_json(before, ITEM_PLAIN, ITEM_COMPACT, NULL, &text), 0);
	struct json *document = parse(buffer_slice(&text)), *operations = parse(patch);
	struct tree *tree = tree_of(document);
	for (const struct json *op = json_first(operations); op; op = json_next(op))
		apply_operation(tree, op);
	buffer_clear(&text);
	tree_append(tree, &text);
	buffer_clear(ret_after);
	fixture_require(item_from_json(buffer_slice(&text), ITEM_PLAIN, ret_after, &error) == 0, "read", &error);
	tree_free(tree);
	json_free(document);
	json_free(operations);
	buffer_free(&text);
}

/* --- random pairs of items, alike in part; made as DynamoDB's JSON, where no name needs an escape --- */

static const char *const names[] = { "a", "a/b", "~", "~1", "$stringSet", "$$binary", "$numberSet", "x.y" };
#define NAMES (sizeof(names) / sizeof(names[0]))

static unsigned below(uint64_t *random, unsigned bound)
{
	return (unsigned)fixture_random_below(random, bound);
}

static void append_leaf(uint64_t *random, struct buffer *out)
{
	static const char *const leaves[] = { "{\"S\":\"x\"}", "{\"S\":\"a/~\\u0000\\\"\"}", "{\"N\":\"0.1\"}",
		"{\"N\":\"-12345678901234567890123456789012345678\"}", "{\"BOOL\":true}", "{\"NULL\":true}",
		"{\"B\":\"AAE=\"}", "{\"SS\":[\"a\",\"b\"]}",
		"{\"NS\":[\"1\",\"12345678901234567890123456789012345678\"]}", "{\"BS\":[\"AA==\"]}",
		"{\"SS\":[\"a\"]}", "{\"L\":[]}", "{\"M\":{}}" };
	buffer_append_text(out, leaves[below(random, sizeof(leaves) / sizeof(leaves[0]))]);
}

static void append_pair(uint64_t *random, unsigned depth, struct buffer *one, struct buffer *other);

static void append_members(uint64_t *random, unsigned depth, bool is_map, struct buffer *one, struct buffer *other)
{
	struct buffer *out[2] = { one, other }, unused = BUFFER_INIT;
	unsigned length[2] = { below(random, 5), below(random, 5) }, count[2] = { 0 };
	bool is_alone = below(random, 3) == 0;
	for (unsigned i = 0; i < NAMES; i++) {
		struct buffer *to[2];
		for (unsigned side = 0; side < 2; side++) {
			bool is_there = is_map ? below(random, is_alone ? 8 : 2) == 0 : i < length[side];
			to[side] = is_there ? out[side] : &unused;
			if (is_there && count[side]++)
				buffer_append_byte(out[side], ',');
			if (is_there && is_map)
				buffer_append_format(out[side], "\"%s\":", names[i]);
		}
		append_pair(random, depth + 1, to[0], to[1]);
	}
	buffer_free(&unused);
}

static void append_pair(uint64_t *random, unsigned depth, struct buffer *one, struct buffer *other)
{
	unsigned kind = below(random, depth < 3 ? 6 : 4);
	if (kind < 2) {
		size_t start = one->size;
		append_leaf(random, one);
		if (one != other)
			buffer_append(other, one->data + start, one->size - start);
	} else if (kind < 4) {
		append_leaf(random, one);
		append_leaf(random, other);
	} else {
		bool is_map = kind == 4;
		buffer_append_text(one, is_map ? "{\"M\":{" : "{\"L\":[");
		buffer_append_text(other, is_map ? "{\"M\":{" : "{\"L\":[");
		append_members(random, depth, is_map, one, other);
		buffer_append_text(one, is_map ? "}}" : "]}");
		buffer_append_text(other, is_map ? "}}" : "]}");
	}
}

static void make_pair(uint64_t *random, struct buffer *ret_one, struct buffer *ret_other)
{
	struct buffer text[2] = { BUFFER_INIT, BUFFER_INIT };
	for (unsigned i = 0; i < 2; i++)
		buffer_append_text(&text[i], "{\"id\":{\"S\":\"1\"},\"m\":");
	append_pair(random, 0, &text[0], &text[1]);
	for (unsigned i = 0; i < 2; i++) {
		struct buffer *out = i ? ret_other : ret_one;
		struct error error = { 0 };
		buffer_append_text(&text[i], "}");
		buffer_clear(out);
		fixture_require(item_from_json(buffer_slice(&text[i]), ITEM_DYNAMODB, out, &error) == 0,
			buffer_text(&text[i]), &error);
		buffer_free(&text[i]);
	}
}

static void makes_the_second_from_the_first(void **state)
{
	struct buffer one = BUFFER_INIT, other = BUFFER_INIT, patch = BUFFER_INIT, made = BUFFER_INIT;
	uint64_t random = 11;
	unsigned different = 0;
	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		make_pair(&random, &one, &other);
		buffer_clear(&patch);
		assert_int_equal(patch_to_json(buffer_slice(&one), buffer_slice(&other), i % 2, i % 3, &patch), 0);
		apply(buffer_slice(&one), buffer_slice(&patch), &made);
		assert_true(slice_equal(buffer_slice(&made), buffer_slice(&other)));
		bool is_same = slice_equal(buffer_slice(&one), buffer_slice(&other));
		assert_int_equal(is_same, strcmp(buffer_text(&patch), "[]") == 0);
		different += !is_same;
	}
	assert_true(different > 200);
	buffer_free(&one);
	buffer_free(&other);
	buffer_free(&patch);
	buffer_free(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_each_member),
		cmocka_unit_test(escapes_pointers),
		cmocka_unit_test(grows_and_shrinks_lists),
		cmocka_unit_test(replaces_what_is_wrapped_whole),
		cmocka_unit_test(is_laid_out_as_jq_does),
		cmocka_unit_test(tells_people_paths_of_attributes),
		cmocka_unit_test(makes_the_second_from_the_first),
	};
	return cmocka_run_group_tests_name("patch", tests, NULL, NULL);
}
