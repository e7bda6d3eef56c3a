#include "ahead.h"

void ahead_init(struct ahead *ahead)
{
	*ahead = (struct ahead){ 0 };
	pthread_mutex_init(&ahead->lock, NULL);
}

static void forget(struct ahead_answer *answer)
{
	view_put(answer->view);
	buffer_free(&answer->entries);
	*answer = (struct ahead_answer){ 0 };
}

void ahead_free(struct ahead *ahead)
{
	for (size_t i = 0; i < AHEAD_LISTINGS; i++)
		forget(&ahead->answers[i]);
}

static struct ahead_answer *place_of(struct ahead *ahead, const struct ahead_answer *answer)
{
	return &ahead->answers[(answer->nodeid ^ nodeid_slot(answer->nodeid)) % AHEAD_LISTINGS];
}

/* The number of the commit the transaction shows, if that is the last. Commits have greater numbers the later they are: asked in this
 * order, no other can have come between. */
static bool last_commit(struct store *store, struct store_txn *txn, uint64_t *ret_commit)
{
	*ret_commit = store_commit_number(store);
	return store_is_current(txn);
}

void ahead_keep(struct ahead *ahead, struct store *store, struct store_txn *txn, struct ahead_answer *answer)
{
	struct ahead_answer *place = place_of(ahead, answer);

	if (!last_commit(store, txn, &answer->commit)) {
		buffer_free(&answer->entries);
		return;
	}
	pthread_mutex_lock(&ahead->lock);
	forget(place);
	*place = *answer;
	view_hold(place->view);
	pthread_mutex_unlock(&ahead->lock);
}

static bool is_answer(const struct ahead_answer *kept, const struct ahead_answer *wanted)
{
	return kept->view == wanted->view && kept->nodeid == wanted->nodeid && kept->offset == wanted->offset &&
	       kept->size == wanted->size;
}

bool ahead_take(struct ahead *ahead, struct store *store, struct store_txn *txn, struct ahead_answer *answer)
{
	struct ahead_answer *place = place_of(ahead, answer);
	uint64_t commit;
	bool is_same;

	pthread_mutex_lock(&ahead->lock);
	is_same = is_answer(place, answer) && last_commit(store, txn, &commit) && commit == place->commit;
	if (is_same) {
		answer->entries = place->entries;
		answer->references = place->references;
		answer->last = place->last;
		place->entries = BUFFER_INIT;
		forget(place);
	}
	pthread_mutex_unlock(&ahead->lock);
	return is_same;
}
