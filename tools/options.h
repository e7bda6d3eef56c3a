/* The command line's options: "--name VALUE", "--name=VALUE", "-n VALUE", and for AWS's lists "--name VALUE VALUE ...".
 */
#ifndef PITR_TOOLS_OPTIONS_H
#define PITR_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
	OPTION_FLAG,    /* --name */
	OPTION_SWITCH,  /* --name or --no-name */
	OPTION_VALUE,   /* --name VALUE */
	OPTION_TIME,    /* the same, and the value is a time (tool_parse refuses others) */
	OPTION_PERHAPS, /* --name or --name=VALUE */
	OPTION_LIST,    /* --name VALUE..., up to the next option */
	OPTION_EACH,    /* --name VALUE, as often as one likes */
};

struct option {
	const char *name; /* without dashes; NULL ends a table */
	char letter;      /* 0: none */
	enum option_kind kind;
	/* Filled by options_parse. */
	bool is_given, is_negated;
	char *value;   /* the (last) value; NULL: none */
	char **values; /* of a list: in the command line's own array; of each: kept by the table */
	size_t count;
};

struct positionals {
	char **values; /* owned; the texts are the command line's */
	size_t count;
};

/* Parses into the tables `own` and `common`. "--" ends the options. 0, or -EINVAL and a message in `ret_problem`. */
int options_parse(struct option *own, struct option *common, int argc, char **argv, struct positionals *ret_positionals,
	char *ret_problem, size_t problem_size);

struct option *option_find(struct option *options, const char *name); /* NULL: no such option */
bool option_is_given(struct option *options, const char *name);
const char *option_value(struct option *options, const char *name); /* NULL: not given, or without a value */

#endif
