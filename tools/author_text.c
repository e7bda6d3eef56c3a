#include "tools/author_text.h"

#include <string.h>

#include "json.h"
#include "text.h"

#define REASON_MAX_BYTES 120

void author_text_append_plain(struct slice text, size_t max_bytes, struct buffer *out)
{
	struct slice cut = text_cut(text, max_bytes);
	for (size_t i = 0; i < cut.size; i++) {
		uint8_t byte = cut.data[i];
		/* U+0080 to U+009F are control characters too. */
		bool is_control =
			byte < ' ' || byte == 127 || (byte == 0xC2 && i + 1 < cut.size && cut.data[i + 1] < 0xA0);
		if (is_control && byte == 0xC2)
			i++;
		buffer_append_byte(out, is_control ? '?' : byte);
	}
	if (cut.size < text.size)
		buffer_append_text(out, "...");
}

static void append(const struct json *author, const char *label, struct buffer *out)
{
	struct slice by = { 0 }, pid = { 0 }, reason = { 0 };
	const struct json *member = json_member(author, "pid");
	size_t length = strlen(label);
	json_get_text(author, "by", &by);
	if (member && json_type(member) == JSON_NUMBER && slice_equal(by, slice_of_text("mount")))
		pid = json_text(member);
	bool is_open = pid.size > 0 && length > 0 && label[length - 1] == ')';
	buffer_append(out, label, is_open ? length - 1 : length);
	if (pid.size > 0) {
		buffer_append_text(out, is_open ? ", pid " : " (pid ");
		buffer_append_slice(out, pid);
		buffer_append_byte(out, ')');
	}
	if (json_get_text(author, "reason", &reason)) {
		buffer_append_text(out, ": ");
		author_text_append_plain(reason, REASON_MAX_BYTES, out);
	}
}

void author_text_append(struct slice author_text, struct buffer *out)
{
	char label[AUTHOR_LABEL_MAX];
	struct json *author = NULL;
	author_label(author_text, label);
	if (author_text.size > 0 && json_parse(author_text, &json_default_limits, &author, NULL) == 0)
		append(author, label, out);
	else
		buffer_append_text(out, label);
	json_free(author);
}
