/* SPDX-License-Identifier: EPL-2.0 */
/*
 * db_clock: the clock of the database, as a connection knows it.
 *
 * Each statement that writes carries a deadline on the database's clock and
 * changes nothing after that, see docs/architecture.md.  So each connection for
 * writes asks the database for its time when it is made, and again before a
 * write when the answer is older than DB_CLOCK_VALID.  The error of the answer
 * is at most half the time that it took.  A margin is added, because clocks
 * drift, and because one connection may reach several servers, whose clocks
 * differ.
 *
 * For connect_thread, dbconn and the pipeline modules.  No clock is read here.
 * Times are monotonic nanoseconds, except those "of the database", which are
 * microseconds since 2000-01-01 UTC (the binary form of timestamptz).
 */
#ifndef HULYKVS_DB_CLOCK_H
#define HULYKVS_DB_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define DB_CLOCK_VALID      (10 * CLOCK_S)
#define DB_CLOCK_MARGIN     (50 * CLOCK_MS)  /* one server: clocks may drift by 2,500 ppm in twice DB_CLOCK_VALID */
#define DB_CLOCK_MARGIN_ANY (500 * CLOCK_MS) /* CockroachDB's --max-offset, and what is allowed behind a pooler */

struct db_clock {
	int64_t offset;   /* microseconds: the database's clock minus ours */
	int64_t margin;   /* nanoseconds */
	int64_t earlier;  /* nanoseconds by which a deadline is brought forward: error and margin */
	int64_t asked_at; /* 0: never */
	bool jumped;      /* a write was refused as late, perhaps because the database's clock was set: ask again */
};

/*
 * What an answer says: the question was sent at `sent`, and the answer `time` (of the database) came at
 * `received`.  margin is one of the above.
 */
struct db_clock db_clock_of(int64_t sent, int64_t received, int64_t time, int64_t margin);

/* Whether to ask again before the next write. */
bool db_clock_is_old(const struct db_clock *c, int64_t now);

/*
 * The deadline, on the database's clock, of a statement that may begin to write until `latest` on ours.  The database's
 * clock reaches it before `latest`.
 */
int64_t db_clock_deadline(const struct db_clock *c, int64_t latest);

/* Whether the deadline of such a statement would have passed already, so that it is not sent. */
bool db_clock_is_late(const struct db_clock *c, int64_t latest, int64_t now);

#endif
