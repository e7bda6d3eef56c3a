/* Which versions of items the kernel may keep.
 *
 * Younger versions may be in the kernel's cache in parts only: with the size of one and the bytes of the other. They are read past
 * that cache, and so are items that take several messages to read. */
#ifndef PITR_FS_SETTLED_H
#define PITR_FS_SETTLED_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "mount.h"

#define SETTLED_US (2 * SECOND_US)
#define ONE_MESSAGE_BYTES (UINT32_C(64) << 10)

static inline int64_t settled_age_us(const struct node *node)
{
	return clock_now_us() - node->version.time_us;
}

/* The file's size. */
static inline uint32_t settled_size(const struct mount *mount, const struct node *node)
{
	return mount->options->form == ITEM_PLAIN ? node->version.plain_size : node->version.dynamodb_size;
}

static inline bool settled_is(const struct mount *mount, const struct view *view, const struct node *node)
{
	return !view->is_live || (settled_age_us(node) >= SETTLED_US && settled_size(mount, node) <= ONE_MESSAGE_BYTES);
}

#endif
