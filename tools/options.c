#include "tools/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The command line while it is read. */
struct parsing {
	struct option *own, *common;
	int argc, at;
	char **argv;
	char *problem;
	size_t problem_size;
};

struct option *option_find(struct option *options, const char *name)
{
	for (struct option *option = options; option && option->name; option++)
		if (strcmp(option->name, name) == 0)
			return option;
	return NULL;
}

bool option_is_given(struct option *options, const char *name)
{
	const struct option *option = option_find(options, name);
	return option && option->is_given;
}

const char *option_value(struct option *options, const char *name)
{
	const struct option *option = option_find(options, name);
	return option ? option->value : NULL;
}

static struct option *find_either(const struct parsing *parsing, const char *name)
{
	struct option *option = option_find(parsing->own, name);
	return option ? option : option_find(parsing->common, name);
}

static struct option *find_letter_in(struct option *options, char letter)
{
	for (struct option *option = options; option && option->name; option++)
		if (option->letter == letter)
			return option;
	return NULL;
}

static struct option *find_letter(const struct parsing *parsing, char letter)
{
	struct option *option = find_letter_in(parsing->own, letter);
	return option ? option : find_letter_in(parsing->common, letter);
}

static int take_value(struct parsing *parsing, struct option *option, const char *shown)
{
	if (parsing->at + 1 >= parsing->argc) {
		snprintf(parsing->problem, parsing->problem_size, "%s needs a value", shown);
		return -EINVAL;
	}
	option->value = parsing->argv[++parsing->at];
	return 0;
}

/* A value that is an option by its looks ends the list; a lone dash or a negative number does not. */
static bool ends_list(const char *text)
{
	return text[0] == '-' && text[1] == '-';
}

static int take_list(struct parsing *parsing, struct option *option, const char *shown)
{
	option->values = &parsing->argv[parsing->at + 1];
	option->count = 0;
	while (parsing->at + 1 < parsing->argc && !ends_list(parsing->argv[parsing->at + 1])) {
		parsing->at++;
		option->count++;
	}
	if (option->count > 0)
		return 0;
	snprintf(parsing->problem, parsing->problem_size, "%s needs at least one value", shown);
	return -EINVAL;
}

static int add_value(struct parsing *parsing, struct option *option, char *value)
{
	char **values = reallocarray(option->values, option->count + 1, sizeof(*values));
	if (!values) {
		snprintf(parsing->problem, parsing->problem_size, "out of memory");
		return -ENOMEM;
	}
	option->values = values;
	option->values[option->count++] = value;
	return 0;
}

static int take_argument(struct parsing *parsing, struct option *option, const char *shown)
{
	option->is_given = true;
	option->is_negated = false;
	switch (option->kind) {
	case OPTION_VALUE:
	case OPTION_TIME:
		return take_value(parsing, option, shown);
	case OPTION_LIST:
		return take_list(parsing, option, shown);
	case OPTION_EACH: {
		int result = take_value(parsing, option, shown);
		return result < 0 ? result : add_value(parsing, option, option->value);
	}
	case OPTION_FLAG:
	case OPTION_SWITCH:
	case OPTION_PERHAPS:
		break;
	}
	return 0;
}

static int parse_joined(struct parsing *parsing, struct option *option, char *value)
{
	option->is_given = true;
	if (option->kind == OPTION_FLAG || option->kind == OPTION_SWITCH) {
		snprintf(parsing->problem, parsing->problem_size, "--%s takes no value", option->name);
		return -EINVAL;
	}
	option->value = value;
	if (option->kind == OPTION_EACH)
		return add_value(parsing, option, value);
	if (option->kind == OPTION_LIST) {
		option->values = &option->value;
		option->count = 1;
	}
	return 0;
}

static int parse_long(struct parsing *parsing)
{
	char *text = parsing->argv[parsing->at] + 2;
	size_t length = strcspn(text, "=");
	char name[128];
	if (length < sizeof(name)) {
		memcpy(name, text, length);
		name[length] = '\0';
		struct option *option = find_either(parsing, name);
		if (option && text[length] == '=')
			return parse_joined(parsing, option, text + length + 1);
		if (option)
			return take_argument(parsing, option, parsing->argv[parsing->at]);
		option = strncmp(name, "no-", 3) == 0 && text[length] == '\0' ? find_either(parsing, name + 3) : NULL;
		if (option && option->kind == OPTION_SWITCH) {
			option->is_given = option->is_negated = true;
			return 0;
		}
	}
	snprintf(parsing->problem, parsing->problem_size, "unknown option --%.*s", (int)length, text);
	return -EINVAL;
}

static int parse_short(struct parsing *parsing)
{
	char *text = parsing->argv[parsing->at];
	struct option *option = find_letter(parsing, text[1]);
	if (!option) {
		snprintf(parsing->problem, parsing->problem_size, "unknown option %s", text);
		return -EINVAL;
	}
	if (text[2] == '\0')
		return take_argument(parsing, option, text);
	return parse_joined(parsing, option, text + 2);
}

/* A time before now (-2h) or a negative number is none. */
static bool is_option(const char *text)
{
	return text[0] == '-' && text[1] != '\0' && (text[1] < '0' || text[1] > '9');
}

static int parse_argument(struct parsing *parsing, struct positionals *positionals, bool *are_options_over)
{
	char *text = parsing->argv[parsing->at];
	if (*are_options_over || !is_option(text)) {
		positionals->values[positionals->count++] = text;
		return 0;
	}
	if (strcmp(text, "--") == 0) {
		*are_options_over = true;
		return 0;
	}
	return text[1] == '-' ? parse_long(parsing) : parse_short(parsing);
}

int options_parse(struct option *own, struct option *common, int argc, char **argv, struct positionals *ret_positionals,
	char *ret_problem, size_t problem_size)
{
	struct parsing parsing = { own, common, argc, 0, argv, ret_problem, problem_size };
	struct positionals positionals = { calloc((size_t)argc + 1, sizeof(char *)), 0 };
	bool are_options_over = false;
	int result = 0;
	if (!positionals.values) {
		snprintf(ret_problem, problem_size, "out of memory");
		return -ENOMEM;
	}
	for (; parsing.at < argc && result == 0; parsing.at++)
		result = parse_argument(&parsing, &positionals, &are_options_over);
	if (result < 0)
		free(positionals.values);
	else
		*ret_positionals = positionals;
	return result;
}
