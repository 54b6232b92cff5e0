/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/db_clock.h"

#include "lib/tap.h"

#define HOUR_US INT64_C(3600000000)

/*
 * Whatever the database's clock says and wherever in the round trip it was read: when it shows the deadline, our
 * clock does not show `latest` yet.
 */
static void
deadlines_come_early(void)
{
	static const int64_t offsets[] = { 0, 1, -1, HOUR_US, -HOUR_US, 800000 * HOUR_US };
	static const int64_t trips[] = { 0, 1, CLOCK_MS, 3 * CLOCK_S };
	static const int64_t margins[] = { 0, DB_CLOCK_MARGIN, DB_CLOCK_MARGIN_ANY };
	const int64_t sent = 1000 * CLOCK_S, latest = 1010 * CLOCK_S;

	for (size_t o = 0; o < COUNT(offsets); o++)
		for (size_t t = 0; t < COUNT(trips); t++)
			for (size_t m = 0; m < COUNT(margins); m++)
				for (int64_t part = 0; part <= 4; part++) {
					int64_t read_at = sent + trips[t] * part / 4;
					struct db_clock c =
					    db_clock_of(sent, sent + trips[t], read_at / 1000 + offsets[o], margins[m]);
					/* our time when the database's clock shows the deadline */
					int64_t ours = (db_clock_deadline(&c, latest) - offsets[o]) * 1000;

					tap_ok(ours <= latest - margins[m] + 1000 &&
						ours >= latest - margins[m] - trips[t] - 2000,
					    "offset %zu, trip %zu, margin %zu, read at %d quarters", o, t, m,
					    (int)part);
				}
}

static void
grows_old(void)
{
	struct db_clock never = { 0 }, c = db_clock_of(CLOCK_S, 2 * CLOCK_S, 0, DB_CLOCK_MARGIN);

	tap_ok(db_clock_is_old(&never, 0) && db_clock_is_old(&never, CLOCK_S), "never asked");
	tap_ok(!db_clock_is_old(&c, 2 * CLOCK_S), "just asked");
	tap_ok(!db_clock_is_old(&c, 2 * CLOCK_S + DB_CLOCK_VALID - 1), "still valid");
	tap_ok(db_clock_is_old(&c, 2 * CLOCK_S + DB_CLOCK_VALID), "no longer valid");
	c.jumped = true;
	tap_ok(db_clock_is_old(&c, 2 * CLOCK_S), "a clock that jumped");
}

static void
tells_late(void)
{
	/* half a second of error, and the margin */
	struct db_clock c = db_clock_of(CLOCK_S, 2 * CLOCK_S, 0, DB_CLOCK_MARGIN);
	int64_t last = 20 * CLOCK_S - CLOCK_S / 2 - DB_CLOCK_MARGIN;

	tap_ok(!db_clock_is_late(&c, 20 * CLOCK_S, last - 1), "in time");
	tap_ok(db_clock_is_late(&c, 20 * CLOCK_S, last), "too late to be sent");
}

int
main(void)
{
	deadlines_come_early();
	grows_old();
	tells_late();
	return tap_end();
}
