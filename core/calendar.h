/* Days of the Gregorian calendar, extended to all years, counted from 1970-01-01. */
#ifndef PITR_CALENDAR_H
#define PITR_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_DAY_SECONDS INT64_C(86400)

struct calendar_date {
	int64_t year;
	int month, day; /* 1 to 12, 1 to 31 */
};

bool calendar_is_leap_year(int64_t year);
int calendar_month_days(int64_t year, int month);
bool calendar_is_date(struct calendar_date date); /* the month and the day exist */

int64_t calendar_days(struct calendar_date date); /* of a date that exists; negative before 1970 */
struct calendar_date calendar_date_of(int64_t days);
int calendar_weekday(int64_t days); /* 0 is Sunday */

/* Quotients rounded down and remainders that are never negative, for times before 1970. `divisor` positive. */
int64_t calendar_divide(int64_t dividend, int64_t divisor);
int64_t calendar_remainder(int64_t dividend, int64_t divisor);

#endif
