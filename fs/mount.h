/* What all requests of a mount share. Made before the first request and gone after the last: its members never change. */
#ifndef PITR_FS_MOUNT_H
#define PITR_FS_MOUNT_H

#include <stdint.h>

#include "ahead.h"
#include "asides.h"
#include "counts.h"
#include "handle.h"
#include "hiding.h"
#include "history.h"
#include "instant.h"
#include "notifier.h"
#include "options.h"
#include "orders.h"
#include "pitrdir.h"
#include "prefetch.h"
#include "restoring.h"
#include "scratch.h"
#include "store.h"
#include "tell.h"
#include "texts.h"
#include "views.h"
#include "writer.h"

#define NODEID_ROOT UINT64_C(1)
#define NODEID_RESTORE UINT64_C(5) /* "restore/" */

/* Seconds the kernel may keep what it was told. The past never changes; of the live side it is told what does, so this
 * is only how long an error could last. */
#define TIMEOUT_PAST 31536000.0
#define TIMEOUT_LIVE 3600.0
/* That something is not there, of which the kernel is never told when it comes: long enough for the open that follows the
 * stat in every copy, short enough to be seen within 100 ms. */
#define TIMEOUT_ABSENT 0.05
/* Private files change through this kernel only. */
#define TIMEOUT_PRIVATE 1.0
/* "@-15m" is looked up again often enough to know whether it is in use, and "@latest" often enough to follow the changes;
 * but not for every file in a listing or a copy. */
#define TIMEOUT_RELATIVE 5.0
#define TIMEOUT_LATEST 0.005

struct mount {
	const struct options *options;
	struct history *history;
	struct store *store;
	struct instant_zone *zone; /* NULL: UTC */
	struct writer *writer;     /* NULL: read-only */
	struct views *views;
	struct view *asof; /* the store at the instant that all of the mount shows; NULL: it shows the present */
	struct scratch_set *scratch;
	struct asides *asides;
	struct texts *texts;
	struct orders *orders;
	struct hiding *hiding;
	struct restoring *restoring;
	struct handles handles;
	struct ahead ahead;
	struct pitrdir *pitrdir;
	struct tell *tell;
	struct notifier *notifier;
	struct prefetch *prefetch;
	struct keeper *keeper;
	struct watching *watching;
	struct counts counts;
	struct program *program; /* main.c's own */
	int64_t started_us;
};

#endif
