#include "tools/aws.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/aws_output.h"

/* What the AWS command line takes for every operation: understood where it has a meaning here, else accepted. */
static const struct option everywhere[] = {
	{ .name = "cli-input-json", .kind = OPTION_VALUE },
	{ .name = "output", .kind = OPTION_VALUE },
	{ .name = "query", .kind = OPTION_VALUE },
	{ .name = "region", .kind = OPTION_VALUE },
	{ .name = "profile", .kind = OPTION_VALUE },
	{ .name = "endpoint-url", .kind = OPTION_VALUE },
	{ .name = "color", .kind = OPTION_VALUE },
	{ .name = "ca-bundle", .kind = OPTION_VALUE },
	{ .name = "cli-read-timeout", .kind = OPTION_VALUE },
	{ .name = "cli-connect-timeout", .kind = OPTION_VALUE },
	{ .name = "cli-binary-format", .kind = OPTION_VALUE },
	{ .name = "cli-pager", .kind = OPTION_SWITCH },
	{ .name = "paginate", .kind = OPTION_SWITCH },
	{ .name = "verify-ssl", .kind = OPTION_SWITCH },
	{ .name = "sign-request", .kind = OPTION_SWITCH },
	{ .name = "debug", .kind = OPTION_FLAG },
};
#define EVERYWHERE (sizeof(everywhere) / sizeof(everywhere[0]))

static enum option_kind option_kind(enum aws_kind kind)
{
	if (kind == AWS_BOOLEAN)
		return OPTION_SWITCH;
	return kind == AWS_LIST || kind == AWS_TEXT_LIST ? OPTION_LIST : OPTION_VALUE;
}

static struct option *make_options(const struct aws_operation *operation)
{
	size_t count = 0;
	while (operation->parameters[count].member)
		count++;
	struct option *options = calloc(count + EVERYWHERE + 1, sizeof(*options));
	if (!options)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		options[i].name = operation->parameters[i].option;
		options[i].kind = option_kind(operation->parameters[i].kind);
	}
	memcpy(options + count, everywhere, sizeof(everywhere));
	return options;
}

static int check_refused(const struct aws_operation *operation, const struct json *request, struct error *error)
{
	for (const struct aws_parameter *parameter = operation->parameters; parameter->member; parameter++)
		if (parameter->use == AWS_REFUSED && json_member(request, parameter->member))
			return error_set_aws(error, -EOPNOTSUPP, "ValidationException", "%s is not supported by pitr",
				parameter->member);
	return 0;
}

static int print_failure(const struct aws_operation *operation, const struct error *error)
{
	const char *exception = error->aws;
	if (!exception && (error->code == -EINVAL || error->code == -EFBIG))
		exception = "ValidationException";
	if (!exception)
		return tool_fail_error(error);
	fprintf(stderr, "\nAn error occurred (%s) when calling the %s operation: %s\n", exception, operation->name,
		error_text(error));
	return STATUS_FAILED;
}

static int perform(struct tool *tool, const struct aws_operation *operation, const struct aws_output *form,
	const struct json *request, struct buffer *response, struct error *error)
{
	struct aws_call call = { .tool = tool,
		.request = request,
		.is_whole = aws_output_is_whole(form),
		.response = response,
		.error = error };
	if (!operation->work)
		return operation->run(tool, request, response, error);
	return operation->is_write ? aws_change(&call, operation->work) : aws_read(&call, operation->work);
}

static int call(
	struct tool *tool, const struct aws_operation *operation, const struct aws_output *form, struct slice text)
{
	struct error error = { 0 };
	struct buffer response = BUFFER_INIT;
	struct json *request;
	if (json_parse(text, &json_default_limits, &request, &error) < 0)
		return print_failure(operation, &error);
	int result = check_refused(operation, request, &error);
	if (result < 0) {
		json_free(request);
		return print_failure(operation, &error);
	}
	int status = tool_open(tool, operation->is_write);
	if (status == STATUS_DONE) {
		result = perform(tool, operation, form, request, &response, &error);
		if (result == 0)
			result = buffer_error(&response);
		if (result < 0 && error.code == 0)
			error.code = result;
		if (result < 0)
			status = print_failure(operation, &error);
		else if (!operation->has_no_response)
			status = aws_output_print(
				form, buffer_slice(&response), operation->is_write ? operation->name : NULL);
	}
	buffer_free(&response);
	json_free(request);
	return status;
}

int aws_run(struct tool *tool, const struct aws_operation *operation)
{
	struct buffer request = BUFFER_INIT;
	struct aws_output form = { 0 };
	tool->options = make_options(operation);
	if (!tool->options)
		return tool_fail("out of memory");
	int status = tool_parse(tool);
	if (status == STATUS_DONE && tool->positionals.count > 0)
		status = tool_usage(tool, "unexpected argument: %s", tool->positionals.values[0]);
	if (status == STATUS_DONE)
		status = aws_output_begin(tool, &form);
	if (status == STATUS_DONE)
		status = aws_request(tool, operation, &request);
	if (status == STATUS_DONE)
		status = call(tool, operation, &form, buffer_slice(&request));
	aws_output_end(&form);
	buffer_free(&request);
	free(tool->options);
	tool->options = NULL;
	return status;
}
