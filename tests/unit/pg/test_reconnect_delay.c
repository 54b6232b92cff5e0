/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/reconnect_delay.h"

#include "lib/tap.h"

int
main(void)
{
	struct reconnect_delay d = { 0 };
	int64_t now = CLOCK_S;

	reconnect_delay_note(&d, now, true, false);
	tap_int(d.until, 0, "a connection that was of use delays nothing");
	reconnect_delay_note(&d, now, false, false);
	tap_int(d.until, 0, "nor does one that was closed on purpose");
	reconnect_delay_note(&d, now, false, true);
	tap_int(d.until, now + 250 * CLOCK_MS, "after one of no use, the next one is made later");
	reconnect_delay_note(&d, now + 249 * CLOCK_MS, false, true);
	tap_int(d.until, now + 250 * CLOCK_MS, "others that end meanwhile change nothing");
	now = d.until;
	reconnect_delay_note(&d, now, false, true);
	tap_int(d.until, now + 500 * CLOCK_MS, "the next one is of no use either: twice as long");
	for (int i = 0; i < 60; i++) {
		now = d.until;
		reconnect_delay_note(&d, now, false, true);
	}
	tap_int(d.until, now + 5 * CLOCK_S, "at most five seconds");
	now = d.until;
	reconnect_delay_note(&d, now, false, false);
	reconnect_delay_note(&d, now, false, true);
	tap_int(d.until, now + 5 * CLOCK_S, "one that was closed on purpose proves nothing");
	now = d.until;
	reconnect_delay_note(&d, now, true, true);
	tap_int(d.until, now + 250 * CLOCK_MS, "one that was of use until an error: the shortest");
	return tap_end();
}
