/* SPDX-License-Identifier: EPL-2.0 */
/*
 * clock: the two clocks.  Deadlines and durations are monotonic nanoseconds;
 * claims (RFC 7519 4.1.4) and log lines use the wall clock.
 */
#ifndef HULYKVS_CLOCK_H
#define HULYKVS_CLOCK_H

#include <stdint.h>

#define CLOCK_MS INT64_C(1000000)    /* nanoseconds in a millisecond */
#define CLOCK_S  INT64_C(1000000000) /* nanoseconds in a second */

int64_t clock_mono(void); /* nanoseconds since some fixed point, never backwards */
int64_t clock_wall(void); /* seconds since 1970-01-01T00:00:00Z */

/* RFC 3339 in UTC with milliseconds, "2026-01-02T03:04:05.678Z". */
#define CLOCK_TEXT_SIZE 25
void clock_text(char out[CLOCK_TEXT_SIZE]);

#endif
