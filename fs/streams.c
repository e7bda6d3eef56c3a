#include "streams.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool is_near(uint64_t place, uint64_t entry)
{
	return entry >= place && entry - place <= STREAM_NEAR;
}

/* Is the entry the next of this reader? 2: near; 1: it may be; 0: no. */
static int fits(const struct stream *stream, uint32_t view, uint64_t directory, uint64_t entry)
{
	if (stream->view != view || stream->directory != directory || entry < stream->last)
		return 0;
	/* What is being given at the moment counts as given. */
	if (is_near(stream->last, entry) || (stream->chunk > 0 && entry <= stream->next + stream->due + STREAM_NEAR))
		return 2;
	return stream->chunk == 0 ? 1 : 0;
}

static struct stream *find(struct streams *streams, uint32_t view, uint64_t directory, uint64_t entry)
{
	struct stream *found = NULL;
	int best = 0;

	for (size_t i = 0; i < STREAMS && best < 2; i++) {
		int fit = fits(&streams->of[i], view, directory, entry);

		if (fit > best)
			found = &streams->of[i];
		best = fit > best ? fit : best;
	}
	return found;
}

static struct stream *oldest(struct streams *streams)
{
	struct stream *found = &streams->of[0];

	for (size_t i = 1; i < STREAMS; i++) {
		if (streams->of[i].used < found->used)
			found = &streams->of[i];
	}
	return found;
}

static bool begin(struct stream *stream, uint32_t pages)
{
	stream->chunk = STREAM_FIRST;
	stream->due = pages;
	stream->next = stream->last + 1;
	stream->mark = STREAM_NOWHERE;
	return true;
}

static bool add(struct streams *streams, uint32_t view, uint64_t directory, uint64_t entry)
{
	struct stream *stream = oldest(streams);

	*stream = (struct stream){ .view = view,
		.directory = directory,
		.id = streams->uses,
		.used = streams->uses,
		.last = entry,
		.before = STREAM_NOWHERE };
	return entry == 0 && begin(stream, STREAM_DIRECTORY);
}

/* The next chunk. */
static bool go_on(struct stream *stream)
{
	stream->due = stream->chunk;
	stream->is_marking = true;
	return true;
}

static bool go_on_larger(struct stream *stream)
{
	stream->chunk = (uint32_t)least((uint64_t)stream->chunk * 2, STREAM_MAX);
	return go_on(stream);
}

bool streams_follow(struct streams *streams, uint32_t view, uint64_t directory, uint64_t entry)
{
	struct stream *stream = find(streams, view, directory, entry);
	bool is_next;

	streams->uses++;
	if (stream == NULL)
		return add(streams, view, directory, entry);
	stream->used = streams->uses;
	if (entry == stream->last)
		return false;
	is_next = is_near(stream->last, entry);
	stream->before = stream->last;
	stream->last = entry;
	if (stream->chunk > 0)
		return stream->due == 0 && entry >= stream->mark && go_on_larger(stream);
	stream->near = is_next ? stream->near + 1 : 0;
	stream->rising++;
	return (stream->near >= STREAM_IN_ORDER || stream->rising >= STREAM_RISING) && begin(stream, STREAM_FIRST);
}

bool streams_take(struct streams *streams, struct portion *ret_portion)
{
	for (size_t i = 0; i < STREAMS; i++) {
		const struct stream *stream;

		streams->turn = (streams->turn + 1) % STREAMS;
		stream = &streams->of[streams->turn];
		if (stream->due == 0)
			continue;
		*ret_portion = (struct portion){ .stream = streams->turn,
			.id = stream->id,
			.view = stream->view,
			.directory = stream->directory,
			.before = stream->near < STREAM_IN_ORDER && stream->rising >= STREAM_RISING ? stream->before
												    : STREAM_NOWHERE,
			.last = stream->last,
			.is_dry = stream->next <= stream->last + 1,
			.from = stream->next <= stream->last ? stream->last + 1 : stream->next,
			.pages = (uint32_t)least(stream->due, STREAM_PORTION),
			.is_marking = stream->is_marking,
			.mark = STREAM_NOWHERE };
		ret_portion->next = ret_portion->from;
		return true;
	}
	return false;
}

static struct stream *stream_of(struct streams *streams, const struct portion *portion)
{
	struct stream *stream = &streams->of[portion->stream];

	return stream->id == portion->id && stream->chunk > 0 ? stream : NULL;
}

uint64_t streams_last(const struct streams *streams, const struct portion *portion)
{
	const struct stream *stream = &streams->of[portion->stream];

	return stream->id == portion->id ? stream->last : STREAM_NOWHERE;
}

/* It is to come back later: not for every entry it reads. */
static void pause(struct stream *stream)
{
	stream->due = 0;
	stream->mark = stream->next + stream->chunk;
	stream->chunk = (uint32_t)least((uint64_t)stream->chunk * 2, STREAM_MAX);
}

void streams_given(struct streams *streams, const struct portion *portion)
{
	struct stream *stream = stream_of(streams, portion);

	if (stream == NULL)
		return;
	if (portion->is_no_stream) {
		stream->chunk = stream->due = stream->near = stream->rising = 0;
		return;
	}
	stream->rising = 0;
	stream->next = portion->next;
	stream->due -= (uint32_t)least(stream->due, portion->given);
	if (portion->mark != STREAM_NOWHERE) {
		stream->mark = portion->mark;
		stream->is_marking = false;
	}
	if (portion->is_over) {
		stream->due = 0;
		stream->mark = stream->next;
	} else if (portion->is_unknown) {
		pause(stream);
	} else if (stream->due == 0 && stream->mark == STREAM_NOWHERE) {
		(void)go_on(stream);
	} else if (stream->due == 0 && stream->last >= stream->mark) {
		(void)go_on_larger(stream);
	}
}
