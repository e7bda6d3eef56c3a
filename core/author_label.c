#include "author_label.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "author.h"
#include "json.h"
#include "text.h"

#define PART_MAX 40

struct part {
	char text[PART_MAX + 1];
};

/* Cut at a character; what a terminal would take for orders becomes '?'. */
static struct part part_of(struct slice text)
{
	struct part part;
	struct slice cut = text_cut(text, PART_MAX);
	for (size_t i = 0; i < cut.size; i++)
		part.text[i] = (char)(cut.data[i] < ' ' || cut.data[i] == 127 ? '?' : cut.data[i]);
	part.text[cut.size] = '\0';
	return part;
}

static struct part member(const struct json *author, const char *name)
{
	struct slice text = { 0 };
	json_get_text(author, name, &text);
	return part_of(text);
}

/* The file's name without its directories. */
static struct part base_name(const struct json *author, const char *name)
{
	struct slice text = { 0 };
	json_get_text(author, name, &text);
	const uint8_t *slash = text.size > 0 ? memrchr(text.data, '/', text.size) : NULL;
	return part_of(slash ? slice_of(slash + 1, (size_t)(text.data + text.size - slash - 1)) : text);
}

/* "pitr rm" of "pitr rm orders 1001": the first words up to one that tells which items. Options in front of the verb are left out. */
static struct part verb_of(const struct json *author)
{
	struct part command = member(author, "command"), verb = { "pitr" };
	char *state = NULL;
	bool is_value = false;
	for (char *word = strtok_r(command.text, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
		bool is_option = word[0] == '-';
		if (!is_option && !is_value && strcmp(word, "pitr") != 0) {
			snprintf(verb.text, sizeof(verb.text), "pitr %.*s", PART_MAX - 5, word);
			break;
		}
		is_value = is_option && !strchr(word, '=');
	}
	return verb;
}

static void format(const struct json *author, char label[AUTHOR_LABEL_MAX])
{
	struct part by = member(author, "by"), user = member(author, "user"), what = member(author, "process");
	struct part source = base_name(author, "source"), service = member(author, "service");
	if (strcmp(service.text, "ttl") == 0) {
		strcpy(label, "TTL");
		return;
	}
	if (strcmp(by.text, "import") == 0) {
		bool is_named = source.text[0] != '\0' && strcmp(source.text, "standard input") != 0;
		snprintf(label, AUTHOR_LABEL_MAX, "import%s%s", is_named ? " of " : "", is_named ? source.text : "");
		return;
	}
	if (strcmp(by.text, "pitr") == 0)
		what = verb_of(author);
	if (what.text[0] == '\0')
		what = user.text[0] != '\0' ? user : by;
	bool has_user = user.text[0] != '\0' && strcmp(what.text, user.text) != 0;
	snprintf(label, AUTHOR_LABEL_MAX, has_user ? "%s (%s)" : "%s", what.text, user.text);
}

void author_label(struct slice author_text, char ret_label[AUTHOR_LABEL_MAX])
{
	struct json *author = NULL;
	strcpy(ret_label, "unknown");
	if (author_text.size > 0 && json_parse(author_text, &json_default_limits, &author, NULL) == 0)
		format(author, ret_label);
	json_free(author);
}

int author_label_of(struct store_txn *txn, uint64_t number, char ret_label[AUTHOR_LABEL_MAX])
{
	struct slice text = { 0 };
	int r = number ? author_text(txn, number, &text) : -ENOENT;
	author_label(r ? (struct slice){ 0 } : text, ret_label);
	return r == -ENOENT ? 0 : r;
}
