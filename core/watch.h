/* News of commits: a thread that tells which nodes changed, whoever changed them.
 *
 * A watcher that fell behind by more than the WATCH_COMMITS commits whose notes are kept (news.h), or for whom changes
 * were forgotten before it came by, is told to forget everything. */
#ifndef PITR_WATCH_H
#define PITR_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "history.h"
#include "news.h"

struct watch_event {
	uint32_t table;
	enum change_op op;
	uint64_t seq;
	bool is_past;     /* an import added it below the time of an earlier commit */
	struct node node; /* number, kind, directory, encoded_key; valid during the call */
};

/* `changed` is called for each change, in order, from the watcher's thread; `lost` when some were missed;
 * `settled` after
 * each round, and about every 40 ms when nothing happens, with the number of the last commit (store_commit_number) up to which all
 * has been told. No transaction of the caller may be open in them. */
struct watch_callbacks {
	void (*changed)(void *context, struct store_txn *txn, const struct watch_event *event);
	void (*lost)(void *context);
	void (*settled)(void *context, uint64_t told);
	void *context;
};

struct watch;
int watch_start(struct history *history, const struct watch_callbacks *callbacks, struct watch **ret_watch);
void watch_stop(struct watch *watch);

#endif
