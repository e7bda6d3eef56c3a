#include "calendar.h"

#include <assert.h>

/* Years are counted from March, so that the leap day is the last of its year, in cycles of 400 years. */
#define CYCLE_YEARS 400
#define CYCLE_DAYS 146097
#define DAYS_FROM_MARCH_0000_TO_1970 719468

int64_t calendar_divide(int64_t dividend, int64_t divisor)
{
	assert(divisor > 0);
	return dividend / divisor - (dividend % divisor < 0);
}

int64_t calendar_remainder(int64_t dividend, int64_t divisor)
{
	assert(divisor > 0);
	int64_t remainder = dividend % divisor;
	return remainder < 0 ? remainder + divisor : remainder;
}

bool calendar_is_leap_year(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int calendar_month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	assert(month >= 1 && month <= 12);
	return month == 2 && calendar_is_leap_year(year) ? 29 : days[month - 1];
}

bool calendar_is_date(struct calendar_date date)
{
	return date.month >= 1 && date.month <= 12 && date.day >= 1 &&
	       date.day <= calendar_month_days(date.year, date.month);
}

int64_t calendar_days(struct calendar_date date)
{
	assert(calendar_is_date(date));
	int64_t year = date.year - (date.month <= 2);
	int64_t cycle = calendar_divide(year, CYCLE_YEARS);
	int64_t year_of_cycle = year - cycle * CYCLE_YEARS;
	int64_t month_from_march = (date.month + 9) % 12;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
	int64_t day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
	return cycle * CYCLE_DAYS + day_of_cycle - DAYS_FROM_MARCH_0000_TO_1970;
}

struct calendar_date calendar_date_of(int64_t days)
{
	int64_t shifted = days + DAYS_FROM_MARCH_0000_TO_1970;
	int64_t cycle = calendar_divide(shifted, CYCLE_DAYS);
	int64_t day_of_cycle = shifted - cycle * CYCLE_DAYS;
	int64_t leap_days = day_of_cycle / 1460 - day_of_cycle / 36524 + day_of_cycle / 146096;
	int64_t year_of_cycle = (day_of_cycle - leap_days) / 365;
	int64_t day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;
	int day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
	int month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
	return (struct calendar_date){ cycle * CYCLE_YEARS + year_of_cycle + (month <= 2), month, day };
}

int calendar_weekday(int64_t days)
{
	return (int)calendar_remainder(days + 4, 7);
}
