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

/* The next word, which is taken off the text; empty at its end. */
static struct slice take_word(struct slice *text)
{
	size_t skipped = 0, size = 0;
	while (skipped < text->size && text->data[skipped] == ' ')
		skipped++;
	struct slice rest = slice_of(text->data + skipped, text->size - skipped);
	while (size < rest.size && rest.data[size] != ' ')
		size++;
	*text = slice_of(rest.data + size, rest.size - size);
	return slice_of(rest.data, size);
}

/* "pitr rm" of "pitr --store /srv/store rm orders 1001": the program and its verb. */
static struct part verb_of(const struct json *author)
{
	struct part verb = { "pitr" };
	struct slice command = { 0 }, word;
	if (!json_get_text(author, "command", &command))
		return verb;
	take_word(&command);
	while ((word = take_word(&command)).size > 0 && word.data[0] == '-')
		if (slice_equal(word, slice_of_text("--store")))
			take_word(&command);
	if (word.size > 0)
		snprintf(verb.text, sizeof(verb.text), "pitr %.*s", PART_MAX - 5, part_of(word).text);
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
