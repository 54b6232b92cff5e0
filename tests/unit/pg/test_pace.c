/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pace.h"

#include "lib/tap.h"

static int64_t now = CLOCK_S;

static void
note(struct pace *p, unsigned times, size_t tickets, int64_t took)
{
	for (unsigned i = 0; i < times; i++) {
		pace_note(p, tickets, now, now + took);
		now += took;
	}
}

int
main(void)
{
	struct pace quick = { 0 }, slow = { 0 }, large = { 0 }, far = { 0 };

	tap_int((int64_t)pace_connections(&quick), 1, "nothing is known");
	note(&quick, PACE_WINDOW, 1, CLOCK_MS / 2);
	tap_int((int64_t)pace_connections(&quick), 1, "quick");
	note(&slow, PACE_WINDOW - 1, 1, 4 * CLOCK_MS);
	tap_int((int64_t)pace_connections(&slow), 1, "slow: not known before a window is full");
	note(&slow, 1, 1, 4 * CLOCK_MS);
	tap_int((int64_t)pace_connections(&slow), 9, "slow: so many connections");
	note(&slow, 1, 1, CLOCK_MS / 2);
	tap_int((int64_t)pace_connections(&slow), 1, "one quick batch shows that it is not");
	note(&slow, 2 * PACE_WINDOW, 1, 4 * CLOCK_MS);
	tap_int((int64_t)pace_connections(&slow), 9, "slow again");
	note(&large, PACE_WINDOW, 64, 2 * CLOCK_MS);
	tap_int((int64_t)pace_connections(&large), 1, "batches that are large are no sign of a slow database");
	note(&far, PACE_FEWEST, 1, CLOCK_S);
	tap_int((int64_t)pace_connections(&far), 2499, "very slow: that is known after a few batches");
	return tap_end();
}
