/* Every text is an expression or is refused at a place in it; what is an expression holds or does not hold, for every
 * item, and its negation the other way round. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"
#include "item_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buffer item;
static struct json *names, *values;

static void prepare(void)
{
	const char *text = "{\"a\":{\"S\":\"ab\"},\"b\":{\"N\":\"5\"},\"c\":{\"L\":[{\"N\":\"1\"},{\"M\":{\"x\":{\"S\":"
			   "\"ab\"}}}]},\"d\":{\"SS\":[\"ab\",\"b\"]},\"e\":{\"BOOL\":true},\"f\":{\"B\":\"YWI=\"},"
			   "\"n\":{\"NULL\":true}}";
	const char *some_values =
		"{\":s\":{\"S\":\"ab\"},\":n\":{\"N\":\"5\"},\":b\":{\"B\":\"YQ==\"},\":l\":{\"L\":[]},"
		"\":ss\":{\"SS\":[\"b\",\"ab\"]},\":bad\":{\"N\":\"x\"}}";
	if (item_from_json(slice_of_text(text), ITEM_DYNAMODB, &item, NULL) < 0 ||
		json_parse(slice_of_text("{\"#a\":\"a\",\"#c\":\"c\"}"), &json_default_limits, &names, NULL) < 0 ||
		json_parse(slice_of_text(some_values), &json_default_limits, &values, NULL) < 0)
		abort();
}

static void check_refused(int result, const struct error *error)
{
	assert(result == -EINVAL && error->code == -EINVAL && error->message[0]);
	assert(!strpbrk(error->message, "\r\n"));
	assert(utf8_is_valid(slice_of_text(error->message)));
}

static void check_holds(const struct expression *expression, struct slice text, struct slice subject)
{
	int holds = expression_holds(expression, subject);
	assert(holds == 0 || holds == 1);
	struct buffer negated = BUFFER_INIT;
	struct expression *other = NULL;
	buffer_append_text(&negated, "NOT (");
	buffer_append_slice(&negated, text);
	buffer_append_byte(&negated, ')');
	/* It may be too long, too deep or have too many operators now. */
	if (expression_parse(buffer_slice(&negated), names, values, &other, NULL) == 0)
		assert(expression_holds(other, subject) == !holds);
	expression_free(other);
	buffer_free(&negated);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	struct expression *expression = NULL;
	struct error error = { 0 };
	if (!names)
		prepare();
	int result = expression_parse(text, names, values, &expression, &error);
	if (result < 0) {
		check_refused(result, &error);
		return 0;
	}
	check_holds(expression, text, buffer_slice(&item));
	check_holds(expression, text, (struct slice){ 0 });
	expression_free(expression);
	return 0;
}
