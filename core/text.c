#include "text.h"

#include "json.h"

struct slice text_cut(struct slice text, size_t max_bytes)
{
	if (text.size <= max_bytes)
		return text;
	size_t size = max_bytes;
	while (size > max_bytes - 4 && (text.data[size] & 0xc0) == 0x80)
		size--;
	return slice_of(text.data, size);
}

static void append_clean(struct buffer *out, struct slice text)
{
	while (text.size > 0) {
		size_t length = utf8_sequence_length(text);
		if (length > 0)
			buffer_append(out, text.data, length);
		else
			buffer_append_text(out, "\xef\xbf\xbd");
		length = length > 0 ? length : 1;
		text = slice_of(text.data + length, text.size - length);
	}
}

void text_append_json(struct buffer *out, struct slice text)
{
	if (utf8_is_valid(text)) {
		json_append_string(out, text);
		return;
	}
	struct buffer clean = BUFFER_INIT;
	append_clean(&clean, text);
	if (buffer_error(&clean) < 0)
		out->is_out_of_memory = true;
	json_append_string(out, buffer_slice(&clean));
	buffer_free(&clean);
}
