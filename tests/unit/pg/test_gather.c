/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/gather.h"

#include "base/clock.h"
#include "lib/tap.h"

static const int64_t now = CLOCK_S, pace = 80 * CLOCK_MS;

static void
test_expected(void)
{
	struct gather g = { 0 };

	tap_int(gather_until(&g, now), 0, "nothing was answered: nothing is expected");
	gather_note_answered(&g, 2, now, pace);
	tap_int(gather_until(&g, now), now + pace / GATHER_SHARE,
	    "two were answered: two are expected, for a part of the time");
	tap_int(gather_until(&g, now + pace / GATHER_SHARE), 0, "and no longer");
	gather_note_arrived(&g);
	tap_ok(gather_until(&g, now) != 0, "one has come");
	gather_note_answered(&g, 1, now + CLOCK_MS, pace);
	gather_note_arrived(&g);
	tap_ok(gather_until(&g, now + CLOCK_MS) != 0, "those of another batch are expected as well");
	gather_note_arrived(&g);
	tap_int(gather_until(&g, now + CLOCK_MS), 0, "all have come");
	gather_note_arrived(&g);
	tap_int(gather_until(&g, now + CLOCK_MS), 0, "and one more");
	gather_note_answered(&g, 3, now, pace);
	gather_note_answered(&g, 1, now + CLOCK_S, pace);
	gather_note_arrived(&g);
	tap_int(gather_until(&g, now + CLOCK_S), 0, "those that did not come in time are not expected any more");
}

static void
test_never(void)
{
	struct gather g = { 0 };

	gather_note_answered(&g, 2, now, 0);
	tap_int(gather_until(&g, now), 0, "the database is near: nothing is waited for");
	gather_note_sent(&g, 2, false);
	gather_note_answered(&g, 2, now, pace);
	tap_int(gather_until(&g, now), 0, "the last operations did not share a statement: neither");
	gather_note_sent(&g, 1, true);
	tap_int(gather_until(&g, now), 0, "one alone says nothing about that");
	gather_note_sent(&g, 2, true);
	tap_ok(gather_until(&g, now) != 0, "until some do");
}

int
main(void)
{
	test_expected();
	test_never();
	return tap_end();
}
