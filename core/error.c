#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

/* Arguments may carry names and values from anywhere; the message stays one line of valid UTF-8. */
static void tidy(char *message, bool is_cut)
{
	size_t size = strlen(message);
	for (size_t i = 0; i < size;) {
		size_t length = utf8_sequence_length(slice_of(message + i, size - i));
		if (length == 0 && is_cut && size - i < 4) {
			message[i] = '\0';
			return;
		}
		if (length == 0)
			message[i] = '?';
		else if ((unsigned char)message[i] < 0x20 || message[i] == 0x7f)
			message[i] = ' ';
		i += length > 0 ? length : 1;
	}
}

static int set(struct error *error, int code, const char *aws, const char *format, va_list arguments)
	__attribute__((format(printf, 4, 0)));

static int set(struct error *error, int code, const char *aws, const char *format, va_list arguments)
{
	if (error == NULL)
		return code;
	/* Not straight into the message: an argument may point there. */
	char message[sizeof(error->message)];
	int length = vsnprintf(message, sizeof(message), format, arguments);
	if (length < 0)
		message[0] = '\0';
	tidy(message, length >= (int)sizeof(message));
	error->code = code;
	error->aws = aws;
	memcpy(error->message, message, sizeof(message));
	return code;
}

int error_set(struct error *error, int code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	set(error, code, NULL, format, arguments);
	va_end(arguments);
	return code;
}

int error_set_aws(struct error *error, int code, const char *aws, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	set(error, code, aws, format, arguments);
	va_end(arguments);
	return code;
}

int error_prefix(struct error *error, const char *format, ...)
{
	if (error == NULL)
		return -EINVAL;
	char context[sizeof(error->message)];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(context, sizeof(context), format, arguments);
	va_end(arguments);
	if (length < 0)
		return error->code;
	return error_set_aws(error, error->code, error->aws, "%s: %s", context, error_text(error));
}

const char *error_text(const struct error *error)
{
	if (error->message[0] != '\0')
		return error->message;
	return strerror(error->code < 0 ? -error->code : error->code);
}
