/* Items used as records: maps built member by member, and members read by name and type.
 *
 * The first error stays with the map, so that building needs no check at every step. */
#ifndef PITR_ITEM_MAP_H
#define PITR_ITEM_MAP_H

#include "item.h"

struct map {
	struct value_builder *builder;
	int result;
};

struct map map_begin(void);
/* Appends the map to `out` and releases it. 0 or negative errno. */
int map_end(struct map *map, struct buffer *out);

void map_set_bytes(struct map *map, const char *name, enum value_tag tag, struct slice bytes); /* S N B */
void map_set_text(struct map *map, const char *name, const char *text);
void map_set_number(struct map *map, const char *name, int64_t number);
void map_set_flag(struct map *map, const char *name, bool is_true);
/* Epoch seconds with as many fraction digits as there are. */
void map_set_time(struct map *map, const char *name, int64_t time_us);
/* A value as it is. */
void map_set_whole(struct map *map, struct slice name, struct slice whole);
/* A map: begun like any other, ended here. */
void map_set_map(struct map *map, const char *name, struct map *inner);
/* All members of a map. */
void map_copy_members(struct map *map, const struct value *from);

/* NUL-terminated into `out`. False: absent, of another type, or too long. */
bool item_text(struct slice item, const char *name, char *out, size_t size);
/* Absent, or of another type: 0 and false. */
int64_t item_number(struct slice item, const char *name);
bool item_flag(struct slice item, const char *name);
/* A member that is a map, as an item of its own. */
bool item_map(struct slice item, const char *name, struct slice *ret_map);

#endif
