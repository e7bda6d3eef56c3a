#include "scratch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "monotonic.h"

struct scratch_set {
	pthread_mutex_t lock;
	struct views *views;
	const char *spool_directory;
	uint64_t last_id;
	size_t partitions;
	struct index by_node, by_name, by_parent, by_key;
};

int scratch_set_new(struct views *views, const char *spool_directory, struct scratch_set **ret_set)
{
	struct scratch_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return -ENOMEM;
	pthread_mutex_init(&set->lock, NULL);
	set->views = views;
	set->spool_directory = spool_directory;
	*ret_set = set;
	return 0;
}

static uint64_t number_hash(uint64_t number)
{
	return index_hash(number, slice_of(NULL, 0));
}

static void release(struct scratch *scratch)
{
	views_pin(scratch->set->views, scratch->slot, -1);
	draft_free(&scratch->draft);
	buffer_free(&scratch->key);
	free(scratch->name);
	free(scratch);
}

void scratch_set_free(struct scratch_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->by_node.bucket_count; i++) {
		for (struct index_link *link = set->by_node.buckets[i], *next; link != NULL; link = next) {
			next = link->next;
			release(index_holder(link, struct scratch, by_node));
		}
	}
	index_free(&set->by_node);
	index_free(&set->by_name);
	index_free(&set->by_parent);
	index_free(&set->by_key);
	pthread_mutex_destroy(&set->lock);
	free(set);
}

/* --- names and keys, with the set's lock held --- */

static void unlink_key(struct scratch *scratch)
{
	if (scratch->has_key)
		index_remove(&scratch->set->by_key, &scratch->by_key);
	scratch->has_key = false;
}

static void link_key(struct scratch *scratch)
{
	scratch->has_key = scratch->kind == SCRATCH_PARTITION && scratch->key.size > 0;
	if (scratch->has_key)
		index_add(&scratch->set->by_key, &scratch->by_key,
			index_hash(scratch->slot, buffer_slice(&scratch->key)));
}

static void unlink_name(struct scratch *scratch)
{
	if (!scratch->is_named)
		return;
	index_remove(&scratch->set->by_name, &scratch->by_name);
	index_remove(&scratch->set->by_parent, &scratch->by_parent);
	scratch->is_named = false;
	if (scratch->kind == SCRATCH_PARTITION) {
		unlink_key(scratch);
		scratch->set->partitions--;
	}
}

static void link_name(struct scratch *scratch)
{
	struct slice name = slice_of_text(scratch->name);

	index_add(&scratch->set->by_name, &scratch->by_name, index_hash(scratch->parent, name));
	index_add(&scratch->set->by_parent, &scratch->by_parent, number_hash(scratch->parent));
	scratch->is_named = true;
	if (scratch->kind == SCRATCH_PARTITION)
		scratch->set->partitions++;
}

static int reserve(struct scratch_set *set)
{
	int result = index_reserve(&set->by_node);

	if (result == 0)
		result = index_reserve(&set->by_name);
	if (result == 0)
		result = index_reserve(&set->by_parent);
	if (result == 0)
		result = index_reserve(&set->by_key);
	return result;
}

static struct scratch *find_named(const struct scratch_set *set, uint64_t parent, struct slice name)
{
	struct index_link *link = index_first(&set->by_name, index_hash(parent, name));

	for (; link != NULL; link = index_next(link)) {
		struct scratch *scratch = index_holder(link, struct scratch, by_name);

		if (scratch->parent == parent && slice_equal(slice_of_text(scratch->name), name))
			return scratch;
	}
	return NULL;
}

/* Frees what neither a name, nor the kernel, nor a handle holds. Returns it when the caller has to release it. */
static struct scratch *reap(struct scratch *scratch)
{
	if (scratch->is_named || scratch->references > 0 || scratch->holds > 0)
		return NULL;
	unlink_key(scratch);
	index_remove(&scratch->set->by_node, &scratch->by_node);
	return scratch;
}

static struct scratch *hold(struct scratch *scratch)
{
	if (scratch != NULL) {
		scratch->holds++;
		scratch->used_ms = monotonic_ms();
	}
	return scratch;
}

/* --- making --- */

static struct scratch *new_scratch(struct scratch_set *set, const struct scratch_request *request)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	int result;

	if (scratch == NULL)
		return NULL;
	scratch->set = set;
	scratch->kind = request->kind;
	scratch->slot = request->slot;
	scratch->parent = request->parent;
	scratch->mode = request->mode;
	scratch->changed_us = scratch->accessed_us = clock_now_us();
	scratch->name = strndup((const char *)request->name.data, request->name.size);
	buffer_append_slice(&scratch->key, request->key);
	result = draft_init(&scratch->draft, request->kind == SCRATCH_FILE ? set->spool_directory : NULL);
	views_pin(set->views, scratch->slot, 1);
	if (scratch->name == NULL || buffer_error(&scratch->key) < 0 || result < 0) {
		release(scratch);
		return NULL;
	}
	return scratch;
}

static int add_locked(struct scratch_set *set, const struct scratch_request *request, struct scratch **ret_scratch)
{
	struct scratch *scratch;
	int result;

	if (find_named(set, request->parent, request->name) != NULL)
		return -EEXIST;
	result = reserve(set);
	if (result < 0)
		return result;
	scratch = new_scratch(set, request);
	if (scratch == NULL)
		return -ENOMEM;
	scratch->id = ++set->last_id;
	scratch->nodeid = request->kept_nodeid != 0 ? request->kept_nodeid : nodeid_of(0, SCRATCH_NUMBER | scratch->id);
	scratch->ino = request->ino_base |
		       (request->kept_nodeid != 0 ? nodeid_number(request->kept_nodeid) : SCRATCH_NUMBER | scratch->id);
	index_add(&set->by_node, &scratch->by_node, number_hash(scratch->nodeid));
	link_name(scratch);
	link_key(scratch);
	*ret_scratch = hold(scratch);
	return 0;
}

int scratch_add(struct scratch_set *set, const struct scratch_request *request, struct scratch **ret_scratch)
{
	int result;

	pthread_mutex_lock(&set->lock);
	result = add_locked(set, request, ret_scratch);
	pthread_mutex_unlock(&set->lock);
	return result;
}

/* --- finding --- */

struct scratch *scratch_get(struct scratch_set *set, uint64_t nodeid)
{
	struct scratch *found = NULL;
	struct index_link *link;

	pthread_mutex_lock(&set->lock);
	link = index_first(&set->by_node, number_hash(nodeid));
	for (; link != NULL && found == NULL; link = index_next(link)) {
		struct scratch *scratch = index_holder(link, struct scratch, by_node);

		if (scratch->nodeid == nodeid && (scratch->is_named || nodeid_is_scratch(nodeid)))
			found = hold(scratch);
	}
	pthread_mutex_unlock(&set->lock);
	return found;
}

struct scratch *scratch_find(struct scratch_set *set, uint64_t parent, struct slice name)
{
	struct scratch *scratch;

	pthread_mutex_lock(&set->lock);
	scratch = hold(find_named(set, parent, name));
	pthread_mutex_unlock(&set->lock);
	return scratch;
}

struct scratch *scratch_find_partition(struct scratch_set *set, uint32_t slot, struct slice key)
{
	struct scratch *found = NULL;
	struct index_link *link;

	pthread_mutex_lock(&set->lock);
	link = set->partitions == 0 ? NULL : index_first(&set->by_key, index_hash(slot, key));
	for (; link != NULL && found == NULL; link = index_next(link)) {
		struct scratch *scratch = index_holder(link, struct scratch, by_key);

		if (scratch->kind == SCRATCH_PARTITION && scratch->slot == slot &&
			slice_equal(buffer_slice(&scratch->key), key))
			found = scratch;
	}
	if (found != NULL)
		found->holds++;
	pthread_mutex_unlock(&set->lock);
	return found;
}

void scratch_put(struct scratch *scratch)
{
	struct scratch *dead;

	if (scratch == NULL)
		return;
	pthread_mutex_lock(&scratch->set->lock);
	assert(scratch->holds > 0);
	scratch->holds--;
	dead = reap(scratch);
	pthread_mutex_unlock(&scratch->set->lock);
	if (dead != NULL)
		release(dead);
}

void scratch_count(struct scratch_set *set, uint64_t nodeid, int64_t references)
{
	struct scratch *dead = NULL;
	struct index_link *link;

	pthread_mutex_lock(&set->lock);
	link = index_first(&set->by_node, number_hash(nodeid));
	while (link != NULL && index_holder(link, struct scratch, by_node)->nodeid != nodeid)
		link = index_next(link);
	if (link != NULL) {
		struct scratch *scratch = index_holder(link, struct scratch, by_node);

		scratch->references += references;
		assert(scratch->references >= 0);
		dead = reap(scratch);
	}
	pthread_mutex_unlock(&set->lock);
	if (dead != NULL)
		release(dead);
}

/* --- changing --- */

void scratch_unname(struct scratch *scratch)
{
	pthread_mutex_lock(&scratch->set->lock);
	unlink_name(scratch);
	pthread_mutex_unlock(&scratch->set->lock);
}

int scratch_rename(struct scratch *scratch, uint64_t parent, uint32_t slot, struct slice name)
{
	struct scratch_set *set = scratch->set;
	struct scratch *old, *dead = NULL;
	char *copy = strndup((const char *)name.data, name.size);

	if (copy == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&set->lock);
	old = find_named(set, parent, name);
	if (old != NULL && old != scratch) {
		unlink_name(old);
		dead = reap(old);
	}
	unlink_name(scratch);
	free(scratch->name);
	scratch->name = copy;
	scratch->parent = parent;
	views_pin(set->views, scratch->slot, -1);
	views_pin(set->views, slot, 1);
	scratch->slot = slot;
	link_name(scratch);
	if (scratch->kind == SCRATCH_PARTITION)
		link_key(scratch);
	pthread_mutex_unlock(&set->lock);
	if (dead != NULL)
		release(dead);
	return 0;
}

int scratch_set_key(struct scratch *scratch, struct slice key)
{
	struct buffer copy = BUFFER_INIT;

	buffer_append_slice(&copy, key);
	if (buffer_error(&copy) < 0)
		return -ENOMEM;
	pthread_mutex_lock(&scratch->set->lock);
	unlink_key(scratch);
	buffer_free(&scratch->key);
	scratch->key = copy;
	link_key(scratch);
	pthread_mutex_unlock(&scratch->set->lock);
	return 0;
}

bool scratch_copy_key(struct scratch *scratch, struct buffer *out)
{
	bool has_key;

	pthread_mutex_lock(&scratch->set->lock);
	has_key = scratch->key.size > 0;
	buffer_append_slice(out, buffer_slice(&scratch->key));
	pthread_mutex_unlock(&scratch->set->lock);
	return has_key;
}

void scratch_copy_name(struct scratch *scratch, uint64_t *ret_parent, struct buffer *out)
{
	pthread_mutex_lock(&scratch->set->lock);
	*ret_parent = scratch->parent;
	buffer_append_text(out, scratch->name);
	pthread_mutex_unlock(&scratch->set->lock);
}

bool scratch_is_named(struct scratch *scratch)
{
	bool is_named;

	pthread_mutex_lock(&scratch->set->lock);
	is_named = scratch->is_named;
	pthread_mutex_unlock(&scratch->set->lock);
	return is_named;
}

uint32_t scratch_slot(struct scratch *scratch)
{
	uint32_t slot;

	pthread_mutex_lock(&scratch->set->lock);
	slot = scratch->slot;
	pthread_mutex_unlock(&scratch->set->lock);
	return slot;
}

int64_t scratch_used_ms(struct scratch *scratch)
{
	int64_t used_ms;

	pthread_mutex_lock(&scratch->set->lock);
	used_ms = scratch->used_ms;
	pthread_mutex_unlock(&scratch->set->lock);
	return used_ms;
}

/* --- many --- */

struct scratch *scratch_next(struct scratch_set *set, uint64_t parent, uint64_t id)
{
	struct scratch *next = NULL;
	struct index_link *link;

	pthread_mutex_lock(&set->lock);
	for (link = index_first(&set->by_parent, number_hash(parent)); link != NULL; link = index_next(link)) {
		struct scratch *scratch = index_holder(link, struct scratch, by_parent);

		if (scratch->parent == parent && scratch->id > id && (next == NULL || scratch->id < next->id))
			next = scratch;
	}
	hold(next);
	pthread_mutex_unlock(&set->lock);
	return next;
}

/* One named thing of a table, held. */
static struct scratch *any_of_table(struct scratch_set *set, uint32_t slot)
{
	struct scratch *found = NULL;

	pthread_mutex_lock(&set->lock);
	for (size_t i = 0; i < set->by_name.bucket_count && found == NULL; i++) {
		for (struct index_link *link = set->by_name.buckets[i]; link != NULL && found == NULL;
			link = link->next) {
			struct scratch *scratch = index_holder(link, struct scratch, by_name);

			if (scratch->slot == slot)
				found = hold(scratch);
		}
	}
	pthread_mutex_unlock(&set->lock);
	return found;
}

void scratch_forget_table(struct scratch_set *set, uint32_t slot)
{
	struct scratch *scratch;

	while ((scratch = any_of_table(set, slot)) != NULL) {
		scratch_unname(scratch);
		scratch_put(scratch);
	}
}

size_t scratch_partitions(struct scratch_set *set)
{
	size_t partitions;

	pthread_mutex_lock(&set->lock);
	partitions = set->partitions;
	pthread_mutex_unlock(&set->lock);
	return partitions;
}

struct scratch *scratch_oldest_partition(struct scratch_set *set)
{
	struct scratch *oldest = NULL;

	pthread_mutex_lock(&set->lock);
	for (size_t i = 0; i < set->by_name.bucket_count; i++) {
		for (struct index_link *link = set->by_name.buckets[i]; link != NULL; link = link->next) {
			struct scratch *scratch = index_holder(link, struct scratch, by_name);

			if (scratch->kind == SCRATCH_PARTITION && scratch->holds == 0 &&
				index_first(&set->by_parent, number_hash(scratch->nodeid)) == NULL &&
				(oldest == NULL || scratch->used_ms < oldest->used_ms))
				oldest = scratch;
		}
	}
	if (oldest != NULL)
		oldest->holds++;
	pthread_mutex_unlock(&set->lock);
	return oldest;
}
