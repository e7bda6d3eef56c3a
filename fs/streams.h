/* Who reads the entries of a directory in their order, and what of them is to be given ahead. Knows neither the kernel nor the store, and
 * is not locked.
 *
 * A stream is one reader on its way through one directory. The first entries behind it are due as soon as it seems to be one: at the
 * directory's first entry, or at the third in order. From then on a chunk of entries is always given in advance, each beginning with a
 * mark: an entry that is left out, so that the reader has to ask for it. When it does, the next chunk is due while there is
 * still all of this one to read, and is twice as large. Who does not get to the mark is given no more. */
#ifndef PITR_FS_STREAMS_H
#define PITR_FS_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAMS 16
#define STREAM_NEAR 16    /* entries this near are neighbours: some are dead, some are not wanted */
#define STREAM_IN_ORDER 2 /* so many steps to a neighbour, and it is no chance */
#define STREAM_RISING                                                                                                  \
	4 /* so many in a row that are not near, each behind the one before: the dead may lie between them */
#define STREAM_FIRST 32      /* entries in a first chunk */
#define STREAM_DIRECTORY 128 /* the same of a directory that is read from its first entry on: mostly all of it */
#define STREAM_MAX 1024
#define STREAM_PORTION 64 /* what is given at a time */

#define STREAM_NOWHERE UINT64_MAX

struct stream {
	uint32_t view; /* slot of the view; 0: unused */
	uint64_t directory;
	uint64_t id;
	uint64_t last, before; /* the entry read last, and the one before */
	unsigned near;         /* how many in a row were neighbours */
	unsigned rising;       /* and how many each behind the one before */
	uint64_t next;         /* nothing from this entry on was given */
	uint64_t mark;         /* who reads this one, or one behind it, is due more */
	uint32_t chunk;        /* how much is due at the next mark; 0: it is none yet */
	uint32_t due;          /* pages still to give */
	bool is_marking;       /* the next that is given is left out */
	uint64_t used;         /* the greater the later */
};

struct streams {
	struct stream of[STREAMS];
	uint64_t uses;
	size_t turn; /* the stream that was given something last */
};

/* What is to be given to one stream now. */
struct portion {
	size_t stream;
	uint64_t id;
	uint32_t view;
	uint64_t directory;
	uint64_t before,
		last; /* neither is near: only to be given if few living lie between; `before` STREAM_NOWHERE: they are near */
	uint64_t from;  /* entries from here on */
	uint32_t pages; /* so many at most */
	bool is_marking;
	bool is_dry; /* nothing is left to the reader: the next is being asked for already */
	/* What became of it. */
	uint64_t next;     /* where to go on */
	uint64_t mark;     /* the entry that was left out; STREAM_NOWHERE: none */
	uint32_t given;    /* pages, or entries that have none */
	bool is_over;      /* the directory ends here, or is no more */
	bool is_unknown;   /* the kernel does not know what lies here yet */
	bool is_no_stream; /* too many lie between */
};

/* An entry was read. True: something is due. */
bool streams_follow(struct streams *streams, uint32_t view, uint64_t directory, uint64_t entry);
/* False: nothing is due. */
bool streams_take(struct streams *streams, struct portion *ret_portion);
/* Where the reader is, if it is still the same. */
uint64_t streams_last(const struct streams *streams, const struct portion *portion);
void streams_given(struct streams *streams, const struct portion *portion);

#endif
