/* SPDX-License-Identifier: EPL-2.0 */
/*
 * db_clock: the clock of the database, as a connection knows it.
 *
 * Each statement that writes carries a deadline on the database's clock and
 * changes nothing when it is too late, see docs/architecture.md.  For that the
 * time is asked for over each connection when it is made, and again before a
 * write when the answer is older than DB_CLOCK_VALID.  The answer is right
 * within half the time that it took; a margin is for clocks that drift or, where
 * other servers may answer behind the same connection, differ.
 *
 * Used by what makes connections and by what sends writes.  No clock is read
 * here; times are monotonic nanoseconds but for those "of the database", which
 * are microseconds since 2000-01-01 UTC (the wire form of timestamptz).
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
	int64_t offset;   /* microseconds: the database's clock less ours */
	int64_t margin;   /* nanoseconds */
	int64_t earlier;  /* nanoseconds: by so much a deadline is brought forward: error and margin */
	int64_t asked_at; /* 0: never */
	bool jumped;      /* a write was late where it should not have been: ask again */
};

/*
 * What an answer says: the question was sent at `sent`, and the answer `time` (of the database) came at
 * `received`.  margin is one of the above.
 */
struct db_clock db_clock_of(int64_t sent, int64_t received, int64_t time, int64_t margin);

/* Whether to ask again before the next write. */
bool db_clock_is_old(const struct db_clock *c, int64_t now);

/*
 * The database's time for a statement that may begin to write until `latest`: when the database's clock shows it,
 * `latest` has not come yet here.
 */
int64_t db_clock_deadline(const struct db_clock *c, int64_t latest);

/* Whether it is no use to send such a statement any more. */
bool db_clock_is_late(const struct db_clock *c, int64_t latest, int64_t now);

#endif
