#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/aws.h"
#include "tools/shorthand.h"

/* Building one request. */
struct request {
	struct tool *tool;
	const struct aws_operation *operation;
	const struct json *input; /* of --cli-input-json, or NULL */
	struct buffer *out;
	const struct aws_parameter *parameter;
};

static int wrong(const struct request *request, const char *reason)
{
	return tool_usage(request->tool, "--%s: %s", request->parameter->option, reason);
}

/* "file://PATH" stands for what is in the file. */
static int load(const struct request *request, const char *text, struct buffer *out)
{
	struct error error = { 0 };
	if (strncmp(text, "file://", 7) != 0) {
		buffer_append_text(out, text);
		return buffer_error(out) < 0 ? tool_fail("out of memory") : STATUS_DONE;
	}
	if (tool_read_file(text + 7, out, &error) < 0)
		return wrong(request, error_text(&error));
	return STATUS_DONE;
}

static const char *skip_blanks(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* Appends JSON text after a look whether it is JSON. `type`: what it has to be. */
static int append_json(const struct request *request, struct slice text, enum json_type type)
{
	struct json *root;
	struct error error = { 0 };
	if (json_parse(text, &json_default_limits, &root, &error) < 0)
		return wrong(request, error_text(&error));
	bool is_right = json_type(root) == type;
	json_free(root);
	if (!is_right)
		return wrong(request, type == JSON_ARRAY ? "must be a JSON list" : "must be a JSON object");
	buffer_append_slice(request->out, text);
	return STATUS_DONE;
}

static int append_shorthand(const struct request *request, const char *text)
{
	struct error error = { 0 };
	if (shorthand_to_json(text, request->out, &error) < 0)
		return wrong(request, error_text(&error));
	return STATUS_DONE;
}

static int append_structure(const struct request *request, const char *given)
{
	struct buffer text = BUFFER_INIT;
	int status = load(request, given, &text);
	const char *start = status == STATUS_DONE ? skip_blanks(buffer_text(&text)) : "";
	if (status == STATUS_DONE)
		status = *start == '{' ? append_json(request, buffer_slice(&text), JSON_OBJECT)
				       : append_shorthand(request, start);
	buffer_free(&text);
	return status;
}

static int append_text(const struct request *request, const char *given)
{
	struct buffer text = BUFFER_INIT;
	int status = load(request, given, &text);
	if (status == STATUS_DONE && !utf8_is_valid(buffer_slice(&text)))
		status = wrong(request, "must be valid UTF-8");
	if (status == STATUS_DONE)
		json_append_string(request->out, buffer_slice(&text));
	buffer_free(&text);
	return status;
}

static int append_element(const struct request *request, const char *given)
{
	return request->parameter->kind == AWS_TEXT_LIST ? append_text(request, given)
							 : append_structure(request, given);
}

static int append_list(const struct request *request, const struct option *option)
{
	struct buffer text = BUFFER_INIT;
	int status = load(request, option->values[0], &text);
	bool is_whole = status == STATUS_DONE && option->count == 1 && *skip_blanks(buffer_text(&text)) == '[';
	if (is_whole)
		status = append_json(request, buffer_slice(&text), JSON_ARRAY);
	buffer_free(&text);
	if (is_whole || status != STATUS_DONE)
		return status;
	buffer_append_byte(request->out, '[');
	for (size_t i = 0; i < option->count && status == STATUS_DONE; i++) {
		if (i > 0)
			buffer_append_byte(request->out, ',');
		status = append_element(request, option->values[i]);
	}
	buffer_append_byte(request->out, ']');
	return status;
}

static int append_number(const struct request *request, const char *text)
{
	size_t length = strspn(text, "0123456789");
	if (length == 0 || length > 18 || text[length] != '\0')
		return wrong(request, "must be a whole number");
	buffer_append_format(request->out, "%lld", strtoll(text, NULL, 10));
	return STATUS_DONE;
}

/* Looked at here, so that what is no time is wrong usage. It stays text: relative ones are resolved later. */
static int append_time(const struct request *request, const char *given)
{
	struct buffer text = BUFFER_INIT;
	struct json *root = NULL;
	struct instant instant;
	struct error error = { 0 };
	bool is_given;
	buffer_append_text(&text, "{\"Time\":");
	json_append_string(&text, slice_of_text(given));
	buffer_append_byte(&text, '}');
	int result = json_parse(buffer_slice(&text), &json_default_limits, &root, &error);
	if (result == 0)
		result = aws_time(request->tool, root, "Time", &instant, &is_given, &error);
	json_free(root);
	buffer_free(&text);
	if (result < 0)
		return wrong(request, error_text(&error));
	return append_text(request, given);
}

static int append_value(const struct request *request, const struct option *option)
{
	switch (request->parameter->kind) {
	case AWS_TEXT:
		return append_text(request, option->value);
	case AWS_TIME:
		return append_time(request, option->value);
	case AWS_NUMBER:
		return append_number(request, option->value);
	case AWS_BOOLEAN:
		buffer_append_text(request->out, option->is_negated ? "false" : "true");
		return STATUS_DONE;
	case AWS_STRUCTURE:
		return append_structure(request, option->value);
	case AWS_LIST:
	case AWS_TEXT_LIST:
		break;
	}
	return append_list(request, option);
}

static int append_member(const struct request *request, bool *is_first)
{
	const struct aws_parameter *parameter = request->parameter;
	const struct option *option = option_find(request->tool->options, parameter->option);
	const struct json *input = request->input ? json_member(request->input, parameter->member) : NULL;
	if (!option->is_given && !input)
		return parameter->use == AWS_REQUIRED ? tool_usage(request->tool, "--%s is required", parameter->option)
						      : STATUS_DONE;
	if (!*is_first)
		buffer_append_byte(request->out, ',');
	*is_first = false;
	json_append_string(request->out, slice_of_text(parameter->member));
	buffer_append_byte(request->out, ':');
	if (option->is_given)
		return append_value(request, option);
	json_append(request->out, input);
	return STATUS_DONE;
}

static bool is_member(const struct aws_operation *operation, struct slice name)
{
	for (const struct aws_parameter *parameter = operation->parameters; parameter->member; parameter++)
		if (parameter->use != AWS_PLAIN && slice_equal(name, slice_of_text(parameter->member)))
			return true;
	return false;
}

static int check_input(const struct tool *tool, const struct aws_operation *operation, const struct json *input)
{
	if (json_type(input) != JSON_OBJECT)
		return tool_usage(tool, "--cli-input-json: must be a JSON object");
	for (const struct json *member = json_first(input); member; member = json_next(member)) {
		struct slice name = json_name(member);
		if (!is_member(operation, name))
			return tool_usage(tool, "--cli-input-json: %s has no parameter \"%.*s\"", operation->name,
				(int)name.size, (const char *)name.data);
	}
	return STATUS_DONE;
}

static int append_members(struct request *request)
{
	bool is_first = true;
	int status = STATUS_DONE;
	buffer_append_byte(request->out, '{');
	for (request->parameter = request->operation->parameters; request->parameter->member && status == STATUS_DONE;
		request->parameter++)
		status = append_member(request, &is_first);
	buffer_append_byte(request->out, '}');
	return status;
}

int aws_request(struct tool *tool, const struct aws_operation *operation, struct buffer *out)
{
	static const struct aws_parameter input_parameter = { "", "cli-input-json", AWS_STRUCTURE, AWS_PLAIN };
	const char *given = option_value(tool->options, "cli-input-json");
	struct request request = { tool, operation, NULL, out, &input_parameter };
	struct buffer text = BUFFER_INIT;
	struct json *input = NULL;
	struct error error = { 0 };
	int status = given ? load(&request, given, &text) : STATUS_DONE;
	if (given && status == STATUS_DONE) {
		if (json_parse(buffer_slice(&text), &json_default_limits, &input, &error) < 0)
			status = wrong(&request, error_text(&error));
		else
			status = check_input(tool, operation, input);
	}
	request.input = input;
	if (status == STATUS_DONE)
		status = append_members(&request);
	json_free(input);
	buffer_free(&text);
	if (status == STATUS_DONE && buffer_error(out) < 0)
		status = tool_fail("out of memory");
	return status;
}
