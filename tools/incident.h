/* A recorded incident for demonstrations and tests: one morning of an orders table, with a cleanup script that was
 * meant for cancelled orders and removed every order with an even number. The text is the same bytes every time.
 *
 * On 2025-03-01, times UTC: orders come in from 06:00, numbered from 1001 on, and move from PLACED to PAID to SHIPPED
 * or to CANCELLED. At 09:00 somebody lists the orders there are; at 09:15 the script begins to remove the even ones of
 * that list. New orders and changes go on all the time until 10:00. */
#ifndef PITR_INCIDENT_H
#define PITR_INCIDENT_H

#include <stdint.h>
#include <stdio.h>

#include "clock.h"

#define INCIDENT_TABLE "orders"
#define INCIDENT_KEY "id"

#define INCIDENT_FIRST_NUMBER 1001
#define INCIDENT_LISTED 10000      /* orders placed from 06:00 until 09:00; nothing is removed before 09:15 */
#define INCIDENT_LATER 400         /* orders placed from 09:00 on, 100 every quarter of an hour */
#define INCIDENT_REMOVED 5000      /* all by the script */
#define INCIDENT_LIVE_BEFORE 10100 /* items at 09:15:00 exactly, the last moment before the script */
#define INCIDENT_LIVE_AT_END 5400
#define INCIDENT_RECORDS 22963

#define INCIDENT_MIDNIGHT_US (INT64_C(1740787200) * SECOND_US)
#define INCIDENT_TIME_US(hour, minute) (INCIDENT_MIDNIGHT_US + ((hour)*60 + (minute)) * 60 * SECOND_US)
#define INCIDENT_BEGIN_US INCIDENT_TIME_US(6, 0)
#define INCIDENT_LIST_US INCIDENT_TIME_US(9, 0)
#define INCIDENT_SCRIPT_BEGIN_US INCIDENT_TIME_US(9, 15)                   /* the first removal is after this */
#define INCIDENT_SCRIPT_END_US (INCIDENT_SCRIPT_BEGIN_US + 40 * SECOND_US) /* the last one is before this */
#define INCIDENT_END_US INCIDENT_TIME_US(10, 0)                            /* the time of the last record */

/* Writes DynamoDB Streams records (NEW_AND_OLD_IMAGES), one a line, times and sequence numbers increasing, and flushes.
 * 0, -ENOMEM, or the negative errno of the file. */
int incident_write(FILE *out);

#endif
