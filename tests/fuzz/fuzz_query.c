/* Every text is an expression or is refused in one line; what an expression gives is JSON, or it is told why not. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tools/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct json *given;

static void prepare(void)
{
	const char *text =
		"{\"a\":[{\"b\":1,\"c\":\"x\"},{\"b\":2.50,\"c\":\"y\"},{\"b\":[1,[2,3]],\"d\":{\"e\":null}}],"
		"\"n\":[3,-1,1e2],\"t\":[\"b\",\"a\"],\"u\":\"h\\u00e9\",\"ok\":true}";
	if (json_parse(slice_of_text(text), &json_default_limits, &given, NULL) < 0)
		abort();
}

static void check_refused(int result, const struct error *error)
{
	assert(error->code == result && error->message[0]);
	assert(!strpbrk(error->message, "\r\n"));
	assert(utf8_is_valid(slice_of_text(error->message)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_limits limits = { .max_size = SIZE_MAX / 4, .max_depth = 1000 };
	struct buffer out = BUFFER_INIT;
	struct error error = { 0 };
	struct query *query;
	struct json *root;
	if (!given)
		prepare();
	int result = query_parse(slice_of(data, size), &query, &error);
	if (result < 0) {
		check_refused(result, &error);
		return 0;
	}
	result = query_run(query, given, &out, &error);
	if (result < 0) {
		check_refused(result, &error);
	} else if (out.size < 1u << 20) {
		assert(json_parse(buffer_slice(&out), &limits, &root, NULL) == 0);
		json_free(root);
	}
	query_free(query);
	buffer_free(&out);
	return 0;
}
