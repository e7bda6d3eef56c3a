/* What went wrong, told to a person.
 *
 * Every function that can fail returns 0 (or a count) on success and a negative errno on failure. Where a person has to
 * act on the cause, the last parameter is a `struct error *`, owned by the caller, NULL allowed. It is written only on
 * failure, by the level that first knows the cause; levels above may put context in front, never change the code.
 * A message is one line without a newline: what failed, on what, why, and what to do. */
#ifndef PITR_ERROR_H
#define PITR_ERROR_H

struct error {
	int code;        /* negative errno, the same that was returned */
	const char *aws; /* name of the AWS exception it corresponds to, a static string; NULL: none */
	char message[512];
};

/* Writes code and the formatted message into `error` (may be NULL) and returns `code`, so that one can
 * `return error_set(error, -EINVAL, "...")`. A message that is too long is cut at a character boundary. */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same, with the AWS exception name (static string) a script expects. */
int error_set_aws(struct error *error, int code, const char *aws, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "context: " in front of the message. The code stays. Returns the code. */
int error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The message if there is one, else strerror() of the code. Borrowed from `error`. */
const char *error_text(const struct error *error);

#endif
