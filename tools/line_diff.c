#include "tools/line_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* So many lines differ at most in a script that is the shortest: what it takes grows with the square. */
#define DISTANCE_MAX 1000

static int split(struct slice text, struct lines *lines)
{
	size_t count = 0;
	for (size_t i = 0; i < text.size; i++)
		count += text.data[i] == '\n' || i + 1 == text.size;
	lines->lines = calloc(count + 1, sizeof(*lines->lines));
	lines->is_different = calloc(count + 1, sizeof(*lines->is_different));
	if (!lines->lines || !lines->is_different)
		return -ENOMEM;
	for (const uint8_t *at = text.data, *end = at + text.size; lines->count < count; lines->count++) {
		const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
		lines->lines[lines->count] = slice_of(at, (size_t)((newline ? newline : end) - at));
		at = newline ? newline + 1 : end;
	}
	return 0;
}

/* The stretch between what both texts begin and end with. x goes over lines before, y over lines after; x - y is the diagonal. */
struct middle {
	struct lines *before, *after;
	size_t from, before_size, after_size;
};

static bool is_equal(const struct middle *m, size_t x, size_t y)
{
	return slice_equal(m->before->lines[m->from + x], m->after->lines[m->from + y]);
}

static struct middle middle_of(struct line_diff *diff)
{
	struct middle m = { .before = &diff->before, .after = &diff->after };
	size_t x = diff->before.count, y = diff->after.count;
	while (m.from < x && m.from < y && is_equal(&m, 0, 0))
		m.from++;
	while (x > m.from && y > m.from && slice_equal(diff->before.lines[x - 1], diff->after.lines[y - 1])) {
		x--;
		y--;
	}
	m.before_size = x - m.from;
	m.after_size = y - m.from;
	return m;
}

static void mark_all(const struct middle *m)
{
	for (size_t i = 0; i < m->before_size; i++)
		m->before->is_different[m->from + i] = true;
	for (size_t i = 0; i < m->after_size; i++)
		m->after->is_different[m->from + i] = true;
}

/* How far each diagonal has come with d differences; round d has diagonals -d to d, every second. */
struct trace {
	int *far; /* all rounds, one behind the other */
	size_t size, capacity;
};

static int *round_of(const struct trace *trace, int d)
{
	return trace->far + (size_t)d * (size_t)(d + 1) / 2;
}

/* Of the round's diagonals -d, -d+2, ..., d. */
static int far_at(const struct trace *trace, int d, int diagonal)
{
	return round_of(trace, d)[(diagonal + d) / 2];
}

static int add_round(struct trace *trace, int d)
{
	size_t size = trace->size + (size_t)d + 1;
	if (size > trace->capacity) {
		size_t capacity = 2 * size + 64;
		int *far = reallocarray(trace->far, capacity, sizeof(*far));
		if (!far)
			return -ENOMEM;
		trace->far = far;
		trace->capacity = capacity;
	}
	trace->size = size;
	return 0;
}

/* Is the last step onto this diagonal an added line (from the diagonal above), rather than a removed one? */
static bool is_step_down(const struct trace *trace, int d, int diagonal)
{
	if (diagonal == -d || diagonal == d)
		return diagonal == -d;
	return far_at(trace, d - 1, diagonal - 1) < far_at(trace, d - 1, diagonal + 1);
}

/* Where that step begins on this diagonal, before equal lines follow. */
static int begin_of(const struct trace *trace, int d, int diagonal)
{
	if (d == 0)
		return 0;
	return is_step_down(trace, d, diagonal) ? far_at(trace, d - 1, diagonal + 1)
						: far_at(trace, d - 1, diagonal - 1) + 1;
}

/* 1: this round has come to the end of both; 0: it has not. */
static int go_round(const struct middle *m, struct trace *trace, int d)
{
	int before = (int)m->before_size, after = (int)m->after_size;
	int r = add_round(trace, d);
	for (int diagonal = -d; diagonal <= d && !r; diagonal += 2) {
		int x = begin_of(trace, d, diagonal), y = x - diagonal;
		while (x < before && y < after && y >= 0 && is_equal(m, (size_t)x, (size_t)y)) {
			x++;
			y++;
		}
		round_of(trace, d)[(diagonal + d) / 2] = x;
		r = x >= before && y >= after;
	}
	return r;
}

static void mark_script(const struct middle *m, const struct trace *trace, int d)
{
	int diagonal = (int)m->before_size - (int)m->after_size;
	for (; d > 0; d--) {
		bool is_down = is_step_down(trace, d, diagonal);
		int x = begin_of(trace, d, diagonal), y = x - diagonal;
		if (is_down && y - 1 < (int)m->after_size)
			m->after->is_different[m->from + (size_t)(y - 1)] = true;
		if (!is_down && x - 1 < (int)m->before_size)
			m->before->is_different[m->from + (size_t)(x - 1)] = true;
		diagonal += is_down ? 1 : -1;
	}
}

static int compare(struct line_diff *diff)
{
	struct middle m = middle_of(diff);
	struct trace trace = { 0 };
	size_t lines = m.before_size + m.after_size;
	int r = 0, d;
	if (!m.before_size || !m.after_size) {
		mark_all(&m);
		return 0;
	}
	for (d = 0; !r && d <= DISTANCE_MAX && (size_t)d <= lines; d++)
		r = go_round(&m, &trace, d);
	if (r == 1)
		mark_script(&m, &trace, d - 1);
	else if (!r)
		mark_all(&m);
	free(trace.far);
	return r < 0 ? r : 0;
}

int line_diff_begin(struct line_diff *diff, struct slice before, struct slice after)
{
	*diff = (struct line_diff){ 0 };
	int r = split(before, &diff->before);
	if (!r)
		r = split(after, &diff->after);
	return r ? r : compare(diff);
}

void line_diff_end(struct line_diff *diff)
{
	free(diff->before.lines);
	free(diff->before.is_different);
	free(diff->after.lines);
	free(diff->after.is_different);
	*diff = (struct line_diff){ 0 };
}
