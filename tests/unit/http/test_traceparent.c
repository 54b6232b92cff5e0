/* SPDX-License-Identifier: EPL-2.0 */
#include "http/traceparent.h"

#include "lib/tap.h"

#define ID     "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

/* Those of W3C Trace Context 3.2.2 and 4.3. */
static const struct {
	struct str field;
	bool ok, sampled;
} rows[] = {
	{ TEXT("00-" ID "-" PARENT "-01"), true, true },
	{ TEXT("00-" ID "-" PARENT "-00"), true, false },
	{ TEXT("00-" ID "-" PARENT "-ff"), true, true },
	{ TEXT("00-" ID "-" PARENT "-0a"), true, false },
	{ TEXT("00-" ID "-" PARENT "-0b"), true, true },
	{ TEXT("cc-" ID "-" PARENT "-01"), true, true },
	{ TEXT("cc-" ID "-" PARENT "-01-more"), true, true },
	{ TEXT("cc-" ID "-" PARENT "-01-"), true, true },
	{ TEXT("cc-" ID "-" PARENT "-01.more"), false, false },
	{ TEXT("00-" ID "-" PARENT "-01-more"), false, false },
	{ TEXT("00-" ID "-" PARENT "-01-"), false, false },
	{ TEXT("ff-" ID "-" PARENT "-01"), false, false },
	{ TEXT("0-" ID "-" PARENT "-01"), false, false },
	{ TEXT("00-" ID "-" PARENT "-0"), false, false },
	{ TEXT("00-" ID "-" PARENT), false, false },
	{ TEXT("00-00000000000000000000000000000000-" PARENT "-01"), false, false },
	{ TEXT("00-" ID "-0000000000000000-01"), false, false },
	{ TEXT("00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01"), false, false },
	{ TEXT("0X-" ID "-" PARENT "-01"), false, false },
	{ TEXT("00-4bf92f3577b34da6a3ce929d0e0e473g-" PARENT "-01"), false, false },
	{ TEXT("00-" ID "-00F067aa0ba902b7-01"), false, false },
	{ TEXT("00-" ID "-" PARENT "-0G"), false, false },
	{ TEXT("00_" ID "-" PARENT "-01"), false, false },
	{ TEXT("00-" ID "_" PARENT "-01"), false, false },
	{ TEXT("00-" ID "-" PARENT "_01"), false, false },
	{ TEXT(" 00-" ID "-" PARENT "-01"), false, false },
	{ TEXT(""), false, false },
	{ { NULL, 0 }, false, false },
};

int
main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct traceparent t = traceparent_parse(tap_edge(rows[i].field));

		tap_text(t.trace_id, rows[i].ok ? STR(ID) : STR_ABSENT, "%s: trace", tap_show(rows[i].field));
		tap_text(t.parent_id, rows[i].ok ? STR(PARENT) : STR_ABSENT, "%s: parent", tap_show(rows[i].field));
		tap_int(t.sampled, rows[i].sampled, "%s: sampled", tap_show(rows[i].field));
	}
	return tap_end();
}
