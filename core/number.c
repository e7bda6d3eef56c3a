#include "number.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 38
#define EXPONENT_MIN (-130)
#define EXPONENT_MAX 125
#define EXPONENT_FAR INT64_C(1000000000000) /* out of range whatever the digits; far from overflow when added to */

/* Ordered form: two bytes of sign and exponent, the digits in pairs, an end byte; zero is one byte. Each pair's byte
 * lies between the two end bytes, so that 1 < 1.2 and -1.2 < -1. */
#define ORDERED_ZERO 0x80
#define ORDERED_PAIR 2
#define ORDERED_END_POSITIVE 0x01
#define ORDERED_END_NEGATIVE 0xff

/* d.ddd times ten to the exponent, without leading or trailing zeros; no digits: zero. */
struct decimal {
	bool is_negative;
	bool has_too_many_digits;
	unsigned count;
	uint8_t digits[DIGITS_MAX];
	int64_t exponent;      /* of the first digit */
	int64_t last_exponent; /* of the last digit written, zeros included */
};

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Zeros count only once another digit follows them. */
static void append_digit(struct decimal *d, uint8_t digit, size_t *zeros)
{
	if (digit == 0) {
		*zeros += d->count > 0;
		return;
	}
	if (*zeros >= DIGITS_MAX || d->count + *zeros >= DIGITS_MAX) {
		d->has_too_many_digits = true;
		return;
	}
	for (; *zeros > 0; --*zeros)
		d->digits[d->count++] = 0;
	d->digits[d->count++] = digit;
}

static bool scan_digits(struct reader *r, struct decimal *ret)
{
	size_t zeros = 0;
	int64_t seen = 0, before_point = -1, first = 0;
	for (; reader_left(r) > 0; r->at++) {
		if (*r->at == '.' && before_point < 0) {
			before_point = seen;
			continue;
		}
		if (!is_digit(*r->at))
			break;
		if (ret->count == 0)
			first = seen;
		append_digit(ret, (uint8_t)(*r->at - '0'), &zeros);
		seen++;
	}
	if (before_point < 0)
		before_point = seen;
	ret->exponent = before_point - 1 - first;
	ret->last_exponent = before_point - seen;
	return seen > 0;
}

/* False when there are no digits or the exponent is beyond 64 bits. */
static bool scan_exponent(struct reader *r, int64_t *ret_exponent)
{
	bool is_negative = false;
	if (reader_left(r) > 0 && (*r->at == '+' || *r->at == '-'))
		is_negative = *r->at++ == '-';
	if (reader_left(r) == 0)
		return false;
	int64_t value = 0;
	for (; reader_left(r) > 0; r->at++) {
		if (!is_digit(*r->at) || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, *r->at - '0', &value))
			return false;
	}
	if (value > EXPONENT_FAR)
		value = EXPONENT_FAR;
	*ret_exponent = is_negative ? -value : value;
	return true;
}

static bool scan(struct slice text, struct decimal *ret)
{
	struct reader r = reader_of(text);
	*ret = (struct decimal){ 0 };
	if (reader_left(&r) > 0 && (*r.at == '+' || *r.at == '-'))
		ret->is_negative = *r.at++ == '-';
	if (!scan_digits(&r, ret))
		return false;
	if (reader_left(&r) == 0)
		return true;
	if (*r.at != 'e' && *r.at != 'E')
		return false;
	r.at++;
	int64_t exponent = 0;
	if (!scan_exponent(&r, &exponent))
		return false;
	ret->exponent += exponent;
	ret->last_exponent += exponent;
	return true;
}

static int check_range(const struct decimal *d, struct error *error)
{
	/* DynamoDB holds zero to the same range, by its last digit: 0e126 is too large, 0.0e126 is not. */
	int64_t exponent = d->count > 0 ? d->exponent : d->last_exponent;
	if (d->has_too_many_digits)
		return error_set_aws(error, -EINVAL, "ValidationException",
			"Attempting to store more than 38 significant digits in a Number");
	if (exponent > EXPONENT_MAX)
		return error_set_aws(error, -EINVAL, "ValidationException",
			"Number overflow. Attempting to store a number with magnitude larger than supported range");
	if (exponent < EXPONENT_MIN)
		return error_set_aws(error, -EINVAL, "ValidationException",
			"Number underflow. Attempting to store a number with magnitude smaller than supported range");
	return 0;
}

static size_t format(const struct decimal *d, char *ret_text)
{
	char *at = ret_text;
	if (d->count == 0) {
		memcpy(at, "0", 2);
		return 1;
	}
	if (d->is_negative)
		*at++ = '-';
	int whole = d->exponent >= 0 ? (int)d->exponent + 1 : 0;
	for (int i = 0; i < whole; i++)
		*at++ = (char)('0' + ((unsigned)i < d->count ? d->digits[i] : 0));
	if (whole == 0)
		*at++ = '0';
	if (d->count > (unsigned)whole)
		*at++ = '.';
	for (int64_t i = d->exponent; i < -1; i++)
		*at++ = '0';
	for (unsigned i = (unsigned)whole; i < d->count; i++)
		*at++ = (char)('0' + d->digits[i]);
	*at = '\0';
	return (size_t)(at - ret_text);
}

int number_canonical(struct slice text, char *ret_text, size_t *ret_size, struct error *error)
{
	struct decimal d;
	if (!scan(text, &d))
		return error_set_aws(error, -EINVAL, "ValidationException",
			"The parameter cannot be converted to a numeric value: %.*s",
			text.size < 200 ? (int)text.size : 200, text.size > 0 ? (const char *)text.data : "");
	int rc = check_range(&d, error);
	if (rc < 0)
		return rc;
	*ret_size = format(&d, ret_text);
	return 0;
}

static int compare_magnitude(const struct decimal *a, const struct decimal *b)
{
	if (a->exponent != b->exponent)
		return a->exponent < b->exponent ? -1 : 1;
	return slice_compare(slice_of(a->digits, a->count), slice_of(b->digits, b->count));
}

static int sign_of(const struct decimal *d)
{
	if (d->count == 0)
		return 0;
	return d->is_negative ? -1 : 1;
}

int number_compare(struct slice a, struct slice b)
{
	struct decimal x, y;
	scan(a, &x);
	scan(b, &y);
	int sign = sign_of(&x);
	if (sign != sign_of(&y))
		return sign - sign_of(&y);
	if (sign == 0)
		return 0;
	return sign * compare_magnitude(&x, &y);
}

void number_append_ordered(struct slice canonical, struct buffer *out)
{
	struct decimal d;
	bool is_number = scan(canonical, &d) && check_range(&d, NULL) == 0;
	assert(is_number);
	(void)is_number;
	if (d.count == 0) {
		buffer_append_byte(out, ORDERED_ZERO);
		return;
	}
	unsigned exponent = (unsigned)(d.exponent - EXPONENT_MIN);
	uint8_t high = (uint8_t)(1 + (exponent >> 7)), low = (uint8_t)(exponent & 0x7f);
	buffer_append_byte(out, (uint8_t)(d.is_negative ? ORDERED_ZERO - high : ORDERED_ZERO + high));
	buffer_append_byte(out, (uint8_t)(1 + (d.is_negative ? 0x7f - low : low)));
	for (unsigned i = 0; i < d.count; i += 2) {
		int pair = d.digits[i] * 10 + (i + 1 < d.count ? d.digits[i + 1] : 0);
		buffer_append_byte(out, (uint8_t)(ORDERED_PAIR + (d.is_negative ? 99 - pair : pair)));
	}
	buffer_append_byte(out, d.is_negative ? ORDERED_END_NEGATIVE : ORDERED_END_POSITIVE);
}

size_t number_ordered_size(struct slice bytes)
{
	if (bytes.size == 0)
		return 0;
	if (bytes.data[0] == ORDERED_ZERO)
		return 1;
	uint8_t end = bytes.data[0] < ORDERED_ZERO ? ORDERED_END_NEGATIVE : ORDERED_END_POSITIVE;
	/* The second byte is of the exponent and may look like an end. */
	const uint8_t *at = bytes.size > 2 ? memchr(bytes.data + 2, end, bytes.size - 2) : NULL;
	return at != NULL ? (size_t)(at - bytes.data) + 1 : 0;
}

static bool read_ordered_digits(struct reader *r, struct decimal *d)
{
	uint8_t end = d->is_negative ? ORDERED_END_NEGATIVE : ORDERED_END_POSITIVE;
	for (uint8_t byte = reader_byte(r); byte != end; byte = reader_byte(r)) {
		if (byte < ORDERED_PAIR || byte > ORDERED_PAIR + 99 || d->count == DIGITS_MAX)
			return false;
		int pair = d->is_negative ? 99 - (byte - ORDERED_PAIR) : byte - ORDERED_PAIR;
		d->digits[d->count++] = (uint8_t)(pair / 10);
		d->digits[d->count++] = (uint8_t)(pair % 10);
	}
	if (d->count == 0 || d->digits[0] == 0)
		return false;
	d->count -= d->digits[d->count - 1] == 0;
	return d->digits[d->count - 1] != 0;
}

int number_from_ordered(struct slice ordered, char *ret_text, size_t *ret_size)
{
	struct reader r = reader_of(ordered);
	struct decimal d = { 0 };
	uint8_t sign = reader_byte(&r);
	if (sign != ORDERED_ZERO) {
		d.is_negative = sign < ORDERED_ZERO;
		int high = d.is_negative ? ORDERED_ZERO - sign - 1 : sign - ORDERED_ZERO - 1;
		int low = reader_byte(&r) - 1;
		if (high > 1 || low < 0 || low > 0x7f)
			return -EINVAL;
		d.exponent = (high << 7) + (d.is_negative ? 0x7f - low : low) + EXPONENT_MIN;
		if (!read_ordered_digits(&r, &d))
			return -EINVAL;
	}
	if (r.is_bad || reader_left(&r) > 0)
		return -EINVAL;
	*ret_size = format(&d, ret_text);
	return 0;
}

size_t number_size_bytes(struct slice canonical)
{
	struct decimal d;
	if (!scan(canonical, &d) || d.count == 0)
		return 1;
	size_t whole = d.exponent >= 0 ? (size_t)d.exponent + 1 : 0;
	if (whole > d.count)
		whole = d.count;
	size_t fraction = d.count - whole;
	return 1 + (whole + 1) / 2 + (fraction + 1) / 2 + (d.is_negative ? 1 : 0);
}
