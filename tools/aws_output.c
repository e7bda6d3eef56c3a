#include "tools/aws_output.h"

#include <errno.h>
#include <string.h>

#include "tools/output.h"

static const struct json_limits limits = { .max_size = SIZE_MAX / 4, .max_depth = 1000 };

int aws_output_begin(const struct tool *tool, struct aws_output *ret_output)
{
	struct error error = { 0 };
	const char *name = option_value(tool->options, "output"), *query = option_value(tool->options, "query");
	*ret_output = (struct aws_output){ .is_text = name && strcmp(name, "text") == 0 };
	if (name && !ret_output->is_text && strcmp(name, "json") != 0)
		return tool_usage(tool, "--output %s: there are json and text here", name);
	if (!query || query_parse(slice_of_text(query), &ret_output->query, &error) == 0)
		return STATUS_DONE;
	return tool_usage(tool, "Bad value for --query %.200s: %s", query, error_text(&error));
}

void aws_output_end(struct aws_output *form)
{
	query_free(form->query);
	form->query = NULL;
}

bool aws_output_is_whole(const struct aws_output *form)
{
	return form->query || form->is_text;
}

/* The tree of what the query makes of `response`, with times as texts before it sees them. */
static int ask(const struct aws_output *form, const struct json *response, struct json **ret_root, struct error *error)
{
	struct buffer asked = BUFFER_INIT, answer = BUFFER_INIT;
	struct json *root = NULL;
	output_aws_compact(&asked, response);
	int result = buffer_error(&asked) < 0 ? error_set(error, -ENOMEM, "out of memory")
					      : json_parse(buffer_slice(&asked), &limits, &root, error);
	if (result == 0 && form->query) {
		result = query_run(form->query, root, &answer, error);
		json_free(root);
		root = NULL;
		if (result == 0)
			result = json_parse(buffer_slice(&answer), &limits, &root, error);
		else
			error_prefix(error, "--query");
	}
	buffer_free(&asked);
	buffer_free(&answer);
	if (result == 0)
		*ret_root = root;
	return result;
}

static void append(const struct aws_output *form, struct buffer *out, const struct json *root)
{
	if (form->is_text)
		output_text_append(out, root, /* is_response= */ !form->query);
	else
		output_aws_append(out, root);
}

static int print(const struct aws_output *form, const struct json *root)
{
	struct buffer text = BUFFER_INIT;
	append(form, &text, root);
	output(buffer_slice(&text));
	int status = buffer_error(&text) < 0 ? tool_fail("out of memory") : STATUS_DONE;
	buffer_free(&text);
	return status;
}

int aws_output_print(const struct aws_output *form, struct slice response, const char *done)
{
	struct error error = { 0 };
	struct json *root, *answer = NULL;
	/* What has no response has null for every query. */
	if (response.size == 0 && form->query)
		response = slice_of_text("{}");
	if (response.size == 0)
		return STATUS_DONE;
	int result = json_parse(response, &limits, &root, &error);
	if (result == 0 && aws_output_is_whole(form)) {
		result = ask(form, root, &answer, &error);
		json_free(root);
		root = answer;
	}
	if (result < 0)
		return done ? tool_fail("%s (%s itself was done)", error_text(&error), done) : tool_fail_error(&error);
	int status = print(form, root);
	json_free(root);
	return status;
}
