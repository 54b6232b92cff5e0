/* SPDX-License-Identifier: EPL-2.0 */
#include "base/log_repeat.h"

#include "lib/tap.h"

int
main(void)
{
	struct log_repeat r = { .holds = false };
	int64_t lasts = -1;

	tap_ok(!log_repeat_end(&r, 5, &lasts), "what did not hold does not end");
	tap_ok(log_repeat_is_due(&r, 1000, 60, &lasts), "at once");
	tap_int(lasts, 0, "at once: it has just begun");
	tap_ok(!log_repeat_is_due(&r, 1059, 60, &lasts), "not before the interval is over");
	tap_ok(log_repeat_is_due(&r, 1060, 60, &lasts), "after the interval");
	tap_int(lasts, 60, "after the interval: how long");
	tap_ok(!log_repeat_is_due(&r, 1119, 60, &lasts), "not again before the next one is over");
	tap_ok(log_repeat_is_due(&r, 1200, 60, &lasts), "late");
	tap_int(lasts, 200, "late: since the beginning");
	tap_ok(log_repeat_end(&r, 1210, &lasts), "the end");
	tap_int(lasts, 210, "the end: how long in all");
	tap_ok(!log_repeat_end(&r, 1211, &lasts), "once");
	tap_ok(log_repeat_is_due(&r, 1220, 60, &lasts), "the next time at once");
	tap_int(lasts, 0, "the next time: it has just begun");

	r = (struct log_repeat){ .holds = false };
	tap_ok(log_repeat_allows(&r, 5, 60), "an event: the first one, early after the start");
	tap_ok(!log_repeat_allows(&r, 64, 60), "an event: not within the interval");
	tap_ok(log_repeat_allows(&r, 65, 60), "an event: after it");
	tap_ok(!log_repeat_allows(&r, 124, 60), "an event: the next interval begins there");
	return tap_end();
}
