#include <errno.h>
#include <stdlib.h>

#include "views.h"
#include "views_parts.h"

struct aged_view {
	struct view *view;
	int64_t used_ms;
};

static int compare_age(const void *a, const void *b)
{
	int64_t a_ms = ((const struct aged_view *)a)->used_ms, b_ms = ((const struct aged_view *)b)->used_ms;

	return (a_ms > b_ms) - (a_ms < b_ms);
}

/* Held; the caller puts them back and frees the array. */
static struct aged_view *collect(struct views *views, bool (*is_wanted)(const struct slot *slot, uint32_t table),
	uint32_t table, size_t *ret_count)
{
	struct aged_view *found;
	size_t count = 0;

	pthread_mutex_lock(&views->lock);
	found = calloc((size_t)views->count + 1, sizeof(*found));
	for (uint32_t i = 0; i < views->count && found != NULL; i++) {
		struct slot *slot = views->slots[i];

		if (slot->view != NULL && is_wanted(slot, table))
			found[count++] = (struct aged_view){ view_hold(slot->view), slot->used_ms };
	}
	pthread_mutex_unlock(&views->lock);
	*ret_count = count;
	return found;
}

static bool is_known_live(const struct slot *slot, uint32_t table)
{
	return slot->is_named && slot->view->is_live && slot->view->table.number == table &&
	       (slot->references > 0 || slot->pins > 0);
}

/* Most tables have one live view or none. */
static size_t count_live(struct views *views, uint32_t table, struct view **ret_only)
{
	struct index_link *link;
	size_t count = 0;

	pthread_mutex_lock(&views->lock);
	for (link = index_first(&views->by_table, table_hash(table)); link != NULL; link = index_next(link)) {
		struct slot *slot = index_holder(link, struct slot, by_table);

		if (is_known_live(slot, table) && ++count == 1 && ret_only != NULL)
			*ret_only = view_hold(slot->view);
	}
	pthread_mutex_unlock(&views->lock);
	return count;
}

size_t views_live(struct views *views, uint32_t table)
{
	return count_live(views, table, NULL);
}

int views_each_live(struct views *views, uint32_t table, void (*each)(void *context, struct view *view), void *context)
{
	struct view *only = NULL;
	struct aged_view *found;
	size_t count = count_live(views, table, &only);

	if (count == 1)
		each(context, only);
	view_put(only);
	if (count <= 1)
		return (int)count;
	found = collect(views, is_known_live, table, &count);
	if (found == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		each(context, found[i].view);
		view_put(found[i].view);
	}
	free(found);
	return (int)count;
}

static bool is_past_table(const struct slot *slot, uint32_t table)
{
	(void)table;
	return !slot->view->is_live && !slot->view->is_store && slot->view->branch == NULL;
}

int views_recent(struct views *views, bool (*each)(void *context, struct view *view), void *context)
{
	size_t count;
	struct aged_view *found = collect(views, is_past_table, 0, &count);
	bool goes_on = true;

	if (found == NULL)
		return -ENOMEM;
	qsort(found, count, sizeof(*found), compare_age);
	for (size_t i = count; i-- > 0;) {
		goes_on = goes_on && each(context, found[i].view);
		view_put(found[i].view);
	}
	free(found);
	return 0;
}

static bool is_past_untold(const struct slot *slot, uint32_t table)
{
	(void)table;
	return !slot->view->is_live && slot->references > 0 && !slot->is_told;
}

static void mark_told(struct views *views, uint32_t number)
{
	pthread_mutex_lock(&views->lock);
	slot_at(views, number)->is_told = true;
	pthread_mutex_unlock(&views->lock);
}

void views_oldest(
	struct views *views, size_t count, void (*each)(void *context, const struct view *view), void *context)
{
	size_t found_count;
	struct aged_view *found = collect(views, is_past_untold, 0, &found_count);

	if (found == NULL)
		return;
	qsort(found, found_count, sizeof(*found), compare_age);
	for (size_t i = 0; i < found_count; i++) {
		if (i < count) {
			mark_told(views, found[i].view->slot);
			each(context, found[i].view);
		}
		view_put(found[i].view);
	}
	free(found);
}

static bool is_of_table(const struct slot *slot, uint32_t table)
{
	return table == UINT32_MAX || (!slot->view->is_store && slot->view->table.number == table);
}

int views_each(struct views *views, uint32_t table, void (*each)(void *context, struct view *view), void *context)
{
	size_t count;
	struct aged_view *found = collect(views, is_of_table, table, &count);

	if (found == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		each(context, found[i].view);
		view_put(found[i].view);
	}
	free(found);
	return 0;
}
