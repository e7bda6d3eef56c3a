/* The rule a time zone follows after its recorded changes: the POSIX TZ form at the end of a TZif file, such as
 * "CET-1CEST,M3.5.0,M10.5.0/3", with RFC 8536's hours from -167 to 167. */
#ifndef PITR_ZONE_RULE_H
#define PITR_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

enum zone_day_kind { ZONE_DAY_JULIAN, ZONE_DAY_NUMBER, ZONE_DAY_WEEKDAY };

/* One day of each year and a time on it. */
struct zone_day {
	enum zone_day_kind kind;
	int month, week; /* WEEKDAY: 1 to 12, 1 to 5 (5 is the last) */
	int day;         /* WEEKDAY: 0 is Sunday; JULIAN: 1 to 365, never 29 February; NUMBER: 0 to 365 */
	int seconds;     /* local time of that day, before the change */
};

/* Offsets are seconds to add to UTC. */
struct zone_rule {
	int standard_offset;
	bool has_summer; /* the rest has a meaning only then */
	int summer_offset;
	struct zone_day summer_begins, summer_ends;
};

/* From the UTC second `at` on, local time is UTC plus `offset`. */
struct zone_change {
	int64_t at;
	int offset;
};

/* 0, or -EINVAL; a summer time without its two days is refused, since their default differs between systems. */
int zone_rule_parse(struct slice text, struct zone_rule *ret_rule);

/* The two changes of a year in order of time, of a rule that has summer time. */
void zone_rule_changes(const struct zone_rule *rule, int64_t year, struct zone_change ret_changes[2]);

#endif
