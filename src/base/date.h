/* SPDX-License-Identifier: EPL-2.0 */
/*
 * date: times as text, in UTC.  A time is in microseconds since 1970, of the years
 * 1 to 9999.  Any thread may call this: there is no lock, as in gmtime_r().
 */
#ifndef HULYKVS_DATE_H
#define HULYKVS_DATE_H

#include "base/buf.h"

#define DATE_FIRST INT64_C(-62135596800000000) /* the first microsecond of the year 1 … */
#define DATE_LAST  INT64_C(253402300799999999) /* … and the last one of the year 9999 */
#define DATE_2000  INT64_C(946684800000000)    /* the beginning of 2000, from which PostgreSQL counts */

/* Appends the IMF-fixdate (RFC 9110 5.6.7), "Sun, 06 Nov 1994 08:49:37 GMT". */
void date_put_http(struct buf *out, int64_t time);

/* Appends it as in RFC 3339, always with six digits after the second: "1994-11-06T08:49:37.000000Z". */
void date_put_rfc3339(struct buf *out, int64_t time);

#endif
