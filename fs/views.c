#include "views.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monotonic.h"
#include "views_parts.h"

#define SLOT_MAX ((UINT32_C(1) << (64 - NODE_NUMBER_BITS)) - 1)
#define IDLE_SLOTS_KEPT 256

struct view *view_new(uint64_t parent, struct slice name, const char *parent_path)
{
	struct view *view = calloc(1, sizeof(*view));

	if (view == NULL || name.size > FILE_NAME_MAX) {
		free(view);
		return NULL;
	}
	atomic_init(&view->references, 1);
	view->parent = parent;
	memcpy(view->name, name.data, name.size);
	if (asprintf(&view->path, "%s%s%s", parent_path, *parent_path == '\0' ? "" : "/", view->name) < 0) {
		free(view);
		return NULL;
	}
	return view;
}

struct view *view_again(const struct view *view)
{
	struct view *fresh = view_new(view->parent, slice_of_text(view->name), "");

	if (fresh == NULL)
		return NULL;
	free(fresh->path);
	fresh->path = strdup(view->path);
	if (fresh->path == NULL) {
		view_put(fresh);
		return NULL;
	}
	fresh->is_live = view->is_live;
	fresh->is_item = view->is_item;
	fresh->is_alias = view->is_alias;
	fresh->written = view->written;
	fresh->pin = view->pin;
	fresh->snapshot = view->snapshot;
	fresh->time_us = view->time_us;
	return fresh;
}

struct view *view_hold(struct view *view)
{
	atomic_fetch_add(&view->references, 1);
	return view;
}

void view_put(struct view *view)
{
	if (view == NULL || atomic_fetch_sub(&view->references, 1) != 1)
		return;
	table_free(&view->table);
	free(view->path);
	free(view);
}

int views_new(struct views **ret_views)
{
	struct views *views = calloc(1, sizeof(*views));

	if (views == NULL)
		return -ENOMEM;
	pthread_mutex_init(&views->lock, NULL);
	*ret_views = views;
	return 0;
}

void views_free(struct views *views)
{
	if (views == NULL)
		return;
	for (uint32_t i = 0; i < views->count; i++) {
		view_put(views->slots[i]->view);
		free(views->slots[i]);
	}
	free(views->slots);
	index_free(&views->by_name);
	index_free(&views->by_base);
	index_free(&views->by_table);
	pthread_mutex_destroy(&views->lock);
	free(views);
}

static uint64_t name_hash(uint64_t parent, struct slice name)
{
	return index_hash(parent, name);
}

/* --- slots nobody refers to --- */

static void idle_unlink(struct views *views, struct slot *slot)
{
	if (!slot->is_idle)
		return;
	*(slot->previous_idle == NULL ? &views->oldest_idle : &slot->previous_idle->next_idle) = slot->next_idle;
	*(slot->next_idle == NULL ? &views->newest_idle : &slot->next_idle->previous_idle) = slot->previous_idle;
	slot->previous_idle = slot->next_idle = NULL;
	slot->is_idle = false;
	views->idle--;
}

static void idle_append(struct views *views, struct slot *slot)
{
	slot->previous_idle = views->newest_idle;
	slot->next_idle = NULL;
	*(views->newest_idle == NULL ? &views->oldest_idle : &views->newest_idle->next_idle) = slot;
	views->newest_idle = slot;
	slot->is_idle = true;
	views->idle++;
}

static void slot_unname(struct views *views, struct slot *slot)
{
	if (slot->is_named)
		index_remove(&views->by_name, &slot->by_name);
	if (slot->is_named && slot->view->is_live)
		index_remove(&views->by_table, &slot->by_table);
	slot->is_named = false;
}

static void slot_clear(struct views *views, struct slot *slot)
{
	slot_unname(views, slot);
	index_remove(&views->by_base, &slot->by_base);
	view_put(slot->view);
	slot->view = NULL;
}

/* The slot unused for longest, when enough of them are kept and no request is about to use it. */
static struct slot *slot_reuse(struct views *views)
{
	struct slot *slot = views->oldest_idle;

	if (views->idle <= IDLE_SLOTS_KEPT)
		return NULL;
	while (slot != NULL && slot->view != NULL && atomic_load(&slot->view->references) > 1)
		slot = slot->next_idle;
	if (slot == NULL)
		return NULL;
	idle_unlink(views, slot);
	if (slot->view != NULL)
		slot_clear(views, slot);
	return slot;
}

static struct slot *slot_new(struct views *views)
{
	struct slot *slot;

	if (views->count == views->capacity) {
		uint32_t capacity = views->capacity == 0 ? 64 : views->capacity * 2;
		struct slot **slots = realloc(views->slots, capacity * sizeof(*slots));

		if (slots == NULL)
			return NULL;
		views->slots = slots;
		views->capacity = capacity;
	}
	if (views->count >= SLOT_MAX)
		return NULL;
	slot = calloc(1, sizeof(*slot));
	if (slot == NULL)
		return NULL;
	views->slots[views->count++] = slot;
	slot->number = views->count;
	return slot;
}

/* --- inode numbers --- */

static bool is_same_snapshot(const struct snapshot *a, const struct snapshot *b)
{
	return a->table == b->table && a->seq == b->seq && a->time_us == b->time_us;
}

static bool is_same_state(const struct view *a, const struct view *b)
{
	if (a->branch != NULL || b->branch != NULL)
		return a->branch == b->branch && a->table.number == b->table.number && strcmp(a->path, b->path) == 0 &&
		       is_same_snapshot(&a->from, &b->from) && is_same_snapshot(&a->snapshot, &b->snapshot);
	/* Nobody is to take a table and its alias for a directory that contains itself. */
	if (a->is_alias != b->is_alias || (a->is_alias && strcmp(a->path, b->path) != 0))
		return false;
	return a->is_store == b->is_store && a->time_us == b->time_us && a->snapshot.table == b->snapshot.table &&
	       a->snapshot.seq == b->snapshot.seq;
}

/* What came before the last change goes on being the same directory, with the same files (their numbers belong to keys), though it changes
 * with every change: whoever copies out of it must not take each file for another one. */
static bool is_going_on(const struct view *view)
{
	return view->branch != NULL && view->written == INSTANT_LATEST;
}

static bool has_same_numbers(const struct view *a, const struct view *b)
{
	if (is_going_on(a) && is_going_on(b))
		return a->branch == b->branch && a->table.number == b->table.number && strcmp(a->path, b->path) == 0;
	return is_same_state(a, b);
}

/* From what the view shows, so that it is the same in every mount; another one only where two states would have the same. */
static uint64_t choose_base(const struct views *views, const struct view *view)
{
	struct slice id = view->branch != NULL ? slice_of_text(view->path)
			  : view->is_store     ? slice_of_text("store")
					       : slice_of_text(view->table.id);
	uint64_t seed = is_going_on(view) ? 0 : (uint64_t)view->time_us * 31 + view->snapshot.seq;
	uint64_t base = index_hash(seed, id) >> NODE_NUMBER_BITS;

	for (;; base++) {
		struct index_link *link;

		base &= SLOT_MAX;
		base += base == 0;
		link = index_first(&views->by_base, base);
		while (link != NULL && has_same_numbers(index_holder(link, struct slot, by_base)->view, view))
			link = index_next(link);
		if (link == NULL)
			return base << NODE_NUMBER_BITS;
	}
}

/* --- finding --- */

struct view *views_get(struct views *views, uint32_t number)
{
	struct view *view = NULL;
	struct slot *slot;

	pthread_mutex_lock(&views->lock);
	slot = slot_at(views, number);
	if (slot != NULL && slot->view != NULL)
		view = view_hold(slot->view);
	pthread_mutex_unlock(&views->lock);
	return view;
}

static struct slot *find_named(const struct views *views, uint64_t parent, struct slice name)
{
	struct index_link *link = index_first(&views->by_name, name_hash(parent, name));

	for (; link != NULL; link = index_next(link)) {
		struct slot *slot = index_holder(link, struct slot, by_name);

		if (slot->view->parent == parent && slice_equal(slice_of_text(slot->view->name), name))
			return slot;
	}
	return NULL;
}

static struct view *use(struct views *views, struct slot *slot, int64_t now_ms)
{
	slot->used_ms = now_ms;
	/* The last to be given to others: whoever looks it up is about to count a reference. */
	if (slot->is_idle) {
		idle_unlink(views, slot);
		idle_append(views, slot);
	}
	return view_hold(slot->view);
}

struct view *views_find(struct views *views, uint64_t parent, struct slice name, int64_t *ret_idle_ms)
{
	struct view *view = NULL;
	struct slot *slot;

	pthread_mutex_lock(&views->lock);
	slot = find_named(views, parent, name);
	if (slot != NULL) {
		int64_t now_ms = monotonic_ms();

		*ret_idle_ms = now_ms - slot->used_ms;
		view = use(views, slot, now_ms);
	}
	pthread_mutex_unlock(&views->lock);
	return view;
}

struct view *views_find_asked(
	struct views *views, uint64_t parent, struct slice name, pid_t asked_by, int64_t idle_max_ms)
{
	int64_t now_ms = monotonic_ms();
	struct view *view = NULL;
	struct slot *slot;

	pthread_mutex_lock(&views->lock);
	slot = find_named(views, parent, name);
	if (slot != NULL && is_going_on(slot->view) && asked_by != 0 &&
		atomic_load(&slot->view->asked_by) == asked_by && now_ms - slot->used_ms <= idle_max_ms)
		view = use(views, slot, now_ms);
	pthread_mutex_unlock(&views->lock);
	return view;
}

/* --- adding --- */

static struct view *use_slot(struct views *views, struct slot *slot, struct view *view)
{
	slot->view = view;
	slot->references = 0;
	slot->pins = 0;
	slot->is_told = false;
	slot->used_ms = monotonic_ms();
	slot->is_named = true;
	view->slot = slot->number;
	view->ino_base = choose_base(views, view);
	index_add(&views->by_name, &slot->by_name, name_hash(view->parent, slice_of_text(view->name)));
	index_add(&views->by_base, &slot->by_base, view->ino_base >> NODE_NUMBER_BITS);
	if (view->is_live)
		index_add(&views->by_table, &slot->by_table, table_hash(view->table.number));
	idle_append(views, slot);
	return view_hold(view);
}

static int add_locked(struct views *views, struct view *view, struct view **ret_view)
{
	struct slot *old = find_named(views, view->parent, slice_of_text(view->name)), *slot;
	int result;

	if (old != NULL && is_same_state(old->view, view) && old->view->pin.number == view->pin.number) {
		*ret_view = view_hold(old->view);
		view_put(view);
		return 0;
	}
	result = index_reserve(&views->by_name);
	if (result == 0)
		result = index_reserve(&views->by_base);
	if (result == 0)
		result = index_reserve(&views->by_table);
	if (result < 0)
		return result;
	slot = slot_reuse(views);
	if (slot == NULL)
		slot = slot_new(views);
	if (slot == NULL)
		return -ENOMEM;
	old = find_named(views, view->parent, slice_of_text(view->name));
	if (old != NULL)
		slot_unname(views, old);
	*ret_view = use_slot(views, slot, view);
	return 0;
}

int views_add(struct views *views, struct view *view, struct view **ret_view)
{
	int result;

	pthread_mutex_lock(&views->lock);
	result = add_locked(views, view, ret_view);
	pthread_mutex_unlock(&views->lock);
	return result;
}

void views_unname(struct views *views, uint32_t number)
{
	struct slot *slot;

	pthread_mutex_lock(&views->lock);
	slot = slot_at(views, number);
	if (slot != NULL && slot->view != NULL)
		slot_unname(views, slot);
	pthread_mutex_unlock(&views->lock);
}

void views_refresh(struct views *views, uint32_t number, struct view *view)
{
	struct view *old = NULL;
	struct slot *slot;

	pthread_mutex_lock(&views->lock);
	slot = slot_at(views, number);
	if (slot != NULL && slot->view != NULL) {
		old = slot->view;
		view->slot = old->slot;
		view->ino_base = old->ino_base;
		slot->view = view;
	} else {
		old = view;
	}
	pthread_mutex_unlock(&views->lock);
	view_put(old);
}

/* --- counting --- */

static void settle(struct views *views, struct slot *slot)
{
	bool is_idle = slot->references == 0 && slot->pins == 0;

	if (is_idle && !slot->is_idle)
		idle_append(views, slot);
	else if (!is_idle)
		idle_unlink(views, slot);
}

void views_count(struct views *views, uint32_t number, int64_t references)
{
	struct slot *slot;

	pthread_mutex_lock(&views->lock);
	slot = slot_at(views, number);
	if (slot != NULL && slot->view != NULL) {
		bool was_referred_to = slot->references > 0, is_referred_to;

		slot->references += references;
		assert(slot->references >= 0);
		is_referred_to = slot->references > 0;
		if (!slot->view->is_live && was_referred_to != is_referred_to)
			views->past += is_referred_to ? (size_t)1 : (size_t)-1;
		if (!is_referred_to)
			slot->is_told = false;
		settle(views, slot);
	}
	pthread_mutex_unlock(&views->lock);
}

void views_pin(struct views *views, uint32_t number, int by)
{
	struct slot *slot;

	pthread_mutex_lock(&views->lock);
	slot = slot_at(views, number);
	if (slot != NULL && slot->view != NULL) {
		slot->pins += by;
		assert(slot->pins >= 0);
		settle(views, slot);
	}
	pthread_mutex_unlock(&views->lock);
}

size_t views_past(struct views *views)
{
	size_t past;

	pthread_mutex_lock(&views->lock);
	past = views->past;
	pthread_mutex_unlock(&views->lock);
	return past;
}
