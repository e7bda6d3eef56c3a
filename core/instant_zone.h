/* Time zones: from local time to UTC. The type is opaque in instant.h; instant.c and instant_zone.c share this. */
#ifndef PITR_INSTANT_ZONE_H
#define PITR_INSTANT_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "instant.h"

/* "+02:00" or "+0200" to seconds east of UTC, up to 23:59 either way. False for anything else. */
bool instant_offset_parse(struct slice text, int *ret_seconds);

/* The UTC second of a local second (counted from 1970-01-01T00:00:00 as the zone's clocks show it). A local time that
 * is skipped or repeated is read with the offset before the change. */
int64_t instant_zone_to_utc(const struct instant_zone *zone, int64_t local_seconds);

/* A zone from the contents of a TZif file (RFC 8536), for instant_zone_new and for fuzzing. 0; -EINVAL for damaged
 * contents or ones that count leap seconds; -ENOMEM. */
int instant_zone_from_tzif(struct slice contents, struct instant_zone **ret_zone);

#endif
